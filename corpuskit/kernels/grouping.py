"""Numbering equal 128-bit keys, in memory that grows with the distinct keys alone."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.words import mix

Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True)
def _number(low: Any, high: Any, slots: Any, known_low: Any, known_high: Any, known: Any, out: Any) -> Any:
    mask = np.uint64(len(slots) - 1)
    for record in range(len(low)):
        slot = np.int64(mix(low[record] ^ (high[record] >> np.uint64(7))) & mask)
        while True:
            number = slots[slot]
            if number < 0:
                slots[slot] = known
                known_low[known] = low[record]
                known_high[known] = high[record]
                out[record] = known
                known += 1
                break
            if known_low[number] == low[record] and known_high[number] == high[record]:
                out[record] = number
                break
            slot = np.int64((np.uint64(slot) + np.uint64(1)) & mask)
    return known


@nb.njit(cache=True, nogil=True)
def _find(low: Any, high: Any, slots: Any, known_low: Any, known_high: Any, out: Any) -> None:
    mask = np.uint64(len(slots) - 1)
    for record in range(len(low)):
        slot = np.int64(mix(low[record] ^ (high[record] >> np.uint64(7))) & mask)
        number = slots[slot]
        while number >= 0 and (known_low[number] != low[record] or known_high[number] != high[record]):
            slot = np.int64((np.uint64(slot) + np.uint64(1)) & mask)
            number = slots[slot]
        out[record] = number


class Numbering:
    """Gives each distinct key the next number, from 0, in the order in which keys are first seen."""

    def __init__(self) -> None:
        self._slots: Numbers = np.full(1024, -1, np.int64)
        self._low: Keys = np.zeros(512, np.uint64)
        self._high: Keys = np.zeros(512, np.uint64)
        self.known = 0

    def numbers(self, low: Keys, high: Keys) -> Numbers:
        """The number of each key (low[i], high[i]): int64[keys]."""
        out = np.empty(len(low), np.int64)
        step = 1 << 16
        for start in range(0, len(low), step):
            end = min(start + step, len(low))
            self._make_room(self.known + end - start)
            self.known = _number(
                low[start:end], high[start:end], self._slots, self._low, self._high, self.known, out[start:end]
            )
        return out

    def find(self, low: Keys, high: Keys) -> Numbers:
        """The number of each key, -1 for one that has none: int64[keys]."""
        out = np.empty(len(low), np.int64)
        _find(low, high, self._slots, self._low, self._high, out)
        return out

    def _make_room(self, keys: int) -> None:
        if keys <= len(self._low):
            return
        room = 1 << (keys - 1).bit_length()
        low, high, known = self._low, self._high, self.known
        self._slots = np.full(2 * room, -1, np.int64)
        self._low = np.zeros(room, np.uint64)
        self._high = np.zeros(room, np.uint64)
        numbered = np.empty(known, np.int64)
        self.known = _number(low[:known], high[:known], self._slots, self._low, self._high, 0, numbered)


@nb.njit(cache=True, nogil=True)
def lower_least(least: Any, groups: Any, values: Any) -> None:
    """Lower `least[g]` to the smallest of the values whose group is g."""
    for i in range(len(groups)):
        if values[i] < least[groups[i]]:
            least[groups[i]] = values[i]


@nb.njit(cache=True, nogil=True)
def count_groups(counts: Any, groups: Any) -> None:
    """Add to `counts[g]` how often group g occurs."""
    for i in range(len(groups)):
        counts[groups[i]] += 1
