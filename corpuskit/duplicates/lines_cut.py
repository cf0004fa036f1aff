"""Texts cut into their lines or paragraphs, each with the digest of its words."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from corpuskit.kernels.shingles import BLOCK, FIRST, LONGEST_SHINGLE, SECOND, STATE, STEP, WORDS, begin, fill


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
