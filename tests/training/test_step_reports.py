"""What is seen of a run: figures, samples, the share of the machine's peak, and how a command ends and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from corpuskit.tokens import Shards
from corpuskit.training import TrainConfig, pretrain, read_metrics
from corpuskit.training.config import SIZES, STYLES, ModelConfig, WatchConfig
from corpuskit.training.evaluation import held_out_bits
from corpuskit.training.machine import Machine
from corpuskit.training.models import build_model, model_tokenizer
from corpuskit.training.objectives import objective_of
from corpuskit.training.reporting import duration
from corpuskit.training.samples import FILE, default_prompts
from corpuskit.training.throughput import peak_operations, window_operations


def config(kind: str = "decoder", **settings: Any) -> TrainConfig:
    model = {"kind": kind, "layers": 2, "width": 32, "heads": 2}
    defaults: dict[str, Any] = {"budget": {"steps": 8}, "batch": 8, "learning_rate": 0.01, "validate_every": 4}
    return TrainConfig.model_validate({"model": model, "precision": "float32"} | defaults | settings)


ARCHITECTURES = [(kind, style) for kind, styles in STYLES.items() for style in styles]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "style"), ARCHITECTURES)
def test_a_preset_has_the_parameters_that_its_name_says(shards: Shards, kind: str, style: str, size: str) -> None:
    asked = ModelConfig.model_validate({"kind": kind, "style": style, "size": size})
    tokenizer = model_tokenizer(asked, shards.tokenizer)
    with torch.device("meta"):
        model = build_model(asked, tokenizer, 1024, seed=0)
    embeddings = {id(m.weight): m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    outside = sum(p.numel() for p in model.parameters() if id(p) not in embeddings)
    named = float(size[:-1]) * {"M": 1e6, "B": 1e9}[size[-1]]
    assert 0.9 * named <= outside <= 1.1 * named, f"{outside:,}"


@pytest.mark.parametrize(("kind", "style"), ARCHITECTURES)
def test_operations_of_a_window_are_those_that_torch_counts(shards: Shards, kind: str, style: str) -> None:
    asked = config(model={"kind": kind, "style": style, "layers": 4, "width": 64, "heads": 4})
    tokenizer = model_tokenizer(asked.model, shards.tokenizer)
    model = build_model(asked.model, tokenizer, 48, seed=0)
    model.config._attn_implementation = "eager"  # torch counts the matrix products of attention only there
    objective = objective_of(asked, tokenizer)
    from corpuskit.tokens import TokenOrder

    order = TokenOrder(shards, batch=8)
    samples = order.samples_at(1)
    arrays = objective.arrays(order.batch_of(samples), samples)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    with FlopCounterMode(display=False) as counter:
        hidden, _ = objective.hidden(model, tensors)
        torch.nn.functional.linear(hidden, model.get_output_embeddings().weight).sum().backward()
    counted = counter.get_total_flops() / 8
    # the operator's figure leaves out small things (BERT's and ModernBERT's head, T5's relative positions)
    assert window_operations(model, asked.model.kind, 48) == pytest.approx(counted, rel=0.08)


def test_the_peak_of_a_processor_is_measured() -> None:
    peak = peak_operations(Machine("cpu", 0, 1, False))
    assert peak is not None
    assert 1e8 < peak < 1e14


def test_every_step_tells_its_figures_and_what_is_left(shards: Shards, tmp_path: Path) -> None:
    said: list[str] = []
    watch = {"peak_flops": "1G", "sample_tokens": 5, "samples_every": 4}
    pretrain(shards.folder, tmp_path, config(watch=watch), watch=lambda message, done, total: said.append(message))
    lines = read_metrics(tmp_path)
    names = ["step", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_second", "mfu"]
    assert all(list(line)[:7] == names for line in lines)
    assert all(line["mfu"] > 0 for line in lines)
    ratio = [line["mfu"] / line["tokens_per_second"] for line in lines]
    assert max(ratio) == pytest.approx(min(ratio), rel=0.02)
    assert said[0].startswith("loss ")
    assert said[0].endswith(" s left")
    assert "of peak" in said[0]
    assert [duration(seconds) for seconds in (12.2, 400, 7500)] == ["12 s", "7 min", "2 h 05 min"]


def test_validation_is_told_by_source_and_language(shards: Shards, tmp_path: Path) -> None:
    pretrain(shards.folder, tmp_path, config(watch={"samples_every": 0}, validation_tokens="1M"))
    judged = [line for line in read_metrics(tmp_path) if "validation_loss" in line]
    assert [line["step"] for line in judged] == [4, 8]
    assert set(judged[0]["bits_per_byte_by_source"]) == set(judged[0]["bits_per_byte_by_language"]) == {"en", "ko"}
    alone = held_out_bits(tmp_path, shards.folder, overlap=0)
    assert judged[-1]["bits_per_byte"] == pytest.approx(alone.all.bits_per_byte, rel=1e-5)
    assert judged[-1]["bits_per_byte_by_source"]["ko"] == pytest.approx(alone.by_source["ko"].bits_per_byte, rel=1e-5)


def test_samples_are_drawn_from_the_same_prompts_and_change_nothing(shards: Shards, tmp_path: Path) -> None:
    drawn = config(watch={"samples_every": 3, "sample_tokens": 6, "prompts": ["강물은", "the"]})
    with_samples = pretrain(shards.folder, tmp_path / "with", drawn)
    without = pretrain(shards.folder, tmp_path / "without", config(watch={"samples_every": 0}))
    assert with_samples.validation_loss == without.validation_loss
    lines = read_metrics(tmp_path / "with", FILE)
    assert [(line["step"], line["prompt"]) for line in lines] == [(s, p) for s in (3, 6, 8) for p in ("강물은", "the")]
    assert all(line["text"] for line in lines)
    assert "강" in (tmp_path / "with" / FILE).read_text(encoding="utf-8")  # for people to read: not escaped
    assert not (tmp_path / "without" / FILE).exists()
    assert len(default_prompts(shards)) == 2


def test_what_is_watched_may_change_when_a_run_goes_on(shards: Shards, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is an extra of its own")

    def halt(message: str, done: int, total: int) -> None:
        if done == 4:
            signal.raise_signal(signal.SIGTERM)

    pretrain(shards.folder, tmp_path, config(watch={"samples_every": 0}), watch=halt)
    result = pretrain(shards.folder, tmp_path, config(watch={"samples_every": 0, "tensorboard": True}))
    assert result.finished
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    lines = read_metrics(tmp_path)
    assert [event.step for event in events.Scalars("loss")] == [5, 6, 7, 8]
    assert [event.value for event in events.Scalars("loss")] == pytest.approx([line["loss"] for line in lines[4:]])
    assert events.Scalars("bits_per_byte_by_language/ko")[-1].value == pytest.approx(
        lines[-1]["bits_per_byte_by_language"]["ko"]
    )


RECIPE = """
name: small
sources: [text: {paths: texts}]
tokens: {tokenizer: {train: bpe, vocabulary: 300}, sequence_length: 32, hold_out: 0.1}
train:
  model: {layers: 2, width: 32, heads: 2}
  budget: {steps: 3000}
  batch: 4
  watch: {samples_every: 0}
"""


def test_a_stopped_command_says_how_to_go_on_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for number in range(30):
        text = "\n".join(f"강물은 {n * number % 97}번째 다리 아래로 흘러간다. The river runs." for n in range(20))
        (tmp_path / "texts" / f"{number}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(RECIPE, encoding="utf-8")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "corpuskit", "train"]
    how: dict[str, Any] = {"cwd": tmp_path, "env": environment, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, "small.yaml"], stdout=subprocess.DEVNULL, **how)
    diary = tmp_path / "runs" / "small" / "models" / "base"
    while process.poll() is None and not (diary.is_dir() and len(read_metrics(diary)) > 5):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "training stopped (SIGTERM)" in told
    assert "corpuskit train --resume runs/small" in told
    before = len(read_metrics(diary))
    assert before < 3000
    process = subprocess.Popen([*command, "--resume"], stdout=subprocess.DEVNULL, **how)
    while process.poll() is None and len(read_metrics(diary)) < before + 5:
        time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert [line["step"] for line in read_metrics(diary)][: before + 5] == list(range(1, before + 6))
    plan = json.loads((diary / "training.json").read_text())
    assert plan["finished"] is False


def test_watch_settings_have_help() -> None:
    assert all(field.description for field in WatchConfig.model_fields.values())
