"""Near-duplicates of a corpus: which documents stay, and which kept document each other one resembles.

The steps, each within the memory budget:

1. documents with equal words are one (`equal`); the preferred one stands for its group from here on;
2. documents that share the key of a band share a bucket (`buckets`);
3. the sets of shingles of all documents in buckets are written down;
4. in the order of preference, a document is compared with the kept documents in its buckets, exactly. Where one is at
   least as near as the threshold, the document is dropped and names the nearest as its twin; otherwise it is kept.

So every dropped document has a kept twin whose similarity to it was computed, not estimated, and is at the threshold
or above; and no document is dropped because of a chain (A resembles B, B resembles C) whose ends do not resemble each
other. A cluster is a kept document with those dropped for it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpuskit.duplicates.buckets import Buckets, shared_buckets
from corpuskit.duplicates.corpus import Corpus, Ranking, Rows
from corpuskit.duplicates.earlier import Earlier
from corpuskit.duplicates.equal import equal_heads
from corpuskit.duplicates.keep_first import keep_first
from corpuskit.duplicates.plan import plan
from corpuskit.duplicates.signatures import Likeness, sets
from corpuskit.duplicates.workspace import Workspace

log = logging.getLogger("corpuskit.duplicates")

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decided:
    """Whom each document stands with, a part at a time."""

    ranking: Ranking
    heads: Rows
    buckets: Buckets
    twins: Rows
    """int64[things]."""
    similarities: Shares
    """float64[things]."""

    def keepers(self, start: int, end: int) -> tuple[Rows, Shares]:
        """For the rows `start` to `end`: the rank of the kept document (its own where it is kept) and the similarity.

        A negative rank is that of an earlier entry.
        """
        ranks = self.ranking.ranks(start, end)
        keepers = self.heads[ranks].copy()
        shares = np.ones(len(ranks))
        things = self.buckets.things(keepers)
        dropped = np.flatnonzero(things >= 0)
        if len(dropped):
            chosen = things[dropped]
            twins = self.twins[chosen]
            keepers[dropped] = self.buckets.ranks[twins]
            shares[dropped] = np.where(twins == chosen, 1.0, self.similarities[chosen])
        return keepers, shares


def decide(corpus: Corpus, likeness: Likeness, earlier: Earlier | None, workspace: Workspace) -> Decided:
    """Decide over the documents of a corpus, with the documents of earlier ones before them."""
    rows = int(corpus.starts[-1])
    log.info("%s", plan(rows, likeness.bands.bands, workspace.memory))
    ranking = Ranking.of(corpus, workspace)
    heads = equal_heads(corpus, ranking, earlier, workspace)
    buckets = shared_buckets(corpus, ranking, heads, likeness.bands.bands, earlier, workspace)
    values, starts, sizes = _sets(corpus, ranking, heads, buckets, likeness, earlier, workspace)
    twins, similarities = _keep(buckets, values, starts, sizes, likeness, workspace)
    return Decided(ranking, heads, buckets, twins, similarities)


def _sets(
    corpus: Corpus,
    ranking: Ranking,
    heads: Rows,
    buckets: Buckets,
    likeness: Likeness,
    earlier: Earlier | None,
    workspace: Workspace,
) -> tuple[npt.NDArray[np.uint64], Rows, Rows]:
    """(values, starts int64[things], sizes int64[things]): the shingles of every thing."""
    column = workspace.column("sets", np.uint64)
    starts = workspace.array("set-starts", len(buckets.ranks), np.int64, 0)
    sizes = workspace.array("set-sizes", len(buckets.ranks), np.int64, 0)
    if earlier is not None and buckets.earlier:
        entries = buckets.ranks[: buckets.earlier] + earlier.entries
        for thing, values in enumerate(earlier.sets(entries)):
            starts[thing], sizes[thing] = column.length, len(values)
            column.append(values)
    with ThreadPoolExecutor(max(1, corpus.workers - 1)) as pool:
        for things, values, counts in _ahead(pool, corpus, ranking, heads, buckets, likeness, workspace):
            sizes[things] = counts
            starts[things] = column.length + np.cumsum(counts) - counts
            column.append(values)
    return column.finish(), starts, sizes


def _ahead(
    pool: ThreadPoolExecutor,
    corpus: Corpus,
    ranking: Ranking,
    heads: Rows,
    buckets: Buckets,
    likeness: Likeness,
    workspace: Workspace,
) -> Iterator[tuple[Rows, npt.NDArray[np.uint64], Rows]]:
    """(things, all their shingles, how many each has), in the order of the corpus.

    Where there are workers to use, the next texts are read while others are cut into shingles.
    """
    begun: deque[tuple[Rows, Future[tuple[npt.NDArray[np.uint64], Rows]]]] = deque()
    for part in range(len(corpus.starts) - 1):
        for first, texts, languages in corpus.texts(part):
            start = int(corpus.starts[part]) + first
            ranks = ranking.ranks(start, start + len(texts))
            things = np.where(heads[ranks] == ranks, buckets.things(ranks), -1)
            chosen = np.flatnonzero(things >= 0)
            if not len(chosen):
                continue
            taken = texts.take(chosen), languages.take(chosen)
            begun.append((things[chosen], pool.submit(sets, *taken, likeness.shingling)))
            while len(begun) >= corpus.workers:
                ready, found = begun.popleft()
                yield ready, *found.result()
        workspace.release()
    for ready, found in begun:
        yield ready, *found.result()


def _keep(
    buckets: Buckets,
    values: npt.NDArray[np.uint64],
    starts: Rows,
    sizes: Rows,
    likeness: Likeness,
    workspace: Workspace,
) -> tuple[Rows, Shares]:
    things, memberships = len(buckets.ranks), len(buckets.buckets)
    twins = workspace.array("twins", things, np.int64, 0)
    similarities = workspace.array("similarities", things, np.float64, 0)
    heads = workspace.array("bucket-heads", buckets.count, np.int64, -1)
    loads = workspace.array("bucket-loads", buckets.count, np.int32, 0)
    following = workspace.array("following", memberships, np.int64, 0)
    owners = workspace.array("owners", memberships, np.int64, 0)
    stamps = workspace.array("stamps", things, np.int64, -1)
    for first, last in _portions(sizes, workspace.memory // 64):
        keep_first(
            first,
            last,
            buckets.earlier,
            buckets.bounds,
            buckets.buckets,
            heads,
            loads,
            following,
            owners,
            stamps,
            values,
            starts,
            sizes,
            likeness.measure,
            likeness.threshold,
            twins,
            similarities,
        )
        workspace.release()
    return twins, similarities


def _portions(sizes: Rows, budget: int) -> Iterator[tuple[int, int]]:
    """Runs of things whose sets are about `budget` bytes together."""
    first = 0
    while first < len(sizes):
        held = np.cumsum(sizes[first : first + (1 << 16)]) * 8
        last = first + max(1, int(np.searchsorted(held, budget)))
        yield first, last
        first = last
