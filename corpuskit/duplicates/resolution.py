"""The result of resolving duplicates, row by row: the twin's id and address, and the size of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.duplicates.corpus import Earlier, Ranking, Rows, SketchedCorpus
from corpuskit.duplicates.workspace import Workspace

Representatives = Callable[[int, int], tuple[Rows, npt.NDArray[np.float64]]]
"""(first row, end) -> ranks of the kept documents, similarities: see `corpuskit.duplicates.near.Decided`."""

SCHEMA = pa.schema(
    [
        ("duplicate", pa.bool_()),
        ("cluster_size", pa.int64()),
        ("twin", pa.string()),
        ("twin_url", pa.string()),
        ("similarity", pa.float64()),
    ]
)

NAMES = pa.schema([("id", pa.string()), ("url", pa.string())])


class Resolution:
    """The clusters of a corpus: how large each is, and what its kept document is called."""

    def __init__(
        self,
        corpus: SketchedCorpus,
        ranking: Ranking,
        representatives: Representatives,
        earlier: Earlier | None,
        workspace: Workspace,
    ) -> None:
        self._corpus = corpus
        self._ranking = ranking
        self._keepers = representatives
        self._earlier = earlier
        self.sizes: Rows = workspace.array("cluster-sizes", int(corpus.starts[-1]), np.int64, 0)
        """int64[rows] by rank: documents in the cluster of a kept document, itself and its exact duplicates counted."""
        self.added: Rows = workspace.array("cluster-additions", earlier.entries if earlier else 0, np.int64, 0)
        """int64[entries]: documents of this corpus that were dropped for an earlier entry."""
        self._twins = workspace.array("twinned", int(corpus.starts[-1]), np.bool_, False)
        """bool[rows] by rank: whether another document of this corpus was dropped for it."""
        for part in range(len(corpus.starts) - 1):
            start, end = int(corpus.starts[part]), int(corpus.starts[part + 1])
            kept, own = representatives(start, end)[0], ranking.ranks(start, end)
            self._twins[kept[(kept != own) & (kept >= 0)]] = True
            ranks, places = np.unique(kept, return_inverse=True)
            counts = np.bincount(places, corpus.column(part, "documents"), len(ranks)).astype(np.int64)
            here = ranks >= 0
            self.sizes[ranks[here]] += counts[here]
            self.added[ranks[~here] + len(self.added)] += counts[~here]
            workspace.release()
        for start, end in zip(corpus.starts[:-1], corpus.starts[1:], strict=True):
            # an exact duplicate counts for its twin, which may have fallen since: what is there counts at least
            at_least = 1 + self._twins[start:end].astype(np.int64)
            self.sizes[start:end] = np.maximum(self.sizes[start:end], at_least)
            workspace.release()
        self._named_rows, self._names = self._write_names(workspace)

    def earlier_ids(self, entries: Rows) -> pa.Array:
        """The ids of earlier entries."""
        return pa.array([], pa.string()) if self._earlier is None else self._earlier.named(entries)[0]

    def _write_names(self, workspace: Workspace) -> tuple[Rows, pa.Table]:
        """(rows int64[named], their ids and addresses) of the kept documents for which others were dropped, by row.

        The table is memory-mapped and has a chunk for each part.
        """
        rows = workspace.column("named-rows", np.int64)
        path = workspace.path("names")
        with pa.ipc.new_file(str(path), NAMES) as file:
            for part in range(len(self._corpus.starts) - 1):
                start, end = int(self._corpus.starts[part]), int(self._corpus.starts[part + 1])
                named = self._twins[self._ranking.ranks(start, end)]
                if not named.any():
                    continue
                rows.append(np.flatnonzero(named) + start)
                taken = []
                first = 0
                for batch in self._corpus.documents(part, ["id", "url"]):
                    taken.append(batch.filter(pa.array(named[first : first + batch.num_rows])).cast(NAMES))
                    first += batch.num_rows
                file.write_batch(pa.concat_batches(taken))
                workspace.release()
        with pa.memory_map(str(path)) as source:
            return rows.finish(), pa.ipc.open_file(source).read_all()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """SCHEMA for the rows of each part; `twin` is null for kept documents, `similarity` too."""
        for part in range(len(self._corpus.starts) - 1):
            start, end = int(self._corpus.starts[part]), int(self._corpus.starts[part + 1])
            ranks = self._ranking.ranks(start, end)
            representatives, shares = self._keepers(start, end)
            duplicate = representatives != ranks
            sizes = self.sizes[np.maximum(representatives, 0)] if end > start else np.zeros(0, np.int64)
            places = np.full(end - start, -1, np.int64)
            own = duplicate & (representatives >= 0)
            places[own] = np.searchsorted(self._named_rows, self._ranking.rows(representatives[own]))
            extra = NAMES.empty_table()
            met = representatives < 0
            if self._earlier is not None and met.any():
                entries, inverse = np.unique(representatives[met] + self._earlier.entries, return_inverse=True)
                ids, urls, known = self._earlier.named(entries)
                sizes[met] = (known + self.added[entries])[inverse]
                places[met] = self._names.num_rows + inverse
                extra = pa.Table.from_arrays([ids.cast(pa.string()), urls.cast(pa.string())], schema=NAMES)
            twins = _taken(pa.concat_tables([self._names, extra]), places)
            given = pa.array(self._corpus.column(part, "given"))
            columns = [
                pa.array(duplicate),
                pa.array(sizes),
                twins.column("id"),
                twins.column("url"),
                pa.array(shares, mask=~duplicate),
            ]
            yield pa.RecordBatch.from_arrays([_where(given, values) for values in columns], schema=SCHEMA)


def _taken(table: pa.Table, places: Rows) -> pa.RecordBatch:
    """The rows of a table at `places`, null for -1; of its chunks, only those that hold such a row are read.

    (`Table.take` first makes one chunk of them all, in memory.)
    """
    wanted, inverse = np.unique(places, return_inverse=True)
    known = wanted[np.searchsorted(wanted, 0) :]
    batches = table.to_batches()
    ends = np.cumsum([batch.num_rows for batch in batches], dtype=np.int64)
    holders = np.searchsorted(ends, known, side="right")
    pieces = [] if len(known) else [pa.RecordBatch.from_pylist([], schema=table.schema)]
    for holder in np.unique(holders).tolist():
        first = int(ends[holder]) - batches[holder].num_rows
        pieces.append(batches[holder].take(pa.array(known[holders == holder] - first)))
    found = inverse.reshape(-1) - (len(wanted) - len(known))
    return pa.concat_batches(pieces).take(pa.array(found, mask=found < 0))


def _where(given: pa.BooleanArray, values: pa.Array) -> pa.Array:
    """The values of the rows that are given; null for the others."""
    import pyarrow.compute as pc

    return pc.if_else(given, values, pa.scalar(None, values.type))
