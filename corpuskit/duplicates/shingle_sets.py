"""Sets of shingle hashes, and how alike two of them are, exactly.

A set is a sorted run of distinct uint64 in one long array. Two different shingles share a hash with a chance of 2^-64.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.shingles import BLOCK, LONGEST_SHINGLE, STATE, STEP, begin, fill

JACCARD, CONTAINMENT = 0, 1
"""Shared shingles over those of either text; over those of the smaller set."""


@nb.njit(cache=True, nogil=True)
def _collect(data: Any, offsets: Any, ways: Any, sizes: Any, fold: Any, counts: Any, values: Any) -> Any:
    state = np.zeros(STATE, np.uint64)
    ring = np.zeros(LONGEST_SHINGLE, np.uint64)
    block = np.zeros(BLOCK, np.uint64)
    total = 0
    for text in range(len(offsets) - 1):
        begin(state, offsets[text])
        first = total
        while state[STEP] == np.uint64(0):
            count = fill(
                data, offsets[text], offsets[text + 1], ways[text], sizes[ways[text]], fold, state, ring, block
            )
            if total + count > len(values):
                larger = np.empty(max(2 * len(values), total + count), np.uint64)
                larger[:total] = values[:total]
                values = larger
            values[total : total + count] = block[:count]
            total += count
        ordered = np.sort(values[first:total])
        total = first
        for k in range(len(ordered)):
            if k == 0 or ordered[k] != ordered[k - 1]:
                values[total] = ordered[k]
                total += 1
        counts[text] = total - first
    return values[:total]


def shingle_sets(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    ways: npt.NDArray[np.uint8],
    sizes: npt.NDArray[np.int64],
    fold: npt.NDArray[np.uint32],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """(values uint64[all shingles], counts int64[texts]): the set of each text, one after the other."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    room = np.empty(int(offsets[-1] - offsets[0]) // 5 + BLOCK, np.uint64)
    return _collect(data, offsets, ways, sizes, fold, counts, room), counts


@nb.njit(cache=True, nogil=True)
def similarity(
    values: Any, left: Any, left_size: Any, right: Any, right_size: Any, measure: Any, threshold: Any
) -> Any:
    """How alike two sets are, given by their first places in `values` and their sizes.

    Returns 0 as soon as the threshold is out of reach.
    """
    smaller = min(left_size, right_size)
    if measure == JACCARD:
        least = threshold * (left_size + right_size) / (1.0 + threshold)
    else:
        least = threshold * smaller
    needed = np.int64(np.ceil(least - 1e-6))
    if smaller < needed:
        return 0.0
    spare_left = left_size - needed
    spare_right = right_size - needed
    i = np.int64(0)
    j = np.int64(0)
    shared = np.int64(0)
    while i < left_size and j < right_size:
        x = values[left + i]
        y = values[right + j]
        if x == y:
            shared += 1
            i += 1
            j += 1
        elif x < y:
            i += 1
            if i - shared > spare_left:
                return 0.0
        else:
            j += 1
            if j - shared > spare_right:
                return 0.0
    if measure == JACCARD:
        return shared / (left_size + right_size - shared)
    return shared / smaller
