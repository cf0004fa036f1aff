"""Which blocks of a page belong to its true text, and how right a text is."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"\w+")
_MOST_CELLS = 60_000_000
"""Words of the page times words of the true text up to which they are aligned."""
_SHARE = 0.5


def words(text: str) -> list[str]:
    """The words of a text in lower case, as the score counts them."""
    return _WORD.findall(text.lower())


def word_f1(found: str, truth: str) -> float:
    """F1 of the bag of words; 1 where both are empty."""
    ours, theirs = Counter(words(found)), Counter(words(truth))
    common = sum((ours & theirs).values())
    if not common:
        return float(not ours and not theirs)
    return 2 * common / (sum(ours.values()) + sum(theirs.values()))


def labels(blocks: list[str], truth: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """(belongs bool[blocks], words float64[blocks]): whether each block is in the true text, and its length.

    A block of three words or more belongs if half of its word trigrams occur in the truth. A shorter one belongs if the
    longest common subsequence of the page's and the truth's words has all of it: "Reply" in a menu is not the "Reply"
    of a sentence.
    """
    numbers: dict[str, int] = {}
    gold = np.array([numbers.setdefault(word, len(numbers)) for word in words(truth)], np.int64)
    trigrams = set(zip(gold, gold[1:], gold[2:], strict=False)) if len(gold) > 2 else set()
    parts = [np.array([numbers.get(word, -1) for word in words(block)], np.int64) for block in blocks]
    page = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    if len(page) * len(gold) <= _MOST_CELLS:
        aligned = _aligned(page, gold)
    else:
        aligned = page >= 0
    belongs = np.zeros(len(blocks), np.bool_)
    at = 0
    whole = " " + " ".join(words(truth)) + " "
    seen: Counter[str] = Counter()
    for number, part in enumerate(parts):
        if len(part) >= 3:
            hits = sum(three in trigrams for three in zip(part, part[1:], part[2:], strict=False))
            belongs[number] = hits >= _SHARE * (len(part) - 2)
            if belongs[number]:
                text = " " + " ".join(words(blocks[number])) + " "
                seen[text] += 1
                belongs[number] = seen[text] == 1 or seen[text] <= whole.count(text)
        elif len(part):
            belongs[number] = bool(aligned[at : at + len(part)].all())
        at += len(part)
    return belongs, np.array([max(1, len(part)) for part in parts], np.float64)


@nb.njit(cache=True, nogil=True)
def _aligned(page: Any, gold: Any) -> Any:
    """Which words of `page` are in a longest common subsequence with `gold` (dynamic programming, both int64)."""
    n, m = len(page), len(gold)
    came = np.zeros((n + 1, m + 1), np.uint8)
    before = np.zeros(m + 1, np.int32)
    now = np.zeros(m + 1, np.int32)
    for i in range(1, n + 1):
        word = page[i - 1]
        for j in range(1, m + 1):
            if word == gold[j - 1] and word >= 0:
                now[j] = before[j - 1] + 1
                came[i, j] = 1
            elif before[j] >= now[j - 1]:
                now[j] = before[j]
                came[i, j] = 2
            else:
                now[j] = now[j - 1]
                came[i, j] = 3
        for j in range(m + 1):
            before[j] = now[j]
    found = np.zeros(n, np.bool_)
    i, j = n, m
    while i > 0 and j > 0:
        if came[i, j] == 1:
            found[i - 1] = True
            i -= 1
            j -= 1
        elif came[i, j] == 2:
            i -= 1
        else:
            j -= 1
    return found
