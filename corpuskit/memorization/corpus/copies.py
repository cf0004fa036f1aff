"""How often stretches of tokens stand in the shards, and in how many documents: one pass over the shards a length.

A hashed join: the wanted stretches lie in memory, the shards stream by under a rolling polynomial hash, and each hash
that agrees is compared token by token. So it is exact, and its memory is that of the stretches, whatever the corpus.
A table of 2^20 bits turns away nearly all places before any search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.ngrams import BASE
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.tokens import Shards

Numbers = npt.NDArray[np.int64]
LENGTHS = (32, 50, 100)
"""Tokens of the stretches whose copies an audit states: the three lengths that the literature uses."""
SIEVE = 20
_SHIFT = np.uint64(64 - SIEVE)
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)


@nb.njit(cache=True, nogil=True)
def _hashes(wanted: Any, found: Any) -> None:  # pragma: no cover
    for row in range(wanted.shape[0]):
        value = np.uint64(0)
        for place in range(wanted.shape[1]):
            value = value * BASE + np.uint64(wanted[row, place]) + np.uint64(1)
        found[row] = value


@nb.njit(cache=True, nogil=True)
def _count(
    tokens: Any, offsets: Any, wanted: Any, order: Any, hashes: Any, sieve: Any, occurrences: Any, documents: Any
) -> None:  # pragma: no cover
    length = wanted.shape[1]
    top = np.uint64(1)
    for _ in range(length - 1):
        top = top * BASE
    last = np.full(wanted.shape[0], -1, np.int64)
    for row in range(offsets.shape[0] - 1):
        start, end = offsets[row], offsets[row + 1]
        if end - start < length:
            continue
        value = np.uint64(0)
        for place in range(start, end):
            value = value * BASE + np.uint64(tokens[place]) + np.uint64(1)
            first = place - length + 1
            if first < start:
                continue
            if sieve[(value * _MIX) >> _SHIFT]:
                found = np.searchsorted(hashes, value)
                while found < hashes.shape[0] and hashes[found] == value:
                    number = order[found]
                    same = True
                    for step in range(length):
                        if tokens[first + step] != wanted[number, step]:
                            same = False
                            break
                    if same:
                        occurrences[number] += 1
                        if last[number] != row:
                            last[number] = row
                            documents[number] += 1
                    found += 1
            value = value - (np.uint64(tokens[first]) + np.uint64(1)) * top


def count_stretches(shards: Shards, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """(occurrences, documents) of the rows of wanted[n, length] in the shards, int64[n] each, none across documents."""
    wanted = np.ascontiguousarray(wanted, np.int64)
    occurrences, documents = np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64)
    if wanted.size:
        hashes = np.empty(len(wanted), np.uint64)
        _hashes(wanted, hashes)
        sieve = np.zeros(1 << SIEVE, np.bool_)
        sieve[(hashes * _MIX) >> _SHIFT] = True
        order = np.argsort(hashes, kind="stable")
        for shard in shards.shards:
            _count(shard.tokens, shard.offsets, wanted, order, hashes[order], sieve, occurrences, documents)
    return occurrences, documents


def copies_in(shards: Shards, windows: Numbers) -> Numbers:
    """int64[windows]: how often each window's tokens stand in the shards, inside one document each time."""
    return count_stretches(shards, windows)[0]


def without_shared(windows: Windows, train: Shards, suffix: int) -> tuple[Windows, int]:
    """The held-out windows that are a control, and how many are none, since the model read them in training text.

    A window is shared where its last tokens stand in `train`: the suffix, with as much of the prefix as makes 32.
    A shorter stretch recurs in any text of the language; without it the control would be harder than the text.
    """
    last = min(max(suffix, LENGTHS[0]), windows.tokens.shape[1])
    own = copies_in(train, windows.tokens[:, windows.tokens.shape[1] - last :]) == 0
    return windows.take(np.flatnonzero(own)), int((~own).sum())


@dataclass(frozen=True)
class Copies:
    """Of each window's surroundings, by length of the stretch: int64[windows]; -1 where its document is shorter."""

    occurrences: dict[int, Numbers]
    documents: dict[int, Numbers]


def stretch_copies(
    shards: Shards, windows: Windows, lengths: Sequence[int] = LENGTHS, *, within: Shards | None = None
) -> Copies:
    """Copies of the stretch of each length that ends where the window ends, or begins where its document begins.

    The windows lie in `shards`; copies are counted there, or in the shards `within`. A stretch of the suffix's own
    length is the suffix.
    """
    begin = np.array([shards.shards[s].offsets[r] for s, r in zip(windows.shard, windows.row, strict=True)], np.int64)
    end = np.array([shards.shards[s].offsets[r + 1] for s, r in zip(windows.shard, windows.row, strict=True)], np.int64)
    last = begin + windows.position + windows.tokens.shape[1]
    found = Copies({}, {})
    for length in lengths:
        first = np.maximum(begin, last - length)
        fits = np.flatnonzero(first + length <= end - 1)
        wanted = np.empty((len(fits), length), np.int64)
        for place, number in enumerate(fits):
            wanted[place] = shards.shards[windows.shard[number]].tokens[first[number] : first[number] + length]
        for counts, values in zip(
            (found.occurrences, found.documents), count_stretches(within or shards, wanted), strict=True
        ):
            counts[length] = np.full(len(windows), -1, np.int64)
            counts[length][fits] = values
    return found
