"""How much of a text repeated n-grams of words cover (Rae et al. 2021, "Scaling Language Models: Methods, Analysis &
Insights from Training Gopher", appendix A.1.1, table A1).

Two facts make it one cheap pass: an n-gram is the pair of the (n-1)-grams at its place and at the next, and it can
only occur twice where both of them do. So each order looks at the places that the order below left over, which in
prose are few from n = 3 on.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.intern import number_of, table_size

LARGEST_TOP = 4
LARGEST = 10
"""Orders 2 to LARGEST_TOP have a most frequent n-gram, those above it up to LARGEST the share of all duplicates."""


@nb.njit(cache=True, nogil=True)
def number_words(hashes, words, numbers):  # type: ignore[no-untyped-def]
    """Numbers each word (`numbers[i]`, int32) and returns the occurrences of each number: int32[distinct]."""
    size = table_size(words)
    slots = np.full(size, -1, np.int32)
    distinct = np.empty(words, np.uint64)
    occurrences = np.zeros(words, np.int32)
    count = 0
    for word in range(words):
        number = number_of(hashes[word], slots, size - 1, distinct, count)
        count = max(count, number + 1)
        numbers[word] = number
        occurrences[number] += 1
    return occurrences[:count]


@nb.njit(cache=True, nogil=True)
def repeated_shares(hashes, lengths, words, shares):  # type: ignore[no-untyped-def]
    """Writes the shares of word characters for n = 2 ... LARGEST into `shares[0 ... LARGEST - 2]`.

    n <= LARGEST_TOP: the characters that the most frequent n-gram covers, if it occurs more than once; of equally
    frequent ones, the one that covers most. n above: the characters that all n-grams which occur more than once cover.
    A character that lies in several of them counts once. NaN where the text has no words.
    """
    if words == 0:
        shares[:] = np.nan
        return
    shares[:] = 0.0
    ends = np.empty(words + 1, np.int64)
    ends[0] = 0
    for word in range(words):
        ends[word + 1] = ends[word] + lengths[word]
    total = ends[words]

    numbers = np.empty(words, np.int32)
    occurrences = number_words(hashes, words, numbers)
    places = np.empty(words, np.int32)
    kept = 0
    for word in range(words):
        if occurrences[numbers[word]] > 1:
            places[kept] = word
            numbers[kept] = numbers[word]
            kept += 1

    for order in range(2, LARGEST + 1):
        candidates = 0
        for i in range(kept - 1):
            candidates += places[i] + 1 == places[i + 1]
        if candidates < 2:
            return
        size = table_size(candidates)
        slots = np.full(size, -1, np.int32)
        distinct = np.empty(candidates, np.uint64)
        occurrences = np.zeros(candidates, np.int32)
        count = 0
        found = 0
        for i in range(kept - 1):
            if places[i] + 1 == places[i + 1]:
                key = np.uint64(numbers[i]) << np.uint64(32) | np.uint64(numbers[i + 1])
                number = number_of(key, slots, size - 1, distinct, count)
                count = max(count, number + 1)
                occurrences[number] += 1
                places[found] = places[i]
                numbers[found] = number
                found += 1
        kept = 0
        for i in range(found):
            if occurrences[numbers[i]] > 1:
                places[kept] = places[i]
                numbers[kept] = numbers[i]
                kept += 1
        if kept == 0:
            return
        if order <= LARGEST_TOP:
            shares[order - 2] = _most_frequent(places, numbers, kept, occurrences, count, order, ends) / total
        else:
            shares[order - 2] = _covered(places, kept, order, ends) / total


@nb.njit(cache=True, nogil=True)
def _covered(places, kept, order, ends):  # type: ignore[no-untyped-def]
    characters = 0
    reached = 0
    for i in range(kept):
        first = max(np.int64(places[i]), reached)
        reached = np.int64(places[i]) + order
        characters += ends[reached] - ends[first]
    return characters


@nb.njit(cache=True, nogil=True)
def _most_frequent(places, numbers, kept, occurrences, count, order, ends):  # type: ignore[no-untyped-def]
    reached = np.zeros(count, np.int32)
    characters = np.zeros(count, np.int64)
    for i in range(kept):
        number = numbers[i]
        first = max(places[i], reached[number])
        reached[number] = places[i] + order
        characters[number] += ends[reached[number]] - ends[first]
    best = 0
    for number in range(1, count):
        if occurrences[number] > occurrences[best] or (
            occurrences[number] == occurrences[best] and characters[number] > characters[best]
        ):
            best = number
    return characters[best]
