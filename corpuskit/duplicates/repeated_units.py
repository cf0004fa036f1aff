"""Lines and paragraphs that several documents share, out of core: their digests are grouped, not their texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.duplicates.workspace import Partitions, Records, Workspace
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.grouping import Numbering
from corpuskit.kernels.shingles import BLOCK, FIRST, LONGEST_SHINGLE, SECOND, STATE, STEP, WORDS, begin, fill, folded


@nb.njit(cache=True, nogil=True)
def cut(data: Any, start: Any, end: Any, paragraphs: Any, out: Any) -> Any:
    """Write where each line of `data[start:end]` begins, and at last `end`, into `out`; return how many there are.

    A line holds the line feed that ends it; a paragraph the empty lines after it. `out` has room for a start a byte and
    two more.
    """
    count = 0
    at = start
    out[0] = start
    while at < end:
        if data[at] != 10:
            at += 1
            continue
        after = at + 1
        feeds = 1
        last = after
        while last < end and (data[last] == 10 or data[last] == 13 or data[last] == 32 or data[last] == 9):
            if data[last] == 10:
                feeds += 1
                after = last + 1
            last += 1
        if not paragraphs:
            after = at + 1
        elif feeds == 1:
            at += 1
            continue
        count += 1
        out[count] = after
        at = after
    if out[count] < end:
        count += 1
        out[count] = end
    return count


@nb.njit(cache=True, nogil=True)
def unit_digests(data: Any, offsets: Any, fold: Any, digests: Any) -> None:
    """A digest of the words of each unit `data[offsets[i]:offsets[i + 1]]` into `digests` (uint64[units, 2])."""
    state = np.zeros(STATE, np.uint64)
    ring = np.zeros(LONGEST_SHINGLE, np.uint64)
    block = np.zeros(BLOCK, np.uint64)
    for unit in range(len(offsets) - 1):
        begin(state, offsets[unit])
        while state[STEP] == np.uint64(0):
            fill(data, offsets[unit], offsets[unit + 1], WORDS, 8, fold, state, ring, block)
        digests[unit, 0] = state[FIRST]
        digests[unit, 1] = state[SECOND]


@nb.njit(cache=True, nogil=True)
def character_counts(data: Any, offsets: Any, out: Any) -> None:
    """Characters of each unit into `out` (int64[units])."""
    for unit in range(len(offsets) - 1):
        count = 0
        for at in range(offsets[unit], offsets[unit + 1]):
            count += (data[at] & 0xC0) != 0x80
        out[unit] = count


FIELDS = 4
"""Of the records below: digest (two halves), first byte in the text, end."""


def units(texts: pa.Array, paragraphs: bool, least_characters: int) -> tuple[Records, npt.NDArray[np.int64]]:
    """(records uint64[units, FIELDS], units of each text int64[texts]) of the units with enough characters."""
    data, offsets = text_buffers(texts)
    found: list[Records] = []
    counts = np.zeros(len(texts), np.int64)
    longest = int(np.diff(offsets).max(initial=0))
    bounds = np.empty(longest + 2, np.int64)
    for text in range(len(texts)):
        start, end = offsets[text], offsets[text + 1]
        number = cut(data, start, end, paragraphs, bounds)
        places = bounds[: number + 1]
        lengths = np.empty(number, np.int64)
        character_counts(data, places, lengths)
        long_enough = lengths >= least_characters
        if long_enough.any():
            digests = np.empty((number, 2), np.uint64)
            unit_digests(data, places, folded(), digests)
            spans = np.column_stack([places[:-1] - start, places[1:] - start]).astype(np.uint64)
            found.append(np.hstack([digests, spans])[long_enough])
            counts[text] = len(found[-1])
    return np.concatenate([np.empty((0, FIELDS), np.uint64), *found]), counts


def repeated_units(
    described: Iterable[tuple[int, Records, npt.NDArray[np.int64]]],
    total: int,
    least_documents: int,
    keep_first: bool,
    workspace: Workspace,
) -> Iterable[Records]:
    """(row, first byte, end) of units that at least so many documents share, in no particular order.

    `described` gives (first row, records, units of each text) as `units` makes them; `total` is the number of all
    units. With `keep_first` the units of the first document stay.
    """
    partitions = Partitions(workspace, "units", 5, total)
    for first, records, counts in described:
        rows = np.repeat(np.arange(first, first + len(counts)), counts).astype(np.uint64)
        partitions.add(partitions.by_key(records[:, 0]), np.column_stack([records[:, :2], rows, records[:, 2:]]))
    for number in range(partitions.count):
        numbering = Numbering()
        earliest = np.empty(0, np.uint64)
        latest = np.empty(0, np.uint64)
        documents = np.empty(0, np.int64)
        for records in partitions.chunks(number):
            groups = numbering.numbers(np.ascontiguousarray(records[:, 0]), np.ascontiguousarray(records[:, 1]))
            new = numbering.known - len(documents)
            unknown = np.full(new, np.iinfo(np.uint64).max, np.uint64)
            earliest, latest = np.append(earliest, unknown), np.append(latest, unknown)
            documents = np.append(documents, np.zeros(new, np.int64))
            pairs = np.unique(np.column_stack([groups.astype(np.uint64), records[:, 2]]), axis=0)
            held, rows = pairs[:, 0].astype(np.int64), pairs[:, 1]
            fresh = rows != latest[held]  # a document that two chunks share was counted with the first of them
            np.add.at(documents, held[fresh], 1)
            np.minimum.at(earliest, held, rows)
            latest[held] = rows  # pairs ascend by row within a group: the last one stays
        for records in partitions.chunks(number):
            groups = numbering.find(np.ascontiguousarray(records[:, 0]), np.ascontiguousarray(records[:, 1]))
            repeated = documents[groups] >= least_documents
            if keep_first:
                repeated &= records[:, 2] != earliest[groups]
            yield records[repeated, 2:]
        partitions.drop(number)
