"""What the linear models see of a text, window by window: the compiled loops.

A window of words is a vector over hashed buckets (`corpuskit.kernels.ngram_hash`): WORD_VALUE for each word,
PAIR_VALUE for each two neighbours, 1 for each n-gram of characters or syllables, divided by the vector's length. A
model is one row of integer weights a bucket, so that the sums are exact and the same on every machine. What a word adds
depends on the word alone and words repeat, so the sums of recent words are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.kernels.arrow import Bytes, Offsets, text_buffers
from corpuskit.kernels.folded_words import read_window, window_room
from corpuskit.kernels.ngram_hash import FEATURES_A_WORD, pair_bucket, word_buckets, word_key

WORD_VALUE, PAIR_VALUE = 2, 2
LENGTH_FLOOR = 60.0
"""Least squared length that a window's vector is divided by: three short words are no strong evidence."""

SHORTEST_GRAM = 3
"""Least order of a model's character n-grams where it says nothing else."""

COLUMNS = 12
"""Columns of a model's weight table in memory: its labels, and what decides which windows the context model reads; the
others are 0."""

_KEPT = 1 << 14

Weights = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """The windows of some texts, in order, with what the linear model says of each. n: their number."""

    document: Integers
    """int64[n]: the position of the text."""
    bytes: Integers
    """int64[n, 2]: start and end in the buffer of all texts."""
    characters: Integers
    """int64[n, 2]: start and end in the text, from its first word to the end of its last."""
    raw: Floats
    """float32[n, COLUMNS]: the raw scores; columns that a model does not use are 0."""


@nb.njit(cache=True, nogil=True)
def _enlarged(values: Any) -> Any:
    larger = np.empty((2 * len(values), values.shape[1]), values.dtype)
    larger[: len(values)] = values
    return larger


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
    room: Any,
) -> Any:
    chunk, kinds, symbols, bounds, second = room
    kept_keys = np.zeros(_KEPT, np.uint64)
    kept_sums = np.zeros((_KEPT, COLUMNS + 1), np.int32)
    buckets = np.empty(FEATURES_A_WORD, np.int64)
    sums = np.zeros(COLUMNS, np.int32)
    places = np.empty((64, 5), np.int64)
    raw = np.empty((64, COLUMNS), np.float32)
    windows = 0
    for document in range(len(offsets) - 1):
        if not chosen[document]:
            continue
        position = offsets[document]
        end = offsets[document + 1]
        characters = 0
        while position < end:
            start = position
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
                    for column in range(COLUMNS):
                        kept_sums[slot, column] = WORD_VALUE * np.int32(weights[buckets[0], column])
                    for gram in range(1, count):
                        for column in range(COLUMNS):
                            kept_sums[slot, column] += np.int32(weights[buckets[gram], column])
                    kept_sums[slot, COLUMNS] = WORD_VALUE * WORD_VALUE + count - 1
                    kept_keys[slot] = key
                for column in range(COLUMNS):
                    sums[column] += kept_sums[slot, column]
                squared += kept_sums[slot, COLUMNS]
                if second[word]:
                    continue
                if before:
                    pair = pair_bucket(before, key, bits)
                    for column in range(COLUMNS):
                        sums[column] += PAIR_VALUE * np.int32(weights[pair, column])
                    squared += PAIR_VALUE * PAIR_VALUE
                before = key
            if windows == len(places):
                places = _enlarged(places)
                raw = _enlarged(raw)
            length = np.sqrt(max(np.float64(squared), LENGTH_FLOOR))
            for column in range(COLUMNS):
                raw[windows, column] = sums[column] / length
            places[windows, 0] = document
            places[windows, 1] = start
            places[windows, 2] = position
            places[windows, 3] = begin + first
            places[windows, 4] = begin + last
            windows += 1
    return places[:windows].copy(), raw[:windows].copy()


def score_windows(
    data: Bytes,
    offsets: Offsets,
    chosen: npt.NDArray[np.bool_],
    weights: Weights,
    most: int,
    shortest: int = SHORTEST_GRAM,
    syllables: int = 0,
) -> Windows:
    """The windows of about `most` words of the documents that are `chosen`, with their raw scores.

    `weights` is int8[2**bits, COLUMNS], `shortest` the least order of the character n-grams and `syllables` the
    greatest of those of whole syllables (0: none).
    """
    bits = len(weights).bit_length() - 1
    places, raw = _score(data, offsets, chosen, weights, bits, shortest, syllables, most, window_room(most))
    return Windows(places[:, 0], np.ascontiguousarray(places[:, 1:3]), places[:, 3:5], raw)


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


def window_spans(texts: Sequence[str | None] | pa.Array, most: int) -> npt.NDArray[np.int64]:
    """int64[windows, 3]: document, start and end (characters) of every window of at most about `most` words."""
    data, offsets = text_buffers(texts)
    everything = np.ones(len(offsets) - 1, np.bool_)
    windows = score_windows(data, offsets, everything, np.zeros((2, COLUMNS), np.int8), most)
    return np.column_stack([windows.document, windows.characters])
