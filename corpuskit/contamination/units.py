"""Texts cut into units for finding quoted passages: what is compared when spacing and punctuation do not matter.

A unit is one Hangul, Han, Hiragana or Katakana character, or a maximal run of other letters, numbers and marks. What
is between units is dropped, so that an added comma, a changed quotation mark or Korean spacing changes nothing.
Units are equal when their simple lower-case forms are.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.unicode import HANGUL, UNSPACED, UPPER, WORD, character_class, decode
from corpuskit.kernels.words import mix

_SEED = np.uint64(0x6A09E667F3BCC909)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@nb.njit(cache=True, nogil=True)
def split_units(data, start, end, points, hashes, starts, ends):  # type: ignore[no-untyped-def]
    """(units, how many of them are single Hangul, Han or Kana characters) of the text `data[start:end]`.

    Unit i is `data[start + starts[i] : start + ends[i]]` with the hash `hashes[i]`. The arrays hold at least
    (end - start) // 2 + 2 items.
    """
    units = 0
    single = 0
    inside = False
    at = start
    while at < end:
        code = np.int64(data[at])
        width = 1
        if code >= 0x80:
            code, width = decode(data, at, end)
        kind = character_class(code, points)
        if kind & (HANGUL | UNSPACED):
            units += inside
            inside = False
            hashes[units] = mix((_SEED ^ np.uint64(code)) * _MULTIPLIER)
            starts[units] = at - start
            ends[units] = at - start + width
            units += 1
            single += 1
        elif kind & WORD:
            if not inside:
                inside = True
                hashes[units] = _SEED
                starts[units] = at - start
            if kind & UPPER:
                code = np.int64(points.lower[code])
            hashes[units] = mix((hashes[units] ^ np.uint64(code)) * _MULTIPLIER)
            ends[units] = at - start + width
        elif inside:
            units += 1
            inside = False
        at += width
    return units + inside, single
