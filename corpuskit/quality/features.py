"""Texts as bags of hashed features: words, pairs of words and character 4-grams (Joulin et al. 2017, "Bag of Tricks for
Efficient Text Classification"; Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning").
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.unicode import SPACE, UPPER, character_class, decode
from corpuskit.kernels.words import COUNTS, mix, piece_end, split_words

BITS = 18
"""A model has 2**BITS weights."""

PIECE = 1 << 20
"""Bytes of a piece of a text, so that a text of any length is read in the same memory."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_CHARACTERS = np.uint64(0xA5A35625E27F0CB3)
_SHIFT = np.uint64(64 - BITS)


@nb.njit(cache=True, nogil=True)
def _write(data, start, end, points, hashes, starts, ends, lengths, counts, before, out):  # type: ignore[no-untyped-def]
    """Write the features of a piece of a text to `out`; returns how many.

    `before` (uint64[4]) is what stood before the piece: the hash of a word and three characters.
    """
    words = split_words(data, start, end, points, hashes, starts, ends, lengths, counts)
    found = 0
    for word in range(words):
        out[found] = np.int32(mix(hashes[word]) >> _SHIFT)
        out[found + 1] = np.int32(mix(hashes[word] + before[0] * _PAIR) >> _SHIFT)
        before[0] = hashes[word]
        found += 2
    a, b, c = before[1], before[2], before[3]
    at = start
    while at < end:
        code, width = decode(data, at, end)
        at += width
        kind = character_class(code, points)
        if kind & SPACE:
            code = np.int64(32)
            if c == np.uint64(32):
                continue
        elif kind & UPPER:
            code = np.int64(points.lower[code])
        d = np.uint64(code)
        out[found] = np.int32(
            mix((((a * _MULTIPLIER + b) * _MULTIPLIER + c) * _MULTIPLIER + d) ^ _CHARACTERS) >> _SHIFT
        )
        found += 1
        a, b, c = b, c, d
    before[1], before[2], before[3] = a, b, c
    return found


@nb.njit(cache=True, nogil=True)
def _begin(before):  # type: ignore[no-untyped-def]
    before[0] = 0
    before[1:] = 32


@nb.njit(cache=True, nogil=True)
def _longest_piece(data, offsets, piece, points):  # type: ignore[no-untyped-def]
    longest = 0
    for text in range(len(offsets) - 1):
        at = offsets[text]
        while at < offsets[text + 1]:
            last = piece_end(data, at, offsets[text + 1], piece, points)
            longest = max(longest, last - at)
            at = last
    return longest


@nb.njit(cache=True, nogil=True)
def features(data, offsets, points, piece=PIECE):  # type: ignore[no-untyped-def]
    """(int32 features of all texts, int64[texts + 1] where each text's begin)."""
    longest = _longest_piece(data, offsets, piece, points)
    room = longest // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts, ends, lengths = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    counts, before = np.zeros(COUNTS, np.int64), np.empty(4, np.uint64)
    bounds = np.zeros(len(offsets), np.int64)
    found = np.empty(2 * longest + 4, np.int32)
    total = 0
    for text in range(len(offsets) - 1):
        at, end = offsets[text], offsets[text + 1]
        _begin(before)
        while at < end:
            last = piece_end(data, at, end, piece, points)
            needed = total + 2 * (last - at) + 4
            if needed > len(found):
                larger = np.empty(2 * needed, np.int32)
                larger[:total] = found[:total]
                found = larger
            total += _write(data, at, last, points, hashes, starts, ends, lengths, counts, before, found[total:])
            at = last
        bounds[text + 1] = total
    return found[:total].copy(), bounds


@nb.njit(cache=True, nogil=True)
def mean_weights(data, offsets, points, weights, bias, piece=PIECE):  # type: ignore[no-untyped-def]
    """bias + the mean weight of each text's features: float64[texts]; the bias alone where there are none.

    A text of any length is read in pieces of about `piece` bytes.
    """
    longest = _longest_piece(data, offsets, piece, points)
    room = longest // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts, ends, lengths = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    counts, before = np.zeros(COUNTS, np.int64), np.empty(4, np.uint64)
    found = np.empty(2 * longest + 4, np.int32)
    scores = np.full(len(offsets) - 1, bias)
    for text in range(len(offsets) - 1):
        at, end = offsets[text], offsets[text + 1]
        _begin(before)
        number = 0
        total = 0.0
        while at < end:
            last = piece_end(data, at, end, piece, points)
            count = _write(data, at, last, points, hashes, starts, ends, lengths, counts, before, found)
            for feature in range(count):
                total += weights[found[feature]]
            number += count
            at = last
        scores[text] += total / max(number, 1)
    return scores


@nb.njit(cache=True, nogil=True)
def mean_weights_of(found, bounds, texts, weights, bias):  # type: ignore[no-untyped-def]
    """As `mean_weights`, for the texts numbered `texts` of what `features` returned."""
    scores = np.full(len(texts), bias)
    for row in range(len(texts)):
        first, last = bounds[texts[row]], bounds[texts[row] + 1]
        total = 0.0
        for feature in range(first, last):
            total += weights[found[feature]]
        scores[row] += total / max(last - first, 1)
    return scores


@nb.njit(cache=True, nogil=True)
def fit(found, bounds, texts, labels, order, rate):  # type: ignore[no-untyped-def]
    """(float32 weights, bias) of a logistic regression on mean features, by AdaGrad (Duchi et al. 2011).

    `texts` are the rows of `bounds` to learn from, `labels` (0 or 1) theirs; `order` int64[epochs, texts] the order in
    which each epoch goes through them; `rate` the step size. Classes weigh the same, whatever their sizes.
    """
    weights = np.zeros(1 << BITS, np.float32)
    squares = np.full(1 << BITS, 1e-8, np.float64)
    bias, bias_square = 0.0, 1e-8
    positives = labels.sum()
    weight_of = (len(texts) / (2.0 * (len(texts) - positives)), len(texts) / (2.0 * positives))
    for epoch in range(len(order)):
        for row in order[epoch]:
            first, last = bounds[texts[row]], bounds[texts[row] + 1]
            share = 1.0 / max(last - first, 1)
            total = bias
            for feature in range(first, last):
                total += weights[found[feature]] * share
            error = 1.0 / (1.0 + np.exp(-total)) - labels[row]
            error *= weight_of[1] if labels[row] else weight_of[0]
            for feature in range(first, last):
                place = found[feature]
                gradient = error * share
                squares[place] += gradient * gradient
                weights[place] -= rate * gradient / np.sqrt(squares[place])
            bias_square += error * error
            bias -= rate * error / np.sqrt(bias_square)
    return weights, bias
