"""The one pass over the texts that all quality measurements come from."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets
from corpuskit.kernels.lines import LINE_COUNTS, count_lines
from corpuskit.kernels.repetition import LARGEST, repeated_shares
from corpuskit.kernels.unicode import code_points
from corpuskit.kernels.words import COUNTS, split_words, suffix_hash
from corpuskit.quality.c4 import C4_COUNTS, count_c4
from corpuskit.quality.languages import lexicons

STOP_WORDS, WITH_ENDING, STOP_COUNTS = range(3)
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


def count(data: Bytes, offsets: Offsets, languages: npt.NDArray[np.int64]) -> Counts:
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
    _count(data, offsets, languages, code_points(), stop_words, stop_starts, endings, ending_starts, *counts)
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
def _count_stop_words(data, start, hashes, starts, ends, words, stop_words, endings, counts):  # type: ignore[no-untyped-def]
    seen = np.zeros(len(stop_words) + len(endings), np.bool_)
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
                counts[WITH_ENDING] += 1
                break
    counts[STOP_WORDS] = seen.sum()


@nb.njit(cache=True, nogil=True)
def _count(  # type: ignore[no-untyped-def]
    data,
    offsets,
    languages,
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
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    room = longest // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts = np.empty(room, np.uint32)
    ends = np.empty(room, np.uint32)
    lengths = np.empty(room, np.uint32)
    for text in range(len(offsets) - 1):
        start, end = offsets[text], offsets[text + 1]
        words = split_words(data, start, end, points, hashes, starts, ends, lengths, word_counts[text])
        count_lines(data, start, end, points, line_counts[text])
        count_c4(data, start, end, points, c4_counts[text])
        repeated_shares(hashes, lengths, words, repeated[text])
        language = languages[text]
        if language < 0:
            stop_counts[text, :] = -1
        else:
            _count_stop_words(
                data,
                start,
                hashes,
                starts,
                ends,
                words,
                stop_words[stop_starts[language] : stop_starts[language + 1]],
                endings[ending_starts[language] : ending_starts[language + 1]],
                stop_counts[text],
            )
