"""Where a window's document comes from, beyond what the shards name: its license, and its near-duplicate cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.errors import CorpuskitError
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.tokens import Shards


def cluster_sizes(shards: Shards, windows: Windows) -> pa.Array:
    """int64[windows]: documents of the corpus in the near-duplicate cluster of each window's document; 1 without."""
    columns = [
        shard.table.column("cluster_size") if "cluster_size" in shard.table.column_names else None
        for shard in shards.shards
    ]
    values: list[int] = []
    for number, row in zip(windows.shard.tolist(), windows.row.tolist(), strict=True):
        column = columns[number]
        values.append(1 if column is None else column[row].as_py() or 1)
    return pa.array(np.array(values, np.int64))


def licenses(corpus: Sequence[Path], ids: Sequence[str]) -> dict[str, str]:
    """License of each of the documents `ids` that has one, from the Parquet files of the corpus."""
    wanted = pa.array(sorted(set(ids)), pa.string())
    found: dict[str, str] = {}
    for path in corpus:
        try:
            table: Any = pq.read_table(path, columns=["id", "license"])
        except (pa.ArrowInvalid, OSError, KeyError) as error:
            raise CorpuskitError(f"{path} is no part of a corpus with ids and licenses: {error}") from error
        table = table.filter(pc.and_(pc.is_in(table.column("id"), wanted), pc.is_valid(table.column("license"))))
        found |= dict(zip(table.column("id").to_pylist(), table.column("license").to_pylist(), strict=True))
    return found
