"""Words of a text as people read them, not as they are spelled to slip past a filter, one window at a time.

Letters are folded (case, full width, accents, Cyrillic and Greek look-alikes) and Hangul is taken apart into its
letters, so that composed, decomposed and consonant-only spellings share their symbols. A word with digits or signs
inside is read a second time without them (`sh!t`, `시1발`, `씨@발`), and so is a run of single characters (`f u c k`,
`시 발`). Addresses and @mentions are no words.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes
from corpuskit.kernels.ngram_hash import LONGEST_WORD, Symbols

LONGEST_CHUNK = 256
"""Characters between spaces that are read together; longer runs are read in pieces."""

SENTENCE_SHARE = 0.3
"""A window ends with a sentence once it holds this share of its greatest number of words."""

CHUNK_SYMBOLS = 3 * LONGEST_CHUNK
HEAD = np.uint8(16)
"""On the kind of a symbol that begins a character."""

Kinds = npt.NDArray[np.uint8]
Bounds = npt.NDArray[np.int64]

_SPACE, _LETTER, _DIGIT, _SIGN, _OTHER, _NOTHING, _ALONE = range(7)

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

_LEET = np.zeros(128, np.uint16)
for _sign, _letter in zip("@$!013457|+", "asioieastit", strict=True):
    _LEET[ord(_sign)] = ord(_letter)

_ASCII_KIND = np.full(128, _OTHER, np.uint8)
for _code in range(128):
    if _code < 0x20 or _code == 0x7F:
        _ASCII_KIND[_code] = _SPACE if 9 <= _code <= 13 else _NOTHING
    elif chr(_code).isalnum():
        _ASCII_KIND[_code] = _DIGIT if chr(_code).isdigit() else _LETTER
    elif chr(_code) in "@$!*.-_~^+#|":
        _ASCII_KIND[_code] = _SIGN
_ASCII_KIND[ord(" ")] = _SPACE
_ASCII_KIND[ord("'")] = _NOTHING


@nb.njit(cache=True, nogil=True, inline="always")
def _decode(data: Bytes, position: Any, end: Any) -> Any:
    """(code point, bytes) at a position; a byte that begins no whole character reads as U+FFFD, one byte long."""
    first = np.int64(data[position])
    if first < 0x80:
        return first, 1
    if 0xC2 <= first < 0xE0 and position + 1 < end:
        return ((first & 0x1F) << 6) | (np.int64(data[position + 1]) & 0x3F), 2
    if 0xE0 <= first < 0xF0 and position + 2 < end:
        return ((first & 0x0F) << 12) | ((np.int64(data[position + 1]) & 0x3F) << 6) | (
            np.int64(data[position + 2]) & 0x3F
        ), 3
    if 0xF0 <= first < 0xF5 and position + 3 < end:
        return ((first & 0x07) << 18) | ((np.int64(data[position + 1]) & 0x3F) << 12) | (
            (np.int64(data[position + 2]) & 0x3F) << 6
        ) | (np.int64(data[position + 3]) & 0x3F), 4
    return np.int64(0xFFFD), 1


@nb.njit(cache=True, nogil=True, inline="always")
def _ascii_symbol(code: Any) -> Any:
    return np.int64(_FOLD[code]) if _FOLD[code] else code


@nb.njit(cache=True, nogil=True)
def _read(code: Any) -> Any:
    """(kind, symbol) of a character that is neither ASCII nor a Hangul syllable."""
    if code < 0x530:
        if 0x300 <= code < 0x370 or code == 0xAD:
            return _NOTHING, np.int64(0)
        if code == 0xA0 or code == 0x85:
            return _SPACE, np.int64(0)
        return (_LETTER, np.int64(_FOLD[code])) if _FOLD[code] else (_OTHER, code)
    if 0x1100 <= code < 0x1200:
        if code < 0x1113:
            return _LETTER, _LEADS[code - 0x1100]
        if 0x1161 <= code < 0x1176:
            return _LETTER, code - 0x1161 + 0x314F
        if 0x11A8 <= code < 0x11C3:
            return _LETTER, _TAILS[code - 0x11A7]
        return _LETTER, code
    if 0x2000 <= code < 0x2070:
        if code == 0x2019 or 0x200B <= code <= 0x200F or code >= 0x2060:
            return _NOTHING, np.int64(0)
        return (_SPACE if code <= 0x200A or code in (0x2028, 0x2029, 0x202F, 0x205F) else _OTHER), code
    if code < 0x2C00:
        return (_OTHER if code < 0x2600 else _ALONE), code
    if code == 0x3000:
        return _SPACE, code
    if 0x3001 <= code < 0x3030:
        return _OTHER, code
    if 0xFE00 <= code < 0xFE10 or code == 0xFEFF:
        return _NOTHING, np.int64(0)
    if 0xFF01 <= code <= 0xFF5E:
        return np.int64(_ASCII_KIND[code - 0xFEE0]), _ascii_symbol(code - 0xFEE0)
    if 0x1F000 <= code < 0x1FB00:
        if 0x1F3FB <= code <= 0x1F3FF:
            return _NOTHING, np.int64(0)
        return _ALONE, 0xE000 | (code & 0xFFF)
    if code >= 0xE0000 or code == 0xFFFD:
        return _NOTHING, np.int64(0)
    return _LETTER, max(code & 0xFFFF, np.int64(2))


@nb.njit(cache=True, nogil=True, inline="always")
def _hangul(symbol: Any) -> Any:
    return 0x3131 <= symbol < 0x3164


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
            if kind == _SPACE:
                return position, characters, count, closed, True
            symbol = _ascii_symbol(byte)
            size = 1
        else:
            code, size = _decode(data, position, end)
            if 0xAC00 <= code <= 0xD7A3:
                index = code - 0xAC00
                symbols[count] = _LEADS[index // 588]
                symbols[count + 1] = 0x314F + (index % 588) // 28
                kinds[count] = _LETTER | HEAD
                kinds[count + 1] = _LETTER
                count += 2
                tail = _TAILS[index % 28]
                if tail:
                    symbols[count] = tail
                    kinds[count] = _LETTER
                    count += 1
                position += size
                characters += 1
                closed = False
                continue
            kind, symbol = _read(code)
            if kind == _SPACE:
                return position, characters, count, closed, True
        position += size
        characters += 1
        if kind == _NOTHING:
            continue
        closed = symbol == 0x2E or symbol == 0x21 or symbol == 0x3F or symbol == 0x3002 or symbol == 0x2026
        symbols[count] = symbol
        kinds[count] = kind | HEAD
        count += 1
    return position, characters, count, closed, False


@nb.njit(cache=True, nogil=True)
def _is_address(symbols: Symbols, kinds: Kinds, count: int) -> Any:
    """True for an @mention in Latin letters and for what holds `://` or begins with `www.`."""
    if count > 1 and symbols[0] == 0x40 and symbols[1] < 0x80 and (kinds[1] & ~HEAD) == _LETTER:
        return True
    if count > 4 and symbols[0] == 0x77 and symbols[1] == 0x77 and symbols[2] == 0x77 and symbols[3] == 0x2E:
        return True
    for at in range(count - 2):
        if symbols[at] == 0x3A and symbols[at + 1] == 0x2F and symbols[at + 2] == 0x2F:
            return True
    return False


@nb.njit(cache=True, nogil=True)
def _is_disguised(kinds: Kinds, count: int) -> Any:
    """True where a digit or sign stands between letters."""
    letters = False
    inside = False
    for at in range(count):
        kind = kinds[at] & ~HEAD
        if kind == _LETTER:
            if inside:
                return True
            letters = True
        elif letters and (kind == _DIGIT or kind == _SIGN):
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
            code, size = _decode(data, position, end)
            if code < 0xAC00 or code > 0xD7A3:
                kind, symbol = _read(code)
                if kind == _SPACE:
                    position += size
                    read += 1
                    continue
        position, characters, count, closed, whole = read_chunk(data, position, end, chunk, kinds)
        begin = read
        read += characters
        if count == 0 or _is_address(chunk, kinds, count):
            continue
        known = plain
        start = at
        repeats = 0
        heads = 0
        digits = True
        alone = False
        for entry in range(count + 1):
            kind = _OTHER if entry == count else kinds[entry] & ~HEAD
            inside = kind == _LETTER or kind == _DIGIT
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
            if kind == _ALONE:
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
            digits = digits and kind == _DIGIT
            if repeats <= 2:
                symbols[at] = chunk[entry]
                at += 1
            elif repeats == 3:
                at -= 1
        if plain > known:
            last = read
            if first < 0:
                first = begin
            if _is_disguised(kinds, count):
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
    """Append the chunk without its signs: Latin ones read as the letters they stand for, Hangul ones left out."""
    start = at
    before = np.int64(0)
    for entry in range(count):
        kind = kinds[entry] & ~HEAD
        symbol = np.int64(chunk[entry])
        if kind == _DIGIT or kind == _SIGN:
            symbol = np.int64(0) if before == 0 or _hangul(before) or symbol >= 128 else np.int64(_LEET[symbol])
        elif kind != _LETTER:
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
