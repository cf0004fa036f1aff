"""Buckets: documents that share the key of a band, and so may resemble each other.

One band at a time, its keys are dealt into partitions and grouped; only keys that two documents or more share become
buckets. The memberships are then brought into the order of rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from corpuskit.duplicates.corpus import Corpus, Earlier, Ranking, Rows
from corpuskit.duplicates.workspace import Partitions, Records, Workspace
from corpuskit.kernels.grouping import Numbering, count_groups


@dataclass(frozen=True)
class Buckets:
    """Who is in which bucket. A *candidate* is a document in at least one bucket; candidates are ordered by rank."""

    ranks: Rows
    """int64[candidates], ascending. Entries of an earlier corpus are negative: entry - number of entries."""
    bounds: Rows
    """int64[candidates + 1]: candidate i lies in `buckets[bounds[i]:bounds[i + 1]]`."""
    buckets: Rows
    count: int
    """Number of buckets."""

    @property
    def earlier(self) -> int:
        """How many of the candidates are entries of an earlier corpus; they come first."""
        return int(np.searchsorted(self.ranks, 0))

    def candidates(self, ranks: Rows) -> Rows:
        """The candidate at each rank, or -1."""
        if not len(self.ranks):
            return np.full(len(ranks), -1, np.int64)
        found = np.minimum(np.searchsorted(self.ranks, ranks), len(self.ranks) - 1)
        return np.where(self.ranks[found] == ranks, found, -1)


def shared_buckets(
    corpus: Corpus, ranking: Ranking, leaders: Rows, bands: int, earlier: Earlier | None, workspace: Workspace
) -> Buckets:
    """The buckets of the documents that head a group of equals, and of the earlier entries that they meet there."""
    rows = len(leaders)
    members = Partitions(workspace, "memberships", 2, rows * bands)
    width = max(1, -(-rows // members.count))
    found = 0
    for band in range(bands):
        keyed = _keyed(corpus, ranking, leaders, band, workspace)
        for number in range(keyed.count):
            numbering = Numbering()
            counts = np.zeros(1024, np.int64)
            for records in keyed.chunks(number):
                groups = _number(numbering, records)
                if numbering.known > len(counts):
                    counts = np.append(counts, np.zeros(numbering.known, np.int64))
                count_groups(counts, groups)
            met = _met(earlier, numbering, band, number, keyed.count)
            for records in met:
                count_groups(counts, _find(numbering, records))
            shared = counts[: numbering.known] > 1
            names = np.cumsum(shared) - 1 + found
            for records in chain(met, keyed.chunks(number)):
                groups = _find(numbering, records)
                kept = shared[groups]
                ranks = records[kept, 1].astype(np.int64)
                named = np.column_stack([ranks, names[groups[kept]]]).astype(np.uint64)
                members.add(np.maximum(ranks, 0) // width, named)
            found += int(shared.sum())
            keyed.drop(number)
        workspace.release()
    return _in_order(members, found, workspace)


def _keyed(corpus: Corpus, ranking: Ranking, leaders: Rows, band: int, workspace: Workspace) -> Partitions:
    """(key, rank) of one band, by key, without the documents that equal a preferred one."""
    keyed = Partitions(workspace, "keys", 2, len(leaders))
    for part in range(len(corpus.starts) - 1):
        ranks = ranking.ranks(int(corpus.starts[part]), int(corpus.starts[part + 1]))
        chosen = (leaders[ranks] == ranks) & corpus.column(part, "given")
        keys = corpus.column(part, f"band_{band:03}")[chosen]
        keyed.add(keyed.by_key(keys), np.column_stack([keys, ranks[chosen].astype(np.uint64)]))
    return keyed


def _met(earlier: Earlier | None, numbering: Numbering, band: int, number: int, count: int) -> list[Records]:
    """(key, rank) of the earlier entries whose key in this band is among those numbered."""
    if earlier is None:
        return []
    met = []
    for keys, entries in earlier.band(band, number, count):
        hits = numbering.find(keys, keys) >= 0
        ranks = entries[hits] - earlier.entries
        met.append(np.column_stack([keys[hits], ranks.astype(np.uint64)]))
    return met


def _number(numbering: Numbering, records: Records) -> Rows:
    keys = np.ascontiguousarray(records[:, 0])
    return numbering.numbers(keys, keys)


def _find(numbering: Numbering, records: Records) -> Rows:
    keys = np.ascontiguousarray(records[:, 0])
    return numbering.find(keys, keys)


def _in_order(members: Partitions, count: int, workspace: Workspace) -> Buckets:
    ranks = workspace.column("candidates", np.int64)
    sizes = workspace.column("candidate-sizes", np.int64)
    buckets = workspace.column("candidate-buckets", np.int64)
    for number in range(members.count):
        records = np.concatenate([np.empty((0, 2), np.uint64), *members.chunks(number)]).astype(np.int64)
        members.drop(number)
        records = records[np.argsort(records[:, 0], kind="stable")]
        candidates, held = np.unique(records[:, 0], return_counts=True)
        ranks.append(candidates)
        sizes.append(held)
        buckets.append(records[:, 1])
        workspace.release()
    held = sizes.finish()
    bounds = workspace.array("candidate-bounds", len(held) + 1, np.int64, 0)
    np.cumsum(held, out=bounds[1:])
    return Buckets(ranks.finish(), bounds, buckets.finish(), count)
