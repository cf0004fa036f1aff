"""Texts as streams of shingle hashes, in the two ways that near-duplicates are looked for.

*Words*: a shingle is `size` consecutive words. A word is a run of letters, digits and marks, case-folded; punctuation,
symbols and spacing separate words and count for nothing more.

*Characters*: for Korean, whose particles are glued to the words, and for scripts without spaces. A shingle is `size`
consecutive characters within a word, together with the first character of the word before it: a changed or lost
particle alters one shingle, and yet two long texts on other subjects share hardly any (one in a hundred between long
petitions, where bare character pairs share one in eight).

A text shorter than one shingle is a single shingle, all of it: it resembles only its equals. A text without any word
(`!!!`, emoji) is one shingle of what is not white space.

Texts are expected in NFC (`corpuskit.kernels.normal_form`).

The hash of a word is over its folded characters: those below 256 are packed, up to eight to a 64-bit chunk, so that
words of ASCII are read eight bytes at a time; any other character is a chunk of its own.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.eight_bytes import leading_word, load
from corpuskit.kernels.unicode import decode
from corpuskit.kernels.words import mix

WORDS, CHARACTERS = 0, 1
"""The two ways, as the kernels take them."""

LONGEST_SHINGLE = 32
"""Words or characters in a shingle, at most."""

LONE_WORD = 16
"""A text of one word, cut by characters, is a single shingle where it would make fewer than these."""

BLOCK = 4096
"""Shingle hashes that a buffer of `fill` holds, more than LONE_WORD."""

SEPARATOR, IGNORED = 0, 1
"""What `folded` gives for a character that ends a word, and for one that is not there (soft hyphen, joiners)."""

POSITION, STEP, SEEN, LENGTH, WORD, CHUNK, PACKED, ROLLING, HEAD, FIRST, SECOND, STATE = range(12)
"""Places in the state of `fill`: next byte, finished or not, words so far, characters of the open word, its hash, its
open chunk and how many characters that holds, the rolling hash, the first character of the word before (low half) and
of the open one (high half), the two halves of the digest; and how many places there are."""

FOLDED_SIZE = 0x33480

_WORD_SEED = np.uint64(0x9AE16A3B2F90404F)
_WORD_STEP = np.uint64(0x9E3779B97F4A7C15)
_ROLL = np.uint64(0xD1342543DE82EF95)
_FIRST_STEP = np.uint64(0xC6A4A7935BD1E995)
_SECOND_STEP = np.uint64(0xA0761D6478BD642F)
_WHOLE = np.uint64(0x5851F42D4C957F2D)
_WORDLESS = np.uint64(0x2545F4914F6CDD1D)
_SHIFT = np.uint64(29)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_SMALL = np.uint64(256)
_LARGE = np.uint64(1 << 56)  # marks the chunk of one large character: no packed character is 1
_SEPARATOR = np.uint64(SEPARATOR)
_IGNORED = np.uint64(IGNORED)


@lru_cache(maxsize=1)
def folded() -> npt.NDArray[np.uint32]:
    """uint32[FOLDED_SIZE]: the case-folded form of each code point, SEPARATOR or IGNORED (about 0.1 s, once)."""
    table = np.zeros(FOLDED_SIZE, np.uint32)
    for code in range(FOLDED_SIZE):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf" or 0xFE00 <= code < 0xFE10:
            table[code] = IGNORED
        elif category[0] in "LNM":
            fold = character.casefold()
            lower = character.lower()
            table[code] = ord(fold) if len(fold) == 1 else ord(lower) if len(lower) == 1 else code
    return table


@nb.njit(cache=True, nogil=True)
def begin(state: Any, start: Any) -> None:
    """Make `state` (uint64[STATE]) ready for a text whose bytes begin at `start`."""
    state[:] = 0
    state[POSITION] = np.uint64(start)
    state[WORD] = _WORD_SEED


@nb.njit(cache=True, nogil=True)
def _absorb(value: Any, chunk: Any) -> Any:
    value = (value ^ chunk) * _WORD_STEP
    return value ^ (value >> _HALF)


@nb.njit(cache=True, nogil=True)
def _wordless(data: Any, start: Any, end: Any, state: Any) -> Any:
    """The only shingle of a text that holds no word; of an empty one too."""
    value = _WORDLESS
    for at in range(start, end):
        if data[at] > 32:
            value = (value ^ np.uint64(data[at])) * _WORD_STEP
    value = mix(value)
    state[FIRST] = value
    state[SECOND] = mix(value ^ _WORDLESS)
    return value


@nb.njit(cache=True, nogil=True)
def fill(data: Any, start: Any, end: Any, way: Any, size: Any, fold: Any, state: Any, ring: Any, out: Any) -> Any:
    """Write the next shingle hashes of the text `data[start:end]` into `out` (uint64[BLOCK]); return how many.

    Call it until `state[STEP]` is 1. `state` comes from `begin`, `ring` is uint64[LONGEST_SHINGLE], `way` one of WORDS
    and CHARACTERS, `size` at most LONGEST_SHINGLE, `fold` the table of `folded`. At the end `state[FIRST]` and
    `state[SECOND]` are a 128-bit digest of the text's words in order, the same for both ways.
    """
    at = np.int64(state[POSITION])
    seen = np.int64(state[SEEN])
    length = np.int64(state[LENGTH])
    value = state[WORD]
    chunk = state[CHUNK]
    packed = np.int64(state[PACKED])
    rolling = state[ROLLING]
    before = state[HEAD] & _LOW
    head = state[HEAD] >> _HALF
    first = state[FIRST]
    second = state[SECOND]
    whole = at == start
    place = (length if way == CHARACTERS else seen) % size
    count = 0
    room = len(out) - 2
    power = _ONE
    for _ in range(size):
        power *= _ROLL
    while count < room:
        if way == WORDS:  # most bytes of most texts: letters of ASCII, one after the other
            while at + 8 <= end and (packed == 0 or packed == 8):
                letters, found = leading_word(load(data, at))
                if found == 0:
                    break
                if packed == 8:
                    value = _absorb(value, chunk)
                chunk = letters
                packed = found
                length += found
                at += found
                if found < 8:
                    break
        if at < end:
            code = np.int64(data[at])
            width = 1
            if code >= 0x80:
                code, width = decode(data, at, end)
            symbol = np.uint64(fold[code]) if code < FOLDED_SIZE else _SEPARATOR
            at += width
            if symbol > _IGNORED:
                if packed == 8 or (packed > 0 and symbol >= _SMALL):
                    value = _absorb(value, chunk)
                    chunk = np.uint64(0)
                    packed = np.int64(0)
                if symbol < _SMALL:
                    chunk |= symbol << np.uint64(8 * packed)
                    packed += 1
                else:
                    value = _absorb(value, symbol | _LARGE)
                if way == CHARACTERS:
                    if length == 0:
                        head = symbol
                        rolling = np.uint64(0)
                        place = np.int64(0)
                    rolling = rolling * _ROLL + symbol
                    if length >= size:
                        rolling -= power * ring[place]
                    ring[place] = symbol
                    place = place + 1 if place + 1 < size else np.int64(0)
                    if length + 1 >= size:
                        out[count] = mix(rolling ^ mix(before + _ONE))
                        count += 1
                length += 1
                continue
            if symbol == _IGNORED:
                continue
        if length:
            word = mix(_absorb(value, chunk))
            first = (first ^ word) * _FIRST_STEP
            first ^= first >> _SHIFT
            second = (second ^ (word + _ROLL)) * _SECOND_STEP
            second ^= second >> _SHIFT
            if way == WORDS:
                rolling = rolling * _ROLL + word
                if seen >= size:
                    rolling -= power * ring[place]
                ring[place] = word
                place = place + 1 if place + 1 < size else np.int64(0)
                if seen + 1 >= size:
                    out[count] = mix(rolling)
                    count += 1
            else:
                if length < size:
                    out[count] = mix(rolling ^ mix(before + _ONE) ^ _WHOLE)
                    count += 1
                before = head
            seen += 1
            length = np.int64(0)
            value = _WORD_SEED
            chunk = np.uint64(0)
            packed = np.int64(0)
        if at >= end:
            break
    state[POSITION] = np.uint64(at)
    state[SEEN] = np.uint64(seen)
    state[LENGTH] = np.uint64(length)
    state[WORD] = value
    state[CHUNK] = chunk
    state[PACKED] = np.uint64(packed)
    state[ROLLING] = rolling
    state[HEAD] = before | (head << _HALF)
    state[FIRST] = first
    state[SECOND] = second
    if at >= end and length == 0:
        state[STEP] = _ONE
        if seen == 0:
            out[0] = _wordless(data, start, end, state)
            return 1
        if (way == WORDS and seen < size) or (way == CHARACTERS and seen == 1 and whole and count < LONE_WORD):
            out[0] = mix(first ^ _WHOLE)
            return 1
    return count
