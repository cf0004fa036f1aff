"""How much of a text repeated n-grams of words cover (Rae et al. 2021, "Scaling Language Models: Methods, Analysis &
Insights from Training Gopher", appendix A.1.1, table A1).

Two facts make it one cheap pass: an n-gram is the pair of the (n-1)-grams at its place and at the next, and it can
only occur twice where both of them do. So each order looks at the places that the order below left over, which in
prose are few from n = 3 on.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from corpuskit.kernels.intern import grown, new_table, number_of, with_room

LARGEST_TOP = 4
LARGEST = 10
"""Orders 2 to LARGEST_TOP have a most frequent n-gram, those above it up to LARGEST the share of all duplicates."""


@nb.njit(cache=True, nogil=True)
def number_words(hashes, words, slots, distinct, occurrences, count, numbers):  # type: ignore[no-untyped-def]
    """Numbers words (`numbers[i]`, int32) after the `count` that the table knows, and counts their occurrences.

    Returns (slots, distinct, occurrences, count): the table, which may have grown.
    """
    word = 0
    while word < words:
        if count == len(distinct):
            slots, distinct = grown(distinct)
            occurrences = with_room(occurrences, len(distinct))
        word, count = _number_while_room(hashes, word, words, slots, distinct, occurrences, count, numbers)
    return slots, distinct, occurrences, count


# The loops over words are functions of their own, apart from where a table is replaced by a larger one: numba
# would count references to it at every word.


@nb.njit(cache=True, nogil=True)
def _number_while_room(hashes, word, words, slots, distinct, occurrences, count, numbers):  # type: ignore[no-untyped-def]
    mask = len(slots) - 1
    while word < words and count < len(distinct):
        number = number_of(hashes[word], slots, mask, distinct, count)
        count = max(count, number + 1)
        numbers[word] = number
        occurrences[number] += 1
        word += 1
    return word, count


@nb.njit(cache=True, nogil=True)
def _pair_while_room(places, numbers, i, kept, found, slots, distinct, occurrences, count):  # type: ignore[no-untyped-def]
    mask = len(slots) - 1
    while i < kept - 1 and count < len(distinct):
        if places[i] + 1 == places[i + 1]:
            key = np.uint64(numbers[i]) << np.uint64(32) | np.uint64(numbers[i + 1])
            number = number_of(key, slots, mask, distinct, count)
            count = max(count, number + 1)
            occurrences[number] += 1
            places[found] = places[i]
            numbers[found] = number
            found += 1
        i += 1
    return i, found, count


@nb.njit(cache=True, nogil=True)
def _keep_repeated(places, numbers, count, occurrences):  # type: ignore[no-untyped-def]
    """Moves what occurs more than once to the front; returns how many."""
    kept = 0
    for i in range(count):
        if occurrences[numbers[i]] > 1:
            places[kept] = places[i]
            numbers[kept] = numbers[i]
            kept += 1
    return kept


@nb.njit(cache=True, nogil=True)
def repeated_shares(numbers, occurrences, ends, words, shares):  # type: ignore[no-untyped-def]
    """Writes the shares of word characters for n = 2 ... LARGEST into `shares[0 ... LARGEST - 2]`.

    Word i has the number `numbers[i]`, which occurs `occurrences[numbers[i]]` times; `ends[i + 1]` are the characters
    of the words up to it. `numbers` is overwritten.

    n <= LARGEST_TOP: the characters that the most frequent n-gram covers, if it occurs more than once; of equally
    frequent ones, the one that covers most. n above: the characters that all n-grams which occur more than once cover.
    A character that lies in several of them counts once. NaN where the text has no words.
    """
    if words == 0:
        shares[:] = np.nan
        return
    shares[:] = 0.0
    total = np.int64(ends[words])

    places = np.empty(words, np.int32)
    for word in range(words):
        places[word] = word
    kept = _keep_repeated(places, numbers, words, occurrences)

    for order in range(2, LARGEST + 1):
        candidates = 0
        for i in range(kept - 1):
            candidates += places[i] + 1 == places[i + 1]
        if candidates < 2:
            return
        slots, distinct = new_table(candidates)
        occurrences = np.zeros(len(distinct), np.int32)
        count = 0
        found = 0
        i = 0
        while i < kept - 1:
            if count == len(distinct):
                slots, distinct = grown(distinct)
                occurrences = with_room(occurrences, len(distinct))
            i, found, count = _pair_while_room(places, numbers, i, kept, found, slots, distinct, occurrences, count)
        kept = _keep_repeated(places, numbers, found, occurrences)
        if kept == 0:
            return
        if order <= LARGEST_TOP:
            shares[order - 2] = _most_frequent(places, numbers, kept, occurrences, count, order, ends) / total
        else:
            shares[order - 2] = _covered(places, kept, order, ends) / total


@nb.njit(cache=True, nogil=True)
def _covered(places, kept, order, ends):  # type: ignore[no-untyped-def]
    characters = np.int64(0)
    reached = np.int64(0)
    for i in range(kept):
        first = max(np.int64(places[i]), reached)
        reached = np.int64(places[i]) + order
        characters += np.int64(ends[reached]) - np.int64(ends[first])
    return characters


@nb.njit(cache=True, nogil=True)
def _most_frequent(places, numbers, kept, occurrences, count, order, ends):  # type: ignore[no-untyped-def]
    reached = np.zeros(count, np.int32)
    characters = np.zeros(count, np.int64)
    for i in range(kept):
        number = numbers[i]
        first = max(places[i], reached[number])
        reached[number] = places[i] + order
        characters[number] += np.int64(ends[reached[number]]) - np.int64(ends[first])
    best = 0
    for number in range(1, count):
        if occurrences[number] > occurrences[best] or (
            occurrences[number] == occurrences[best] and characters[number] > characters[best]
        ):
            best = number
    return characters[best]
