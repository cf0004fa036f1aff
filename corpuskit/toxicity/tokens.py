"""The tokens of a window for the context model: folded words, and the marks that the linear model does not read.

A word is read as `corpuskit.kernels.folded_words` reads it. A word with digits or signs inside (`sh!t`) becomes the
word that it disguises. Quotation marks, question marks, commas and sentence ends are tokens of their own, because who
says a sentence, and whether it is asked or said, decides what it means.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes
from corpuskit.kernels.folded_symbols import (
    ALONE,
    CHUNK_SYMBOLS,
    DIGIT,
    HEAD,
    LETTER,
    OTHER,
    SIGN,
    SPACE,
    Kinds,
    read_character,
    read_chunk,
)
from corpuskit.kernels.folded_words import LEET, is_address, is_disguised
from corpuskit.kernels.ngram_hash import LONGEST_WORD, Symbols
from corpuskit.kernels.unicode import decode

MOST_TOKENS = 72
"""Tokens that the context model reads of a window; the rest of a longer window is not read."""

MARKS = 8
"""Kinds of marks: 1 quotation mark, 2 question mark, 3 exclamation mark, 4 full stop, 5 comma, 6 colon or semicolon,
7 ellipsis. 0 is a word."""

Bounds = npt.NDArray[np.int64]
Room = tuple[Symbols, Kinds, Symbols, Bounds, Kinds]


@nb.njit(cache=True, nogil=True, inline="always")
def _mark(symbol: Any) -> Any:
    if symbol == 0x22 or 0x201C <= symbol <= 0x201F or symbol == 0x2018 or symbol == 0xAB or symbol == 0xBB:
        return 1
    if 0x300C <= symbol <= 0x300F or symbol == 0x3008 or symbol == 0x3009:
        return 1
    if symbol == 0x3F:
        return 2
    if symbol == 0x21:
        return 3
    if symbol == 0x2E or symbol == 0x3002:
        return 4
    if symbol == 0x2C or symbol == 0x3001:
        return 5
    if symbol == 0x3A or symbol == 0x3B:
        return 6
    if symbol == 0x2026:
        return 7
    return 0


@nb.njit(cache=True, nogil=True, inline="always")
def _quotes(data: Bytes, start: int, end: int) -> Any:
    """(whether the chunk begins with an apostrophe, whether it ends with one): quotation marks that folding drops."""
    opens = data[start] == 0x27
    closes = end - start > 1 and data[end - 1] == 0x27
    if end - start > 2 and data[end - 1] in (0x2E, 0x2C, 0x21, 0x3F):
        closes = closes or data[end - 2] == 0x27
    if end - start > 3 and data[end - 3] == 0xE2 and data[end - 2] == 0x80 and data[end - 1] == 0x99:
        closes = True
    return opens, closes


@nb.njit(cache=True, nogil=True, inline="always")
def _last_letter(kinds: Kinds, count: int) -> Any:
    for entry in range(count - 1, -1, -1):
        if (kinds[entry] & ~HEAD) == LETTER:
            return entry
    return -1


@nb.njit(cache=True, nogil=True)
def read_tokens(
    data: Bytes, start: int, end: int, chunk: Symbols, kinds: Kinds, symbols: Symbols, bounds: Bounds, marks: Kinds
) -> Any:
    """Read the tokens of the bytes `data[start:end]`; return how many, at most MOST_TOKENS.

    Token i is the word `symbols[bounds[i]:bounds[i + 1]]`, or a mark (`marks[i] > 0`) with no symbols. Room for them
    comes from `token_room()`.
    """
    tokens = 0
    at = 0
    bounds[0] = 0
    position = start
    while position < end and tokens < MOST_TOKENS:
        byte = data[position]
        if byte == 0x20 or 9 <= byte <= 13:
            position += 1
            continue
        if byte >= 0x80:
            code, size = decode(data, position, end)
            if code < 0xAC00 or code > 0xD7A3:
                kind, _ = read_character(code)
                if kind == SPACE:
                    position += size
                    continue
        first = position
        position, _, count, _, _ = read_chunk(data, position, end, chunk, kinds)
        if count == 0 or is_address(chunk, kinds, count):
            continue
        opens, closes = _quotes(data, first, position)
        if opens and tokens < MOST_TOKENS:
            marks[tokens] = 1
            tokens += 1
            bounds[tokens] = at
        inner = _last_letter(kinds, count) if is_disguised(kinds, count) else -1
        begin = at
        repeats = 0
        before = np.int64(0)
        for entry in range(count + 1):
            kind = np.int64(OTHER) if entry == count else np.int64(kinds[entry] & ~HEAD)
            symbol = np.int64(0) if entry == count else np.int64(chunk[entry])
            inside = kind in (LETTER, DIGIT)
            if entry < inner and kind in (DIGIT, SIGN):
                hangul = 0x3131 <= before < 0x3164
                symbol = np.int64(0) if before == 0 or hangul or symbol >= 128 else np.int64(LEET[symbol])
                inside = symbol != 0
                if not inside:
                    continue
            if at > begin and (not inside or at - begin >= LONGEST_WORD):
                if tokens == MOST_TOKENS:
                    return tokens
                marks[tokens] = 0
                tokens += 1
                bounds[tokens] = at
                begin = at
                repeats = 0
                before = np.int64(0)
            if entry == count or tokens == MOST_TOKENS:
                break
            if kind == ALONE:
                symbols[at] = symbol
                at += 1
                marks[tokens] = 0
                tokens += 1
                bounds[tokens] = at
                begin = at
                continue
            if not inside:
                mark = _mark(symbol)
                if mark and not (tokens and marks[tokens - 1] == mark):
                    marks[tokens] = mark
                    tokens += 1
                    bounds[tokens] = at
                continue
            repeats = repeats + 1 if at > begin and before == symbol else 1
            before = symbol
            if repeats <= 2:
                symbols[at] = symbol
                at += 1
            elif repeats == 3:
                at -= 1
        if closes and tokens < MOST_TOKENS:
            marks[tokens] = 1
            tokens += 1
            bounds[tokens] = at
    return tokens


def token_room() -> Room:
    """The arrays that `read_tokens` writes to."""
    return (
        np.zeros(CHUNK_SYMBOLS, np.uint16),
        np.zeros(CHUNK_SYMBOLS, np.uint8),
        np.zeros((MOST_TOKENS + 2) * LONGEST_WORD + CHUNK_SYMBOLS, np.uint16),
        np.zeros(MOST_TOKENS + 2, np.int64),
        np.zeros(MOST_TOKENS + 2, np.uint8),
    )


def tokens(text: str) -> list[str]:
    """The tokens of a text as the context model reads them; marks as `<1>` to `<7>`, Hangul as separate letters."""
    data = np.frombuffer(text.encode("utf-8", "replace") or b" ", np.uint8)
    room = token_room()
    count = read_tokens(data, 0, len(data), *room)
    symbols, bounds, marks = room[2], room[3], room[4]
    words = ("".join(map(chr, symbols[bounds[i] : bounds[i + 1]])) for i in range(count))
    return [f"<{marks[i]}>" if marks[i] else word for i, word in enumerate(words)]
