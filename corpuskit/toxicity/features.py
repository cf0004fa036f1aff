"""From text to what the linear models see, and from there to a worst window: the compiled loops.

A window of words is a vector over hashed buckets (`corpuskit.kernels.ngram_hash`): WORD_VALUE for each word,
PAIR_VALUE for each two neighbours, 1 for each n-gram of characters or syllables, divided by the vector's length. A
model is one row of integer weights a bucket, so that the sums are exact and the same on every machine. What a word adds
depends on the word alone and words repeat, so the sums of recent words are kept.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets
from corpuskit.kernels.folded_words import read_window, window_room
from corpuskit.kernels.ngram_hash import FEATURES_A_WORD, pair_bucket, word_buckets, word_key

WORD_VALUE, PAIR_VALUE = 2, 2
LENGTH_FLOOR = 60.0
"""Least squared length that a window's vector is divided by: three short words are no strong evidence."""

SHORTEST_GRAM = 3
"""Least order of a model's character n-grams where it says nothing else."""

LABELS = 8
"""Columns of a model's weight table; those a model does not use are zero."""

_KEPT = 1 << 14

Weights = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True)
def sustained_score(values: Any, isolated: float) -> Any:
    """The highest value that more than the share `isolated` of `values` (float[windows], one or more) reach."""
    below = len(values) - 1 - min(int(isolated * len(values)), len(values) - 1)
    return np.partition(values, below)[below]


@nb.njit(cache=True, nogil=True)
def _score(
    data: Bytes,
    offsets: Offsets,
    chosen: Any,
    weights: Weights,
    bits: int,
    shortest: int,
    syllables: int,
    most: int,
    limit: float,
    isolated: float,
    room: Any,
) -> Any:
    chunk, kinds, symbols, bounds, second = room
    documents = len(offsets) - 1
    worst = np.full((documents, LABELS), -np.inf, np.float32)
    span = np.full((documents, 2), -1, np.int64)
    sustained = np.full(documents, -np.inf, np.float32)
    firsts = np.empty(64, np.float32)
    kept_keys = np.zeros(_KEPT, np.uint64)
    kept_sums = np.zeros((_KEPT, LABELS + 1), np.int32)
    buckets = np.empty(FEATURES_A_WORD, np.int64)
    sums = np.zeros(LABELS, np.int32)
    over = np.empty((64, 3), np.int64)
    over_values = np.empty(64, np.float32)
    found = 0
    for document in range(documents):
        if not chosen[document]:
            continue
        position = offsets[document]
        end = offsets[document + 1]
        characters = 0
        windows = 0
        while position < end:
            position, read, first, last, words, _ = read_window(
                data, position, end, most, chunk, kinds, symbols, bounds, second
            )
            begin = characters
            characters += read
            if words == 0:
                continue
            sums[:] = 0
            squared = 0
            before = np.uint64(0)
            for word in range(words):
                key = word_key(symbols, bounds[word], bounds[word + 1])
                slot = np.int64(key >> np.uint64(20)) & (_KEPT - 1)
                if kept_keys[slot] != key:
                    count = word_buckets(symbols, bounds[word], bounds[word + 1], bits, shortest, syllables, buckets)
                    for label in range(LABELS):
                        kept_sums[slot, label] = WORD_VALUE * np.int32(weights[buckets[0], label])
                    for gram in range(1, count):
                        for label in range(LABELS):
                            kept_sums[slot, label] += np.int32(weights[buckets[gram], label])
                    kept_sums[slot, LABELS] = WORD_VALUE * WORD_VALUE + count - 1
                    kept_keys[slot] = key
                for label in range(LABELS):
                    sums[label] += kept_sums[slot, label]
                squared += kept_sums[slot, LABELS]
                if second[word]:
                    continue
                if before:
                    pair = pair_bucket(before, key, bits)
                    for label in range(LABELS):
                        sums[label] += PAIR_VALUE * np.int32(weights[pair, label])
                    squared += PAIR_VALUE * PAIR_VALUE
                before = key
            length = np.sqrt(max(np.float64(squared), LENGTH_FLOOR))
            value = np.float32(sums[0] / length)
            if windows == len(firsts):
                more_firsts = np.empty(2 * windows, np.float32)
                more_firsts[:windows] = firsts
                firsts = more_firsts
            firsts[windows] = value
            windows += 1
            if value > worst[document, 0]:
                span[document, 0] = begin + first
                span[document, 1] = begin + last
            for label in range(LABELS):
                worst[document, label] = max(worst[document, label], np.float32(sums[label] / length))
            if value > limit:
                if found == len(over):
                    larger = np.empty((2 * found, 3), np.int64)
                    larger[:found] = over
                    over = larger
                    larger_values = np.empty(2 * found, np.float32)
                    larger_values[:found] = over_values
                    over_values = larger_values
                over[found, 0] = document
                over[found, 1] = begin + first
                over[found, 2] = begin + last
                over_values[found] = value
                found += 1
        if windows:
            sustained[document] = sustained_score(firsts[:windows], isolated)
    return worst, span, over[:found], over_values[:found], sustained


def score_windows(
    data: Bytes,
    offsets: Offsets,
    chosen: npt.NDArray[np.bool_],
    weights: Weights,
    most: int,
    limit: float,
    shortest: int = SHORTEST_GRAM,
    syllables: int = 0,
    isolated: float = 0.0,
) -> tuple[Floats, Integers, Integers, Floats, Floats]:
    """Raw scores of the documents that are `chosen`, each read in windows of about `most` words.

    `weights` is int8[2**bits, LABELS], `shortest` the least order of the character n-grams and `syllables` the
    greatest of those of whole syllables (0: none). Returns

    - worst float32[documents, LABELS]: the highest raw score of any window, -inf where there was none;
    - span int64[documents, 2]: the characters of the window whose first label is highest, -1 where there was none;
    - over int64[windows, 3] and float32[windows]: document, start and end (characters) and raw first label of every
      window above `limit`, in order;
    - sustained float32[documents]: the highest raw first label that more than the share `isolated` of the windows
      reach, -inf where there was no window.
    """
    bits = len(weights).bit_length() - 1
    return _score(  # type: ignore[no-any-return]
        data, offsets, chosen, weights, bits, shortest, syllables, most, limit, isolated, window_room(most)
    )


@nb.njit(cache=True, nogil=True)
def _vectors(data: Bytes, offsets: Offsets, bits: int, shortest: int, syllables: int, most: int, room: Any) -> Any:
    chunk, kinds, symbols, bounds, second = room
    documents = len(offsets) - 1
    starts = np.zeros(documents + 1, np.int64)
    buckets = np.empty(FEATURES_A_WORD, np.int64)
    columns = np.empty(1 << 16, np.int32)
    values = np.empty(1 << 16, np.float32)
    filled = 0
    for document in range(documents):
        position = offsets[document]
        end = offsets[document + 1]
        words = 0
        if position < end:
            _, _, _, _, words, _ = read_window(data, position, end, most, chunk, kinds, symbols, bounds, second)
        squared = 0.0
        before = np.uint64(0)
        for word in range(words):
            if filled + FEATURES_A_WORD + 1 > len(columns):
                more_columns = np.empty(2 * len(columns), np.int32)
                more_columns[:filled] = columns[:filled]
                columns = more_columns
                more_values = np.empty(2 * len(values), np.float32)
                more_values[:filled] = values[:filled]
                values = more_values
            count = word_buckets(symbols, bounds[word], bounds[word + 1], bits, shortest, syllables, buckets)
            for gram in range(count):
                columns[filled + gram] = buckets[gram]
                values[filled + gram] = 1.0
            values[filled] = WORD_VALUE
            squared += WORD_VALUE * WORD_VALUE + count - 1
            filled += count
            if second[word]:
                continue
            key = word_key(symbols, bounds[word], bounds[word + 1])
            if before:
                columns[filled] = pair_bucket(before, key, bits)
                values[filled] = PAIR_VALUE
                squared += PAIR_VALUE * PAIR_VALUE
                filled += 1
            before = key
        values[starts[document] : filled] /= np.sqrt(max(squared, LENGTH_FLOOR))
        starts[document + 1] = filled
    return starts, columns[:filled].copy(), values[:filled].copy()


def vectors(
    data: Bytes, offsets: Offsets, bits: int, shortest: int = SHORTEST_GRAM, syllables: int = 0, most: int = 80
) -> tuple[Integers, npt.NDArray[np.int32], Floats]:
    """The vector of each document's first window of at most about `most` words, as rows of a sparse matrix.

    Returns (starts int64[documents + 1], columns int32[entries], values float32[entries]): row i holds the entries
    `starts[i]:starts[i + 1]`; a bucket may stand there more than once.
    """
    return _vectors(data, offsets, bits, shortest, syllables, most, window_room(most))  # type: ignore[no-any-return]
