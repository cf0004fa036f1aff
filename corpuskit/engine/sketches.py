"""What a corpus stage sees of the corpus: the sketches of all parts, and the parts themselves when it must look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Sketches:
    """The sketch files of a step, one an input part, with as many rows as the part has documents.

    Row numbers run through all parts in order, so that global row r of the corpus is row `r - starts[part]` of its
    part. They are positions for use inside `resolve` alone; identity is the document's id.
    """

    paths: Sequence[Path]
    """Sketch of each part: an uncompressed Arrow IPC file (memory-mapped when read)."""
    parts: Sequence[Path]
    """The documents of each part, Parquet."""
    workspace: Path
    """An empty folder to spill to."""
    memory: int
    """Bytes that `resolve` may use."""
    workers: int = 1
    kept: Path | None = None
    """A folder for what the stage will need when the corpus is published (`CorpusStage.commit`)."""
    text: str = "text"
    """The column of the documents that holds their text as it was sketched."""
    before: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    """Final stages that were resolved just before, by name: their resolutions, a file a part."""

    def part(self, number: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The sketch of one part, memory-mapped."""
        with pa.memory_map(str(self.paths[number])) as source:
            table = pa.ipc.open_file(source).read_all()
        return table if columns is None else table.select(list(columns))

    def resolved(self, stage: str, number: int) -> pa.Table:
        """The resolution of an earlier stage for one part, memory-mapped."""
        with pa.memory_map(str(self.before[stage][number])) as source:
            return pa.ipc.open_file(source).read_all()

    def __iter__(self) -> Iterator[pa.Table]:
        return (self.part(number) for number in range(len(self.paths)))

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Global row number at which each part begins, and the number of all rows at the end: int64[parts + 1]."""
        rows = [self.part(number).num_rows for number in range(len(self.paths))]
        return np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def documents(self, number: int, columns: Sequence[str]) -> pa.Table:
        """Columns of the documents of one part, in the order of its sketch."""
        return pq.read_table(self.parts[number], columns=list(columns), memory_map=True)

    def split(self, columns: dict[str, pa.Array]) -> Iterator[pa.RecordBatch]:
        """Corpus-long columns (as long as `rows`) cut into one batch a part: what `resolve` yields."""
        table = pa.table(columns)
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            piece = table.slice(int(start), int(end - start)).combine_chunks()
            batches = piece.to_batches()
            yield (
                batches[0]
                if batches
                else pa.RecordBatch.from_arrays(
                    [pa.array([], field.type) for field in table.schema], schema=table.schema
                )
            )
