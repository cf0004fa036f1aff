"""Pretraining goes on from somebody's model, with its tokenizer, its shape and its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_models import TEXTS

from corpuskit.document import document_id, documents
from corpuskit.errors import UsageError
from corpuskit.tokens import load_tokenizer, write_shards
from corpuskit.training import TrainConfig, pretrain

Make = Callable[[str], Path]


def shards_for(model: Path, folder: Path) -> Path:
    rows = [{"id": document_id(str(n), text.encode()), "text": text, "source": "a"} for n, text in enumerate(TEXTS)]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    write_shards(
        [folder / "corpus.parquet"], load_tokenizer(model), folder / "tokens", sequence_length=32, hold_out=0.1
    )
    return folder / "tokens"


@pytest.mark.parametrize("name", ["gemma2", "bert"])
def test_a_model_goes_on_and_keeps_what_it_is(name: str, family: Make, tmp_path: Path) -> None:
    base, out = family(name), tmp_path / "out"
    config = TrainConfig.model_validate(
        {"from": str(base), "budget": {"steps": 12}, "batch": 8, "precision": "float32"}
    )
    result = pretrain(shards_for(base, tmp_path), out, config)
    assert result.bits_per_byte is not None
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert min(line["loss"] for line in lines[1:]) < lines[0]["loss"]
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        assert (out / file).read_text() == (base / file).read_text(), file


def test_what_does_not_fit_is_refused(family: Make, tmp_path: Path) -> None:
    shards = shards_for(family("llama"), tmp_path)
    with pytest.raises(UsageError, match=r"another tokenizer than .* has: write the shards with its own"):
        pretrain(shards, tmp_path / "a", TrainConfig.model_validate({"from": str(family("gpt2"))}))
    with pytest.raises(UsageError, match="no model at"):
        pretrain(shards, tmp_path / "b", TrainConfig.model_validate({"from": str(tmp_path / "absent")}))
    with pytest.raises(ValueError, match="leave one of them out"):
        TrainConfig.model_validate({"from": "x", "model": {"size": "10M"}})
