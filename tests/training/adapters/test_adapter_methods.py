"""Every method on every architecture: it starts where the base is, learns, is written alone, and loads as trained."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import Shards, load_tokenizer
from corpuskit.training import AdaptConfig, finetune, generate
from corpuskit.training.adapters import activate, disabled, load_adapted, read_adapter
from corpuskit.training.adapters.methods import attach, thaw
from corpuskit.training.adapters.virtual import VirtualBody
from corpuskit.training.config import TrainConfig
from corpuskit.training.evaluation import held_out_bits
from corpuskit.training.models import load_model
from corpuskit.training.objectives import objective_of

Folder = Callable[..., Path]
PAIRS = [
    *((style, method) for style in ("llama", "t5") for method in ("lora", "bottleneck", "prefix", "prompt")),
    ("bert", "bottleneck"),
    ("bert", "prefix"),
    ("modernbert", "prompt"),
]


def inputs(style: str, length: int = 12) -> dict[str, Any]:
    tokens = torch.randint(5, 250, (2, length), generator=torch.Generator().manual_seed(1))
    given = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    return given | ({"decoder_input_ids": tokens[:, :6]} if style == "t5" else {})


def logits(model: Any, style: str) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(**inputs(style)).logits


@pytest.mark.parametrize(("style", "method"), PAIRS)
def test_an_adapter_learns_and_only_it_is_written(
    base: Folder, adapter: Folder, shards: Shards, style: str, method: str
) -> None:
    before = (base(style) / "model.safetensors").read_bytes()
    few = {"virtual_tokens": 4} if method in ("prefix", "prompt") else {}
    folder = adapter(style, method, budget={"steps": 30}, **few)
    start = adapter(style, method, budget={"steps": 1}, **few)
    costs = [held_out_bits(base(style), shards.folder, adapter=one).by_source["ko"].loss for one in (start, folder)]
    assert costs[1] < costs[0]
    assert not (folder / "model.safetensors").exists()
    assert (folder / "adapter_model.safetensors").stat().st_size < len(before)
    assert (base(style) / "model.safetensors").read_bytes() == before
    told = read_adapter(folder)
    assert told is not None
    assert told.method == method
    adapted = load_adapted(base(style), folder)
    plain = logits(load_model(base(style)), style)
    changed = logits(adapted, style)[:, -plain.shape[1] :]
    assert (changed - plain).abs().max() > 1e-3
    with disabled(adapted):
        assert torch.equal(logits(adapted, style), plain)
    assert torch.equal(logits(adapted, style)[:, -plain.shape[1] :], changed)
    assert torch.equal(logits(load_adapted(base(style), folder), style)[:, -plain.shape[1] :], changed)


@pytest.mark.parametrize("style", ["llama", "qwen3", "bert", "modernbert", "t5"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rslora": True},
        {"dora": True},
        {"bias": True},
        {"method": "bottleneck"},
        {"method": "bottleneck", "after": "both"},
    ],
    ids=str,
)
def test_a_new_adapter_changes_nothing(base: Folder, style: str, settings: dict[str, Any]) -> None:
    plain = logits(load_model(base(style)), style)
    adapted = attach(load_model(base(style)), AdaptConfig.model_validate(settings), "base", [5])
    torch.testing.assert_close(logits(adapted, style), plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("style", ["llama", "t5"])
def test_a_new_prefix_or_prompt_is_the_text_that_it_begins_as(base: Folder, style: str) -> None:
    """A prompt of real tokens' embeddings is those tokens; a prefix of their keys and values, in a decoder, too."""
    start = [7, 91, 30, 12]
    given = inputs(style)
    given["input_ids"] = torch.cat([torch.tensor([start, start]), given["input_ids"]], dim=1)
    given["attention_mask"] = torch.ones_like(given["input_ids"])
    with torch.no_grad():
        wanted = load_model(base(style)).eval()(**given).logits
    for method in ("prompt", "prefix") if style == "llama" else ("prompt",):
        config = AdaptConfig.model_validate({"method": method, "virtual_tokens": 4})
        got = logits(attach(load_model(base(style)), config, "base", start), style)
        length = min(got.shape[1], wanted.shape[1], 12)
        torch.testing.assert_close(got[:, -length:], wanted[:, -length:], rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("style", "method"),
    [(style, "prompt") for style in ("llama", "qwen3", "bert", "modernbert")]
    + [("llama", "prefix"), ("bert", "prefix")],
)
def test_virtual_tokens_in_a_packed_window_are_those_before_each_document(
    base: Folder, shards: Shards, style: str, method: str
) -> None:
    """The states that training sees are those of each document alone, behind peft's own model."""
    config = AdaptConfig.model_validate({"method": method, "virtual_tokens": 3})
    adapted = attach(load_model(base(style)), config, "base", [9, 8, 7]).eval()
    generator = torch.Generator().manual_seed(4)
    lengths = [[5, 1, 9], [15], [4, 4, 7]]
    tokens = torch.randint(5, 250, (3, 15), generator=generator)
    positions = torch.stack([torch.cat([torch.arange(n) for n in row]) for row in lengths])
    inner = adapted.get_base_model()
    kind = {"llama": "decoder", "qwen3": "decoder", "bert": "encoder", "modernbert": "encoder"}[style]
    objective = objective_of(TrainConfig.model_validate({"model": {"kind": kind}}), load_tokenizer(base(style)))
    targets = torch.zeros_like(tokens)
    with torch.no_grad():
        body = VirtualBody(adapted)
        hidden, _ = objective.hidden(body, {"inputs": tokens, "positions": positions, "targets": targets})
        got = torch.nn.functional.linear(hidden, *_output(inner)).view(3, 15, -1)
        for row, parts in enumerate(lengths):
            at = 0
            for length in parts:
                piece = tokens[row : row + 1, at : at + length]
                alone = adapted(input_ids=piece, attention_mask=torch.ones_like(piece)).logits[:, -length:]
                torch.testing.assert_close(got[row : row + 1, at : at + length], alone, rtol=0, atol=2e-5)
                at += length


def test_the_prompt_of_an_encoder_decoder_in_a_packed_window(base: Folder) -> None:
    config = AdaptConfig.model_validate({"method": "prompt", "virtual_tokens": 3})
    adapted = attach(load_model(base("t5")), config, "base", [9, 8, 7]).eval()
    tokens = torch.randint(5, 250, (1, 12), generator=torch.Generator().manual_seed(4))
    decoder = torch.randint(5, 250, (1, 7), generator=torch.Generator().manual_seed(5))
    here, there = torch.tensor([[1] * 5 + [2] * 7]), torch.tensor([[1] * 3 + [2] * 4])
    objective = objective_of(
        TrainConfig.model_validate({"model": {"kind": "encoder-decoder"}}), load_tokenizer(base("t5"))
    )
    given = {"inputs": tokens, "documents": here, "decoder_inputs": decoder, "decoder_documents": there}
    with torch.no_grad():
        hidden, _ = objective.hidden(VirtualBody(adapted), given | {"targets": decoder})
        got = torch.nn.functional.linear(hidden, *_output(adapted.get_base_model()))
        for read, written in ((slice(0, 5), slice(0, 3)), (slice(5, 12), slice(3, 7))):
            alone = adapted(
                input_ids=tokens[:, read],
                attention_mask=torch.ones_like(tokens[:, read]),
                decoder_input_ids=decoder[:, written],
            ).logits[0]
            torch.testing.assert_close(got[written], alone, rtol=0, atol=2e-5)


def _output(model: Any) -> tuple[Any, Any]:
    layer = model.get_output_embeddings()
    return layer.weight, getattr(layer, "bias", None)


@pytest.mark.parametrize(
    ("method", "style"),
    [
        ("full", "llama"),
        ("last_layer", "bert"),
        ("last_layer", "t5"),
        ("head", "llama"),
        ("head", "bert"),
        ("head", "t5"),
    ],
)
def test_own_weights_are_trained_where_they_should_be(base: Folder, adapter: Folder, style: str, method: str) -> None:
    if (style, method) == ("t5", "head"):
        with pytest.raises(UsageError, match="no output layer of its own"):
            adapter(style, method)
        return
    before = load_model(base(style)).state_dict()
    folder = adapter(style, method)
    model = load_model(folder)
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    output = {name for name, weight in model.named_parameters() if weight is model.get_output_embeddings().weight}
    embeddings = {name for name, w in model.named_parameters() if w is model.get_input_embeddings().weight}
    if method == "full":
        assert {name for name, _ in model.named_parameters()} <= changed
    elif method == "last_layer":
        assert changed
        assert all(".3." in name or ".1." in name for name in changed)
    else:
        assert output <= changed
        assert not embeddings & changed
        assert not model.config.tie_word_embeddings
        assert len(changed) <= 3  # with its bias, which BERT names twice
    assert not (folder / "adapter_config.json").exists()


def test_a_trained_head_comes_back_with_its_bias(base: Folder, tmp_path: Path) -> None:
    model = thaw(load_model(base("bert")), "head").eval()
    layer = model.get_output_embeddings()
    with torch.no_grad():
        layer.bias.add_(torch.arange(len(layer.bias)))
        layer.weight.mul_(2)
        asked = torch.tensor([[5, 6, 7, 8]])
        model.save_pretrained(tmp_path)
        assert torch.equal(load_model(tmp_path).eval()(asked).logits, model(asked).logits)


def test_a_stopped_fine_tuning_ends_in_the_same_bits(base: Folder, shards: Shards, tmp_path: Path) -> None:
    for method in ("prompt", "head"):
        config = AdaptConfig.model_validate({"method": method, "budget": {"steps": 10}})
        finetune(base("llama"), shards.folder, tmp_path / f"{method}-whole", config)

        def halt(message: str, done: int, total: int) -> None:
            if done == 4:
                os.kill(os.getpid(), signal.SIGTERM)

        assert not finetune(base("llama"), shards.folder, tmp_path / method, config, watch=halt).finished
        assert finetune(base("llama"), shards.folder, tmp_path / method, config).finished
        name = "model.safetensors" if method == "head" else "adapter_model.safetensors"
        assert (tmp_path / method / name).read_bytes() == (tmp_path / f"{method}-whole" / name).read_bytes()


def test_adapters_are_switched_and_stacked(base: Folder, adapter: Folder) -> None:
    ours = {
        "a": adapter("llama", "lora"),
        "b": adapter("llama", "lora", source="en"),
        "c": adapter("llama", "bottleneck"),
    }
    model = load_adapted(base("llama"), ours)
    alone = {name: logits(load_adapted(base("llama"), folder), "llama") for name, folder in ours.items()}
    stacked = logits(model, "llama")
    for name, wanted in alone.items():
        activate(model, name)
        torch.testing.assert_close(logits(model, "llama"), wanted, rtol=0, atol=1e-6)
    assert all((stacked - wanted).abs().max() > 1e-3 for wanted in alone.values())
    activate(model, "a", "b", "c")
    torch.testing.assert_close(logits(model, "llama"), stacked, rtol=0, atol=0)
    activate(model)
    assert torch.equal(logits(model, "llama"), logits(load_model(base("llama")), "llama"))
    with pytest.raises(UsageError, match="no adapter 'd' is loaded"):
        activate(model, "d")


def test_prompts_are_switched_and_not_stacked(base: Folder, adapter: Folder) -> None:
    ours = {"a": adapter("llama", "prompt"), "b": adapter("llama", "prompt", source="en")}
    model = load_adapted(base("llama"), ours)
    alone = {name: logits(load_adapted(base("llama"), folder), "llama") for name, folder in ours.items()}
    for name, wanted in alone.items():
        activate(model, name)
        assert torch.equal(logits(model, "llama"), wanted)
    with pytest.raises(UsageError, match="exactly one acts"):
        activate(model, "a", "b")
    with pytest.raises(UsageError, match="do not go together"):
        load_adapted(base("llama"), ours | {"c": adapter("llama", "lora")})


def test_an_adapter_of_another_model_is_refused(base: Folder, adapter: Folder, tmp_path: Path) -> None:
    folder = adapter("llama", "lora")
    with pytest.raises(CorpuskitError, match="was trained on another model"):
        load_adapted(base("qwen3"), folder)
    with pytest.raises(CorpuskitError, match="was trained on another model"):
        generate(base("qwen3"), "다리", adapter=folder)
    with pytest.raises(UsageError, match="it has no adapter_config"):
        load_adapted(base("llama"), tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "adapter.json").write_text(json.dumps({"method": "lora", "base": 3}))
    with pytest.raises(UsageError, match=r"adapter\.json, field base"):
        load_adapted(base("llama"), copy)
    (copy / "adapter.json").unlink()  # as another tool leaves it: nothing but shapes to judge by
    assert load_adapted(base("llama"), copy) is not None
    with pytest.raises(CorpuskitError, match="does not fit this model"):
        load_adapted(base("bert"), copy)


@pytest.mark.parametrize("method", ["lora", "bottleneck", "prefix", "prompt"])
def test_models_with_adapters_write(base: Folder, adapter: Folder, method: str) -> None:
    for style in ("llama", "t5"):
        assert generate(base(style), "강물은", tokens=6, temperature=0, adapter=adapter(style, method)) is not None


def test_replay_reads_the_other_sources_in_its_share(base: Folder, shards: Shards, tmp_path: Path) -> None:
    config = AdaptConfig.model_validate({"source": "ko", "replay": 0.25, "batch": 32, "budget": {"epochs": 1}})
    result = finetune(base("llama"), shards.folder, tmp_path / "a", config)
    plain = finetune(base("llama"), shards.folder, tmp_path / "b", config.model_copy(update={"replay": 0.0}))
    assert result.steps == pytest.approx(plain.steps / 0.75, abs=1.5)
    with pytest.raises(UsageError, match="no source 'kr'; valid here: en, ko"):
        finetune(base("llama"), shards.folder, tmp_path / "c", AdaptConfig(source="kr"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "prompt", "rank": 4}, "'rank' is a setting of lora, and the method is prompt"),
        ({"width": 4}, "'width' is a setting of bottleneck"),
        ({"virtual_tokens": 4}, "'virtual_tokens' is a setting of prefix"),
        ({"dora": True, "bias": True}, "do not go together"),
        ({"replay": 0.1}, "name the one that is learned as 'source'"),
    ],
)
def test_settings_of_other_methods_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdaptConfig.model_validate(settings)


def test_a_modernbert_takes_no_prefix(base: Folder, shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ModernBERT takes no prefix"):
        finetune(base("modernbert"), shards.folder, tmp_path, AdaptConfig(method="prefix"))
