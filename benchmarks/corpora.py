"""The reference texts as corpuskit's own files, for benchmarks that begin behind the cleaning."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from peers import DATA

from corpuskit.document import documents
from corpuskit.tokens import sample_texts, train_tokenizer, write_shards


def reference_parquet(folder: Path, times: int = 1) -> Path:
    """A Parquet file of the English articles and Korean petitions, each text `times` times under another number."""
    articles = (DATA / "duplicates/mccormick/articles_1000.train").read_text(encoding="utf-8").splitlines()
    months = sorted((DATA / "duplicates/petitions").iterdir())
    petitions = [json.loads(line)["content"] for month in months for line in month.open(encoding="utf-8")]
    texts = [("en", line.partition(" ")[2]) for line in articles] + [("ko", text) for text in petitions]
    rows = [
        {"id": f"{number:032x}", "text": f"{number} {text}", "source": "reference", "language": language}
        for number, (language, text) in enumerate(texts * times)
    ]
    path = folder / "corpus.parquet"
    pq.write_table(pa.Table.from_batches([documents(rows)]), path)
    return path


def reference_shards(folder: Path) -> Path:
    """Token shards of the reference texts."""
    corpus = reference_parquet(folder)
    write_shards([corpus], train_tokenizer(sample_texts([corpus], 4 << 20), 8000), folder / "tokens", hold_out=0)
    return folder / "tokens"
