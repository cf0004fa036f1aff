"""The one pass over the texts that all quality measurements come from.

The words of a long text are split and numbered a piece at a time; what is held of the whole text is eight bytes a word,
and a table of its distinct words and n-grams.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets
from corpuskit.kernels.intern import new_table
from corpuskit.kernels.lines import LINE_COUNTS, count_lines
from corpuskit.kernels.repetition import LARGEST, number_words, repeated_shares
from corpuskit.kernels.unicode import code_points
from corpuskit.kernels.words import COUNTS, piece_end, split_words, suffix_hash
from corpuskit.quality.c4 import C4_COUNTS, count_c4
from corpuskit.quality.languages import lexicons

STOP_WORDS, WITH_ENDING, STOP_COUNTS = range(3)
PIECE = 1 << 20
"""Bytes of a piece of a text."""
LONGEST_ENDING = 3
"""Syllables of the longest ending."""


class Counts(NamedTuple):
    """Counts of each text, a row each; columns are named in the modules that write them."""

    words: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    c4: npt.NDArray[np.int64]
    stop_words: npt.NDArray[np.int64]
    """Distinct stop words and endings; words with an ending. -1 where the language has no list."""
    repeated: npt.NDArray[np.float64]
    """Shares for n = 2 ... 10."""


def count(data: Bytes, offsets: Offsets, languages: npt.NDArray[np.int64], piece: int = PIECE) -> Counts:
    """All counts of the texts; `languages` as `corpuskit.quality.languages.numbers` gives them."""
    texts = len(offsets) - 1
    counts = Counts(
        np.zeros((texts, COUNTS), np.int64),
        np.zeros((texts, LINE_COUNTS), np.int64),
        np.zeros((texts, C4_COUNTS), np.int64),
        np.zeros((texts, STOP_COUNTS), np.int64),
        np.zeros((texts, LARGEST - 1), np.float64),
    )
    stop_words, stop_starts = _joined([lexicon.stop_words for lexicon in lexicons()])
    endings, ending_starts = _joined([lexicon.endings for lexicon in lexicons()])
    _count(data, offsets, languages, piece, code_points(), stop_words, stop_starts, endings, ending_starts, *counts)
    return counts


def _joined(tables: list[npt.NDArray[np.uint64]]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    starts = np.cumsum([0] + [len(table) for table in tables]).astype(np.int64)
    return np.concatenate(tables), starts


@nb.njit(cache=True, nogil=True)
def _find(table, key):  # type: ignore[no-untyped-def]
    """The position of `key` in a sorted table, or -1."""
    low, high = 0, len(table)
    while low < high:
        middle = (low + high) >> 1
        if table[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(table) and table[low] == key else -1


@nb.njit(cache=True, nogil=True)
def _mark_stop_words(data, start, hashes, starts, ends, words, stop_words, endings, seen):  # type: ignore[no-untyped-def]
    """Marks in `seen` the stop words, and behind them the endings, that occur; returns the words with an ending."""
    with_ending = 0
    for word in range(words):
        place = _find(stop_words, hashes[word])
        if place >= 0:
            seen[place] = True
        if len(endings) == 0:
            continue
        first, last = start + np.int64(starts[word]), start + np.int64(ends[word])
        for syllables in range(LONGEST_ENDING, 0, -1):
            at = last - 3 * syllables
            if at <= first or data[at] < 0xEA or data[at] > 0xED:
                continue
            place = _find(endings, suffix_hash(data, at, last))
            if place >= 0:
                seen[len(stop_words) + place] = True
                with_ending += 1
                break
    return with_ending


@nb.njit(cache=True, nogil=True)
def _longest(offsets, piece, data, points):  # type: ignore[no-untyped-def]
    """Bytes of (the longest text, the longest piece)."""
    text_bytes, piece_bytes = 0, 0
    for text in range(len(offsets) - 1):
        text_bytes = max(text_bytes, offsets[text + 1] - offsets[text])
        at = offsets[text]
        while at < offsets[text + 1]:
            last = piece_end(data, at, offsets[text + 1], piece, points)
            piece_bytes = max(piece_bytes, last - at)
            at = last
    return text_bytes, piece_bytes


@nb.njit(cache=True, nogil=True)
def _count(  # type: ignore[no-untyped-def]
    data,
    offsets,
    languages,
    piece,
    points,
    stop_words,
    stop_starts,
    endings,
    ending_starts,
    word_counts,
    line_counts,
    c4_counts,
    stop_counts,
    repeated,
):
    longest_text, longest_piece = _longest(offsets, piece, data, points)
    room = longest_piece // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts = np.empty(room, np.uint32)
    ends = np.empty(room, np.uint32)
    lengths = np.empty(room, np.uint32)
    found = np.empty(COUNTS, np.int64)
    room = longest_text // 2 + 2
    numbers = np.empty(room, np.int32)
    characters = np.empty(room, np.uint32)
    for text in range(len(offsets) - 1):
        start, end = offsets[text], offsets[text + 1]
        language = languages[text]
        own_words = stop_words[stop_starts[language] : stop_starts[language + 1]] if language >= 0 else stop_words[:0]
        own_endings = endings[ending_starts[language] : ending_starts[language + 1]] if language >= 0 else endings[:0]
        seen = np.zeros(len(own_words) + len(own_endings), np.bool_)
        slots, distinct = new_table((end - start) // 8 + 1)
        occurrences = np.zeros(len(distinct), np.int32)
        known = 0
        words = 0
        characters[0] = 0
        at = start
        while at < end:
            last = piece_end(data, at, end, piece, points)
            more = split_words(data, at, last, points, hashes, starts, ends, lengths, found)
            for position in range(COUNTS):
                word_counts[text, position] += found[position]
            stop_counts[text, WITH_ENDING] += _mark_stop_words(
                data, at, hashes, starts, ends, more, own_words, own_endings, seen
            )
            slots, distinct, occurrences, known = number_words(
                hashes, more, slots, distinct, occurrences, known, numbers[words:]
            )
            for word in range(more):
                characters[words + word + 1] = characters[words + word] + lengths[word]
            words += more
            at = last
        stop_counts[text, STOP_WORDS] = seen.sum()
        if language < 0:
            stop_counts[text, :] = -1
        count_lines(data, start, end, points, line_counts[text])
        count_c4(data, start, end, points, c4_counts[text])
        repeated_shares(numbers, occurrences, characters, words, repeated[text])
