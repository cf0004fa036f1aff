"""Stretches of Hangul in which nothing can be marked, told from their bytes without reading their characters.

Marks need a digit, a letter, one of a few signs, or seven number words in a row with no more than separators between
them. The first three are looked for in 32 bytes at once. Seven words of three bytes are at least 21 bytes: of windows
of six bytes that begin every eight bytes, two neighbours lie inside. Where no two neighbours hold bytes of number words
and separators alone there is no such run, and the bytes between windows are never looked at (the idea of Boyer and
Moore's search, CACM 20, 1977).
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes

_BLOCK, _APART, _WIDE = 32, 8, 6
"""Bytes of a block, from one window to the next, of a window: 2 * _APART + _WIDE - 1 <= 21."""


def run_bytes(characters: str) -> npt.NDArray[np.bool_]:
    """bool[256]: the bytes of those of `characters` that a quiet stretch may hold."""
    table = np.zeros(256, np.bool_)
    for character in characters:
        form = list(character.encode())
        if not _is_loud(form[0]):
            table[form] = True
    return table


@nb.njit(cache=True, nogil=True, inline="always")
def _is_loud(byte: Any) -> Any:
    """Whether a byte may begin something to mark: a digit or ':', a letter, '-', '@', '_', and any character beyond
    ASCII whose first byte is not 0xE4 to 0xED (ideographs from U+4000 and Hangul syllables, which hide nothing and
    separate nothing)."""
    lower = byte | 0x20
    letter = (lower >= 97) & (lower <= 122)
    sign = ((byte >= 48) & (byte <= 58)) | (byte == 45) | (byte == 64) | (byte == 95)
    return ((byte < 0x80) & (letter | sign)) | ((byte >= 0xC0) & ((byte < 0xE4) | (byte > 0xED)))


@nb.njit(cache=True, nogil=True)
def quiet_end(data: Bytes, at: int, last: int, in_run: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
    """(a character's beginning between `at` and `last` to read on from; from where to look for a quiet stretch again).

    `data[at:last]` is valid UTF-8 that begins with a character, and no run of digits and separators is open before it.
    No mark begins before the first place, so that reading on from there finds all.
    """
    i = np.uint64(at)  # unsigned: numba then spares the test for negative places
    end = np.uint64(last)
    sure = i  # the last window with a byte of no run
    alike = False
    while i + np.uint64(_BLOCK) <= end:
        loud = False
        for k in range(_BLOCK):
            loud |= _is_loud(data[i + np.uint64(k)])
        if loud:
            break
        pair = False
        for k in range(0, _BLOCK, _APART):
            j = i + np.uint64(k)
            like = True
            for step in range(_WIDE):
                like &= in_run[data[j + np.uint64(step)]]
            pair |= like & alike
            alike = like
            sure = sure if like | pair else j
        if pair:
            break
        i += np.uint64(_BLOCK)
    while data[sure] & 0xC0 == 0x80:
        sure -= np.uint64(1)
    return np.int64(sure), np.int64(i) + _BLOCK
