"""The files of one delivery of an index: what a run kept, in columns.

`names.arrow` holds id, URL and cluster size of each entry; `digests`, `band_000`, ... are the keys in ascending order
(`.keys`, `.high`) with the entries that have them (`.entries`); `sets` are the sorted shingle hashes of every entry
(`.values`) and where they begin (`.bounds`). `grown.arrow` says how many documents of the run were dropped for
entries of earlier batches. All numbers are raw and little-endian, read through memory maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.duplicates.corpus import Entries, Keys

NAMES = pa.schema([("id", pa.string()), ("url", pa.string()), ("size", pa.int64())])
GROWN = pa.schema([("id", pa.string()), ("documents", pa.int64())])
STEP = 1 << 18


class BatchWriter:
    """Writes a batch, some entries at a time."""

    def __init__(self, folder: Path, bands: int) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._bands = bands
        self._names = pa.ipc.new_file(str(folder / "names.arrow"), NAMES)
        self._columns = ["low", "high", *(f"band_{band:03}" for band in range(bands))]
        self._files = {name: (folder / f"{name}.raw").open("wb") for name in self._columns}
        self._values = (folder / "sets.values").open("wb")
        self._bounds = (folder / "sets.bounds").open("wb")
        self._bounds.write(np.zeros(1, np.int64).tobytes())
        self._held = 0

    def append(self, names: pa.RecordBatch, digests: Keys, keys: Keys, values: Keys, counts: Entries) -> None:
        """Entries: NAMES, digests uint64[entries, 2], keys uint64[bands, entries], and their sets."""
        self._names.write_batch(names)
        for name, column in zip(self._columns, [digests[:, 0], digests[:, 1], *keys], strict=True):
            np.ascontiguousarray(column).tofile(self._files[name])
        values.tofile(self._values)
        (np.cumsum(counts) + self._held).astype(np.int64).tofile(self._bounds)
        self._held += int(counts.sum())

    def finish(self, grown: pa.Table) -> None:
        """Sort the keys and close the batch."""
        self._names.close()
        for file in (*self._files.values(), self._values, self._bounds):
            file.close()
        with pa.ipc.new_file(str(self._folder / "grown.arrow"), GROWN) as file:
            file.write_table(grown)
        for name in self._columns:
            if name == "high":
                continue
            raw = self._folder / f"{name}.raw"
            column = np.fromfile(raw, np.uint64)
            order = np.argsort(column, kind="stable")
            target = "digests" if name == "low" else name
            column[order].tofile(self._folder / f"{target}.keys")
            order.astype(np.int64).tofile(self._folder / f"{target}.entries")
            if name == "low":
                high = self._folder / "high.raw"
                np.fromfile(high, np.uint64)[order].tofile(self._folder / "digests.high")
                high.unlink()
            raw.unlink()


@dataclass(frozen=True)
class Batch:
    """A written batch. Entries are numbered from 0 within it."""

    folder: Path

    @cached_property
    def names(self) -> pa.Table:
        return _table(self.folder / "names.arrow")

    @cached_property
    def grown(self) -> pa.Table:
        return _table(self.folder / "grown.arrow")

    @property
    def entries(self) -> int:
        return int(self.names.num_rows)

    def sorted_keys(self, name: str, number: int, count: int) -> Iterator[slice]:
        """Slices of the arrays `name.keys` that hold the piece `number` of `count`: keys with these highest bits."""
        keys = self.array(f"{name}.keys", np.uint64)
        bits = count.bit_length() - 1
        first, last = 0, len(keys)
        if bits:
            first = int(np.searchsorted(keys, np.uint64(number << (64 - bits))))
            if number + 1 < count:
                last = int(np.searchsorted(keys, np.uint64((number + 1) << (64 - bits))))
        for start in range(first, last, STEP):
            yield slice(start, min(start + STEP, last))

    def array(self, name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        path = self.folder / name
        return np.asarray(np.memmap(path, dtype, "r")) if path.stat().st_size else np.empty(0, dtype)


def _table(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
