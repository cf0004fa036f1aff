"""Choosing what stays among candidates that resemble each other: the first of each kind, in a given order.

Candidates come in order of preference. One that resembles nothing kept so far is kept; any other is dropped for the
kept one that it resembles most. (The greedy maximal independent set of the similarity graph, in one pass.) Only
candidates that share a bucket are compared.

A bucket that fills with kept candidates is *crowded*: the pages of a site that share a template and are no duplicates,
or keys that were made to collide. Comparing each with all would take quadratic time. Candidates of crowded buckets are
looked up by their rare shingles instead, those that few kept ones have. This loses no pair unless what two candidates
share is frequent to the last shingle; such pairs are looked for among the first of each crowded bucket.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.duplicates.shingle_sets import similarity
from corpuskit.duplicates.workspace import Workspace

MOST_KEPT = 128
"""Kept candidates of one bucket that later ones are compared with one by one; a bucket with so many is crowded. A
shingle that more kept candidates of crowded buckets have is not rare."""


class RareShingles(NamedTuple):
    """Kept candidates of crowded buckets, by their shingles: a table of keys, and a linked list of owners for each."""

    slots: npt.NDArray[np.int64]
    """A power of two, at least twice as many as keys; the number of a key, or -1."""
    keys: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int32]
    """How many kept candidates have a key."""
    heads: npt.NDArray[np.int64]
    """The first place of a key in `owners`, or -1."""
    owners: npt.NDArray[np.int64]
    following: npt.NDArray[np.int64]
    used: npt.NDArray[np.int64]
    """(keys, owners) that are in use."""
    indexed: npt.NDArray[np.bool_]
    """Whether a candidate is in the table."""

    @classmethod
    def empty(cls, candidates: int, workspace: Workspace) -> RareShingles:
        return _table(0, workspace.array("indexed", candidates, np.bool_, False), workspace)

    def larger(self, workspace: Workspace) -> RareShingles:
        """The same with at least twice the room."""
        table = _table(max(2 * len(self.keys), 1 << 14), self.indexed, workspace)
        _move(self, table)
        return table


def _table(room: int, indexed: npt.NDArray[np.bool_], workspace: Workspace) -> RareShingles:
    return RareShingles(
        workspace.array("rare-slots", 1 << (2 * room).bit_length() if room else 1, np.int64, -1),
        workspace.array("rare-keys", room, np.uint64, 0),
        workspace.array("rare-counts", room, np.int32, 0),
        workspace.array("rare-heads", room, np.int64, -1),
        workspace.array("rare-owners", room, np.int64, 0),
        workspace.array("rare-following", room, np.int64, -1),
        np.zeros(2, np.int64),
        indexed,
    )


@nb.njit(cache=True, nogil=True)
def _slot(rare: Any, key: Any) -> Any:
    """The slot of a key: its own, or the free one where it belongs."""
    mask = np.uint64(len(rare.slots) - 1)
    slot = np.int64(key & mask)
    while rare.slots[slot] >= 0 and rare.keys[rare.slots[slot]] != key:
        slot = np.int64((np.uint64(slot) + np.uint64(1)) & mask)
    return slot


@nb.njit(cache=True, nogil=True)
def _move(old: Any, new: Any) -> None:
    for number in range(old.used[0]):
        new.slots[_slot(new, old.keys[number])] = number
        new.keys[number] = old.keys[number]
        new.counts[number] = old.counts[number]
        new.heads[number] = old.heads[number]
    for place in range(old.used[1]):
        new.owners[place] = old.owners[place]
        new.following[place] = old.following[place]
    new.used[:] = old.used


@nb.njit(cache=True, nogil=True)
def _insert(rare: Any, candidate: Any, values: Any, start: Any, size: Any) -> None:
    """Put a candidate into the table, which has room for all its shingles."""
    rare.indexed[candidate] = True
    for place in range(start, start + size):
        key = values[place]
        slot = _slot(rare, key)
        number = rare.slots[slot]
        if number < 0:
            number = rare.used[0]
            rare.used[0] += 1
            rare.slots[slot] = number
            rare.keys[number] = key
        rare.counts[number] += 1
        if rare.counts[number] <= MOST_KEPT:
            entry = rare.used[1]
            rare.used[1] += 1
            rare.owners[entry] = candidate
            rare.following[entry] = rare.heads[number]
            rare.heads[number] = entry


@nb.njit(cache=True, nogil=True)
def _room_needed(
    candidate: Any, bounds: Any, buckets: Any, heads: Any, loads: Any, following: Any, owners: Any, sizes: Any
) -> Any:
    """Shingles that are put into the table where a candidate is kept."""
    needed = np.int64(0)
    for member in range(bounds[candidate], bounds[candidate + 1]):
        bucket = buckets[member]
        if loads[bucket] >= MOST_KEPT - 1:
            needed += sizes[candidate]
        if loads[bucket] == MOST_KEPT - 1:  # it becomes crowded, and all that it holds goes into the table
            entry = heads[bucket]
            while entry >= 0:
                needed += sizes[owners[entry]]
                entry = following[entry]
    return needed


@nb.njit(cache=True, nogil=True)
def keep_first(
    first: Any,
    last: Any,
    fixed: Any,
    bounds: Any,
    buckets: Any,
    heads: Any,
    loads: Any,
    following: Any,
    owners: Any,
    stamps: Any,
    rare: Any,
    values: Any,
    starts: Any,
    sizes: Any,
    measure: Any,
    threshold: Any,
    twins: Any,
    similarities: Any,
) -> Any:
    """Decide the candidates `first` to `last`, after all before them have been decided.

    Candidate d is in `buckets[bounds[d]:bounds[d + 1]]`, and its set is `values[starts[d]:starts[d] + sizes[d]]`.
    Candidates below `fixed` are kept whatever they resemble. Writes into `twins` the kept candidate that d resembles
    most (the earlier one where two are as near), or d itself where it is kept, and into `similarities` how much. State
    between calls: `heads` (int64[buckets], -1 at first), `loads` (int32[buckets], 0), `following` and `owners`
    (int64[memberships]), `stamps` (int64[candidates], -1), and `rare`.

    Returns the candidate that is decided next: `last`, or an earlier one for which `rare` must be made larger first.
    """
    for candidate in range(first, last):
        room = len(rare.keys) - max(rare.used[0], rare.used[1])
        if room < _room_needed(candidate, bounds, buckets, heads, loads, following, owners, sizes):
            return candidate
        best = np.int64(-1)
        most = 0.0
        crowded = False
        if candidate >= fixed:
            for member in range(bounds[candidate], bounds[candidate + 1]):
                crowded |= loads[buckets[member]] >= MOST_KEPT
                entry = heads[buckets[member]]
                while entry >= 0:
                    kept = owners[entry]
                    entry = following[entry]
                    if stamps[kept] == candidate:
                        continue
                    stamps[kept] = candidate
                    least = max(threshold, most)
                    alike = similarity(
                        values, starts[kept], sizes[kept], starts[candidate], sizes[candidate], measure, least
                    )
                    if alike >= threshold and (alike > most or (alike == most and kept < best)):
                        best = kept
                        most = alike
            if crowded:
                for place in range(starts[candidate], starts[candidate] + sizes[candidate]):
                    number = rare.slots[_slot(rare, values[place])]
                    if number < 0 or rare.counts[number] > MOST_KEPT:
                        continue
                    entry = rare.heads[number]
                    while entry >= 0:
                        kept = rare.owners[entry]
                        entry = rare.following[entry]
                        if stamps[kept] == candidate:
                            continue
                        stamps[kept] = candidate
                        least = max(threshold, most)
                        alike = similarity(
                            values, starts[kept], sizes[kept], starts[candidate], sizes[candidate], measure, least
                        )
                        if alike >= threshold and (alike > most or (alike == most and kept < best)):
                            best = kept
                            most = alike
        if best >= 0:
            twins[candidate] = best
            similarities[candidate] = most
            continue
        twins[candidate] = candidate
        similarities[candidate] = 1.0
        for member in range(bounds[candidate], bounds[candidate + 1]):
            bucket = buckets[member]
            if loads[bucket] >= MOST_KEPT:
                if not rare.indexed[candidate]:
                    _insert(rare, candidate, values, starts[candidate], sizes[candidate])
                continue
            loads[bucket] += 1
            owners[member] = candidate
            following[member] = heads[bucket]
            heads[bucket] = member
            if loads[bucket] == MOST_KEPT:
                entry = heads[bucket]
                while entry >= 0:
                    if not rare.indexed[owners[entry]]:
                        _insert(rare, owners[entry], values, starts[owners[entry]], sizes[owners[entry]])
                    entry = following[entry]
    return last
