"""Exact occurrences of given token sequences in a stream, counted or found, by a rolling polynomial hash, verified."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

BASE = np.uint64(0x9E3779B97F4A7C15)


@nb.njit(cache=True, nogil=True)
def _hash(tokens: npt.NDArray[np.int64], start: int, length: int) -> np.uint64:  # pragma: no cover
    value = np.uint64(0)
    for place in range(start, start + length):
        value = value * BASE + np.uint64(tokens[place]) + np.uint64(1)
    return value


@nb.njit(cache=True, nogil=True)
def _count(
    tokens: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int64],
    room: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
) -> None:  # pragma: no cover
    """Adds to `counts`; where there are `places`, notes each occurrence of row n at room[n] + counts[n] there."""
    length = wanted.shape[1]
    top = np.uint64(1)
    for _ in range(length - 1):
        top = top * BASE
    for row in range(offsets.shape[0] - 1):
        start, end = offsets[row], offsets[row + 1]
        if end - start < length:
            continue
        value = _hash(tokens, start, length)
        place = start
        while True:
            found = np.searchsorted(hashes, value)
            while found < hashes.shape[0] and hashes[found] == value:
                number = order[found]
                same = True
                for step in range(length):
                    if tokens[place + step] != wanted[number, step]:
                        same = False
                        break
                if same:
                    if places.shape[0]:
                        places[room[number] + counts[number]] = place
                    counts[number] += 1
                found += 1
            if place + length >= end:
                break
            value = (value - (np.uint64(tokens[place]) + np.uint64(1)) * top) * BASE
            value = value + np.uint64(tokens[place + length]) + np.uint64(1)
            place += 1


def count_equal(
    tokens: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """int64[n]: occurrences of each row of wanted[n, length] in `tokens`, none across a border of `offsets`.

    One pass over the stream; every hash that agrees is compared token by token, so that a collision counts nothing.
    """
    counts = np.zeros(len(wanted), np.int64)
    _look(tokens, offsets, wanted, counts, _NONE, _NONE)
    return counts


def find_equal(
    tokens: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(places, bounds int64[n + 1]): where row i of wanted[n, length] begins in `tokens`, in order, is
    places[bounds[i]:bounds[i + 1]]. As `count_equal` in all else."""
    bounds = np.concatenate([[0], np.cumsum(count_equal(tokens, offsets, wanted))]).astype(np.int64)
    places = np.empty(int(bounds[-1]), np.int64)
    if len(places):
        _look(tokens, offsets, wanted, np.zeros(len(wanted), np.int64), bounds[:-1], places)
    return places, bounds


_NONE = np.empty(0, np.int64)


def _look(
    tokens: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    room: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
) -> None:
    if len(wanted) and wanted.shape[1]:
        hashes = np.array([_hash(row, 0, wanted.shape[1]) for row in wanted], np.uint64)
        order = np.argsort(hashes, kind="stable")
        _count(tokens, offsets, wanted, order, hashes[order], counts, room, places)
