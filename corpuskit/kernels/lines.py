"""Lines and paragraphs of a text: how many, how they begin and end, how much of them is repeated.

A line is what is between line feeds, without the white space at its ends; a paragraph is a run of lines with no
empty line in it. Lines and paragraphs that are empty are none. A duplicate is one that equals an earlier one; the
first is not a duplicate. Lengths are in characters, without the white space at a line's ends and without line feeds.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.intern import grown, new_table, number_of
from corpuskit.kernels.unicode import SPACE, character_class, decode
from corpuskit.kernels.words import mix

(
    LINES,
    PARAGRAPHS,
    LINE_CHARACTERS,
    DUPLICATE_LINES,
    DUPLICATE_PARAGRAPHS,
    DUPLICATE_LINE_CHARACTERS,
    DUPLICATE_PARAGRAPH_CHARACTERS,
    BULLET_LINES,
    ELLIPSIS_LINES,
    PUNCTUATED_LINES,
    SHORT_LINES,
    LONG_LINES,
    LINE_FEEDS,
    HASHES,
    ELLIPSES,
    LINE_COUNTS,
) = range(16)
"""Positions in the counts that `count_lines` writes."""

SHORT_LINE = 30
"""A short line has at most so many characters (FineWeb)."""
LONG_LINE = 200
"""A long line has at least so many characters (mC4)."""

BULLETS = tuple(ord(character) for character in "•‣▪●◦⁃∙·ㆍ‧*-–")
"""Characters that begin an item of a list."""
LOOSE_BULLETS = tuple(ord(character) for character in "*-–")
"""Those of them that are written for other purposes too."""
TERMINAL = tuple(ord(character) for character in ".?!\"'”’。！？…」』؟۔।։")
"""Characters that end a sentence, quotation marks after it among them."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SEED = np.uint64(0x2545F4914F6CDD1D)
_ELLIPSIS = 0x2026


@nb.njit(cache=True, nogil=True)
def last_character(data, start, end):  # type: ignore[no-untyped-def]
    """(code point, its first byte) of the last character of `data[start:end]`, which is not empty."""
    at = end - 1
    while at > start and (data[at] & 0xC0) == 0x80 and at > end - 4:
        at -= 1
    code, width = decode(data, at, end)
    if at + width != end:
        return np.int64(0xFFFD), end - 1
    return code, at


@nb.njit(cache=True, nogil=True, inline="always")
def past_blanks(data, at, end):  # type: ignore[no-untyped-def]
    """The first place from `at` on that is no ASCII white space, or `end`: what `trim` cuts there, for less."""
    while at < end and (data[at] == 32 or 9 <= data[at] <= 13 or 28 <= data[at] <= 31):
        at += 1
    return at


@nb.njit(cache=True, nogil=True)
def trim(data, start, end, points):  # type: ignore[no-untyped-def]
    """`data[start:end]` without the white space at its ends, as (start, end)."""
    while start < end:
        code, width = decode(data, start, end)
        if not character_class(code, points) & SPACE:
            break
        start += width
    while end > start:
        code, at = last_character(data, start, end)
        if not character_class(code, points) & SPACE:
            break
        end = at
    return start, end


@nb.njit(cache=True, nogil=True)
def ends_with_ellipsis(data, start, end):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` ends in '...' or '…'."""
    if end - start >= 3 and data[end - 1] == 46 and data[end - 2] == 46 and data[end - 3] == 46:
        return True
    return end - start >= 3 and data[end - 3] == 0xE2 and data[end - 2] == 0x80 and data[end - 1] == 0xA6


@nb.njit(cache=True, nogil=True)
def is_item(data, start, end, punctuated, points):  # type: ignore[no-untyped-def]
    """Whether the line `data[start:end]` begins as an item of a list does.

    Asterisks and dashes begin one only before white space (`***` hides a name), and dashes only where no sentence ends
    the line: those are the turns of a conversation.
    """
    code, width = decode(data, start, end)
    if code not in BULLETS:
        return False
    if code not in LOOSE_BULLETS:
        return True
    if start + width >= end:
        return False
    after, _ = decode(data, start + width, end)
    return (character_class(after, points) & SPACE) != 0 and not (punctuated and code != 42)


@nb.njit(cache=True, nogil=True)
def count_lines(data, start, end, points, counts):  # type: ignore[no-untyped-def]
    """Overwrites `counts` (int64[LINE_COUNTS]) with what the text `data[start:end]` has."""
    counts[:] = 0
    for at in range(start, end):
        byte = data[at]
        if byte == 10:
            counts[LINE_FEEDS] += 1
        elif byte == 35:
            counts[HASHES] += 1
    line_slots, line_keys = new_table(counts[LINE_FEEDS] + 1)
    paragraph_slots, paragraph_keys = new_table(counts[LINE_FEEDS] + 1)
    distinct_lines = 0
    distinct_paragraphs = 0
    paragraph_key = _SEED
    paragraph_lines = 0
    paragraph_characters = 0
    at = start
    while at <= end:
        if paragraph_lines == 0:
            at = past_blanks(data, at, end)
        line_end = at
        dots = 0
        while line_end < end and data[line_end] != 10:
            if data[line_end] == 46:
                dots += 1
                if dots == 3:
                    counts[ELLIPSES] += 1
                    dots = 0
            else:
                dots = 0
                if data[line_end] == 0xE2 and line_end + 2 < end:
                    counts[ELLIPSES] += data[line_end + 1] == 0x80 and data[line_end + 2] == 0xA6
            line_end += 1
        first, last = trim(data, at, line_end, points)
        if first < last:
            key = _SEED
            characters = 0
            for place in range(first, last):
                key = (key ^ np.uint64(data[place])) * _MULTIPLIER
                characters += (data[place] & 0xC0) != 0x80
            key = mix(key)
            paragraph_key = mix(paragraph_key ^ key) * _MULTIPLIER
            paragraph_lines += 1
            paragraph_characters += characters
            counts[LINES] += 1
            counts[LINE_CHARACTERS] += characters
            counts[SHORT_LINES] += characters <= SHORT_LINE
            counts[LONG_LINES] += characters >= LONG_LINE
            if distinct_lines == len(line_keys):
                line_slots, line_keys = grown(line_keys)
            number = number_of(key, line_slots, len(line_slots) - 1, line_keys, distinct_lines)
            if number == distinct_lines:
                distinct_lines += 1
            else:
                counts[DUPLICATE_LINES] += 1
                counts[DUPLICATE_LINE_CHARACTERS] += characters
            code, _ = last_character(data, first, last)
            counts[PUNCTUATED_LINES] += code in TERMINAL
            counts[BULLET_LINES] += is_item(data, first, last, code in TERMINAL, points)
            counts[ELLIPSIS_LINES] += ends_with_ellipsis(data, first, last)
        if paragraph_lines > 0 and (first >= last or line_end >= end):
            counts[PARAGRAPHS] += 1
            if distinct_paragraphs == len(paragraph_keys):
                paragraph_slots, paragraph_keys = grown(paragraph_keys)
            number = number_of(
                paragraph_key, paragraph_slots, len(paragraph_slots) - 1, paragraph_keys, distinct_paragraphs
            )
            if number == distinct_paragraphs:
                distinct_paragraphs += 1
            else:
                counts[DUPLICATE_PARAGRAPHS] += 1
                counts[DUPLICATE_PARAGRAPH_CHARACTERS] += paragraph_characters
            paragraph_key = _SEED
            paragraph_lines = 0
            paragraph_characters = 0
        at = line_end + 1
