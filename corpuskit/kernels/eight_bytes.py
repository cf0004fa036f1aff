"""Eight bytes of text at a time, in one 64-bit number: how far the letters and digits of ASCII go, in lower case.

The arithmetic stays inside each byte (Warren, Hacker's Delight, second edition, section 6-1 on searching words by
bytes): no sum of two bytes below 0x80 reaches into the next one.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

_ONES = np.uint64(0x0101010101010101)
_TOPS = np.uint64(0x8080808080808080)
_LOW_SEVEN = np.uint64(0x7F7F7F7F7F7F7F7F)
_CASE = np.uint64(0x2020202020202020)
_FROM_A = np.uint64(0x1F1F1F1F1F1F1F1F)  # added to a byte, its top bit says: at least 'a'
_AFTER_Z = np.uint64(0x0505050505050505)
_FROM_0 = np.uint64(0x5050505050505050)
_AFTER_9 = np.uint64(0x4646464646464646)


@nb.njit(cache=True, nogil=True)
def load(data: Any, at: Any) -> Any:
    """`data[at:at + 8]` (uint8) as a uint64, the first byte lowest. Compiles to a single load."""
    k = np.uint64(at)  # unsigned: numba then spares the test for negative places
    value = np.uint64(data[k])
    for step in range(1, 8):
        value |= np.uint64(data[k + np.uint64(step)]) << np.uint64(8 * step)
    return value


@nb.njit(cache=True, nogil=True)
def leading_word(eight: Any) -> Any:
    """(the leading ASCII letters and digits in lower case, other bytes 0; how many they are, 0 to 8)."""
    seven = eight & _LOW_SEVEN
    lower = seven | _CASE
    letters = (lower + _FROM_A) & ~(lower + _AFTER_Z)
    digits = (seven + _FROM_0) & ~(seven + _AFTER_9)
    stops = ~(letters | digits) & _TOPS | (eight & _TOPS)
    first_stop = stops & (~stops + np.uint64(1))
    mask = (first_stop >> np.uint64(7)) - np.uint64(1)  # without a stop: all ones
    return lower & mask, np.int64(((mask & _ONES) * _ONES) >> np.uint64(56))
