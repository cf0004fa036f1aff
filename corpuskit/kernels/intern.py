"""Numbering equal keys: an open-addressing table that gives each distinct 64-bit key the next small number.

A table starts small (`new_table`) and grows with the distinct keys (`grown`), so that the memory of a long text is that
of its vocabulary, and most of it stays in the processor's cache.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.words import mix

FIRST_KEYS = 1 << 12
"""Keys that a new table has room for at the most."""


@nb.njit(cache=True, nogil=True)
def table_size(keys):  # type: ignore[no-untyped-def]
    """Slots of a table for `keys` keys: a power of two, at least twice as many."""
    size = 16
    while size < 2 * keys:
        size *= 2
    return size


@nb.njit(cache=True, nogil=True)
def new_table(keys):  # type: ignore[no-untyped-def]
    """(slots, distinct) of an empty table for the first of at most `keys` keys."""
    size = table_size(min(keys, FIRST_KEYS))
    return np.full(size, -1, np.int32), np.empty(size // 2, np.uint64)


@nb.njit(cache=True, nogil=True)
def grown(distinct):  # type: ignore[no-untyped-def]
    """(slots, distinct) of a table twice as large, with the keys of a full one under the numbers that they have."""
    count = len(distinct)
    slots = np.full(4 * count, -1, np.int32)
    larger = np.empty(2 * count, np.uint64)
    for number in range(count):
        number_of(distinct[number], slots, 4 * count - 1, larger, number)
    return slots, larger


@nb.njit(cache=True, nogil=True)
def with_room(values, room):  # type: ignore[no-untyped-def]
    """The values, and zeros up to `room` items."""
    larger = np.zeros(room, values.dtype)
    larger[: len(values)] = values
    return larger


@nb.njit(cache=True, nogil=True, inline="always")
def number_of(key, slots, mask, distinct, count):  # type: ignore[no-untyped-def]
    """The number of `key`: its own from before, or `count` where it is new (then `distinct[count]` holds it).

    `slots` (int32, -1 where free) are the table; `mask` its size less one. There is room for another key
    (`count < len(distinct)`).
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
