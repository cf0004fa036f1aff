"""Audits of what is small, empty, without copies or without a held-out text end in a summary or in a clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.errors import UsageError
from corpuskit.memorization import AuditConfig, audit
from corpuskit.tokens import train_tokenizer, write_shards

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TEXTS = [
    "The heron crossed the wide field at dawn, long before the miller had opened his gate.",
    "",
    "전화번호는 바뀌지 않았고, 그는 다음 날에도 같은 자리에서 기차를 기다렸다.",
    "x",
    "Nobody in the village asked why the fox had come back with a ribbon around its neck.",
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    rows = [
        {"id": document_id(str(n), text.encode()), "text": text, "url": f"http://x/{n}", "source": "web"}
        for n, text in enumerate(TEXTS)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    tokenizer = train_tokenizer(TEXTS, 300)
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", sequence_length=32, hold_out=0.0)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=64,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder / "model")
    tokenizer.save(folder / "model")
    return folder


def nothing(texts: list[str]) -> list[list[object]]:
    return [[] for _ in texts]


def test_a_corpus_without_copies_or_held_out_text_is_audited(plain: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=50, prefix=8, suffix=8, generations=3)
    value = audit(plain / "model", plain / "tokens", tmp_path / "a", config, personal=nothing).value  # type: ignore[arg-type]
    json.dumps(value, allow_nan=False)
    assert [group["copies"] for group in value["by_copies"]] == [1]
    assert value["extraction"]["held_out"]["windows"] == 0
    assert (value["extraction"]["held_out"]["low"], value["extraction"]["held_out"]["high"]) == (0.0, 1.0)
    assert value["near_verbatim"]["held_out"]["windows"] == 0
    assert value["law"] is None
    assert value["personal"] is None
    assert value["identifiers"] is None
    assert value["generations"]["held_out_share"] is None
    assert "fewer than" in value["membership"]["withheld"]


def test_windows_longer_than_every_document_leave_nothing_to_say(plain: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=50, prefix=32, suffix=32, generations=0)
    short = audit(plain / "model", plain / "tokens", tmp_path / "a", config.model_copy(update={"suffix": 31})).value
    json.dumps(short, allow_nan=False)
    assert short["extraction"]["train"]["detectable"] == 1 or short["extraction"]["train"]["windows"] > 0


def test_windows_longer_than_the_context_are_refused(plain: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=50, prefix=40, suffix=30)
    with pytest.raises(UsageError, match=r"70 tokens do not fit .*context of 64"):
        audit(plain / "model", plain / "tokens", tmp_path / "a", config)


def test_a_reference_with_another_tokenizer_is_refused(plain: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    small = transformers.LlamaConfig(
        vocab_size=200, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1
    )
    transformers.LlamaForCausalLM(small).save_pretrained(other)
    config = AuditConfig(windows=5, prefix=8, suffix=8, reference=str(other))
    with pytest.raises(UsageError, match="made with another tokenizer"):
        audit(plain / "model", plain / "tokens", tmp_path / "a", config)
