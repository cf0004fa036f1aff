"""Shards of a small corpus that a tiny model can learn something from, and settings for that model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.tokens import Shards, open_shards, sample_texts, train_tokenizer, write_shards

SUBJECTS = ["the river", "a neighbour", "our council", "강물은", "이웃은", "우리 마을은"]
VERBS = ["has crossed", "will rebuild", "remembers", "다시 지은", "기억하는", "건너간"]
OBJECTS = [
    "the old bridge.",
    "the ferry house.",
    "that winter.",
    "옛 다리를 보았다.",
    "나루터를 지켰다.",
    "그 겨울을 말했다.",
]


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("run")
    random = np.random.default_rng(1)
    rows = []
    for number in range(400):
        side = 3 * (number % 2)
        sentences = [
            " ".join((SUBJECTS[side + a], VERBS[side + b], OBJECTS[side + c]))
            for a, b, c in random.integers(0, 3, (int(random.integers(1, 12)), 3))
        ]
        text = " ".join(sentences)
        source = "ko" if side else "en"
        rows.append({"id": document_id(str(number), text.encode()), "text": text, "source": source, "language": source})
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    files = [folder / "corpus.parquet"]
    tokenizer = train_tokenizer(sample_texts(files, 1 << 20), 320)
    write_shards(files, tokenizer, folder / "tokens", sequence_length=48, hold_out=0.1)
    return open_shards(folder / "tokens")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Family -> the folder of a tiny model of it with random weights, as transformers saves it."""
    from tiny_models import make

    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            make(name, made[name])
        return made[name]

    return folder
