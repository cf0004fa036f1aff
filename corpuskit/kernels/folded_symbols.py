"""Characters of a text as the symbols that people read: letters without case, accent or disguise.

Letters are folded (case, full width, accents, Cyrillic and Greek look-alikes) and Hangul is taken apart into its
letters, so that composed, decomposed and consonant-only spellings share their symbols.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes
from corpuskit.kernels.ngram_hash import Symbols
from corpuskit.kernels.unicode import decode

LONGEST_CHUNK = 256
"""Characters between spaces that are read together; longer runs are read in pieces."""
CHUNK_SYMBOLS = 3 * LONGEST_CHUNK
HEAD = np.uint8(16)
"""On the kind of a symbol that begins a character."""

Kinds = npt.NDArray[np.uint8]

SPACE, LETTER, DIGIT, SIGN, OTHER, NOTHING, ALONE = range(7)
"""Kinds of characters. NOTHING is passed over (accents, joiners), ALONE is a word by itself (emoji)."""

_LEADS = np.array([0, 1, 3, 6, 7, 8, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29], np.int64) + 0x3131
"""The compatibility letter of each of the 19 initial consonants, in Unicode's order."""


def _tails() -> npt.NDArray[np.int64]:
    """The compatibility letter of each of the 28 final consonants (0: none), in Unicode's order."""
    return np.array(
        [0] + [ord(letter) for letter in "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"], np.int64
    )


_TAILS = _tails()


def _folding() -> npt.NDArray[np.uint16]:
    """The symbol of each character below U+0530 that is a letter or digit, else 0: base letter, lower case."""
    import unicodedata

    alike = dict(zip("авеікмнорстухѕјԁαβεικνορτυχ", "abeikmhopctyxsjdabeikvoptux", strict=True))
    table = np.zeros(0x530, np.uint16)
    for code in range(0x530):
        lower = chr(code).lower()
        if not lower[0].isalnum():
            continue
        base = unicodedata.normalize("NFKD", lower)[0]
        table[code] = ord(alike.get(base, base)) & 0xFFFF
    return table


_FOLD = _folding()

_ASCII_KIND = np.full(128, OTHER, np.uint8)
for _code in range(128):
    if _code < 0x20 or _code == 0x7F:
        _ASCII_KIND[_code] = SPACE if 9 <= _code <= 13 else NOTHING
    elif chr(_code).isalnum():
        _ASCII_KIND[_code] = DIGIT if chr(_code).isdigit() else LETTER
    elif chr(_code) in "@$!*.-_~^+#|":
        _ASCII_KIND[_code] = SIGN
_ASCII_KIND[ord(" ")] = SPACE
_ASCII_KIND[ord("'")] = NOTHING


@nb.njit(cache=True, nogil=True, inline="always")
def _ascii_symbol(code: Any) -> Any:
    return np.int64(_FOLD[code]) if _FOLD[code] else code


@nb.njit(cache=True, nogil=True)
def read_character(code: Any) -> Any:
    """(kind, symbol) of a character that is neither ASCII nor a Hangul syllable."""
    if code < 0x530:
        if 0x300 <= code < 0x370 or code == 0xAD:
            return NOTHING, np.int64(0)
        if code == 0xA0 or code == 0x85:
            return SPACE, np.int64(0)
        return (LETTER, np.int64(_FOLD[code])) if _FOLD[code] else (OTHER, code)
    if 0x1100 <= code < 0x1200:
        if code < 0x1113:
            return LETTER, _LEADS[code - 0x1100]
        if 0x1161 <= code < 0x1176:
            return LETTER, code - 0x1161 + 0x314F
        if 0x11A8 <= code < 0x11C3:
            return LETTER, _TAILS[code - 0x11A7]
        return LETTER, code
    if 0x2000 <= code < 0x2070:
        if code == 0x2019 or 0x200B <= code <= 0x200F or code >= 0x2060:
            return NOTHING, np.int64(0)
        return (SPACE if code <= 0x200A or code in (0x2028, 0x2029, 0x202F, 0x205F) else OTHER), code
    if code < 0x2C00:
        return (OTHER if code < 0x2600 else ALONE), code
    if code == 0x3000:
        return SPACE, code
    if 0x3001 <= code < 0x3030:
        return OTHER, code
    if 0xFE00 <= code < 0xFE10 or code == 0xFEFF:
        return NOTHING, np.int64(0)
    if 0xFF01 <= code <= 0xFF5E:
        return np.int64(_ASCII_KIND[code - 0xFEE0]), _ascii_symbol(code - 0xFEE0)
    if 0x1F000 <= code < 0x1FB00:
        if 0x1F3FB <= code <= 0x1F3FF:
            return NOTHING, np.int64(0)
        return ALONE, 0xE000 | (code & 0xFFF)
    if code >= 0xE0000 or code == 0xFFFD:
        return NOTHING, np.int64(0)
    return LETTER, max(code & 0xFFFF, np.int64(2))


@nb.njit(cache=True, nogil=True)
def read_chunk(data: Bytes, position: int, end: int, symbols: Symbols, kinds: Kinds) -> Any:
    """Read characters from `position` up to the next space into `symbols` and `kinds`, both as long as CHUNK_SYMBOLS.

    A Hangul syllable writes each of its letters, the first of them with the mark HEAD on its kind; every other
    character writes one symbol, marked too. Returns (next position, characters read, symbols written, whether the
    chunk ends a sentence, whether a space ended it). The space is left to the caller.
    """
    count = 0
    characters = 0
    closed = False
    while position < end and characters < LONGEST_CHUNK:
        byte = np.int64(data[position])
        if byte < 0x80:
            kind = np.int64(_ASCII_KIND[byte])
            if kind == SPACE:
                return position, characters, count, closed, True
            symbol = _ascii_symbol(byte)
            size = 1
        else:
            code, size = decode(data, position, end)
            if 0xAC00 <= code <= 0xD7A3:
                index = code - 0xAC00
                symbols[count] = _LEADS[index // 588]
                symbols[count + 1] = 0x314F + (index % 588) // 28
                kinds[count] = LETTER | HEAD
                kinds[count + 1] = LETTER
                count += 2
                tail = _TAILS[index % 28]
                if tail:
                    symbols[count] = tail
                    kinds[count] = LETTER
                    count += 1
                position += size
                characters += 1
                closed = False
                continue
            kind, symbol = read_character(code)
            if kind == SPACE:
                return position, characters, count, closed, True
        position += size
        characters += 1
        if kind == NOTHING:
            continue
        closed = symbol == 0x2E or symbol == 0x21 or symbol == 0x3F or symbol == 0x3002 or symbol == 0x2026
        symbols[count] = symbol
        kinds[count] = kind | HEAD
        count += 1
    return position, characters, count, closed, False
