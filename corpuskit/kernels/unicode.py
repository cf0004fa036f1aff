"""Code points in compiled loops: decoding UTF-8, and what sort of character each one is.

The classes come from the Unicode general categories of the running Python (`unicodedata`), laid out as a two-stage
table: `classes[pages[code_point >> 8] << 8 | code_point & 255]`. Han, Hiragana and Katakana are written without spaces
and get a class of their own; Hangul is spaced and does not.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

SPACE = 1
"""White space, as `str.isspace` has it."""
LETTER = 2
"""General category L."""
NUMBER = 4
"""General category N."""
MARK = 8
"""General category M: belongs to the letter before it."""
UNSPACED = 16
"""Han, Hiragana, Katakana: each character counts as a word."""
HANGUL = 32
"""Hangul syllables and jamo."""
JAMO = 64
"""Hangul letters that form no syllable (ㅋ, ㅠ): compatibility and halfwidth jamo."""
UPPER = 128
"""Has a simple lower-case form."""

WORD = LETTER | NUMBER | MARK
REPLACEMENT = 0xFFFD

_UNSPACED = (
    (0x3041, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F),
    (0x20000, 0x323AF),
)
_HANGUL = ((0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xD7B0, 0xD7FB), (0xFFA1, 0xFFDC))
_JAMO = ((0x3131, 0x318E), (0xFFA1, 0xFFDC))


class CodePoints(NamedTuple):
    """Tables over all code points, as compiled loops take them."""

    pages: npt.NDArray[np.uint16]
    """uint16[0x1100]: the page of each block of 256 code points."""
    classes: npt.NDArray[np.uint8]
    """uint8[pages * 256]: the class bits."""
    lower: npt.NDArray[np.int32]
    """int32[0x1E944]: the simple lower-case form of each code point below that number (there are none above)."""


@lru_cache(maxsize=1)
def code_points() -> CodePoints:
    """The tables, built once a process (about 0.2 s)."""
    classes = np.zeros(0x110000, np.uint8)
    category_bits = {"L": LETTER, "N": NUMBER, "M": MARK}
    for start, end in ((0, 0x32400), (0xE0000, 0xE0200)):
        names = [unicodedata.category(chr(code)) for code in range(start, end)]
        classes[start:end] = [category_bits.get(name[0], 0) for name in names]
    classes[[code for code in range(0x3100) if chr(code).isspace()]] = SPACE
    for bit, ranges in ((UNSPACED, _UNSPACED), (HANGUL, _HANGUL), (JAMO, _JAMO)):
        for start, end in ranges:
            block = classes[start : end + 1]
            block[(block & LETTER) > 0] |= bit
    lower = np.arange(0x1E944, dtype=np.int32)
    for code in range(len(lower)):
        form = chr(code).lower()
        if len(form) == 1 and ord(form) != code:
            lower[code] = ord(form)
            classes[code] |= UPPER
    blocks, pages = np.unique(classes.reshape(-1, 256), axis=0, return_inverse=True)
    return CodePoints(pages.reshape(-1).astype(np.uint16), np.ascontiguousarray(blocks.reshape(-1)), lower)


@nb.njit(cache=True, nogil=True, inline="always")
def character_class(code, points):  # type: ignore[no-untyped-def]
    """The class bits of a code point."""
    return points.classes[(np.int64(points.pages[code >> 8]) << 8) | (code & 255)]


@nb.njit(cache=True, nogil=True)
def decode(data, at, end):  # type: ignore[no-untyped-def]
    """(code point, bytes it takes) at `data[at]`. A byte that begins no valid sequence is U+FFFD, one byte long."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xC2:
        return np.int64(REPLACEMENT), 1
    if first < 0xE0:
        if at + 1 < end and (data[at + 1] & 0xC0) == 0x80:
            return (first & 0x1F) << 6 | np.int64(data[at + 1] & 0x3F), 2
    elif first < 0xF0:
        if at + 2 < end and (data[at + 1] & 0xC0) == 0x80 and (data[at + 2] & 0xC0) == 0x80:
            code = (first & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | np.int64(data[at + 2] & 0x3F)
            if code >= 0x800 and not 0xD800 <= code < 0xE000:
                return code, 3
    elif (
        first < 0xF5
        and at + 3 < end
        and (data[at + 1] & 0xC0) == 0x80
        and (data[at + 2] & 0xC0) == 0x80
        and (data[at + 3] & 0xC0) == 0x80
    ):
        code = (
            (first & 0x07) << 18
            | np.int64(data[at + 1] & 0x3F) << 12
            | np.int64(data[at + 2] & 0x3F) << 6
            | np.int64(data[at + 3] & 0x3F)
        )
        if 0x10000 <= code < 0x110000:
            return code, 4
    return np.int64(REPLACEMENT), 1
