"""Which windows of the shards an audit tests, out of all places where one fits inside a document.

A uniform sample gives the corpus's rate. Text that stands there often is rare among places, so a second sample draws as
many windows from each class of copies (1, 2-3, 4-7, ...) and weighs them by what they stand for (Horvitz and Thompson
1952).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from corpuskit.memorization.canaries import SOURCE
from corpuskit.memorization.corpus.places import hashed_places
from corpuskit.tokens import Shard, Shards

Numbers = npt.NDArray[np.int64]
MOST_PLACES = 50_000_000
"""Places that a stratified sample looks at, at most: 16 bytes of memory each, and twice that while they are sorted."""


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

    def take(self, places: Numbers) -> Windows:
        """The windows at these places."""
        return Windows(self.tokens[places], self.shard[places], self.row[places], self.position[places])


def sample_windows(shards: Shards, count: int, length: int, seed: int) -> Windows:
    """At most `count` windows of `length` tokens, none across documents, each place equally likely, none twice.

    Planted canaries are left out: they have measures of their own. So is the framing token at a document's end, since
    completing it says nothing.
    """
    starts: list[tuple[int, int, int, int]] = []  # shard, row, first place of the document among all, places
    total = 0
    for number, shard in enumerate(shards.shards):
        sizes = np.diff(shard.offsets) - 1
        for row in np.flatnonzero((sizes >= length) & ~planted(shard)):
            places = int(sizes[row]) - length + 1
            starts.append((number, int(row), total, places))
            total += places
    index = np.array(starts, np.int64).reshape(-1, 4)
    chosen = (
        np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False)) if total else index[:0, 0]
    )
    where = np.searchsorted(index[:, 2], chosen, side="right") - 1
    return _windows(shards, index[where, 0], index[where, 1], chosen - index[where, 2], length)


def stratified_windows(shards: Shards, each: int, length: int, seed: int) -> tuple[Windows, npt.NDArray[np.float64]]:
    """At most `each` windows for each class of copies, and how many places of the shards each window stands for."""
    rows = [np.flatnonzero(~planted(shard)) for shard in shards.shards]
    places = sum(
        int(np.maximum(np.diff(shard.offsets)[of] - length, 0).sum())
        for shard, of in zip(shards.shards, rows, strict=True)
    )
    share = max(1, -(-places // MOST_PLACES))
    hashes, found, shard_of = [], [], []
    for number, (shard, of) in enumerate(zip(shards.shards, rows, strict=True)):
        some = hashed_places(shard.tokens, shard.offsets[:-1][of], shard.offsets[1:][of] - 1, length, share)
        hashes.append(some[0])
        found.append(some[1])
        shard_of.append(np.full(len(some[1]), number, np.int64))
    place, number_of = np.concatenate([_NONE, *found]), np.concatenate([_NONE, *shard_of])
    _, group, counts = np.unique(
        np.concatenate([_NONE.astype(np.uint64), *hashes]), return_inverse=True, return_counts=True
    )
    stratum = np.log2(counts).astype(np.int64)[group] if len(group) else _NONE
    chance = np.random.default_rng(seed + 2)
    chosen, weights = [_NONE], [np.empty(0)]
    for one in np.unique(stratum):
        members = np.flatnonzero(stratum == one)
        picked = np.sort(chance.choice(members, min(each, len(members)), replace=False))
        chosen.append(picked)
        weights.append(np.full(len(picked), share * len(members) / len(picked)))
    where = np.concatenate(chosen)
    order = np.lexsort((place[where], number_of[where]))
    place, number_of = place[where][order], number_of[where][order]
    row = np.array([shards.shards[n].row_of(int(p)) for n, p in zip(number_of, place, strict=True)], np.int64)
    begin = np.array([shards.shards[n].offsets[r] for n, r in zip(number_of, row, strict=True)], np.int64)
    return _windows(shards, number_of, row, place - begin, length), np.concatenate(weights)[order]


def planted(shard: Shard) -> npt.NDArray[np.bool_]:
    """bool[rows]: which documents of a shard are canaries."""
    found: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(shard.table.column("source"), SOURCE), False).to_numpy()
    return found


_NONE = np.empty(0, np.int64)


def _windows(shards: Shards, shard_of: Numbers, row_of: Numbers, position: Numbers, length: int) -> Windows:
    tokens = np.empty((len(position), length), np.int64)
    for place, (number, row, start) in enumerate(zip(shard_of, row_of, position, strict=True)):
        shard = shards.shards[number]
        begin = int(shard.offsets[row]) + int(start)
        tokens[place] = shard.tokens[begin : begin + length]
    return Windows(tokens, shard_of, row_of, position)
