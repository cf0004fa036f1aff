"""Numbering equal keys: an open-addressing table that gives each distinct 64-bit key the next small number."""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.words import mix


@nb.njit(cache=True, nogil=True)
def table_size(keys):  # type: ignore[no-untyped-def]
    """Slots of a table for `keys` keys: a power of two, at least twice as many."""
    size = 16
    while size < 2 * keys:
        size *= 2
    return size


@nb.njit(cache=True, nogil=True, inline="always")
def number_of(key, slots, mask, distinct, count):  # type: ignore[no-untyped-def]
    """The number of `key`: its own from before, or `count` where it is new (then `distinct[count]` holds it).

    `slots` (int32, -1 where free) are the table; `mask` its size less one.
    """
    slot = np.int64(mix(key) & np.uint64(mask))
    while True:
        number = slots[slot]
        if number < 0:
            slots[slot] = count
            distinct[count] = key
            return np.int64(count)
        if distinct[number] == key:
            return np.int64(number)
        slot = (slot + 1) & mask
