"""How documents are laid into windows of equal length.

Two layouts. `Concatenated` cuts each shard into windows of T tokens as it lies: no padding but at a shard's end, and a
document may run over a window's edge. `BestFit` puts whole documents into windows, the longest first, each where it
leaves the least room (best-fit decreasing; Ding et al. 2024, "Fewer Truncations Improve Language Modeling",
arXiv:2404.10830): a document is cut only where it is longer than a window, nothing is cropped away, and the room that
is left over is padded. Either way every token of every document lies in exactly one window.

Documents that come several times in an epoch (`corpuskit.tokens.weights`) are laid in rounds: all that come at all,
then those that come twice or more, and so on. Rounds share no window, so no window holds a document twice; and since
windows come in a random order, its copies lie as far apart as any two documents. A layout keeps the rounds as stretches
of tokens and nothing else: what is in a window, and which windows hold a document, stays a search in sorted arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import numpy as np

from corpuskit.tokens.shards import Shards
from corpuskit.tokens.windows import Numbers, Pieces, best_fit

Copies = list[Numbers] | None
"""Times that each document comes in an epoch, int64[documents] for each shard; None: once each."""


class Layout(Protocol):
    """Windows of one pool of shards. Shards are numbered as in `Shards.shards`."""

    @property
    def windows(self) -> int:
        """How many windows the pool has."""
        ...

    def pieces(self, windows: Numbers) -> Pieces:
        """What fills these windows."""
        ...

    def windows_of(self, shard: int, start: int, end: int) -> Numbers:
        """The windows that hold any of the tokens from `start` to before `end` of a shard."""
        ...


def _rounds(copies: Copies, pool: Numbers) -> Iterator[int]:
    most = 1 if copies is None else max((int(copies[number].max(initial=0)) for number in pool), default=0)
    return iter(range(most))


class Concatenated:
    """Windows cut from each round of each shard as it lies; the last one of a round may be short.

    A shard whose documents all come once is one stretch. Keeps 32 bytes for each stretch.
    """

    def __init__(self, shards: Shards, pool: Numbers, sequence_length: int, copies: Copies = None) -> None:
        T = self.sequence_length = sequence_length
        shard, start, length, at = [], [], [], []
        filled = 0  # places, with the room at the end of short windows
        for turn in _rounds(copies, pool):
            for number in pool.tolist():
                offsets = shards.shards[number].offsets
                taken = np.ones(len(offsets) - 1, np.bool_) if copies is None else copies[number] > turn
                edges = np.diff(np.concatenate([[False], taken, [False]]).astype(np.int8))
                begins = offsets[np.flatnonzero(edges == 1)]
                lengths = offsets[np.flatnonzero(edges == -1)] - begins
                ends = np.cumsum(lengths)
                shard.append(np.full(len(begins), number, np.int64))
                start.append(begins)
                length.append(lengths)
                at.append(filled + ends - lengths)
                filled += -(-int(lengths.sum()) // T) * T
        self.windows = filled // T
        self.shard, self.start, self.length, self.at = (
            np.concatenate([np.zeros(0, np.int64), *parts]) for parts in (shard, start, length, at)
        )

    def pieces(self, windows: Numbers) -> Pieces:
        low = windows * self.sequence_length
        high = low + self.sequence_length
        first = np.searchsorted(self.at + self.length, low, side="right")
        counts = np.searchsorted(self.at, high) - first
        row = np.repeat(np.arange(len(windows)), counts)
        stretch = np.repeat(first, counts) + np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        begin = np.maximum(self.at[stretch], low[row])
        end = np.minimum(self.at[stretch] + self.length[stretch], high[row])
        start = self.start[stretch] + begin - self.at[stretch]
        return Pieces(row, begin - low[row], self.shard[stretch], start, end - begin)

    def windows_of(self, shard: int, start: int, end: int) -> Numbers:
        held = (self.shard == shard) & (self.start < end) & (self.start + self.length > start)
        windows = [np.zeros(0, np.int64)]
        for stretch in np.flatnonzero(held):
            at, begin, length = int(self.at[stretch]), int(self.start[stretch]), int(self.length[stretch])
            low, high = at + max(start - begin, 0), at + min(end - begin, length)
            windows.append(np.arange(low // self.sequence_length, (high - 1) // self.sequence_length + 1))
        return np.unique(np.concatenate(windows))


class BestFit:
    """Whole documents in windows, longest first. Keeps 32 bytes in memory for each document and copy."""

    def __init__(self, shards: Shards, pool: Numbers, sequence_length: int, copies: Copies = None) -> None:
        parts: list[tuple[Numbers, Numbers, Numbers, Numbers]] = []
        filled = 0
        for turn in _rounds(copies, pool):
            shard, start, length = [], [], []
            for number in pool.tolist():
                bounds = shards.shards[number].offsets
                begins, ends = bounds[:-1], bounds[1:]
                if copies is not None:
                    begins, ends = begins[copies[number] > turn], ends[copies[number] > turn]
                chunks = -(-(ends - begins) // sequence_length)
                within = np.arange(chunks.sum()) - np.repeat(np.cumsum(chunks) - chunks, chunks)
                begins = np.repeat(begins, chunks) + within * sequence_length
                start.append(begins)
                length.append(np.minimum(np.repeat(ends, chunks) - begins, sequence_length))
                shard.append(np.full(len(begins), number, np.int64))
            starts, lengths, numbers = np.concatenate(start), np.concatenate(length), np.concatenate(shard)
            order = np.argsort(-lengths, kind="stable")
            window = best_fit(lengths[order], sequence_length)
            by_window = np.argsort(window, kind="stable")
            order = order[by_window]
            parts.append((numbers[order], starts[order], lengths[order], filled + window[by_window]))
            filled += int(window.max(initial=-1)) + 1
        none = np.zeros(0, np.int64)
        self.shard, self.start, self.length, self.window = (
            np.concatenate([none, *column]) for column in (zip(*parts, strict=True) if parts else [()] * 4)
        )
        self.windows = filled
        self.first = np.searchsorted(self.window, np.arange(filled + 1))

    def pieces(self, windows: Numbers) -> Pieces:
        counts = self.first[windows + 1] - self.first[windows]
        row = np.repeat(np.arange(len(windows)), counts)
        before = np.cumsum(counts) - counts
        piece = np.repeat(self.first[windows], counts) + np.arange(counts.sum()) - np.repeat(before, counts)
        length = self.length[piece]
        filled = np.cumsum(length) - length
        return Pieces(row, filled - filled[before][row], self.shard[piece], self.start[piece], length)

    @cached_property
    def _by_place(self) -> Numbers:
        return np.lexsort((self.start, self.shard))

    def windows_of(self, shard: int, start: int, end: int) -> Numbers:
        order = self._by_place
        low, high = np.searchsorted(self.shard[order], [shard, shard + 1])
        here = order[low:high]
        begins = self.start[here]
        held = here[(begins < end) & (begins + self.length[here] > start)]
        return np.unique(self.window[held])
