"""Encoding, Parquet in to tokens on disk, beside `datasets.map` with `tokenizers`; and the encoders alone.

    python benchmarks/tokens_encoding.py [CORPUS.parquet] [--vocabulary 16000]

Every side runs in this one process environment with one thread for encoding, each on the same file, and is timed by
process CPU time, with wall time beside it. Ids are compared document by document before anything is timed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}

import pyarrow.parquet as pq
from corpora import reference_parquet

from corpuskit.tokens import open_shards, sample_texts, train_tokenizer, write_shards


def timed(name: str, size: int, function: Callable[[], Any]) -> float:
    cpu, wall = time.process_time(), time.perf_counter()
    function()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:42s} {size / cpu / 1e6:8.1f} MB a CPU-second   {cpu:7.2f} CPU-s   {wall:7.2f} s wall", flush=True)
    return cpu


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path, nargs="?", help="a Parquet file; the reference texts without one")
    parser.add_argument("--vocabulary", type=int, default=16_000)
    options = parser.parse_args()
    if options.corpus is None:
        options.corpus = reference_parquet(Path(tempfile.mkdtemp(prefix="bench-")), 8)
    table = pq.read_table(options.corpus, columns=["text"])
    texts = [text for text in table.column("text").to_pylist() if text]
    size = sum(len(text.encode()) for text in texts)
    tokenizer = train_tokenizer(sample_texts([options.corpus], 16 << 20), options.vocabulary)
    print(f"{len(texts):,} documents, {size / 1e6:.1f} MB, vocabulary {tokenizer.vocabulary:,}")
    assert tokenizer.fast
    assert tokenizer.agrees(texts), "ids differ"
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        write_shards([options.corpus], tokenizer, here / "warm")

        def theirs() -> None:
            import datasets

            reference = tokenizer.reference
            begin, end = tokenizer.begin, tokenizer.end

            def encode(batch: dict[str, list[str]]) -> dict[str, Any]:
                rows = reference.encode_batch_fast(batch["text"], add_special_tokens=False)
                return {"tokens": [[begin, *row.ids, end] for row in rows]}

            data = datasets.Dataset.from_parquet(str(options.corpus), cache_dir=str(here / "cache"))
            keep = {"id", "url", "source", "language"}
            drop = [name for name in data.column_names if name not in keep]
            data.map(encode, batched=True, batch_size=1000, remove_columns=drop).save_to_disk(here / "theirs")

        ours = timed("corpuskit.write_shards", size, lambda: write_shards([options.corpus], tokenizer, here / "ours"))
        peer = timed("datasets.map + tokenizers, save_to_disk", size, theirs)
        print(f"Parquet to tokens on disk: {peer / ours:.1f} times\n")
        assert open_shards(here / "ours").counts.documents
    column = table.column("text").drop_null()
    ours = timed("corpuskit Tokenizer.encode", size, lambda: tokenizer.encode(column))
    peer = timed(
        "tokenizers encode_batch_fast",
        size,
        lambda: tokenizer.reference.encode_batch_fast(texts, add_special_tokens=False),
    )
    print(f"encoding alone: {peer / ours:.1f} times")


if __name__ == "__main__":
    main()
