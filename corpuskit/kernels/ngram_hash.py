"""Hashed word, character and syllable n-gram features of a word, the same buckets on every machine.

The hashing trick of Weinberger et al. 2009 ("Feature Hashing for Large Scale Multitask Learning", section 2) over the
subword n-grams of Bojanowski et al. 2017 ("Enriching Word Vectors with Subword Information", section 3.2): a word is
the sum of its own bucket and of the buckets of its character n-grams, with a mark at its beginning and its end.
In Korean n-grams of whole syllables tell what those of letters cannot: whether a stem or an ending is meant.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

SHORTEST, LONGEST = 2, 5
"""Least and greatest order of a character n-gram, in symbols. A Hangul syllable is two or three (its letters)."""

LONGEST_WORD = 64
"""Symbols in a word; longer runs are read as several words."""

MOST_SYLLABLES = 3
"""Greatest order of an n-gram of whole syllables that a model may read."""

FEATURES_A_WORD = 1 + (LONGEST - SHORTEST + 1 + MOST_SYLLABLES) * (LONGEST_WORD + 2)
"""Room that `word_buckets` needs for its answer."""

_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_WORD = np.uint64(0xD6E8FEB86659FD93)
_SYLLABLE = np.uint64(0x51ED270B0F4D1A6F)
_SHIFT = np.uint64(32)
_EDGE = np.uint64(1)

Symbols = npt.NDArray[np.uint16]
Buckets = npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True, inline="always")
def _bucket(value: Any, bits: Any) -> Any:
    mixed = (value ^ (value >> _SHIFT)) * _MIX
    mixed = (mixed ^ (mixed >> _SHIFT)) * _MIX
    return np.int64(mixed >> np.uint64(64 - bits))


@nb.njit(cache=True, nogil=True)
def word_key(symbols: Symbols, start: int, end: int) -> Any:
    """64-bit key of the word `symbols[start:end]` (FNV-1a over its symbols)."""
    key = _BASIS
    for position in range(start, end):
        key = (key ^ np.uint64(symbols[position])) * _PRIME
    return key


@nb.njit(cache=True, nogil=True)
def pair_bucket(before: Any, key: Any, bits: int) -> Any:
    """Bucket in [0, 2**bits) of two neighbouring words, given by their keys, in this order."""
    return _bucket((before * _MIX) ^ (key + _WORD), bits)


@nb.njit(cache=True, nogil=True, inline="always")
def _vowel(symbol: Any) -> Any:
    return 0x314F <= symbol <= 0x3163


@nb.njit(cache=True, nogil=True, inline="always")
def _consonant(symbol: Any) -> Any:
    return 0x3131 <= symbol <= 0x314E


@nb.njit(cache=True, nogil=True, inline="always")
def begins_syllable(symbols: Symbols, start: int, position: int, end: int) -> Any:
    """Whether a syllable of the word `symbols[start:end]` begins at `position`.

    A vowel goes with the consonant before it, and a consonant between a vowel and no vowel ends that vowel's syllable.
    Everything else is a syllable by itself.
    """
    if position == start:
        return True
    symbol, before = symbols[position], symbols[position - 1]
    if _vowel(symbol):
        return not _consonant(before)
    if _consonant(symbol) and _vowel(before):
        return position + 1 < end and _vowel(symbols[position + 1])
    return True


@nb.njit(cache=True, nogil=True)
def _syllable_buckets(
    symbols: Symbols, start: int, end: int, bits: int, syllables: int, out: Buckets, count: int
) -> Any:
    """Write the buckets of the n-grams of whole syllables behind the first `count` of `out`; return how many then."""
    single = (_SYLLABLE ^ _EDGE) * _PRIME  # the n-gram that is the last syllable, and the one that ends with it
    pair = np.uint64(0)
    key = _BASIS
    for position in range(start, end + 2):
        if position > start and (position >= end or begins_syllable(symbols, start, position, end)):
            triple = (pair ^ key) * _PRIME
            whole = pair != 0
            pair = (single ^ key) * _PRIME
            single = (_SYLLABLE ^ key) * _PRIME
            if position <= end:
                out[count] = _bucket(single, bits)
                count += 1
            if syllables > 1:
                out[count] = _bucket(pair, bits)
                count += 1
            if syllables > 2 and whole:
                out[count] = _bucket(triple, bits)
                count += 1
            key = _BASIS if position < end else _EDGE
        if position < end:
            key = (key ^ np.uint64(symbols[position])) * _PRIME
    return count


@nb.njit(cache=True, nogil=True)
def word_buckets(symbols: Symbols, start: int, end: int, bits: int, shortest: int, syllables: int, out: Buckets) -> Any:
    """Write the buckets in [0, 2**bits) of the word `symbols[start:end]` into `out`; return how many.

    The first is the whole word's, the next are those of its character n-grams of `shortest` (SHORTEST or more)
    to LONGEST symbols, the last those of its n-grams of 1 to `syllables` (MOST_SYLLABLES or fewer, 0: none) whole
    syllables. A mark at either end counts as a symbol and as a syllable, which is no n-gram by itself. `out` is
    int64[FEATURES_A_WORD] or longer.
    """
    out[0] = _bucket(word_key(symbols, start, end) ^ _WORD, bits)
    count = 1
    for first in range(start - 1, end):
        value = _BASIS
        last = min(first + LONGEST, end + 1)
        for position in range(first, last):
            symbol = _EDGE if position < start or position >= end else np.uint64(symbols[position])
            value = (value ^ symbol) * _PRIME
            if position - first + 1 >= shortest:
                out[count] = _bucket(value, bits)
                count += 1
    if syllables:
        count = _syllable_buckets(symbols, start, end, bits, syllables, out, count)
    return count
