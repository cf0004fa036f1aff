"""Texts cut into words, each with a hash and its place.

A token is a maximal run of characters that are no white space; Han, Hiragana and Katakana characters are tokens of one
character. A token that holds a letter, number or mark is a word: what is from its first such character to its
last, so that punctuation around it falls away and punctuation inside it stays ("don't", "3.14"). Words are equal when
their characters' simple lower-case forms are; the hash is of those.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.unicode import HANGUL, JAMO, LETTER, SPACE, UNSPACED, UPPER, WORD, character_class, decode

TOKENS, WORDS, WITH_LETTER, CHARACTERS, WORD_CHARACTERS, HANGUL_CHARACTERS, JAMO_CHARACTERS, COUNTS = range(8)
"""Positions in the counts that `split_words` writes: tokens, words, tokens that hold a letter, characters that are no
white space, characters of words, Hangul among the characters, bare jamo among the characters."""

_SEED = np.uint64(0x51A3F0C1D2B4E687)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)


@nb.njit(cache=True, nogil=True, inline="always")
def mix(value):  # type: ignore[no-untyped-def]
    """MurmurHash3's 64-bit finaliser: every bit of the result depends on every bit of `value`."""
    value = (value ^ (value >> _HALF)) * _MIX_1
    value = (value ^ (value >> _HALF)) * _MIX_2
    return value ^ (value >> _HALF)


@nb.njit(cache=True, nogil=True)
def piece_end(data, start, end, piece, points):  # type: ignore[no-untyped-def]
    """Where the first piece of `data[start:end]` ends: some `piece` bytes on, where no token is cut."""
    for at in range(start + piece, end):
        if data[at] & 0xC0 != 0x80:
            code, _ = decode(data, at, end)
            if character_class(code, points) & (SPACE | UNSPACED):
                return at
    return end


@nb.njit(cache=True, nogil=True)
def split_words(data, start, end, points, hashes, starts, ends, lengths, counts):  # type: ignore[no-untyped-def]
    """Words of the text `data[start:end]`; returns how many.

    Word i is `data[start + starts[i] : start + ends[i]]`, `lengths[i]` characters long, with the hash `hashes[i]`. The
    four arrays hold at least (end - start) // 2 + 1 items; `counts` (int64[COUNTS]) is overwritten.
    """
    counts[:] = 0
    words = 0
    letters = False
    inside = False
    token_open = False
    value = _SEED
    length = 0
    at = start
    while at <= end:
        if at < end:
            code = np.int64(data[at])
            width = 1
            if code >= 0x80:
                code, width = decode(data, at, end)
            kind = character_class(code, points)
        else:
            code, width, kind = np.int64(32), 1, np.uint8(SPACE)
        if kind & (SPACE | UNSPACED):
            if token_open:
                counts[TOKENS] += 1
                counts[WITH_LETTER] += letters
                if inside:
                    counts[WORD_CHARACTERS] += lengths[words]
                    words += 1
                token_open = letters = inside = False
            if kind & UNSPACED:
                counts[TOKENS] += 1
                counts[WITH_LETTER] += 1
                counts[CHARACTERS] += 1
                counts[WORD_CHARACTERS] += 1
                hashes[words] = (_SEED ^ np.uint64(code)) * _MULTIPLIER
                starts[words] = at - start
                ends[words] = at - start + width
                lengths[words] = 1
                words += 1
            at += width
            continue
        token_open = True
        counts[CHARACTERS] += 1
        if kind & HANGUL:
            counts[HANGUL_CHARACTERS] += 1
            if kind & JAMO:
                counts[JAMO_CHARACTERS] += 1
        if kind & WORD:
            if not inside:
                inside = True
                value = _SEED
                length = 0
                starts[words] = at - start
            if kind & LETTER:
                letters = True
            if kind & UPPER:
                code = np.int64(points.lower[code])
            value = (value ^ np.uint64(code)) * _MULTIPLIER
            length += 1
            hashes[words] = value
            lengths[words] = length
            ends[words] = at - start + width
        elif inside:
            value = (value ^ np.uint64(code)) * _MULTIPLIER
            length += 1
        at += width
    for word in range(words):
        hashes[word] = mix(hashes[word])
    counts[WORDS] = words
    return words


def word_hash(word: str) -> int:
    """The hash that `split_words` gives to a word (its lower-case form), for tables of words."""
    value = int(_SEED)
    for character in word:
        lower = character.lower()
        code = ord(lower) if len(lower) == 1 else ord(character)
        value = ((value ^ code) * int(_MULTIPLIER)) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 33)) * int(_MIX_1)) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 33)) * int(_MIX_2)) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 33)


def word_hashes(words: list[str]) -> npt.NDArray[np.uint64]:
    """`word_hash` of each word: uint64[words]."""
    return np.array([word_hash(word) for word in words], np.uint64)


@nb.njit(cache=True, nogil=True)
def suffix_hash(data, start, end):  # type: ignore[no-untyped-def]
    """The word hash of the characters `data[start:end]`, for text without upper case (Hangul endings)."""
    value = _SEED
    at = start
    while at < end:
        code, width = decode(data, at, end)
        value = (value ^ np.uint64(code)) * _MULTIPLIER
        at += width
    return mix(value)
