"""Stretches of text by their digests: a decision about a passage finds all its copies, and no file holds the passage.

A stretch is named by its length in UTF-8 bytes, a hash of its first bytes (the *anchor*) and a digest of the whole. One
pass with a rolling hash over the bytes of a corpus finds every place where an anchor stands; the digest decides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.kernels.arrow import Bytes, Offsets, text_buffers

ANCHOR = 16
"""Bytes of an anchor, and of the shortest stretch that can be found again: sixteen letters, five or six syllables."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_TOP = np.uint64(pow(0x9E3779B97F4A7C15, ANCHOR - 1, 1 << 64))


@dataclass(frozen=True, order=True)
class Stretch:
    size: int
    """UTF-8 bytes."""
    anchor: int
    digest: str


@dataclass(frozen=True)
class Occurrence:
    row: int
    stretch: int
    """Its place in the list of stretches."""
    start: int
    end: int
    """Characters of the row's text."""


def stretch_of(text: str) -> Stretch | None:
    """How a stretch is named; None where it is too short to be found again."""
    data = text.encode("utf-8", "replace")
    if len(data) < ANCHOR:
        return None
    return Stretch(len(data), _hash(data), _digest(data))


def find_stretches(texts: pa.Array, stretches: list[Stretch]) -> list[Occurrence]:
    """Every place in `texts` where one of the stretches stands, by row and place. Nulls hold nothing."""
    if not stretches:
        return []
    data, offsets = text_buffers(texts)
    anchors = np.array([one.anchor for one in stretches], np.uint64)
    places, rows = _anchored(data, offsets, np.unique(anchors))
    by_anchor: dict[int, list[int]] = {}
    for number, one in enumerate(stretches):
        by_anchor.setdefault(one.anchor, []).append(number)
    found = []
    for place, row in zip(places.tolist(), rows.tolist(), strict=True):
        begin, end = int(offsets[row]), int(offsets[row + 1])
        for number in by_anchor[_hash(data[place : place + ANCHOR].tobytes())]:
            size = stretches[number].size
            piece = data[place : place + size].tobytes()
            if place + size <= end and _digest(piece) == stretches[number].digest:
                start = len(data[begin:place].tobytes().decode("utf-8", "replace"))
                found.append(Occurrence(row, number, start, start + len(piece.decode("utf-8", "replace"))))
    return found


def text_digest(text: str) -> str:
    """Names a document's text as an audit saw it: spans are places in that text and in no other."""
    return _digest(text.encode("utf-8", "replace"))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _hash(data: bytes) -> int:
    value = 0
    for byte in data[:ANCHOR]:
        value = (value * int(_BASE) + byte + 1) % (1 << 64)
    return value


@nb.njit(cache=True, nogil=True)
def _anchored(
    data: Bytes, offsets: Offsets, anchors: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:  # pragma: no cover
    """(places, rows) at which the next ANCHOR bytes of a row have one of the sorted hashes."""
    likely = np.zeros(1 << 16, np.bool_)
    for value in anchors:
        likely[value & np.uint64(0xFFFF)] = True
    places = np.empty(64, np.int64)
    rows = np.empty(64, np.int64)
    count = 0
    for row in range(offsets.shape[0] - 1):
        start, end = offsets[row], offsets[row + 1]
        value = np.uint64(0)
        for at in range(start, end):
            first = at - ANCHOR + 1
            if first > start:
                value = value - (np.uint64(data[first - 1]) + np.uint64(1)) * _TOP
            value = value * _BASE + np.uint64(data[at]) + np.uint64(1)
            if first < start or not likely[value & np.uint64(0xFFFF)]:
                continue
            place = np.searchsorted(anchors, value)
            if place == anchors.shape[0] or anchors[place] != value:
                continue
            if count == places.shape[0]:
                places = np.append(places, np.empty_like(places))
                rows = np.append(rows, np.empty_like(rows))
            places[count] = first
            rows[count] = row
            count += 1
    return places[:count], rows[:count]
