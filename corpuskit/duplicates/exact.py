"""Exact duplicates: documents with the same text but for white space, or with the same address.

Digests are 128 bits of BLAKE2b, which nobody can make collide. Groups of equal digests are found out of core: they are
dealt into partitions, and then there is one table a partition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.duplicates.corpus import Corpus, Earlier, Ranking, Rows
from corpuskit.duplicates.workspace import Partitions, Workspace
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.grouping import Numbering, lower_least
from corpuskit.kernels.normal_form import compose
from corpuskit.kernels.unicode import SPACE, CodePoints, character_class, code_points, decode
from corpuskit.urls import identity as canonical_url

__all__ = ["Digests", "canonical_url", "text_digests", "url_digests"]

Digests = npt.NDArray[np.uint64]


def text_digests(texts: pa.LargeStringArray) -> Digests:
    """uint64[texts, 2]: digest of each text in NFC, with every run of white space as one space and none at the ends."""
    data, offsets = text_buffers(compose(texts))
    squeezed = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    bounds = np.zeros(len(offsets), np.int64)
    _squeeze(data, offsets, code_points(), squeezed, bounds)
    view = squeezed.data
    return _digests(view[start:end] for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))


def url_digests(urls: Sequence[str | None]) -> Digests:
    """uint64[urls, 2]: digest of the identity of each address; of the empty one for a None."""
    return _digests(canonical_url(url or "").encode("utf-8", "replace") for url in urls)


def _digests(values: Any) -> Digests:
    joined = b"".join([hashlib.blake2b(value, digest_size=16).digest() for value in values])
    return np.frombuffer(joined, "<u8").astype(np.uint64).reshape(-1, 2)


@nb.njit(cache=True, nogil=True)
def _squeeze(data: Any, offsets: Any, points: CodePoints, out: Any, bounds: Any) -> None:
    """Copy texts with each run of white space as one space, and none at the ends; `bounds` are their new offsets."""
    total = np.int64(0)
    for text in range(len(offsets) - 1):
        at = offsets[text]
        end = offsets[text + 1]
        first = total
        pending = False
        while at < end:
            byte = data[at]
            width = 1
            if byte < 0x80:
                space = byte == 32 or (9 <= byte <= 13) or (28 <= byte <= 31)
            else:
                code, width = decode(data, at, end)
                space = (character_class(code, points) & SPACE) != 0
            if space:
                pending = bool(total > first)
            else:
                if pending:
                    out[total] = 32
                    total += 1
                    pending = False
                for k in range(width):
                    out[total + k] = data[at + k]
                total += width
            at += width
        bounds[text + 1] = total


LAST = np.iinfo(np.int64).max


def equal_leaders(corpus: Corpus, ranking: Ranking, earlier: Earlier | None, workspace: Workspace) -> Rows:
    """int64[rows] by rank: the lowest rank among the documents whose digest equals this one's.

    Entries of an earlier corpus are below all others: their rank is entry - number of entries. Reads the sketch
    columns `low`, `high` (the digest) and `given` (False: equals nothing but itself).
    """
    rows = int(corpus.starts[-1])
    leaders = workspace.array("leaders", rows, np.int64, 0)
    partitions = Partitions(workspace, "digests", 3, rows)
    for part in range(len(corpus.starts) - 1):
        ranks = ranking.ranks(int(corpus.starts[part]), int(corpus.starts[part + 1]))
        leaders[ranks] = ranks
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
            leaders[records[:, 2].astype(np.int64)] = least[numbering.numbers(*_digest(records))]
        partitions.drop(number)
        workspace.release()
    return leaders


def _digest(records: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    return np.ascontiguousarray(records[:, 0]), np.ascontiguousarray(records[:, 1])
