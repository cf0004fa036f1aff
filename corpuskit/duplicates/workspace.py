"""Arrays and records under a memory budget: in memory while they fit, in files of a workspace folder beyond.

Everything is plain numpy: no Python object a document. Files are raw little-endian numbers, read through memory maps
whose pages are handed back after use (`Workspace.release`), so that they do not count against the budget; and so is
what the allocators of C and of Arrow would keep for later, which is more than a small budget.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MOST_PARTITIONS = 4096
PARTITION_SHARE = 16
"""A partition takes this part of the budget. Numbering its keys takes four times its bytes, putting its records in
order five times; the arrays over all documents have a third of the budget."""
CHUNK_SHARE = 64
"""Records are read from a partition in chunks of this part of the budget."""
MOST_CHUNK_RECORDS = 1 << 18

Records = npt.NDArray[np.uint64]


class Workspace:
    """A folder to spill to and the bytes that may be used instead of it."""

    def __init__(self, folder: Path, memory: int) -> None:
        self.folder = folder
        self.memory = memory
        self._left = memory // 3
        self._maps: list[np.memmap[Any, Any]] = []
        self._names = 0

    def path(self, name: str) -> Path:
        """A new file's path."""
        self._names += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{self._names:04}-{name}.bin"

    def reserve(self, size: int) -> bool:
        """Whether `size` more bytes may live in memory; they count against the budget from then on."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def array(self, name: str, length: int, dtype: npt.DTypeLike, value: int | float) -> npt.NDArray[Any]:
        """A writable array of `length` items, all of them `value`."""
        dtype = np.dtype(dtype)
        if length == 0 or self.reserve(length * dtype.itemsize):
            return np.full(length, value, dtype)
        mapped = np.memmap(self.path(name), dtype, "w+", shape=(length,))
        if value != 0:
            step = 1 << 20
            for start in range(0, length, step):
                mapped[start : start + step] = value
                self._drop(mapped)
        self._maps.append(mapped)
        return np.asarray(mapped)

    def column(self, name: str, dtype: npt.DTypeLike) -> Column:
        """An array that grows at its end."""
        return Column(self, name, np.dtype(dtype))

    def map_file(self, path: Path, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """The numbers of a file, read-only."""
        if path.stat().st_size == 0:
            return np.empty(0, dtype)
        mapped = np.memmap(path, dtype, "r")
        self._maps.append(mapped)
        return np.asarray(mapped)

    def release(self) -> None:
        """Hand the pages of all mapped files, and memory that was freed, back to the system.

        What was written stays in the files.
        """
        for mapped in self._maps:
            self._drop(mapped)
        _trim()

    @staticmethod
    def _drop(mapped: np.memmap[Any, Any]) -> None:
        handle = getattr(mapped, "_mmap", None)
        if handle is not None and hasattr(mmap, "MADV_DONTNEED"):
            handle.madvise(mmap.MADV_DONTNEED)


@contextmanager
def plain_allocation() -> Iterator[None]:
    """Arrow allocates from C within: its own pool holds on to 30 MB and more of what the reading of Parquet frees."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


@cache
def _allocator() -> Any:
    """glibc, where the program runs on it."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None


def _trim() -> None:
    pa.default_memory_pool().release_unused()
    if _allocator() is not None:
        _allocator().malloc_trim(0)


class Column:
    """An array that grows at its end: chunks in memory, and a file once the budget is used up."""

    def __init__(self, workspace: Workspace, name: str, dtype: np.dtype[Any]) -> None:
        self._workspace = workspace
        self._name = name
        self._dtype = dtype
        self._chunks: list[npt.NDArray[Any]] = []
        self._path: Path | None = None
        self.length = 0

    def append(self, values: npt.NDArray[Any]) -> None:
        values = np.ascontiguousarray(values, self._dtype)
        self.length += len(values)
        if self._path is None and self._workspace.reserve(2 * values.nbytes):
            self._chunks.append(values)
            return
        if self._path is None:
            self._path = self._workspace.path(self._name)
        with self._path.open("ab") as file:
            for chunk in self._chunks:
                chunk.tofile(file)
            values.tofile(file)
        self._chunks = []

    def finish(self) -> npt.NDArray[Any]:
        """All values, read-only where they lie in a file."""
        if self._path is not None:
            return self._workspace.map_file(self._path, self._dtype)
        whole = np.concatenate(self._chunks) if self._chunks else np.empty(0, self._dtype)
        self._chunks = []
        return whole


class Partitions:
    """Records of a few 64-bit numbers, dealt into partitions: in memory where there is one, else a file each."""

    def __init__(self, workspace: Workspace, name: str, fields: int, records: int) -> None:
        size = records * fields * 8
        share = max(workspace.memory // PARTITION_SHARE, 1)
        self._chunk = min(MOST_CHUNK_RECORDS, max(1024, workspace.memory // (CHUNK_SHARE * fields * 8)))
        self.count = min(MOST_PARTITIONS, 1 << max(0, -(-size // share) - 1).bit_length())
        self._workspace = workspace
        self._name = name
        self._fields = fields
        self._kept: list[Records] = []
        self._paths: list[Path | None] = [None] * self.count

    def add(self, partition: npt.NDArray[np.int64], records: Records) -> None:
        """Append records (uint64[records, fields]) to the partitions that `partition` names, keeping their order."""
        if self.count == 1:
            self._kept.append(records)
            return
        order = np.argsort(partition, kind="stable")
        bounds = np.searchsorted(partition[order], np.arange(self.count + 1))
        for number in range(self.count):
            chosen = order[bounds[number] : bounds[number + 1]]
            if len(chosen):
                path = self._paths[number] = self._paths[number] or self._workspace.path(self._name)
                with path.open("ab") as file:
                    records[chosen].tofile(file)

    def by_key(self, keys: Records) -> npt.NDArray[np.int64]:
        """The partition of each well-mixed 64-bit key."""
        bits = self.count.bit_length() - 1
        return (keys >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(keys), np.int64)

    def chunks(self, number: int) -> Iterator[Records]:
        """The records of a partition in the order in which they were added, a chunk at a time."""
        if self.count == 1:
            yield from self._kept
            return
        path = self._paths[number]
        if path is None:
            return
        with path.open("rb") as file:
            while len(numbers := np.fromfile(file, np.uint64, self._chunk * self._fields)):
                yield numbers.reshape(-1, self._fields)

    def drop(self, number: int) -> None:
        """Delete a partition."""
        self._kept = []
        path = self._paths[number]
        if path is not None:
            path.unlink()
            self._paths[number] = None
