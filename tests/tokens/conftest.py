"""A small corpus of two sources and two languages, with near-duplicate clusters, and its shards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.tokens import Shards, Tokenizer, open_shards, sample_texts, train_tokenizer, write_shards

ENGLISH = re.findall(
    r"\w+", "the river rose and the old bridge fell so people of the valley waited for a boat to cross"
)
KOREAN = re.findall(r"\w+", "강물이 불어나 옛 다리가 무너졌고 마을 사람들은 배를 기다리며 새 다리를 지어 달라고 했다")


def make_corpus(folder: Path, count: int = 240) -> list[Path]:
    """Two Parquet files of random sentences; every fifth document shares a cluster with the one before it."""
    random = np.random.default_rng(7)
    rows, clusters = [], []
    for number in range(count):
        words = KOREAN if number % 2 else ENGLISH
        text = " ".join(random.choice(words, int(random.integers(1, 90)))) + "."
        if number % 37 == 0:
            text = ""
        name = f"https://{'ko' if number % 2 else 'en'}.example/{number}"
        rows.append(
            {
                "id": document_id(name, text.encode()),
                "text": text,
                "url": name,
                "source": "board" if number % 3 else "news",
                "language": "ko" if number % 2 else "en",
            }
        )
        clusters.append(f"c{number // 5}" if number % 5 in (3, 4) else None)
    batch = documents(rows).append_column(
        "near_duplicates", pa.StructArray.from_arrays([pa.array(clusters)], ["cluster"])
    )
    table = pa.Table.from_batches([batch])
    files = [folder / "00000.parquet", folder / "00001.parquet"]
    pq.write_table(table.slice(0, count // 2), files[0])
    pq.write_table(table.slice(count // 2), files[1], row_group_size=50)
    return files


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def small_tokenizer(corpus: list[Path]) -> Tokenizer:
    return train_tokenizer(sample_texts(corpus, 1 << 20), 400)


@pytest.fixture(scope="session")
def shards(corpus: list[Path], small_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("run") / "tokens"
    write_shards(corpus, small_tokenizer, folder, sequence_length=32, shard_tokens=1500, hold_out=0.1, seed=3)
    return open_shards(folder)


@pytest.fixture
def write(corpus: list[Path], small_tokenizer: Tokenizer, tmp_path: Path) -> Callable[..., Shards]:
    """Write the corpus with other settings and open its training split."""

    def written(**settings: object) -> Shards:
        folder = tmp_path / "tokens"
        write_shards(corpus, small_tokenizer, folder, **({"sequence_length": 32} | settings))  # type: ignore[arg-type]
        return open_shards(folder)

    return written
