"""Which windows of the shards an audit tests: a uniform sample of all places where one fits inside a document."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from corpuskit.kernels.ngrams import count_equal
from corpuskit.memorization.canaries import SOURCE
from corpuskit.tokens import Shards

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Windows of equal length inside documents, in the order of the shards."""

    tokens: Numbers
    """int64[windows, length]."""
    shard: Numbers
    row: Numbers
    position: Numbers
    """Token of the document at which each window begins, its framing token counted."""

    def __len__(self) -> int:
        return len(self.tokens)


def sample_windows(shards: Shards, count: int, length: int, seed: int) -> Windows:
    """At most `count` windows of `length` tokens, none across documents, each place equally likely, none twice.

    Planted canaries are left out: they have measures of their own. So is the framing token at a document's end, since
    completing it says nothing.
    """
    starts: list[tuple[int, int, int, int]] = []  # shard, row, first place of the document among all, places
    total = 0
    for number, shard in enumerate(shards.shards):
        planted = pc.fill_null(pc.equal(shard.table.column("source"), SOURCE), False).to_numpy()
        sizes = np.diff(shard.offsets) - 1
        for row in np.flatnonzero((sizes >= length) & ~planted):
            places = int(sizes[row]) - length + 1
            starts.append((number, int(row), total, places))
            total += places
    index = np.array(starts, np.int64).reshape(-1, 4)
    chosen = (
        np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False)) if total else index[:0, 0]
    )
    where = np.searchsorted(index[:, 2], chosen, side="right") - 1
    shard_of, row_of, position = index[where, 0], index[where, 1], chosen - index[where, 2]
    tokens = np.empty((len(chosen), length), np.int64)
    for place, (number, row, start) in enumerate(zip(shard_of, row_of, position, strict=True)):
        shard = shards.shards[number]
        begin = int(shard.offsets[row]) + int(start)
        tokens[place] = shard.tokens[begin : begin + length]
    return Windows(tokens, shard_of, row_of, position)


def copies_in(shards: Shards, windows: Numbers) -> Numbers:
    """int64[windows]: how often each window's tokens stand in the shards, inside one document each time."""
    counts = np.zeros(len(windows), np.int64)
    for shard in shards.shards:
        counts += count_equal(shard.tokens.astype(np.int64), shard.offsets, np.ascontiguousarray(windows, np.int64))
    return counts
