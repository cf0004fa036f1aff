"""The comparison measures what it says: sizes, gains, forgetting and time, for a source or a file of texts."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from typer.testing import CliRunner

from corpuskit.cli.main import app
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import Shards, open_shards
from corpuskit.training.adapters import CompareConfig, add_target, compare, measure_overhead
from corpuskit.training.adapters.config import COMPARISON
from corpuskit.training.adapters.forgetting import ModelScores, change
from corpuskit.training.adapters.job import COMPARE
from corpuskit.training.adapters.overhead import peak_memory
from corpuskit.training.adapters.report import drawing, tables
from corpuskit.training.evaluation import held_out_bits, summarize

Folder = Callable[..., Path]
SMALL: dict[str, Any] = {
    "budget": {"steps": 20},
    "probes": 2,
    "prompt": 12,
    "tokens": 2,
    "batches": [1],
    "rounds": 3,
    "clock": "processor",
}


@pytest.mark.slow
def test_ways_side_by_side(base: Folder, shards: Shards, tmp_path: Path) -> None:
    config = CompareConfig.model_validate(
        {
            "source": "ko",
            "methods": ["lora", "prompt", "full", "head"],
            "replayed": ["full"],
            "replay": 0.3,
            "settings": {"lora": {"rank": 4}, "full": {"learning_rate": 0.003}},
        }
        | SMALL
    )
    found = compare(base("llama"), shards.folder, tmp_path, config)
    rows = {row["name"]: row for row in found.rows}
    assert list(rows) == ["lora", "prompt", "full", "full, 30 % replay", "head"]
    parameters = found.value["base"]["parameters"]
    assert rows["full"]["trainable"] == parameters
    assert rows["lora"]["trainable"] == 4 * 4 * (4 * (32 + 32) + 3 * (32 + 96))  # rank, layers, in + out of 7 matrices
    assert rows["prompt"]["trainable"] == 16 * 32
    assert rows["head"]["trainable"] == 320 * 32
    for name, row in rows.items():
        assert row["change"]["gain"]["value"] > 0, name
        after = (
            held_out_bits(
                base("llama") if row["method"] in ("lora", "prompt") else tmp_path / name.replace(" ", "-") / "model",
                shards.folder,
                adapter=tmp_path / name / "model" if row["method"] in ("lora", "prompt") else None,
                overlap=0.0,
            )
            if name in ("lora", "full")
            else None
        )
        if after is not None:  # every document of these fits into the context, whatever a prompt takes of it
            assert row["target"] == pytest.approx(after.by_source["ko"].bits_per_byte, rel=0.05)
    whole, replayed = rows["full"]["change"], rows["full, 30 % replay"]["change"]
    assert whole["forgetting"]["value"] > 3 * whole["forgetting"]["error"] > 0
    assert replayed["forgetting"]["value"] < 0.5 * whole["forgetting"]["value"]
    assert rows["lora"]["size"] < rows["full"]["size"] / 2
    assert set(found.value["merged"]) == {"1"}
    table = pa.ipc.open_file(tmp_path / "comparison.arrow").read_all()
    assert table.column("name").to_pylist() == list(rows)
    assert table.column("gain").to_pylist() == [row["change"]["gain"]["value"] for row in found.rows]

    def never(message: str, done: int, total: int) -> None:
        assert "step" not in message

    began = (tmp_path / "lora" / "measured.json").stat().st_mtime_ns
    again = compare(base("llama"), shards.folder, tmp_path, config, watch=never)
    assert (tmp_path / "lora" / "measured.json").stat().st_mtime_ns == began
    assert [row["change"] for row in again.rows] == [row["change"] for row in found.rows]
    page = tables(found.value)
    assert f"{rows['lora']['trainable']:,}" in page
    assert "full, 30 % replay" in drawing(found.value)


def test_what_a_model_does_not_take_is_said(base: Folder, shards: Shards, tmp_path: Path) -> None:
    """Through the recipe's job, in a run's folder."""
    config = CompareConfig.model_validate({"source": "ko", "methods": ["prefix", "lora"], "replayed": []} | SMALL)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "base").symlink_to(base("modernbert"))
    (tmp_path / "tokens").symlink_to(shards.folder)
    (job,) = COMPARE.jobs(config, {})
    told = job.work(tmp_path, lambda message, done, total: None)
    assert told["says"].startswith("1 way to fine-tune on 'ko': lora gains most")
    value = json.loads((tmp_path / COMPARISON / "comparison.json").read_text())
    assert "takes no prefix" in value["rows"][0]["refused"]
    assert value["rows"][1]["pace"]["1"]["decode_ms"] is None
    assert "Not possible here" in (tmp_path / COMPARISON / "comparison.md").read_text()
    assert "a prompt read" in (tmp_path / COMPARISON / "comparison.svg").read_text()


def test_a_target_of_which_nothing_is_held_out_is_refused_before_any_training(
    base: Folder, shards: Shards, tmp_path: Path
) -> None:
    (tmp_path / "one.jsonl").write_text('{"text": "a single text"}\n{"text": "and another"}\n')
    given = {"file": str(tmp_path / "one.jsonl"), "held_out_tokens": 1} | SMALL
    with pytest.raises(UsageError, match="no held-out document of 'target' is read"):
        compare(base("llama"), shards.folder, tmp_path / "out", CompareConfig.model_validate(given))
    assert not (tmp_path / "out" / "lora").exists()


def test_forgetting_is_the_change_of_the_rest_paired_by_document() -> None:
    def told(nats: list[float]) -> ModelScores:
        columns = {
            "id": ["a", "b", "c"],
            "source": ["target", "web", "web"],
            "language": ["ko", "en", "ko"],
            "nats": nats,
            "tokens": [10.0, 10.0, 10.0],
            "text_nats": nats,
            "text_bytes": [20.0, 20.0, 60.0],
        }
        return ModelScores(summarize(pa.table(columns), "next token"), {"task": 0.5 + len(nats) / 100})

    two = math.log(2)
    found = change(told([40 * two, 20 * two, 60 * two]), told([30 * two, 26 * two, 70 * two]), "target")
    assert found.gain.value == pytest.approx(10 / 20)
    assert found.forgetting is not None
    assert found.forgetting.value == pytest.approx(16 / 80)
    # C / (C - 1) times the sum of squared deviations of b (6 - 0.2 x 20) and c (10 - 0.2 x 60), over 80 bytes
    assert found.forgetting.error == pytest.approx(math.sqrt(2 * (2.0**2 + 2.0**2)) / 80)
    assert {name: one.value for name, one in found.by_language.items()} == pytest.approx({"en": 6 / 20, "ko": 10 / 60})
    assert found.probes == pytest.approx(0)
    with pytest.raises(CorpuskitError, match="nothing of the source 'forum' is held out"):
        change(told([1, 1, 1]), told([1, 1, 1]), "forum")


class Sleeper(torch.nn.Module):
    """A model that takes a known time: to the first token, and for each one after."""

    def __init__(self, first: float, each: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.config = type("Config", (), {"vocab_size": 100})
        self.first, self.each = first, each

    def can_generate(self) -> bool:
        return True

    def generate(self, input_ids: Any, max_new_tokens: int, **given: Any) -> None:
        NOW[0] += self.first * len(input_ids) + self.each * (max_new_tokens - 1)


NOW = [0.0]


def test_overhead_is_told_apart_in_reading_and_writing() -> None:
    models = {"base": Sleeper(0.01, 0.002), "slow": Sleeper(0.015, 0.0022)}
    found = measure_overhead(models, tokens=10, batches=(1, 4), rounds=3, clock=lambda: NOW[0])
    for batch in (1, 4):
        pace = found["slow"][batch]
        assert pace.prefill_ms == pytest.approx(15 * batch)
        assert pace.decode_ms == pytest.approx(2.2)
        assert (pace.prefill_overhead, pace.decode_overhead) == pytest.approx((0.5, 0.1))
        assert found["base"][batch].prefill_overhead == 0


def test_the_peak_of_memory_is_that_of_the_block() -> None:
    size = 64 << 20
    with peak_memory() as peak:
        block = np.ones(size, np.uint8)
        del block
        time.sleep(0)
    if peak.bytes is not None:
        assert 0.8 * size < peak.bytes < 1.6 * size


def test_a_file_of_texts_becomes_a_source(shards: Shards, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    pairs = [{"prompt": f"{number} + 1 = ?", "answer": str(number + 1)} for number in range(60)]
    file.write_text("".join(json.dumps(one) + "\n" for one in pairs))
    add_target(shards.folder, file, tmp_path / "tokens", hold_out=0.2)
    joined = open_shards(tmp_path / "tokens")  # verifies every file against the manifest
    held = open_shards(tmp_path / "tokens", "held_out")
    assert joined.counts.by_source["target"].documents + held.counts.by_source["target"].documents == 60
    assert joined.counts.by_source["ko"] == shards.counts.by_source["ko"]
    assert held.counts.by_source["en"] == open_shards(shards.folder, "held_out").counts.by_source["en"]
    texts = {
        joined.tokenizer.decode([int(token) for token in shard.document(row)[1:-1]])
        for shard, row in joined.documents()
        if shard.describe(row)["source"] == "target"
    }
    assert texts < {f"{number} + 1 = ?\n{number + 1}" for number in range(60)}
    assert len(texts) == joined.counts.by_source["target"].documents
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copy(file, tmp_path / "elsewhere")
    add_target(shards.folder, moved, tmp_path / "elsewhere" / "tokens", hold_out=0.2)
    assert open_shards(tmp_path / "elsewhere" / "tokens").manifest.fingerprint == joined.manifest.fingerprint
    with pytest.raises(UsageError, match="has a source 'target' already"):
        add_target(tmp_path / "tokens", file, tmp_path / "again")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": ""}', "line 2, field 'text': is empty"),
        ('{"text": 3}', "line 2: field 'answer' is missing; found 'text'"),
        ("{", "line 2: not JSON"),
    ],
)
def test_a_line_that_is_no_text_is_named(shards: Shards, tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' + line + "\n")
    with pytest.raises(UsageError, match=message):
        add_target(shards.folder, tmp_path / "a.jsonl", tmp_path / "tokens")


def test_settings_of_a_comparison() -> None:
    for given, message in (
        ({}, "give what is learned"),
        ({"source": "a", "settings": {"lora": {"width": 3}}}, "'width' is a setting of bottleneck"),
        ({"source": "a", "methods": ["full"], "settings": {"lora": {}}}, "settings for lora"),
    ):
        with pytest.raises(ValueError, match=message):
            CompareConfig.model_validate(given)
    with pytest.raises(UsageError, match="give what is learned"):
        CliRunner().invoke(app, ["adapters", "compare", "a", "b", "--out", "c"], catch_exceptions=False)
