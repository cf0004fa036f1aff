"""Near-duplicates of a corpus: which documents stay, and which kept document each other one resembles.

The steps, each within the memory budget:

1. documents with equal words are one (`exact`); the preferred one represents its group from here on;
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
from corpuskit.duplicates.corpus import Corpus, Earlier, Ranking, Rows
from corpuskit.duplicates.exact import equal_leaders
from corpuskit.duplicates.keep_first import MOST_KEPT, RareShingles, keep_first
from corpuskit.duplicates.signatures import Likeness, sets
from corpuskit.duplicates.workspace import MOST_PARTITIONS, PARTITION_SHARE, Workspace

log = logging.getLogger("corpuskit.duplicates")

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decided:
    """The representative of each document, a part at a time."""

    ranking: Ranking
    leaders: Rows
    buckets: Buckets
    twins: Rows
    """int64[candidates]."""
    similarities: Shares
    """float64[candidates]."""

    def representatives(self, start: int, end: int) -> tuple[Rows, Shares]:
        """For the rows `start` to `end`: the rank of the kept document (its own where it is kept) and the similarity.

        A negative rank is that of an earlier entry.
        """
        ranks = self.ranking.ranks(start, end)
        representatives = self.leaders[ranks].copy()
        shares = np.ones(len(ranks))
        candidates = self.buckets.candidates(representatives)
        dropped = np.flatnonzero(candidates >= 0)
        if len(dropped):
            chosen = candidates[dropped]
            twins = self.twins[chosen]
            representatives[dropped] = self.buckets.ranks[twins]
            shares[dropped] = np.where(twins == chosen, 1.0, self.similarities[chosen])
        return representatives, shares


def decide(corpus: Corpus, likeness: Likeness, earlier: Earlier | None, workspace: Workspace) -> Decided:
    """Decide over the documents of a corpus, with the documents of earlier ones before them."""
    rows = int(corpus.starts[-1])
    log.info("%s", plan(rows, likeness.bands.bands, workspace.memory))
    ranking = Ranking.of(corpus, workspace)
    leaders = equal_leaders(corpus, ranking, earlier, workspace)
    buckets = shared_buckets(corpus, ranking, leaders, likeness.bands.bands, earlier, workspace)
    values, starts, sizes = _sets(corpus, ranking, leaders, buckets, likeness, earlier, workspace)
    twins, similarities = _keep(buckets, values, starts, sizes, likeness, workspace)
    return Decided(ranking, leaders, buckets, twins, similarities)


def _sets(
    corpus: Corpus,
    ranking: Ranking,
    leaders: Rows,
    buckets: Buckets,
    likeness: Likeness,
    earlier: Earlier | None,
    workspace: Workspace,
) -> tuple[npt.NDArray[np.uint64], Rows, Rows]:
    """(values, starts int64[candidates], sizes int64[candidates]): the shingles of every candidate."""
    column = workspace.column("sets", np.uint64)
    starts = workspace.array("set-starts", len(buckets.ranks), np.int64, 0)
    sizes = workspace.array("set-sizes", len(buckets.ranks), np.int64, 0)
    if earlier is not None and buckets.earlier:
        entries = buckets.ranks[: buckets.earlier] + earlier.entries
        for candidate, values in enumerate(earlier.sets(entries)):
            starts[candidate], sizes[candidate] = column.length, len(values)
            column.append(values)
    with ThreadPoolExecutor(max(1, corpus.workers - 1)) as pool:
        for candidates, values, counts in _ahead(pool, corpus, ranking, leaders, buckets, likeness, workspace):
            sizes[candidates] = counts
            starts[candidates] = column.length + np.cumsum(counts) - counts
            column.append(values)
    return column.finish(), starts, sizes


def _ahead(
    pool: ThreadPoolExecutor,
    corpus: Corpus,
    ranking: Ranking,
    leaders: Rows,
    buckets: Buckets,
    likeness: Likeness,
    workspace: Workspace,
) -> Iterator[tuple[Rows, npt.NDArray[np.uint64], Rows]]:
    """(candidates, all their shingles, how many each has), in the order of the corpus.

    Where there are workers to use, the next texts are read while others are cut into shingles.
    """
    begun: deque[tuple[Rows, Future[tuple[npt.NDArray[np.uint64], Rows]]]] = deque()
    for part in range(len(corpus.starts) - 1):
        for first, texts, languages in corpus.texts(part):
            start = int(corpus.starts[part]) + first
            ranks = ranking.ranks(start, start + len(texts))
            candidates = np.where(leaders[ranks] == ranks, buckets.candidates(ranks), -1)
            chosen = np.flatnonzero(candidates >= 0)
            if not len(chosen):
                continue
            taken = texts.take(chosen), languages.take(chosen)
            begun.append((candidates[chosen], pool.submit(sets, *taken, likeness.shingling)))
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
    candidates, memberships = len(buckets.ranks), len(buckets.buckets)
    twins = workspace.array("twins", candidates, np.int64, 0)
    similarities = workspace.array("similarities", candidates, np.float64, 0)
    heads = workspace.array("bucket-heads", buckets.count, np.int64, -1)
    loads = workspace.array("bucket-loads", buckets.count, np.int32, 0)
    following = workspace.array("following", memberships, np.int64, 0)
    owners = workspace.array("owners", memberships, np.int64, 0)
    stamps = workspace.array("stamps", candidates, np.int64, -1)
    rare = RareShingles.empty(candidates, workspace)
    for first, last in _portions(sizes, workspace.memory // 64):
        while first < last:
            first = keep_first(
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
                rare,
                values,
                starts,
                sizes,
                likeness.measure,
                likeness.threshold,
                twins,
                similarities,
            )
            if first < last:
                rare = rare.larger(workspace)
        workspace.release()
    crowded = int((loads >= MOST_KEPT).sum())
    if crowded:
        log.info(
            "%s buckets hold %s kept documents or more that do not resemble each other (a template, for instance): "
            "%s documents were compared by their rare shingles",
            f"{crowded:,}",
            MOST_KEPT,
            f"{int(rare.indexed.sum()):,}",
        )
    return twins, similarities


def _portions(sizes: Rows, budget: int) -> Iterator[tuple[int, int]]:
    """Runs of candidates whose sets are about `budget` bytes together."""
    first = 0
    while first < len(sizes):
        held = np.cumsum(sizes[first : first + (1 << 16)]) * 8
        last = first + max(1, int(np.searchsorted(held, budget)))
        yield first, last
        first = last


@dataclass(frozen=True)
class Plan:
    documents: int
    memory: int
    sketches: int
    """Bytes of all sketches on disk."""
    temporary: int
    """Bytes of the largest temporary files, where they do not fit the memory."""
    arrays: int
    """Bytes of the arrays over all documents."""
    partitions: int
    """Pieces that the keys of one band are dealt into."""
    passes: int
    """Readings of the sketches: the digests once, each band once, and the preference."""

    def __str__(self) -> str:
        where = "in memory" if self.arrays + self.temporary <= self.memory // 3 else "partly in files"
        return (
            f"near-duplicates of {self.documents:,} documents within {_bytes(self.memory)}: "
            f"sketches {_bytes(self.sketches)}, "
            f"{self.passes} passes over them in {self.partitions} partition{'s' if self.partitions > 1 else ''}, "
            f"arrays {_bytes(self.arrays)} and keys of a band {_bytes(self.temporary)} {where}"
        )


def plan(documents: int, bands: int, memory: int) -> Plan:
    """The plan for a corpus. Bytes a document: 8 a band and 29 in the sketches, 16 for the keys of the band at work,
    up to 41 in arrays; documents that share a bucket take another 24 a bucket and 8 a shingle."""
    share = max(memory // PARTITION_SHARE, 1)
    partitions = min(MOST_PARTITIONS, 1 << max(0, -(-16 * documents // share) - 1).bit_length())
    return Plan(documents, memory, documents * (8 * bands + 29), 16 * documents, 41 * documents, partitions, bands + 2)


def _bytes(size: int) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size //= 1000
    return f"{size} {unit}"
