"""A model and a file of texts are enough for an adapter, and what it gained is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpuskit.cli.main import app
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import open_shards
from corpuskit.training.adapters import AdaptConfig, read_adapter, tune
from corpuskit.training.adapters.folder import weights_digest

SETTINGS = {"budget": {"epochs": 6}, "batch": 4}


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.jsonl"
    lines = [
        json.dumps({"text": f"{day}일 아침 배는 {place} 앞 바다를 지나 섬으로 갔다."}, ensure_ascii=False)
        for day in range(1, 21)
        for place in ("안양", "광주", "속초")
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("method", ["lora", "full"])
def test_held_out_texts_of_the_file_cost_less_afterwards(
    base: Callable[[str], Path], texts: Path, tmp_path: Path, method: str
) -> None:
    model, out = base("llama"), tmp_path / "out"
    untouched = weights_digest(model)
    config = AdaptConfig.model_validate(SETTINGS | {"method": method})
    found = tune(model, texts, out, config, sequence_length=64, hold_out=0.2, probes=0)
    assert found.after < found.before - 0.1
    assert found.change.gain.value == pytest.approx(found.before - found.after, abs=1e-9)
    assert found.change.probes is None
    told = json.loads((out / "tuning" / "change.json").read_text())
    assert (told["before"], told["after"]) == (found.before, found.after)
    shards = open_shards(out / "tuning" / "tokens").manifest
    assert 4 <= shards.held_out.documents <= 24
    assert shards.held_out.documents + shards.train.documents == 60
    assert weights_digest(model) == untouched
    if method == "lora":
        assert read_adapter(out).base == untouched
    else:
        assert (out / "model.safetensors").is_file()


def test_a_second_call_trains_nothing_and_finds_the_same(
    base: Callable[[str], Path], texts: Path, tmp_path: Path
) -> None:
    config = AdaptConfig.model_validate({"budget": {"steps": 4}})
    first = tune(base("llama"), texts, tmp_path / "out", config, sequence_length=64, probes=0)
    written = (tmp_path / "out" / "adapter_model.safetensors").stat().st_mtime_ns
    second = tune(base("llama"), texts, tmp_path / "out", config, sequence_length=64, probes=0)
    assert (tmp_path / "out" / "adapter_model.safetensors").stat().st_mtime_ns == written
    assert second.after == first.after


def test_what_cannot_be_done_is_said(base: Callable[[str], Path], texts: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model at nowhere"):
        tune("nowhere", texts, tmp_path / "out")
    with pytest.raises(UsageError, match="'source' and 'replay' need the shards of a corpus"):
        tune(base("llama"), texts, tmp_path / "out", AdaptConfig(source="ko"))
    (tmp_path / "one.jsonl").write_text('{"text": "하나"}\n')
    with pytest.raises(CorpuskitError, match="nothing to train on: 0 documents are empty, 1 are held out"):
        tune(base("llama"), tmp_path / "one.jsonl", tmp_path / "out", hold_out=1e-9)
    (tmp_path / "bad.jsonl").write_text('{"text": "하나"}\n{"text": 7}\n')
    with pytest.raises(UsageError, match=r"bad\.jsonl, line 2: field 'answer' is missing"):
        tune(base("llama"), tmp_path / "bad.jsonl", tmp_path / "out")


def test_the_command_says_what_was_gained_and_corrects_a_misspelt_setting(
    base: Callable[[str], Path], texts: Path, tmp_path: Path
) -> None:
    asked = ["adapters", "tune", str(base("llama")), str(texts), "--out", str(tmp_path / "out"), "--length", "64"]
    done = CliRunner().invoke(app, [*asked, "--set", "budget={steps: 4}"], catch_exceptions=False)
    assert "bits a byte before" in " ".join(done.output.split())
    with pytest.raises(UsageError, match="rankk: unknown key; did you mean 'rank'"):
        CliRunner().invoke(app, [*asked, "--set", "rankk=2"], catch_exceptions=False)
