"""From the kept document of each row to what is written beside the documents: the twin's id and address, the sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.duplicates.corpus import Ranking, Rows, SketchedCorpus
from corpuskit.duplicates.earlier import Earlier
from corpuskit.duplicates.workspace import Workspace

Keepers = Callable[[int, int], tuple[Rows, npt.NDArray[np.float64]]]
"""(first row, end) -> ranks of the kept documents, similarities; as `corpuskit.duplicates.near.Decided.keepers`."""

SCHEMA = pa.schema(
    [
        ("duplicate", pa.bool_()),
        ("cluster_size", pa.int64()),
        ("twin", pa.string()),
        ("twin_url", pa.string()),
        ("similarity", pa.float64()),
    ]
)


class Resolution:
    """The clusters of a corpus: how large each is, and what its kept document is called."""

    def __init__(
        self, corpus: SketchedCorpus, ranking: Ranking, keepers: Keepers, earlier: Earlier | None, workspace: Workspace
    ) -> None:
        self._corpus = corpus
        self._ranking = ranking
        self._keepers = keepers
        self._earlier = earlier
        self.sizes: Rows = workspace.array("cluster-sizes", int(corpus.starts[-1]), np.int64, 0)
        """int64[rows] by rank: documents of this corpus that a kept document stands for, itself counted."""
        self.added: Rows = workspace.array("cluster-additions", earlier.entries if earlier else 0, np.int64, 0)
        """int64[entries]: documents of this corpus that an earlier entry stands for."""
        for start, end in zip(corpus.starts[:-1], corpus.starts[1:], strict=True):
            ranks, counts = np.unique(keepers(int(start), int(end))[0], return_counts=True)
            own = ranks >= 0
            self.sizes[ranks[own]] += counts[own]
            self.added[ranks[~own] + len(self.added)] += counts[~own]
            workspace.release()
        self._names = self._write_names(workspace)

    def _write_names(self, workspace: Workspace) -> pa.Table:
        """(row, id, url) of the kept documents that stand for others, by row; memory-mapped."""
        schema = pa.schema([("row", pa.int64()), ("id", pa.string()), ("url", pa.string())])
        path = workspace.path("names")
        with pa.ipc.new_file(str(path), schema) as file:
            for part in range(len(self._corpus.starts) - 1):
                start, end = int(self._corpus.starts[part]), int(self._corpus.starts[part + 1])
                named = self.sizes[self._ranking.ranks(start, end)] > 1
                if not named.any():
                    continue
                first = 0
                for batch in self._corpus.documents(part, ["id", "url"]):
                    rows = np.flatnonzero(named[first : first + batch.num_rows])
                    if len(rows):
                        taken = batch.take(pa.array(rows))
                        file.write_batch(
                            pa.RecordBatch.from_arrays(
                                [pa.array(rows + first + start), taken.column(0), taken.column(1)], schema=schema
                            )
                        )
                    first += batch.num_rows
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """SCHEMA for the rows of each part; `twin` is null for kept documents, `similarity` too."""
        named_rows = np.asarray(self._names.column("row"))
        for part in range(len(self._corpus.starts) - 1):
            start, end = int(self._corpus.starts[part]), int(self._corpus.starts[part + 1])
            ranks = self._ranking.ranks(start, end)
            keepers, shares = self._keepers(start, end)
            duplicate = keepers != ranks
            sizes = self.sizes[np.maximum(keepers, 0)] if end > start else np.zeros(0, np.int64)
            places = np.full(end - start, -1, np.int64)
            own = duplicate & (keepers >= 0)
            places[own] = np.searchsorted(named_rows, self._ranking.rows(keepers[own]))
            names = self._names
            met = keepers < 0
            if self._earlier is not None and met.any():
                entries, inverse = np.unique(keepers[met] + self._earlier.entries, return_inverse=True)
                ids, urls, known = self._earlier.named(entries)
                sizes[met] = (known + self.added[entries])[inverse]
                places[met] = names.num_rows + inverse
                rows = pa.array(entries)
                extra = pa.Table.from_arrays([rows, ids.cast(pa.string()), urls.cast(pa.string())], schema=names.schema)
                names = pa.concat_tables([names, extra])
            chosen = pa.array(places, mask=places < 0)
            twins = names.select(["id", "url"]).take(chosen).combine_chunks()
            given = pa.array(self._corpus.column(part, "given"))
            columns = [
                pa.array(duplicate),
                pa.array(sizes),
                _whole(twins.column("id")),
                _whole(twins.column("url")),
                pa.array(shares, mask=~duplicate),
            ]
            yield pa.RecordBatch.from_arrays([_where(given, values) for values in columns], schema=SCHEMA)


def _whole(values: pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) and whole.num_chunks else whole


def _where(given: pa.BooleanArray, values: pa.Array) -> pa.Array:
    """The values of the rows that are given; null for the others."""
    import pyarrow.compute as pc

    return pc.if_else(given, values, pa.scalar(None, values.type))
