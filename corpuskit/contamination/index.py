"""The index of benchmark parts, and the loop that finds their passages in texts.

Every place of a part is filed under the hash of the SEED units that begin there. Where a text shows a filed hash, the
match is followed unit by unit to its end, over edits of up to SKIP units where RESUME equal ones come after; it counts
when enough units were equal for its part (`required`). So one table serves parts of every length, and a word put in,
left out or changed breaks no match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.contamination.benchmarks import Part
from corpuskit.contamination.units import split_units
from corpuskit.inputs import as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.intern import table_size
from corpuskit.kernels.unicode import code_points
from corpuskit.kernels.words import mix

SEED = 5
"""Units hashed together."""
SHORTEST_WORDS = 6
SHORTEST_CHARACTERS = 12
"""Parts of fewer words (of fewer characters, where most units are single characters) are no evidence of anything."""
WHOLE = 16
"""Parts of fewer units must occur whole."""
FEWEST_WORDS = 8
FEWEST_CHARACTERS = 13
"""No match of a part of WHOLE units or more is shorter."""
SKIP = 3
RESUME = 3
COMMON = 64
"""A seed that occurs in more parts than this belongs to the benchmark's form, not to an item, and is not filed."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FILTER_BITS = 20


class Index(NamedTuple):
    """Benchmark parts as compiled loops take them."""

    units: npt.NDArray[np.uint64]
    """Unit hashes of all parts, one after the other."""
    bounds: npt.NDArray[np.int64]
    """int64[parts + 1]: where each part's units begin."""
    required: npt.NDArray[np.int32]
    """int32[parts]: how many units in a row a match needs; 0 for parts that are too short to look for."""
    slots: npt.NDArray[np.int32]
    """The table: the first entry of each seed, -1 where free."""
    keys: npt.NDArray[np.uint64]
    """uint64[entries]: the seed's hash."""
    part_of: npt.NDArray[np.int32]
    place_of: npt.NDArray[np.int32]
    """int32[entries]: the part, and the unit of it at which the seed begins."""
    following: npt.NDArray[np.int32]
    """int32[entries]: the next entry with the same seed, -1 at the end; -2 for a seed that is too common."""
    filter: npt.NDArray[np.bool_]
    """bool[2**20]: whether any seed's hash begins with these bits."""


def build(parts: Sequence[Part], ngram: int) -> Index:
    """The index of parts for matches of `ngram` words (2 * `ngram` characters, where they are most of a part's units).

    A part of WHOLE units or more is matched by runs of half its units where that is less, but by no fewer than
    FEWEST_WORDS (FEWEST_CHARACTERS).
    """
    data, offsets = text_buffers(as_texts([part.text for part in parts]))
    units, bounds, single = _units(data, offsets, code_points())
    lengths = np.diff(bounds)
    characters = 2 * single > lengths
    longest = np.where(characters, 2 * ngram, ngram)
    fewest = np.where(characters, FEWEST_CHARACTERS, FEWEST_WORDS)
    required = np.where(lengths < WHOLE, lengths, np.minimum(longest, np.maximum(lengths // 2, fewest)))
    required[lengths < np.where(characters, SHORTEST_CHARACTERS, SHORTEST_WORDS)] = 0
    return Index(units, bounds, required.astype(np.int32), *_file(units, bounds, required.astype(np.int32)))


@nb.njit(cache=True, nogil=True)
def _units(data, offsets, points):  # type: ignore[no-untyped-def]
    room = 2
    for text in range(len(offsets) - 1):
        room += (offsets[text + 1] - offsets[text]) // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts = np.empty(room, np.uint32)
    ends = np.empty(room, np.uint32)
    bounds = np.zeros(len(offsets), np.int64)
    single = np.zeros(len(offsets) - 1, np.int64)
    for text in range(len(offsets) - 1):
        first = bounds[text]
        count, single[text] = split_units(
            data, offsets[text], offsets[text + 1], points, hashes[first:], starts[first:], ends[first:]
        )
        bounds[text + 1] = first + count
    return hashes[: bounds[-1]].copy(), bounds, single


@nb.njit(cache=True, nogil=True, inline="always")
def _seed(units, at):  # type: ignore[no-untyped-def]
    value = np.uint64(0)
    for place in range(at, at + SEED):
        value = value * _MULTIPLIER + units[place]
    return mix(value)


@nb.njit(cache=True, nogil=True)
def _file(units, bounds, required):  # type: ignore[no-untyped-def]
    parts = len(required)
    room = 1
    for part in range(parts):
        if required[part] > 0:
            room += max(bounds[part + 1] - bounds[part] - SEED + 1, 0)
    size = table_size(room)
    slots = np.full(size, -1, np.int32)
    keys = np.empty(room, np.uint64)
    part_of = np.empty(room, np.int32)
    place_of = np.empty(room, np.int32)
    following = np.full(room, -1, np.int32)
    last = np.empty(room, np.int32)
    members = np.zeros(room, np.int32)
    seen = np.zeros(1 << _FILTER_BITS, np.bool_)
    count = 0
    for part in range(parts):
        if required[part] == 0:
            continue
        first = bounds[part]
        for place in range(bounds[part + 1] - first - SEED + 1):
            key = _seed(units, first + place)
            seen[key >> np.uint64(64 - _FILTER_BITS)] = True
            slot = np.int64(key & np.uint64(size - 1))
            while slots[slot] >= 0 and keys[slots[slot]] != key:
                slot = (slot + 1) & (size - 1)
            head = slots[slot]
            if head >= 0 and (part_of[last[head]] == part or following[head] == -2):
                continue
            if head < 0:
                head = count
                slots[slot] = count
            else:
                members[head] += 1
                if members[head] >= COMMON:
                    following[head] = -2
                    continue
                following[last[head]] = count
            last[head] = count
            keys[count] = key
            part_of[count] = part
            place_of[count] = place
            count += 1
    return slots, keys[:count], part_of[:count], place_of[:count], following[:count], seen


@nb.njit(cache=True, nogil=True)
def _follow(part, text):  # type: ignore[no-untyped-def]
    """(equal units, units of the part, units of the text) of the match that begins with both."""
    equal = here = there = 0
    while True:
        while here < len(part) and there < len(text) and part[here] == text[there]:
            equal += 1
            here += 1
            there += 1
        resumed = False
        for edits in range(1, 2 * SKIP + 1):
            for left in range(max(0, edits - SKIP), min(SKIP, edits) + 1):
                a, b = here + left, there + edits - left
                if a + RESUME > len(part) or b + RESUME > len(text):
                    continue
                resumed = True
                for place in range(RESUME):
                    resumed &= part[a + place] == text[b + place]
                if resumed:
                    here, there = a, b
                    break
            if resumed:
                break
        if not resumed:
            return equal, here, there


@nb.njit(cache=True, nogil=True)
def find(data, offsets, points, index):  # type: ignore[no-untyped-def]
    """All matches in texts, as int64[matches, 6].

    A row is (text, part, first unit of the part, units of the part, first byte of the text, last byte + 1).
    Bytes are counted from the text's start. Matches of a text are in the order in which they begin.
    """
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    room = longest // 2 + 2
    hashes = np.empty(room, np.uint64)
    starts = np.empty(room, np.uint32)
    ends = np.empty(room, np.uint32)
    reached = np.zeros(len(index.required), np.int64)
    reached_in = np.full(len(index.required), -1, np.int64)
    mask = len(index.slots) - 1
    found = np.empty((64, 6), np.int64)
    count = 0
    for text in range(len(offsets) - 1):
        units, _ = split_units(data, offsets[text], offsets[text + 1], points, hashes, starts, ends)
        for at in range(units - SEED + 1):
            key = _seed(hashes, at)
            if not index.filter[key >> np.uint64(64 - _FILTER_BITS)]:
                continue
            slot = np.int64(key & np.uint64(mask))
            while index.slots[slot] >= 0 and index.keys[index.slots[slot]] != key:
                slot = (slot + 1) & mask
            entry = index.slots[slot]
            if entry >= 0 and index.following[entry] == -2:
                continue
            while entry >= 0:
                part = index.part_of[entry]
                place = index.place_of[entry]
                entry = index.following[entry]
                if reached_in[part] == text and at < reached[part]:
                    continue
                first = index.bounds[part] + place
                equal, covered, length = _follow(index.units[first : index.bounds[part + 1]], hashes[at:units])
                if equal < index.required[part]:
                    continue
                reached_in[part] = text
                reached[part] = at + length
                if count == len(found):
                    larger = np.empty((2 * count, 6), np.int64)
                    larger[:count] = found
                    found = larger
                found[count, 0] = text
                found[count, 1] = part
                found[count, 2] = place
                found[count, 3] = covered
                found[count, 4] = starts[at]
                found[count, 5] = ends[at + length - 1]
                count += 1
    return found[:count]
