"""Substrings that several documents share, exactly, by suffix arrays in buffers that fit the memory.

Where the whole corpus fits, it is one buffer. Where not, the corpus is read twice: once for its anchors
(`corpuskit.duplicates.windows`), and once for the text around those that two documents share, which is dealt into
buffers by anchor. Both find the same windows. Where the text of one anchor alone (a phrase in millions of documents)
does not fit, its buffer is worked off in pieces, and each piece keeps a first occurrence of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydivsufsort

from corpuskit.duplicates.windows import anchors, copy_segments, mark_repeated, marked_runs
from corpuskit.duplicates.workspace import Column, Records, Workspace
from corpuskit.errors import CorpuskitError
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.grouping import Numbering, count_groups

BYTES_A_BYTE = 8
"""Memory that a buffer takes for each of its bytes: text, suffix array (4), marks, and the writing of results."""

MOST_BUFFER = (1 << 31) - 2
LEAST_BUFFER = 1 << 20
"""Bytes of a buffer that are worked on whatever the budget."""
BREAK = np.uint8(0xFF)
"""Between segments: no byte of UTF-8."""

Texts = Callable[[], Iterator[tuple[int, pa.Array]]]
"""The texts of the corpus from its beginning: (row of the first, texts)."""


class Wanted(NamedTuple):
    """Which windows are looked for."""

    length: int
    """Bytes."""
    least_documents: int
    keep_first: bool


class _Segments(NamedTuple):
    """Pieces of texts: row, first byte in the text (int64[segments]), and their bytes, each with a BREAK behind it."""

    rows: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]


def repeated_text(texts: Texts, total: int, wanted: Wanted, workspace: Workspace) -> Iterator[Records]:
    """(row, first byte, end) of the stretches that are covered by repeated windows; they may overlap.

    `total` is the number of bytes of all texts.
    """
    room = min(max(workspace.memory // BYTES_A_BYTE, LEAST_BUFFER), MOST_BUFFER)
    if 2 * total <= room:
        yield _stretches(_join([_whole(first, batch) for first, batch in texts()]), wanted)
        return
    count = 1 << max(0, -(-total * 8 // max(room, 1)) - 1).bit_length()
    for buffer in _buffers(texts, min(count, 4096), wanted.length, workspace):
        if len(buffer.data) > room:
            raise CorpuskitError(
                f"passages: {len(buffer.data):,} bytes of text surround phrases that occur everywhere, which takes "
                f"{BYTES_A_BYTE * len(buffer.data):,} bytes of memory; give more than {workspace.memory:,}, or remove "
                "the phrases before (passages: {unit: line, keep: none})"
            )
        # the suffix array asks for memory of its own
        yield _stretches(buffer._replace(data=np.array(buffer.data)), wanted)


def _stretches(segments: _Segments, wanted: Wanted) -> Records:
    if len(segments.data) < 2 * wanted.length:
        return np.empty((0, 3), np.uint64)
    suffixes = pydivsufsort.divsufsort(segments.data)
    rows, owners = np.unique(segments.rows, return_inverse=True)
    marks = np.zeros(len(segments.data), np.uint8)
    mark_repeated(
        segments.data,
        suffixes,
        segments.starts,
        owners,
        wanted.length,
        wanted.least_documents,
        wanted.keep_first,
        np.full(len(rows), -1, np.int64),
        marks,
    )
    runs = np.empty((int(marks.sum()), 3), np.int64)
    runs = runs[: marked_runs(marks, segments.starts, wanted.length, runs)]
    places = segments.places[runs[:, 0]]
    return np.column_stack([segments.rows[runs[:, 0]], runs[:, 1] + places, runs[:, 2] + places]).astype(np.uint64)


def _whole(first: int, batch: pa.Array) -> _Segments:
    data, offsets = text_buffers(batch)
    lengths = np.diff(offsets)
    starts = np.concatenate([[0], np.cumsum(lengths + 1)]).astype(np.int64)
    joined = np.insert(data[offsets[0] : offsets[-1]], offsets[1:] - offsets[0], BREAK)
    return _Segments(np.arange(first, first + len(batch)), np.zeros(len(batch), np.int64), starts, joined)


def _join(parts: list[_Segments]) -> _Segments:
    lengths = [np.diff(part.starts) for part in parts]
    return _Segments(
        np.concatenate([np.empty(0, np.int64), *(part.rows for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.places for part in parts)]),
        np.concatenate([[0], np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths]))]).astype(np.int64),
        np.concatenate([np.empty(0, np.uint8), *(part.data for part in parts)]),
    )


def _buffers(texts: Texts, count: int, length: int, workspace: Workspace) -> Iterator[_Segments]:
    """The text around shared anchors, all occurrences of one anchor in the same buffer."""
    regions = _regions(texts, count, length, workspace)
    data = [workspace.column(f"buffer-{number}", np.uint8) for number in range(count)]
    places = [workspace.column(f"segments-{number}", np.int64) for number in range(count)]
    for number, (first, batch) in enumerate(texts()):
        merged = _merged(regions[number].finish().reshape(-1, 4).astype(np.int64))
        if not len(merged):
            continue
        bytes_, offsets = text_buffers(batch)
        origins = offsets[merged[:, 1] - first]
        ends = np.minimum(merged[:, 3], offsets[merged[:, 1] - first + 1] - origins)
        sizes = ends - merged[:, 2] + 1
        for buffer in np.unique(merged[:, 0]):
            own = merged[:, 0] == buffer
            copied = np.empty(int(sizes[own].sum()), np.uint8)
            copy_segments(bytes_, origins[own] + merged[own, 2], sizes[own] - 1, BREAK, copied)
            data[buffer].append(copied)
            places[buffer].append(np.column_stack([merged[own, 1:3], sizes[own]]).reshape(-1))
        workspace.release()
    for number in range(count):
        held = places[number].finish().reshape(-1, 3)
        if len(held):
            starts = np.concatenate([[0], np.cumsum(held[:, 2])]).astype(np.int64)
            yield _Segments(held[:, 0].copy(), held[:, 1].copy(), starts, data[number].finish())
            workspace.release()


def _regions(texts: Texts, count: int, length: int, workspace: Workspace) -> list[Column]:
    """For each batch of texts, (buffer, row, first byte, end) around the anchors that occur more than once."""
    keyed = [workspace.column(f"anchors-{number}", np.uint64) for number in range(count)]
    batches = 0
    for first, batch in texts():
        data, offsets = text_buffers(batch)
        room = int(offsets[-1] - offsets[0])
        keys, owners, places = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
        found = anchors(data, offsets, length, keys, owners, places)
        columns = [keys[:found], owners[:found] + first, places[:found], np.full(found, batches)]
        records = np.column_stack([column.astype(np.uint64) for column in columns])
        buffers = (keys[:found] & np.uint64(count - 1)).astype(np.int64)
        for number in np.unique(buffers):
            keyed[number].append(records[buffers == number].reshape(-1))
        batches += 1
    regions = [workspace.column(f"regions-{number}", np.uint64) for number in range(batches)]
    reach = np.uint64(length - length // 2)
    for number in range(count):
        records = keyed[number].finish().reshape(-1, 4)
        numbering = Numbering()
        keys = np.ascontiguousarray(records[:, 0])
        groups = numbering.numbers(keys, keys)
        counts = np.zeros(numbering.known, np.int64)
        count_groups(counts, groups)
        shared = records[counts[groups] > 1]
        start = np.where(shared[:, 2] > reach, shared[:, 2] - reach, np.uint64(0))
        around = np.column_stack(
            [np.full(len(shared), number, np.uint64), shared[:, 1], start, shared[:, 2] + np.uint64(length)]
        )
        for batch_number in np.unique(shared[:, 3]).tolist():
            regions[batch_number].append(around[shared[:, 3] == batch_number].reshape(-1))
        workspace.release()
    return regions


def _merged(regions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Regions in order, those that overlap as one. All are about as long, so that ends ascend where starts do."""
    if not len(regions):
        return regions
    regions = regions[np.lexsort((regions[:, 3], regions[:, 2], regions[:, 1], regions[:, 0]))]
    apart = (regions[1:, :2] != regions[:-1, :2]).any(axis=1) | (regions[1:, 2] > regions[:-1, 3])
    firsts = np.flatnonzero(np.concatenate([[True], apart]))
    lasts = np.append(firsts[1:], len(regions)) - 1
    return np.column_stack([regions[firsts, :3], regions[lasts, 3]])
