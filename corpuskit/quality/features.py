"""Texts as bags of hashed features: words, pairs of words and character 4-grams (Joulin et al. 2017, "Bag of Tricks for
Efficient Text Classification"; Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning").
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.unicode import SPACE, UPPER, character_class, decode
from corpuskit.kernels.words import COUNTS, mix, split_words

BITS = 18
"""A model has 2**BITS weights."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_CHARACTERS = np.uint64(0xA5A35625E27F0CB3)
_SHIFT = np.uint64(64 - BITS)


@nb.njit(cache=True, nogil=True)
def _write(data, start, end, points, hashes, starts, ends, lengths, counts, out):  # type: ignore[no-untyped-def]
    words = split_words(data, start, end, points, hashes, starts, ends, lengths, counts)
    found = 0
    before = np.uint64(0)
    for word in range(words):
        out[found] = np.int32(mix(hashes[word]) >> _SHIFT)
        out[found + 1] = np.int32(mix(hashes[word] + before * _PAIR) >> _SHIFT)
        before = hashes[word]
        found += 2
    a = b = c = np.uint64(32)
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
    return found


@nb.njit(cache=True, nogil=True)
def _room(offsets):  # type: ignore[no-untyped-def]
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    return longest


@nb.njit(cache=True, nogil=True)
def features(data, offsets, points):  # type: ignore[no-untyped-def]
    """(int32 features of all texts, int64[texts + 1] where each text's begin)."""
    longest = _room(offsets)
    room = longest // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts, ends, lengths = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    counts = np.zeros(COUNTS, np.int64)
    bounds = np.zeros(len(offsets), np.int64)
    found = np.empty(2 * longest + 4, np.int32)
    for text in range(len(offsets) - 1):
        first = bounds[text]
        needed = first + 2 * (offsets[text + 1] - offsets[text]) + 4
        if needed > len(found):
            larger = np.empty(2 * needed, np.int32)
            larger[:first] = found[:first]
            found = larger
        bounds[text + 1] = first + _write(
            data, offsets[text], offsets[text + 1], points, hashes, starts, ends, lengths, counts, found[first:]
        )
    return found[: bounds[-1]].copy(), bounds


@nb.njit(cache=True, nogil=True)
def mean_weights(data, offsets, points, weights, bias):  # type: ignore[no-untyped-def]
    """bias + the mean weight of each text's features: float64[texts]; the bias alone where there are none."""
    longest = _room(offsets)
    room = longest // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts, ends, lengths = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    counts = np.zeros(COUNTS, np.int64)
    found = np.empty(2 * longest + 4, np.int32)
    scores = np.full(len(offsets) - 1, bias)
    for text in range(len(offsets) - 1):
        count = _write(data, offsets[text], offsets[text + 1], points, hashes, starts, ends, lengths, counts, found)
        total = 0.0
        for feature in range(count):
            total += weights[found[feature]]
        scores[text] += total / max(count, 1)
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
