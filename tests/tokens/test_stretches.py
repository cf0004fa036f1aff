"""A source with too few documents to hold one out gives up stretches of its texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.document import document_id, documents
from corpuskit.tokens import open_shards, train_tokenizer, write_shards
from corpuskit.tokens.stretches import stretches
from corpuskit.tokens.tokenizer import Tokenizer

LINES = [f"Pier {number} of Gull Island was mended before the storms of year {7 * number}." for number in range(400)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(LINES, 400)


def write(folder: Path, texts: Sequence[tuple[str, str]], tokenizer: Tokenizer, hold_out: float = 0.1) -> Path:
    rows = [
        {"id": document_id(str(number), text.encode()), "text": text, "source": source}
        for number, (source, text) in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", hold_out=hold_out, sequence_length=64)
    return folder / "tokens"


def texts_of(folder: Path, split: str) -> list[tuple[str, str]]:
    """(source, text) of each row of a split."""
    opened = open_shards(folder, split)  # type: ignore[arg-type]
    return [
        (str(shard.describe(row)["source"]), opened.tokenizer.decode(shard.document(row)))
        for shard in opened.shards
        for row in range(len(shard))
    ]


def test_one_document_is_held_out_in_part_and_trained_on_for_the_rest(tmp_path: Path, tokenizer: Tokenizer) -> None:
    text = "\n".join(LINES)
    folder = write(tmp_path, [("one", text)], tokenizer)
    train, held = ([text for _, text in texts_of(folder, split)] for split in ("train", "held_out"))
    share = sum(map(len, held)) / len(text)
    assert 0.05 < share < 0.2
    lines = [set("".join(pieces).split("\n")) for pieces in (train, held)]
    assert set(LINES) - {""} <= lines[0] | lines[1]
    assert not (lines[0] & lines[1]) - {""}
    assert {str(row) for row in open_shards(folder, "held_out").shards[0].table.column("id").to_pylist()} == {
        str(row) for row in open_shards(folder, "train").shards[0].table.column("id").to_pylist()
    }


def test_every_source_of_few_documents_has_held_out_text(tmp_path: Path, tokenizer: Tokenizer) -> None:
    many = [("many", line) for line in LINES]
    few = [("few", "\n".join(LINES[start : start + 40])) for start in (0, 40, 80)]
    folder = write(tmp_path, many + few, tokenizer, hold_out=0.02)
    assert {source for source, _ in texts_of(folder, "held_out")} == {"many", "few"}
    # documents of a large source stay whole
    assert all(text in LINES for source, text in texts_of(folder, "train") if source == "many")


def test_nothing_is_cut_where_nothing_is_held_out(tmp_path: Path, tokenizer: Tokenizer) -> None:
    folder = write(tmp_path, [("one", "\n".join(LINES))], tokenizer, hold_out=0)
    assert len(texts_of(folder, "train")) == 1


@given(st.text(alphabet="ab \n가", min_size=1, max_size=400), st.integers(5, 60))
def test_stretches_put_together_are_the_text(text: str, size: int) -> None:
    pieces = stretches(text, size)
    assert "".join(pieces) == text
    assert all(len(piece) <= 3 * size for piece in pieces)
