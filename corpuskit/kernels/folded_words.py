"""Words of a text as people read them, not as they are spelled to slip past a filter, one window at a time.

Words are of the symbols of `corpuskit.kernels.folded_symbols`. A word with digits or signs inside is read a second
time without them (`sh!t`, `시1발`, `씨@발`), and so is a run of single characters (`f u c k`, `시 발`). Addresses and
@mentions are no words.
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
    LONGEST_CHUNK,
    OTHER,
    SIGN,
    SPACE,
    Kinds,
    read_character,
    read_chunk,
)
from corpuskit.kernels.ngram_hash import LONGEST_WORD, Symbols
from corpuskit.kernels.unicode import decode

SENTENCE_SHARE = 0.3
"""A window ends with a sentence once it holds this share of its greatest number of words."""

Bounds = npt.NDArray[np.int64]

LEET = np.zeros(128, np.uint16)
for _sign, _letter in zip("@$!013457|+", "asioieastit", strict=True):
    LEET[ord(_sign)] = ord(_letter)
"""The letter that a digit or sign is written for, by its code; 0: none."""


@nb.njit(cache=True, nogil=True, inline="always")
def _hangul(symbol: Any) -> Any:
    return 0x3131 <= symbol < 0x3164


@nb.njit(cache=True, nogil=True)
def is_address(symbols: Symbols, kinds: Kinds, count: int) -> Any:
    """True for an @mention in Latin letters and for what holds `://` or begins with `www.`."""
    if count > 1 and symbols[0] == 0x40 and symbols[1] < 0x80 and (kinds[1] & ~HEAD) == LETTER:
        return True
    if count > 4 and symbols[0] == 0x77 and symbols[1] == 0x77 and symbols[2] == 0x77 and symbols[3] == 0x2E:
        return True
    for at in range(count - 2):
        if symbols[at] == 0x3A and symbols[at + 1] == 0x2F and symbols[at + 2] == 0x2F:
            return True
    return False


@nb.njit(cache=True, nogil=True)
def is_disguised(kinds: Kinds, count: int) -> Any:
    """True where a digit or sign is between letters."""
    letters = False
    inside = False
    for at in range(count):
        kind = kinds[at] & ~HEAD
        if kind == LETTER:
            if inside:
                return True
            letters = True
        elif letters and (kind == DIGIT or kind == SIGN):
            inside = True
        else:
            letters = False
            inside = False
    return False


@nb.njit(cache=True, nogil=True)
def read_window(
    data: Bytes,
    position: int,
    end: int,
    most: int,
    chunk: Symbols,
    kinds: Kinds,
    symbols: Symbols,
    bounds: Bounds,
    second: Kinds,
) -> Any:
    """Read the words of the next window of `data[position:end]`: at most about `most`, and rather whole sentences.

    Word i is `symbols[bounds[i]:bounds[i + 1]]`; `second[i]` is 1 for a word that reads again what other words of the
    window spell. Room for them comes from `window_room(most)`. Returns (next position, characters read, characters
    before the first word's chunk, characters up to the last word's end, words, words that are no second reading).
    """
    least = max(np.int64(1), np.int64(most * SENTENCE_SHARE))
    read = 0
    first = -1
    last = 0
    words = 0
    plain = 0
    at = 0
    bounds[0] = 0
    run = np.empty(LONGEST_WORD, np.uint16)
    run_symbols = 0
    run_length = 0
    room = len(symbols) - 3 * len(chunk) - LONGEST_WORD
    while position < end:
        byte = data[position]
        if byte == 0x20 or byte == 0x0A or byte >= 0x80 or 9 <= byte <= 13:
            if byte < 0x80:
                position += 1
                read += 1
                if byte == 0x0A and plain >= least:
                    break
                continue
            code, size = decode(data, position, end)
            if code < 0xAC00 or code > 0xD7A3:
                kind, symbol = read_character(code)
                if kind == SPACE:
                    position += size
                    read += 1
                    continue
        position, characters, count, closed, whole = read_chunk(data, position, end, chunk, kinds)
        begin = read
        read += characters
        if count == 0 or is_address(chunk, kinds, count):
            continue
        known = plain
        start = at
        repeats = 0
        heads = 0
        digits = True
        alone = False
        for entry in range(count + 1):
            kind = OTHER if entry == count else kinds[entry] & ~HEAD
            inside = kind == LETTER or kind == DIGIT
            if at > start and (not inside or alone or at - start >= LONGEST_WORD):
                if heads == 1 and not digits and run_symbols + at - start <= LONGEST_WORD:
                    for copied in range(start, at):
                        run[run_symbols] = symbols[copied]
                        run_symbols += 1
                    run_length += 1
                elif run_length > 0:
                    if run_length > 1:
                        at, start, words = _insert_run(symbols, bounds, second, run, run_symbols, at, start, words)
                    run_symbols = 0
                    run_length = 0
                words += 1
                bounds[words] = at
                second[words - 1] = 0
                plain += 1
                start = at
                repeats = 0
                heads = 0
                digits = True
                alone = False
            if entry == count:
                break
            if kind == ALONE:
                symbols[at] = chunk[entry]
                at += 1
                heads = 2
                alone = True
                continue
            if not inside:
                continue
            repeats = repeats + 1 if at > start and repeats > 0 and symbols[at - 1] == chunk[entry] else 1
            if kinds[entry] & HEAD:
                heads += 1
            digits = digits and kind == DIGIT
            if repeats <= 2:
                symbols[at] = chunk[entry]
                at += 1
            elif repeats == 3:
                at -= 1
        if plain > known:
            last = read
            if first < 0:
                first = begin
            if is_disguised(kinds, count):
                at, words = _read_again(chunk, kinds, count, symbols, bounds, second, at, words)
        if (
            plain >= most
            or at > room
            or words + 4 * LONGEST_CHUNK > len(second)
            or (closed and whole and plain >= least)
        ):
            break
    if run_length > 1:
        at, _, words = _insert_run(symbols, bounds, second, run, run_symbols, at, at, words)
    return position, read, max(first, 0), last, words, plain


@nb.njit(cache=True, nogil=True)
def _insert_run(
    symbols: Symbols,
    bounds: Bounds,
    second: Kinds,
    run: Symbols,
    length: int,
    at: int,
    start: int,
    words: int,
) -> Any:
    """Put a run of single characters, read as one word, before the word that is being read (`symbols[start:at]`)."""
    for position in range(at - 1, start - 1, -1):
        symbols[position + length] = symbols[position]
    for position in range(length):
        symbols[start + position] = run[position]
    words += 1
    bounds[words] = start + length
    second[words - 1] = 1
    return at + length, start + length, words


@nb.njit(cache=True, nogil=True)
def _read_again(
    chunk: Symbols, kinds: Kinds, count: int, symbols: Symbols, bounds: Bounds, second: Kinds, at: int, words: int
) -> Any:
    """Append the chunk without its signs: Latin ones read as the letters they are written for, Hangul ones left out."""
    start = at
    before = np.int64(0)
    for entry in range(count):
        kind = kinds[entry] & ~HEAD
        symbol = np.int64(chunk[entry])
        if kind == DIGIT or kind == SIGN:
            symbol = np.int64(0) if before == 0 or _hangul(before) or symbol >= 128 else np.int64(LEET[symbol])
        elif kind != LETTER:
            symbol = np.int64(0)
        if symbol and not (at - start >= 2 and symbols[at - 1] == symbol and symbols[at - 2] == symbol):
            symbols[at] = symbol
            at += 1
            before = symbol
        if at > start and (at - start >= LONGEST_WORD or entry == count - 1):
            words += 1
            bounds[words] = at
            second[words - 1] = 1
            start = at
    if at > start:
        words += 1
        bounds[words] = at
        second[words - 1] = 1
    return at, words


def window_room(most: int) -> tuple[Symbols, Kinds, Symbols, Bounds, Kinds]:
    """The arrays that `read_window` writes to, for windows of about `most` words."""
    words = most + 8 * LONGEST_CHUNK
    return (
        np.zeros(CHUNK_SYMBOLS, np.uint16),
        np.zeros(CHUNK_SYMBOLS, np.uint8),
        np.zeros(4 * CHUNK_SYMBOLS + 24 * most + LONGEST_WORD, np.uint16),
        np.zeros(words + 1, np.int64),
        np.zeros(words, np.uint8),
    )


def folded_words(text: str, most: int = 1 << 20) -> list[str]:
    """The words of a text as the kernels read them, second readings included; Hangul as separate letters."""
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    room = window_room(most)
    found: list[str] = []
    position = 0
    while position < len(data):
        position, _, _, _, words, _ = read_window(data, position, len(data), most, *room)
        symbols, bounds = room[2], room[3]
        found.extend("".join(map(chr, symbols[bounds[i] : bounds[i + 1]])) for i in range(words))
    return found
