"""What the resolving of duplicates reads: this corpus, in parts that were sketched before, and the entries of an index.

Rows are numbered through all parts. They are also *ranked* by preference: of two documents that duplicate each other
the one with the lower rank stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.duplicates.workspace import Workspace, plain_allocation
from corpuskit.engine.sketches import Sketches
from corpuskit.inputs import known_languages

BATCH_ROWS = 1024

Rows = npt.NDArray[np.int64]


class Corpus(Protocol):
    """`starts` is the row at which each part begins, and the number of all rows: int64[parts + 1]; `workers` are the
    threads that may read it."""

    starts: Rows
    workers: int

    def column(self, part: int, name: str) -> npt.NDArray[Any]:
        """A column of a part's sketch."""

    def texts(self, part: int) -> Iterator[tuple[int, pa.LargeStringArray, pa.StringArray]]:
        """(place of the first in its part, texts, languages) of a part, some at a time."""


@dataclass
class SketchedCorpus:
    """The corpus of a stage: sketches and documents in files."""

    sketches: Sketches

    def __post_init__(self) -> None:
        self.starts: Rows = self.sketches.starts
        self.workers = self.sketches.workers

    def column(self, part: int, name: str) -> npt.NDArray[Any]:
        values = _numbers(self.sketches.part(part, [name]).column(0))
        for stage in self.sketches.before if name in ("given", "documents") else ():
            resolved = self.sketches.resolved(stage, part)
            if name == "given":
                values = values & ~_numbers(pc.fill_null(resolved.column("duplicate"), False))
            elif "cluster_size" in resolved.schema.names:
                values = _numbers(pc.fill_null(resolved.column("cluster_size"), 1).cast(pa.int32()))
        return values

    def texts(self, part: int) -> Iterator[tuple[int, pa.LargeStringArray, pa.StringArray]]:
        first = 0
        for batch in self.documents(part, [self.sketches.text, "language"]):
            yield first, batch.column(0), known_languages(batch.column(1))
            first += batch.num_rows

    def documents(self, part: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of the documents of a part, some at a time."""
        with plain_allocation(), pq.ParquetFile(self.sketches.parts[part], memory_map=True, pre_buffer=False) as file:
            yield from file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns), use_threads=False)


def _numbers(values: pa.ChunkedArray) -> npt.NDArray[Any]:
    whole = values.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        return np.empty(0, whole.type.to_pandas_dtype())
    return np.asarray(whole)


@dataclass
class GivenTexts:
    """Texts in memory, as one part."""

    columns: dict[str, npt.NDArray[Any]]
    given: pa.LargeStringArray
    languages: pa.StringArray
    workers: int = 1

    def __post_init__(self) -> None:
        self.starts: Rows = np.array([0, len(self.given)], np.int64)

    def column(self, part: int, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def texts(self, part: int) -> Iterator[tuple[int, pa.LargeStringArray, pa.StringArray]]:
        for first in range(0, len(self.given), BATCH_ROWS):
            yield first, self.given.slice(first, BATCH_ROWS), self.languages.slice(first, BATCH_ROWS)


@dataclass(frozen=True)
class Ranking:
    """Rows by preference. `order[rank]` is a row and `rank[row]` its rank; None where both are the same."""

    order: Rows | None
    rank: Rows | None

    @classmethod
    def of(cls, corpus: Corpus, workspace: Workspace) -> Ranking:
        """By the sketches' `preference` (the lower the better), then by `content`, so that the order of the input does
        not matter. Where no document has a preference the order is that of the rows."""
        rows = int(corpus.starts[-1])
        parts = range(len(corpus.starts) - 1)
        if not any(corpus.column(part, "preference").any() for part in parts):
            return cls(None, None)
        preference = workspace.array("preference", rows, np.int64, 0)
        content = workspace.array("content", rows, np.uint64, 0)
        for part in parts:
            own = slice(int(corpus.starts[part]), int(corpus.starts[part + 1]))
            preference[own], content[own] = corpus.column(part, "preference"), corpus.column(part, "content")
        order = workspace.array("order", rows, np.int64, 0)
        order[:] = np.lexsort((content, preference))
        rank = workspace.array("rank", rows, np.int64, 0)
        rank[order] = np.arange(rows)
        workspace.release()
        return cls(order, rank)

    def ranks(self, start: int, end: int) -> Rows:
        """The ranks of the rows `start` to `end`."""
        return np.arange(start, end) if self.rank is None else self.rank[start:end]

    def rows(self, ranks: Rows) -> Rows:
        return ranks if self.order is None else self.order[ranks]


Keys = npt.NDArray[np.uint64]
Entries = npt.NDArray[np.int64]


class Earlier(Protocol):
    """Documents kept in earlier runs, the oldest first. An *entry* is the number of one of them.

    `number` and `count` below choose a piece: the keys whose highest bits spell `number`, of `count` pieces.
    """

    @property
    def entries(self) -> int:
        """How many there are."""

    def band(self, band: int, number: int, count: int) -> Iterator[tuple[Keys, Entries]]:
        """Keys of a band and the entries that have them."""

    def digests(self, number: int, count: int) -> Iterator[tuple[tuple[Keys, Keys], Entries]]:
        """Digests (low, high), the piece chosen by `low`, and the entries that have them."""

    def sets(self, entries: Entries) -> Iterator[Keys]:
        """The set of shingles of each entry."""

    def named(self, entries: Entries) -> tuple[pa.Array, pa.Array, Entries]:
        """(id, URL, size of its cluster) of each entry."""
