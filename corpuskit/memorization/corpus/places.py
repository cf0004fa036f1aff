"""How often each place of the shards stands in them: a hash of the tokens from every place on, and their counts.

A corpus may have more places than memory. The ones that are looked at are then chosen by their hash, so that of each
distinct stretch either every copy is looked at or none is: copies stay exact, and every place has the same chance.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.ngrams import BASE

Numbers = npt.NDArray[np.int64]
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@nb.njit(cache=True, nogil=True)
def _places(
    tokens: npt.NDArray[Any], starts: Numbers, ends: Numbers, length: int, share: int, hashes: Any, found: Numbers
) -> int:  # pragma: no cover
    top = np.uint64(1)
    for _ in range(length - 1):
        top = top * BASE
    count = 0
    for row in range(starts.shape[0]):
        if ends[row] - starts[row] < length:
            continue
        value = np.uint64(0)
        for place in range(starts[row], ends[row]):
            value = value * BASE + np.uint64(tokens[place]) + np.uint64(1)
            first = place - length + 1
            if first < starts[row]:
                continue
            mixed = (value ^ (value >> _SHIFT)) * _MIX
            mixed = mixed ^ (mixed >> _SHIFT)
            if mixed % np.uint64(share) == 0:
                if count < found.shape[0]:
                    hashes[count] = mixed
                    found[count] = first
                count += 1
            value = value - (np.uint64(tokens[first]) + np.uint64(1)) * top
    return count


def hashed_places(
    tokens: npt.NDArray[Any], starts: Numbers, ends: Numbers, length: int, share: int
) -> tuple[npt.NDArray[np.uint64], Numbers]:
    """(hashes, places) where `length` tokens fit between a start and its end: about one in `share` of the stretches."""
    room = int(np.maximum(ends - starts - length + 1, 0).sum())
    room = room if share == 1 else min(room, room // share * 2 + 1024)
    while True:
        hashes, found = np.empty(room, np.uint64), np.empty(room, np.int64)
        count = int(_places(tokens, starts, ends, length, share, hashes, found))
        if count <= room:
            return hashes[:count], found[:count]
        room = count  # one stretch with very many copies was chosen
