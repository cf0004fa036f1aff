"""How often each document comes in one epoch, by the size of its cluster of duplicates.

Deduplication leaves one page of a cluster, and with it the knowledge how many pages said the same; or it leaves all of
them, where a recipe keeps what it measures. Either way a weight belongs to the *cluster*: how often its text shall come
in an epoch, shared among those of its documents that are there.

    inverse     once: 1 / (its documents that are there) for each of them
    rehydrate   as often as FineWeb-2 found useful (Penedo et al. 2025, arXiv:2506.20920, "rehydration"): pages with few
                copies a little more than once, those with 100 to 999 copies eight times, those with more once

Where a share is no whole number, systematic sampling draws the rest: the documents of a cluster are ordered in the
order of their lots (a hash of the seed and the id), and each that covers a whole number comes once more. So the text of
a cluster comes exactly as often as it should, every document has its exact chance, and the draw is a pure function of
the seed and the ids. It is the same in every epoch.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import UsageError, nearest
from corpuskit.tokens.sample import Lots, lots
from corpuskit.tokens.shards import Shards

Weights = Literal["none", "inverse", "rehydrate"]
WEIGHTS: tuple[Weights, ...] = ("none", "inverse", "rehydrate")

REHYDRATION = ((1, 1), (2, 2), (3, 3), (5, 5), (100, 8), (1000, 1))
"""(smallest cluster size, times an epoch): FineWeb-2's upsampling weights."""

Counts = npt.NDArray[np.int64]


def rehydration(sizes: Counts) -> Counts:
    """int64[n]: how often FineWeb-2 repeats a page that stood for this many near-duplicates, itself counted."""
    smallest = np.array([size for size, _ in REHYDRATION])
    times = np.array([count for _, count in REHYDRATION], np.int64)
    copies: Counts = times[np.searchsorted(smallest, np.maximum(sizes, 1), side="right") - 1]
    return copies


def shared_copies(wanted: Counts, groups: Counts, numbers: Lots) -> Counts:
    """int64[n]: copies of each document, such that each group has as many as it wants.

    `wanted`: copies of the whole group, the same for all its documents; `groups`: a number for each group; `numbers`: a
    lot for each document, which settles who of a group gets what cannot be shared out evenly.
    """
    out = np.zeros(len(wanted), np.int64)
    if not len(wanted):
        return out
    order = np.lexsort((numbers, groups))
    grouped = groups[order]
    first = np.flatnonzero(np.concatenate([[True], grouped[1:] != grouped[:-1]]))
    members = np.diff(np.append(first, len(order)))
    # 32 bits of a lot as the start of the line: sums of it and of whole numbers are exact in float64
    start = np.repeat((np.bitwise_xor.reduceat(numbers[order], first) >> np.uint64(32)) / 2.0**32, members)
    place = np.arange(len(order)) - np.repeat(first, members)
    each, total = np.repeat(members, members), wanted[order]
    out[order] = np.floor(start + (place + 1) * total / each) - np.floor(start + place * total / each)
    return out


def epoch_copies(shards: Shards, weights: Weights, seed: int) -> list[Counts] | None:
    """Copies of every document in an epoch, int64[documents] for each shard; None where each comes once.

    Memory: about 50 bytes for each document whose cluster has others.
    """
    if weights not in WEIGHTS:
        raise UsageError(f"no weights '{weights}'{nearest(weights, WEIGHTS)}")
    if weights == "none":
        return None
    sizes = [shard.cluster_sizes for shard in shards.shards]
    clustered = [np.flatnonzero(size > 1) for size in sizes]
    out = [np.ones(len(size), np.int64) for size in sizes]
    size = np.concatenate([size[rows] for size, rows in zip(sizes, clustered, strict=True)])
    wanted = np.ones_like(size) if weights == "inverse" else rehydration(size)
    groups = _groups([shard.table for shard in shards.shards], clustered)
    present = np.bincount(groups, minlength=1)[groups] if len(groups) else groups
    uneven = wanted % np.maximum(present, 1) != 0
    copies = wanted // np.maximum(present, 1)
    if uneven.any():
        ids = pa.chunked_array(
            [shard.table.column("id").chunk(0).take(rows) for shard, rows in zip(shards.shards, clustered, strict=True)]
        )
        numbers = lots(ids.filter(pa.array(uneven)).to_pylist(), seed, "weights")
        copies[uneven] = shared_copies(wanted[uneven], groups[uneven], numbers)
    at = 0
    for target, rows in zip(out, clustered, strict=True):
        target[rows] = copies[at : at + len(rows)]
        at += len(rows)
    return out


def _groups(tables: list[pa.Table], rows: list[npt.NDArray[np.int64]]) -> Counts:
    """int64[n]: a number for each cluster. Every document has one: a size above 1 comes with a name."""
    names: Any = pa.chunked_array(
        [table.column("cluster").chunk(0).take(chosen) for table, chosen in zip(tables, rows, strict=True)], pa.string()
    )
    codes = pc.index_in(names, value_set=pc.unique(names))
    counts: Counts = codes.to_numpy().astype(np.int64)
    return counts
