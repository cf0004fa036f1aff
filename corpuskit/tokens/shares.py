"""Which source a sample comes from, and the how many-eth of that source it is: exact shares without any state.

Samples come in blocks of about 1,024. Of a source that has c samples in a period of B blocks, c * b // B come before
block b, so that every block holds each source's share to within one sample, and a period holds every source exactly as
often as was asked for. Whose turn it is inside a block is a permutation of the block's own; a source's own samples
come in their order. Both ways, from a sample's number to the source and back, are a calculation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from corpuskit.tokens.permutation import permute
from corpuskit.tokens.windows import Numbers

BLOCK = 1024

Key = Callable[[int], int]
"""Number of a block -> the key of its order."""


class Shares:
    """Sources that take turns. Sample numbers, and the running number within a source, count from 0."""

    def __init__(self, counts: Numbers, blocks: int, key: Key) -> None:
        """`counts`: int64[sources], samples of each in a period of `blocks` blocks, which then begins again."""
        self.counts, self.blocks, self.key = counts, blocks, key
        self.total = int(counts.sum())
        self._recent: dict[int, tuple[int, Numbers, Numbers]] = {}  # a step lies in a block or two: worked out once

    @classmethod
    def of_weights(cls, weights: Numbers, key: Key) -> Shares:
        """Every block of 1,024 samples holds each source in its share, by largest remainder."""
        exact = weights / weights.sum() * BLOCK
        counts = np.floor(exact).astype(np.int64)
        counts[np.argsort(counts - exact, kind="stable")[: BLOCK - counts.sum()]] += 1
        return cls(counts, 1, key)

    @classmethod
    def of_counts(cls, counts: Numbers, key: Key) -> Shares:
        """As many samples of each source as `counts` gives, spread evenly, and then again."""
        return cls(counts, max(1, int(counts.sum()) // BLOCK), key)

    def locate(self, samples: Numbers) -> tuple[Numbers, Numbers]:
        """(source, running number in the source) of samples."""
        block = samples * self.blocks // self.total
        block = block + (samples >= self._before(block + 1).sum(axis=1))  # each source rounds down: at most one more
        source, running = np.empty((2, len(samples)), np.int64)
        for number in np.unique(block):
            here = block == number
            first, sources, numbers = self._turns(int(number))
            source[here], running[here] = sources[samples[here] - first], numbers[samples[here] - first]
        return source, running

    def samples_of(self, source: int, running: Numbers) -> Numbers:
        """The samples at which these running numbers of a source come."""
        block = -(-(running + 1) * self.blocks // int(self.counts[source])) - 1
        samples = np.empty(len(running), np.int64)
        for number in np.unique(block):
            here = block == number
            first, sources, numbers = self._turns(int(number))
            mine = np.flatnonzero(sources == source)
            samples[here] = first + mine[running[here] - numbers[mine[0]]]
        return samples

    def _turns(self, block: int) -> tuple[int, Numbers, Numbers]:
        """(first sample of a block, source of each of its samples, running number of each in its source)."""
        order = self._recent.get(block)
        if order is None:
            before, after = self._before(np.array([block, block + 1]))
            sizes = after - before
            slots = permute(np.arange(sizes.sum()), int(sizes.sum()), self.key(block))
            sources = np.searchsorted(np.cumsum(sizes), slots, side="right")
            numbers = np.empty_like(sources)
            for source in np.flatnonzero(sizes):
                numbers[sources == source] = np.arange(before[source], after[source])
            order = int(before.sum()), sources, numbers
            self._recent = {block: order, **dict(list(self._recent.items())[:3])}
        return order

    def _before(self, block: Numbers) -> Numbers:
        """int64[n, sources]: samples of each source before these blocks."""
        counts: Numbers = block[:, None] * self.counts[None, :] // self.blocks
        return counts
