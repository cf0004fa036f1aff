"""What is held out has no near-duplicate in the training split: copies are planted, and every pair is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import documents
from corpuskit.duplicates import cluster
from corpuskit.tokens import Shards, Tokenizer, open_shards, write_shards

WORDS = ["강물", "다리", "마을", "나루", "겨울", "홍수", "river", "bridge", "village", "ferry", "winter", "flood"]


def shingled(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def leaks(train: list[str], held_out: list[str]) -> int:
    """Held-out texts with a training text at a Jaccard index of 0.8 or more, every pair compared."""
    known = [shingled(text) for text in train]
    return sum(any(len(mine & other) >= 0.8 * len(mine | other) for other in known) for mine in map(shingled, held_out))


@pytest.fixture(scope="module")
def planted() -> list[str]:
    """Sixty texts, each with four copies in which the last word is another."""
    random = np.random.default_rng(3)
    originals = [[f"{word}{random.integers(99)}" for word in random.choice(WORDS, 60)] for _ in range(60)]
    texts = [" ".join([*words[:-1], f"copy{n}"]) for words in originals for n in range(5)]
    return [texts[i] for i in random.permutation(len(texts))]


def held_apart(
    texts: list[str], tokenizer: Tokenizer, folder: Path, clusters: list[str | None] | None
) -> tuple[list[str], list[str]]:
    batch = documents([{"id": f"{n:032x}", "text": text, "language": "en"} for n, text in enumerate(texts)])
    if clusters is not None:
        column = pa.StructArray.from_arrays([pa.array(clusters, pa.string())], ["cluster"])
        batch = batch.append_column("near_duplicates", column)
    pq.write_table(pa.Table.from_batches([batch]), folder / "corpus.parquet", row_group_size=37)
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", hold_out=0.2, seed=1)

    def read(shards: Shards) -> list[str]:
        return [texts[int(str(shard.describe(row)["id"]), 16)] for shard, row in shards.documents()]

    return read(open_shards(folder / "tokens")), read(open_shards(folder / "tokens", "held_out"))


def test_nothing_leaks_where_clusters_are_known(planted: list[str], small_tokenizer: Tokenizer, tmp_path: Path) -> None:
    found = cluster(planted, language="en").cluster
    train, held_out = held_apart(planted, small_tokenizer, tmp_path, [f"c{number}" for number in found])
    assert len(train) + len(held_out) == len(planted)
    assert len(held_out) >= 50
    assert leaks(train, held_out) == 0


def test_copies_would_leak_without_them(planted: list[str], small_tokenizer: Tokenizer, tmp_path: Path) -> None:
    """The check above can fail."""
    train, held_out = held_apart(planted, small_tokenizer, tmp_path, None)
    assert leaks(train, held_out) > len(held_out) / 2
