"""A run ends in the same model however it was stopped, refuses what does not fit, and says what it left out."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import Shards
from corpuskit.training import (
    AdaptConfig,
    Budget,
    TrainConfig,
    finetune,
    generate,
    pretrain,
    read_metrics,
    training_order,
)
from corpuskit.training.models import load_model
from corpuskit.training.optimization import Spikes, learning_rate
from corpuskit.training.trainer import Trainer


def config(kind: str = "decoder", **settings: Any) -> TrainConfig:
    """A model that trains in a second."""
    model = {"kind": kind, "layers": 2, "width": 32, "heads": 2} | settings.pop("model", {})
    defaults: dict[str, Any] = {
        "watch": {"samples_every": 0},
        "budget": {"steps": 12},
        "batch": 8,
        "learning_rate": 0.01,
        "checkpoint_every": 4,
    }
    return TrainConfig.model_validate({"model": model, "precision": "float32"} | defaults | settings)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def steps_of(folder: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(folder)]


@pytest.mark.parametrize(
    ("kind", "steps", "rate"), [("decoder", 120, 0.01), ("encoder", 600, 0.003), ("encoder-decoder", 120, 0.01)]
)
def test_each_architecture_learns_and_loads(shards: Shards, tmp_path: Path, kind: str, steps: int, rate: float) -> None:
    import transformers

    result = pretrain(
        shards.folder, tmp_path, config(kind, budget={"steps": steps}, learning_rate=rate, precision="auto")
    )
    assert result.finished
    assert result.bits_per_byte is not None
    assert result.unigram_bits_per_byte is not None
    assert result.bits_per_byte < 0.8 * result.unigram_bits_per_byte
    auto = {"decoder": "CausalLM", "encoder": "MaskedLM", "encoder-decoder": "Seq2SeqLM"}[kind]
    model = getattr(transformers, f"AutoModelFor{auto}").from_pretrained(tmp_path)
    assert sum(parameter.numel() for parameter in model.parameters()) == result.parameters
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    plain = shards.tokenizer.encode(["다리"])[0].tolist()
    assert tokenizer("다리", add_special_tokens=False).input_ids == plain
    assert tokenizer("다리").input_ids[:2] == [shards.tokenizer.begin, plain[0]]  # as every document began in training
    lines = read_metrics(tmp_path)
    assert [line["step"] for line in lines] == list(range(1, steps + 1))
    assert sum("validation_loss" in line for line in lines) == 10
    if kind == "encoder":
        with pytest.raises(UsageError, match="is an encoder"):
            generate(tmp_path, "다리")
    else:
        text = generate(tmp_path, "the river", tokens=12)
        assert text == generate(tmp_path, "the river", tokens=12)
        assert text != generate(tmp_path, "the river", tokens=12, seed=5) or not text


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adamw", "schedule": "wsd"}, {"model": {"style": "qwen3"}}])
def test_a_run_stopped_anywhere_ends_in_the_same_bits(shards: Shards, tmp_path: Path, settings: dict[str, Any]) -> None:
    whole = pretrain(shards.folder, tmp_path / "whole", config(**settings))
    for number, stop in enumerate(random.Random(3).sample(range(1, 12), 4)):
        folder = tmp_path / str(number)

        def halt(message: str, done: int, total: int, at: int = stop) -> None:
            if done == at:
                os.kill(os.getpid(), signal.SIGTERM)

        stopped = pretrain(shards.folder, folder, config(**settings), watch=halt)
        assert (stopped.finished, stopped.stopped_by, stopped.steps) == (False, "SIGTERM", stop)
        resumed = pretrain(shards.folder, folder, config(**settings))
        assert resumed.finished
        assert weights(folder) == weights(tmp_path / "whole")
        assert steps_of(folder) == steps_of(tmp_path / "whole")
        assert resumed.validation_loss == whole.validation_loss


def test_weights_lie_where_torch_puts_its_own(shards: Shards, tmp_path: Path) -> None:
    """Products of matrices differ in their last bits by alignment: another process would get other bits."""
    pretrain(shards.folder, tmp_path, config(budget={"steps": 1}))
    assert {weights.data_ptr() % 64 for weights in load_model(tmp_path).parameters()} == {0}


def test_parts_of_a_step_add_up(shards: Shards, tmp_path: Path) -> None:
    pretrain(shards.folder, tmp_path / "whole", config())
    pretrain(shards.folder, tmp_path / "parts", config(parts=3, checkpoint_activations=True))
    losses = [[loss for _, loss in steps_of(tmp_path / name)] for name in ("whole", "parts")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


def test_a_step_can_be_traced_to_its_documents(shards: Shards, tmp_path: Path) -> None:
    pretrain(shards.folder, tmp_path, config())
    found = training_order(tmp_path, shards.folder)
    assert found is not None
    order, steps = found
    assert steps == 12
    seen = order.trace(12)[0]
    assert 12 in order.steps_of(seen.id, steps)
    assert training_order(tmp_path / "nothing", shards.folder) is None


def test_a_finished_run_is_not_run_again_and_other_settings_are_refused(shards: Shards, tmp_path: Path) -> None:
    first = pretrain(shards.folder, tmp_path, config())

    def never(message: str, done: int, total: int) -> None:
        raise AssertionError(message)

    assert pretrain(shards.folder, tmp_path, config(), watch=never) == first
    with pytest.raises(UsageError, match=r"learning_rate was 0\.01, is 0\.02"):
        pretrain(shards.folder, tmp_path, config(learning_rate=0.02))
    again = pretrain(shards.folder, tmp_path, config(learning_rate=0.02), resume=False)
    assert again.loss != first.loss


def test_a_nan_batch_is_skipped_and_reported(shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Trainer._gradients

    def poisoned(self: Trainer, step: int) -> tuple[float, float]:
        loss, norm = plain(self, step)
        if step == 5:
            for parameter in self.model.parameters():
                parameter.grad *= float("nan")
            return float("nan"), float("nan")
        return loss, norm

    monkeypatch.setattr(Trainer, "_gradients", poisoned)
    result = pretrain(shards.folder, tmp_path, config())
    assert result.skipped == [{"step": 5, "reason": "loss is nan"}]
    line = read_metrics(tmp_path)[4]
    assert (line["step"], line["loss"], line["skipped"]) == (5, None, "loss is nan")
    assert all(torch.isfinite(parameter).all() for parameter in load_model(tmp_path).parameters())


def test_a_training_that_diverges_ends(shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "_gradients", lambda self, step: (float("inf"), 1.0))
    with pytest.raises(CorpuskitError, match="training diverged: the last 20 steps up to 20 were skipped"):
        pretrain(shards.folder, tmp_path, config(budget={"steps": 50}))


def test_a_loss_that_stands_out_is_a_spike() -> None:
    spikes = Spikes()
    for number in range(40):
        assert not spikes.reason(3 + 0.1 * (number % 2), 1.0)
        spikes.add(3 + 0.1 * (number % 2))
    assert "is a spike" in spikes.reason(4.0, 1.0)
    assert not spikes.reason(3.2, 1.0)
    assert spikes.reason(3.0, float("inf")) == "gradient norm is inf"
    assert Spikes(list(spikes.losses)).reason(4.0, 1.0) == spikes.reason(4.0, 1.0)


def test_damaged_shards_and_an_unreadable_plan_are_named(shards: Shards, tmp_path: Path) -> None:
    copy = tmp_path / "tokens"
    shutil.copytree(shards.folder, copy)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "training.json").write_text("{}")
    with pytest.raises(UsageError, match="is not a training plan of this version"):
        pretrain(copy, tmp_path / "model", config())
    with (copy / "train" / "00000.arrow").open("r+b") as file:
        file.truncate(500)
    with pytest.raises(CorpuskitError, match=r"00000\.arrow has 500 bytes"):
        pretrain(copy, tmp_path / "model", config())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": {"steps": 1, "tokens": 5}}, "one of tokens, steps, epochs or minutes"),
        ({"model": {"kind": "encoder", "style": "llama"}}, "style 'llama' is no encoder"),
        ({"model": {"width": 100, "heads": 3}}, "does not split into 3 heads"),
        ({"goldfish": 1}, "leaves every token out"),
        ({"goldfish": 4, "model": {"kind": "encoder"}}, "goldfish is for a decoder"),
        ({"model": {"kind": "encoder-decoder", "layers": 3}}, "3 is odd"),
        ({"budget": {"tokens": "many"}}, "is not a count"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("budget", "steps"), [({"tokens": "9.6k"}, 25), ({"epochs": 2}, None), ({"minutes": 0.02}, None)]
)
def test_budgets_come_to_steps(shards: Shards, tmp_path: Path, budget: dict[str, Any], steps: int | None) -> None:
    result = pretrain(shards.folder, tmp_path, config(budget=budget))
    if steps is not None:
        assert result.steps == steps
    elif "epochs" in budget:
        assert result.tokens == pytest.approx(2 * shards.counts.tokens, rel=0.05)
    else:
        assert result.seconds < 3


def test_the_learning_rate_rises_and_falls() -> None:
    cosine = [learning_rate(step, 100, 1.0, 0.1, "cosine") for step in range(1, 101)]
    assert cosine[:3] == [0.1, 0.2, 0.3]
    assert max(cosine) == cosine[9] == 1.0
    assert cosine[-1] == pytest.approx(0.1)
    stable = [learning_rate(step, 100, 1.0, 0.1, "wsd") for step in range(1, 101)]
    assert stable[9:80] == [1.0] * 71
    assert stable[-1] == pytest.approx(0.05)


def test_an_adapter_is_all_that_is_written_and_loads_as_trained(shards: Shards, tmp_path: Path) -> None:
    import peft

    base, folder = tmp_path / "base", tmp_path / "lora"
    pretrain(shards.folder, base, config())
    before = weights(base)
    settings = AdaptConfig(budget=Budget(steps=40), source="ko", rank=4, dropout=0.1)
    result = finetune(base, shards.folder, folder, settings)
    assert result.finished
    assert weights(base) == before
    assert not (folder / "model.safetensors").exists()
    adapted = peft.PeftModel.from_pretrained(load_model(base), folder)
    inputs = torch.from_numpy(shards.shards[0].document(0)[None].astype("int64"))
    with torch.no_grad():
        changed = adapted(inputs).logits
        with adapted.disable_adapter():
            plain = adapted(inputs).logits
        assert torch.equal(plain, load_model(base)(inputs).logits)
        torch.testing.assert_close(adapted.merge_and_unload()(inputs).logits, changed, rtol=1e-4, atol=1e-4)
    assert not torch.equal(plain, changed)
    again = finetune(base, shards.folder, tmp_path / "again", settings)
    assert again.loss == result.loss
    read = [(tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("lora", "again")]
    assert read[0] == read[1]
    assert generate(base, "강물은", tokens=8, temperature=0, adapter=folder) is not None


def test_an_adapter_needs_the_model_that_the_shards_fit(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model at"):
        finetune(tmp_path, shards.folder, tmp_path / "lora")
    pretrain(shards.folder, tmp_path / "base", config())
    copy = tmp_path / "tokens"
    shutil.copytree(shards.folder, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"sequence_length": 64}))
    with pytest.raises(CorpuskitError, match=r"windows of 64 tokens, and .* reads 48"):
        finetune(tmp_path / "base", copy, tmp_path / "lora")
    manifest["tokenizer"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorpuskitError, match="another tokenizer"):
        finetune(tmp_path / "base", copy, tmp_path / "lora")
