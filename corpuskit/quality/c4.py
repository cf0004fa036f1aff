"""C4's rules for lines and pages (Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified
Text-to-Text Transformer", section 2.2, and the code of the TensorFlow data set `c4`).

A line is kept when it ends in terminal punctuation (and no ellipsis), has three words, no word of over 1,000
characters, no mention of JavaScript and no phrase of a cookie or privacy notice. Reference marks (`[12]`, `[edit]`,
`[citation needed]`) are cut out of the lines that stay.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import pyarrow as pa

from corpuskit.document import Change, apply_changes
from corpuskit.inputs import Texts, as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.lines import TERMINAL, ends_with_ellipsis, last_character, past_blanks, trim
from corpuskit.kernels.unicode import SPACE, UNSPACED, UPPER, WORD, character_class, code_points, decode

MAX_WORD = 1000
MIN_WORDS = 3
"""A line has at least so many words (separated by white space; each Han or kana character is one), none of more than
MAX_WORD characters."""

KEPT, EMPTY, LONG_WORD, NO_TERMINAL_PUNCTUATION, FEW_WORDS, JAVASCRIPT, POLICY = range(7)
REASONS = ("", "", "long_word", "no_terminal_punctuation", "few_words", "javascript", "policy")
"""Why a line goes, by the number that `line_verdict` returns."""

SENTENCES, KEPT_LINES, CURLY_BRACKET, LOREM_IPSUM, C4_COUNTS = range(5)
"""Positions in the counts that `count_c4` writes, all of them of the lines that are kept."""

_PHRASES = (
    b"javascript",
    b"terms of use",
    b"privacy policy",
    b"cookie policy",
    b"uses cookies",
    b"use of cookies",
    b"use cookies",
    b"lorem ipsum",
)
_PATTERNS = np.frombuffer(b"".join(_PHRASES), np.uint8)
_PATTERN_STARTS = np.cumsum([0] + [len(phrase) for phrase in _PHRASES])
_SECOND = np.array([{"j": 97, "t": 101, "p": 114, "c": 111, "u": 115, "l": 111}.get(chr(byte).lower(), 0)
                    for byte in range(256)], np.uint8)  # fmt: skip
"""The byte that follows each byte that may begin a phrase; 0 for those that begin none."""
_LOREM_IPSUM = len(_PHRASES) - 1

_ASCII_WORD = np.array([chr(byte).isalnum() and byte < 0x80 for byte in range(256)])
_ASCII_STOP = np.array([chr(byte) in ".?!" for byte in range(256)])
_STOPS = tuple(ord(character) for character in ".?!…")
_WIDE_STOPS = tuple(ord(character) for character in "。！？")
_CLOSERS = tuple(ord(character) for character in "\"')]”’」』")
_FIXED_MARKS = (np.frombuffer(b"[edit]", np.uint8), np.frombuffer(b"[citation needed]", np.uint8))


@nb.njit(cache=True, nogil=True)
def _phrase_at(data, at, end):  # type: ignore[no-untyped-def]
    """The number of the phrase at `data[at]` in any case, or -1."""
    for phrase in range(len(_PATTERN_STARTS) - 1):
        first, last = _PATTERN_STARTS[phrase], _PATTERN_STARTS[phrase + 1]
        if at + last - first <= end:
            same = True
            for place in range(last - first):
                byte = data[at + place]
                if 65 <= byte <= 90:
                    byte |= 32
                if byte != _PATTERNS[first + place]:
                    same = False
                    break
            if same:
                return phrase
    return -1


@nb.njit(cache=True, nogil=True)
def reference_mark(data, at, end):  # type: ignore[no-untyped-def]
    """Bytes of the reference mark that begins at `data[at]` ('[12]', '[edit]', '[citation needed]'), or 0."""
    if data[at] != 91:
        return 0
    place = at + 1
    while place < end and 48 <= data[place] <= 57:
        place += 1
    if place < end and data[place] == 93:
        return place + 1 - at
    for mark in _FIXED_MARKS:
        if at + len(mark) <= end:
            same = True
            for i in range(len(mark)):
                if data[at + i] != mark[i]:
                    same = False
                    break
            if same:
                return len(mark)
    return 0


@nb.njit(cache=True, nogil=True)
def _without_final_marks(data, start, end, points):  # type: ignore[no-untyped-def]
    """The end of `data[start:end]` once reference marks and white space at its end are cut off."""
    while end > start and data[end - 1] == 93:
        opening = end - 1
        while opening > start and data[opening] != 91 and end - opening < 20:
            opening -= 1
        if reference_mark(data, opening, end) != end - opening:
            break
        _, end = trim(data, start, opening, points)
    return end


@nb.njit(cache=True, nogil=True)
def line_verdict(data, start, end, points):  # type: ignore[no-untyped-def]
    """(verdict, has a curly bracket, has 'lorem ipsum') of the line `data[start:end]`, which holds no line feed."""
    start, end = trim(data, start, end, points)
    if start >= end:
        return EMPTY, False, False
    words = 0
    longest = 0
    length = 0
    javascript = policy = curly = lorem = False
    at = start
    while at < end:
        byte = data[at]
        width = 1
        if byte < 0x80:
            space = byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31
            if byte == 123:
                curly |= at == start or data[at - 1] != 92  # not the bracket that TeX writes as \{
            elif _SECOND[byte] and at + 1 < end and data[at + 1] | 32 == _SECOND[byte]:
                phrase = _phrase_at(data, at, end)
                if phrase == 0:
                    javascript = True
                elif phrase == _LOREM_IPSUM:
                    lorem = True
                elif phrase > 0:
                    policy = True
        else:
            code, width = decode(data, at, end)
            kind = character_class(code, points)
            space = (kind & SPACE) != 0
            words += (kind & UNSPACED) != 0
        if space:
            length = 0
        else:
            words += length == 0
            length += 1
            longest = max(longest, length)
        at += width
    if longest > MAX_WORD:
        return LONG_WORD, curly, lorem
    last = _without_final_marks(data, start, end, points)
    if last <= start or ends_with_ellipsis(data, start, last):
        return NO_TERMINAL_PUNCTUATION, curly, lorem
    code, _ = last_character(data, start, last)
    if code not in TERMINAL:
        return NO_TERMINAL_PUNCTUATION, curly, lorem
    if words < MIN_WORDS:
        return FEW_WORDS, curly, lorem
    if javascript:
        return JAVASCRIPT, curly, lorem
    if policy:
        return POLICY, curly, lorem
    return KEPT, curly, lorem


@nb.njit(cache=True, nogil=True)
def count_sentences(data, start, end, points):  # type: ignore[no-untyped-def]
    """Sentences of the line `data[start:end]`.

    One ends at . ? ! or …, with the quotation marks and brackets that close after it, before white space or the line's
    end; at 。！？ it ends anywhere. A full stop after a single letter (an initial), or one or … before a lower-case
    letter, ends none. What is left after the last end counts as one, if it holds a letter or number.
    """
    sentences = 0
    pending = False
    letters = 0
    at = start
    while at < end:
        byte = data[at]
        if byte < 0x80:
            at += 1
            if _ASCII_WORD[byte]:
                pending = True
                letters += 1
                continue
            if not _ASCII_STOP[byte]:
                letters = 0
                continue
            code = np.int64(byte)
        else:
            code, width = decode(data, at, end)
            at += width
            if character_class(code, points) & WORD:
                pending = True
                letters += 1
                continue
        if not pending:
            continue
        if code in _WIDE_STOPS:
            sentences += 1
            pending = False
        elif code in _STOPS and not (code == 46 and letters == 1):
            weak = code in (46, 0x2026)
            after = at
            while after < end:
                code, width = decode(data, after, end)
                if code not in _CLOSERS and code not in _STOPS:
                    break
                after += width
            at = after
            if after >= end:
                sentences += 1
                pending = False
            elif character_class(code, points) & SPACE:
                after, _ = trim(data, after, min(end, after + 64), points)
                code, _ = decode(data, after, end) if after < end else (np.int64(65), 1)
                kind = character_class(code, points)
                lower_case = (97 <= code <= 122) or (code > 0x7F and kind & WORD and _is_lower(code, points))
                if not (weak and lower_case):
                    sentences += 1
                    pending = False
        letters = 0
    return sentences + pending


@nb.njit(cache=True, nogil=True)
def _is_lower(code, points):  # type: ignore[no-untyped-def]
    """Whether a cased letter beyond ASCII (Latin, Greek, Cyrillic) is in lower case."""
    return 0xDF <= code < 0x530 and not character_class(code, points) & UPPER


@nb.njit(cache=True, nogil=True)
def count_c4(data, start, end, points, counts):  # type: ignore[no-untyped-def]
    """Overwrites `counts` (int64[C4_COUNTS]) for the text `data[start:end]`."""
    counts[:] = 0
    at = past_blanks(data, start, end)
    while at < end:
        line_end = at
        while line_end < end and data[line_end] != 10:
            line_end += 1
        verdict, curly, lorem = line_verdict(data, at, line_end, points)
        if verdict == KEPT:
            counts[KEPT_LINES] += 1
            counts[SENTENCES] += count_sentences(data, at, line_end, points)
            counts[CURLY_BRACKET] |= curly
            counts[LOREM_IPSUM] |= lorem
        at = past_blanks(data, line_end, end)


@nb.njit(cache=True, nogil=True)
def _characters(data, start, end):  # type: ignore[no-untyped-def]
    count = 0
    for at in range(start, end):
        count += (data[at] & 0xC0) != 0x80
    return count


@nb.njit(cache=True, nogil=True)
def _removals(data, offsets, points):  # type: ignore[no-untyped-def]
    """(document, first character, last + 1, verdict or 0 for a reference mark) of all removals: int64[removals, 4]."""
    found = np.empty((256, 4), np.int64)
    count = 0
    for document in range(len(offsets) - 1):
        at, end = offsets[document], offsets[document + 1]
        characters = 0
        while at < end:
            line_end = at
            while line_end < end and data[line_end] != 10:
                line_end += 1
            verdict, _, _ = line_verdict(data, at, line_end, points)
            whole = verdict > EMPTY
            place = at
            while place < line_end:
                width = line_end - place if whole else reference_mark(data, place, line_end)
                if width > 0:
                    if count == len(found):
                        larger = np.empty((2 * count, 4), np.int64)
                        larger[:count] = found
                        found = larger
                    length = _characters(data, place, place + width)
                    found[count, 0] = document
                    found[count, 1] = characters
                    found[count, 2] = characters + length + (whole and line_end < end)
                    found[count, 3] = verdict if whole else 0
                    count += 1
                    characters += length
                    place += width
                else:
                    characters += (data[place] & 0xC0) != 0x80
                    place += 1
            characters += 1
            at = line_end + 1
    return found[:count]


def removals(texts: pa.LargeStringArray) -> list[list[Change]]:
    """What C4's line rules cut from each text, as character spans in order; a line goes with its line feed."""
    data, offsets = text_buffers(texts)
    result: list[list[Change]] = [[] for _ in range(len(offsets) - 1)]
    for document, first, last, verdict in _removals(data, offsets, code_points()).tolist():
        kind = f"line.{REASONS[verdict]}" if verdict else "reference_mark"
        result[document].append(Change(first, last, kind))
    return result


def clean_lines(texts: Texts) -> tuple[pa.LargeStringArray, list[list[Change]]]:
    """The texts without what C4's line rules cut, and what that was, as spans of the texts that were given.

    Nulls stay null.
    """
    strings = as_texts(texts)
    spans = removals(strings)
    cleaned = [
        text if text is None or not pieces else apply_changes(text, pieces)
        for text, pieces in zip(strings.to_pylist(), spans, strict=True)
    ]
    return pa.array(cleaned, pa.large_string()), spans
