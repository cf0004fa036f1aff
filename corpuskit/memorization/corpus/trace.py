"""What a model wrote, traced to the corpus: for each place the longest stretch that stands there, kept where maximal.

The corpus is sorted by suffixes (libdivsufsort), so that the longest stretch of a text that it holds is found by two
binary searches (Nasr et al. 2023, arXiv:2311.17035, section 4; Liu et al. 2025, OLMoTrace, arXiv:2504.07096). A corpus
that does not fit the memory budget is sorted piece by piece; no stretch crosses a document, so pieces lose nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError
from corpuskit.tokens import Shards

Numbers = npt.NDArray[np.int64]
MEMORY = 1 << 30
"""Bytes for one piece of the corpus while it is sorted."""
BYTES_PER_TOKEN = 16
"""Tokens, their order, and the room that the sorting takes."""


@dataclass(frozen=True)
class Span:
    """A stretch of a text that stands in the corpus and lies in no longer one that does."""

    text: int
    """Number of the text."""
    start: int
    length: int
    """Tokens."""
    occurrences: int
    shard: int
    place: int
    """Token of the shard at which one of them begins."""


@nb.njit(cache=True, nogil=True)
def _agree(text: Any, start: int, corpus: Any, place: int, known: int) -> int:  # pragma: no cover
    """How many tokens agree from the two places on, of which `known` are known to."""
    most = min(text.shape[0] - start, corpus.shape[0] - place)
    while known < most and text[start + known] == corpus[place + known]:
        known += 1
    return known


@nb.njit(cache=True, nogil=True)
def _bound(text: Any, start: int, length: int, corpus: Any, order: Any, after: bool) -> int:  # pragma: no cover
    """The first of the sorted suffixes that is not below the text's `length` tokens; with `after`, that is above."""
    low, high = 0, order.shape[0]
    while low < high:
        middle = (low + high) // 2
        place = order[middle]
        same = 0
        while same < length and place + same < corpus.shape[0] and text[start + same] == corpus[place + same]:
            same += 1
        if same == length:
            below = after
        elif place + same == corpus.shape[0]:
            below = True
        else:
            below = corpus[place + same] < text[start + same]
        if below:
            low = middle + 1
        else:
            high = middle
    return low


@nb.njit(cache=True, nogil=True)
def _longest(text: Any, corpus: Any, order: Any, lengths: Any, places: Any) -> None:  # pragma: no cover
    """From each place of the text, the longest stretch that the corpus holds, and where, if longer than is known."""
    for start in range(text.shape[0]):
        near = _bound(text, start, text.shape[0] - start, corpus, order, False)
        for one in (near - 1, near):
            if 0 <= one < order.shape[0]:
                found = _agree(text, start, corpus, order[one], 0)
                if found > lengths[start]:
                    lengths[start] = found
                    places[start] = order[one]


def _pieces(shards: Shards, budget: int) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
    """(shard, its first token, tokens) of pieces that fit the budget, cut between documents."""
    most = max(1, budget // BYTES_PER_TOKEN)
    for number, shard in enumerate(shards.shards):
        row = 0
        while row < len(shard):
            end = int(np.searchsorted(shard.offsets, shard.offsets[row] + most, side="right")) - 1
            end = min(max(end, row + 1), len(shard))
            if shard.offsets[end] - shard.offsets[row] > most:
                raise UsageError(
                    f"{shard.path}, document {row}: {shard.offsets[end] - shard.offsets[row]:,} tokens do not fit a "
                    f"memory budget of {budget:,} bytes; give {BYTES_PER_TOKEN} bytes a token"
                )
            yield number, int(shard.offsets[row]), shard.tokens[shard.offsets[row] : shard.offsets[end]]
            row = end


def corpus_spans(shards: Shards, texts: Sequence[npt.ArrayLike], shortest: int, memory: int = MEMORY) -> list[Span]:
    """The maximal stretches of `shortest` and more tokens of the texts that stand in the shards, in order.

    `texts`: token ids without those that frame documents. `memory`: bytes for one piece of the corpus.
    """
    from pydivsufsort import divsufsort

    arrays = [np.asarray(text, np.int64) for text in texts]
    lengths = [np.zeros(len(array), np.int64) for array in arrays]
    places = [np.zeros(len(array), np.int64) for array in arrays]
    shard_of = [np.zeros(len(array), np.int64) for array in arrays]
    occurrences: list[dict[tuple[int, int], int]] = [{} for _ in arrays]
    for number, first, tokens in _pieces(shards, memory):
        order = divsufsort(np.ascontiguousarray(tokens))
        for text, array in enumerate(arrays):
            before = lengths[text].copy()
            at = np.zeros(len(array), np.int64)
            _longest(array, tokens, order, lengths[text], at)
            better = lengths[text] > before
            places[text][better] = first + at[better]
            shard_of[text][better] = number
            # counted for what is long in this piece; what a later piece has longer is dropped in the end
            for start, length in _maximal(lengths[text], shortest):
                low = _bound(array, start, length, tokens, order, False)
                high = _bound(array, start, length, tokens, order, True)
                counts = occurrences[text]
                counts[start, length] = counts.get((start, length), 0) + int(high - low)
    return [
        Span(
            text, start, length, occurrences[text][start, length], int(shard_of[text][start]), int(places[text][start])
        )
        for text in range(len(arrays))
        for start, length in _maximal(lengths[text], shortest)
    ]


def _maximal(lengths: Numbers, shortest: int) -> list[tuple[int, int]]:
    """(start, length) of the stretches that no earlier one contains."""
    ends = np.arange(len(lengths)) + lengths
    reached = np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]) if len(ends) else ends
    kept = np.flatnonzero((lengths >= shortest) & (ends > reached))
    return [(int(start), int(lengths[start])) for start in kept]
