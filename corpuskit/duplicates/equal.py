"""Groups of documents with equal digests, out of core: partitions by digest, then one table a partition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpuskit.duplicates.corpus import Corpus, Ranking, Rows
from corpuskit.duplicates.earlier import Earlier
from corpuskit.duplicates.workspace import Partitions, Workspace
from corpuskit.kernels.grouping import Numbering, lower_least

LAST = np.iinfo(np.int64).max


def equal_heads(corpus: Corpus, ranking: Ranking, earlier: Earlier | None, workspace: Workspace) -> Rows:
    """int64[rows] by rank: the lowest rank among the documents whose digest equals this one's.

    Entries of an earlier corpus are below all others: their rank is entry - number of entries. Reads the sketch
    columns `low`, `high` (the digest) and `given` (False: equals nothing but itself).
    """
    rows = int(corpus.starts[-1])
    heads = workspace.array("heads", rows, np.int64, 0)
    partitions = Partitions(workspace, "digests", 3, rows)
    for part in range(len(corpus.starts) - 1):
        ranks = ranking.ranks(int(corpus.starts[part]), int(corpus.starts[part + 1]))
        heads[ranks] = ranks
        given = corpus.column(part, "given")
        low = corpus.column(part, "low")[given]
        high = corpus.column(part, "high")[given]
        partitions.add(partitions.by_key(low), np.column_stack([low, high, ranks[given].astype(np.uint64)]))
    for number in range(partitions.count):
        numbering = Numbering()
        least = np.full(1024, LAST, np.int64)
        for records in partitions.chunks(number):
            groups = numbering.numbers(*_digest(records))
            if numbering.known > len(least):
                least = np.append(least, np.full(numbering.known, LAST, np.int64))
            lower_least(least, groups, records[:, 2].astype(np.int64))
        for digests, entries in earlier.digests(number, partitions.count) if earlier else ():
            groups = numbering.find(digests[0], digests[1])
            known = groups >= 0
            lower_least(least, groups[known], entries[known] - (earlier.entries if earlier else 0))
        for records in partitions.chunks(number):
            heads[records[:, 2].astype(np.int64)] = least[numbering.numbers(*_digest(records))]
        partitions.drop(number)
        workspace.release()
    return heads


def _digest(records: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    return np.ascontiguousarray(records[:, 0]), np.ascontiguousarray(records[:, 1])
