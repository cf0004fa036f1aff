"""A random order of n things that needs no memory: a keyed bijection of [0, n), and its inverse.

A Feistel network (Luby and Rackoff 1988) over the next even number of bits, walked in cycles until the value is below n
(Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains", method 2); its round function is the finaliser of
SplitMix64 (Steele, Lea and Flood 2014). Six rounds. Any value is permuted on its own, so a place in the order is a
number and nothing else. Not a cipher: good for shuffling, not for secrets.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

ROUNDS = 6


@nb.njit(cache=True, nogil=True)
def _mix(value: np.uint64, key: np.uint64) -> np.uint64:
    x = np.uint64(value + key)
    x = np.uint64(np.uint64(x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    x = np.uint64(np.uint64(x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    return np.uint64(x ^ (x >> np.uint64(31)))


@nb.njit(cache=True, nogil=True)
def _walk(values: npt.NDArray[np.int64], size: int, key: np.uint64, forward: bool, out: npt.NDArray[np.int64]) -> None:
    bits = 1
    while bits < 62 and (np.int64(1) << np.int64(bits)) < size:
        bits += 1
    half = np.uint64((bits + 1) // 2)
    mask = np.uint64((np.uint64(1) << half) - np.uint64(1))
    limit = np.uint64(size)
    keys = np.empty(ROUNDS, np.uint64)
    for r in range(ROUNDS):
        keys[r] = _mix(np.uint64(key), np.uint64(np.uint64(r + 1) * np.uint64(0x9E3779B97F4A7C15)))
    for i in range(len(values)):
        x = np.uint64(values[i])
        while True:
            left = np.uint64(x >> half)
            right = np.uint64(x & mask)
            if forward:
                for r in range(ROUNDS):
                    left, right = right, np.uint64(left ^ np.uint64(_mix(right, keys[r]) & mask))
            else:
                for r in range(ROUNDS - 1, -1, -1):
                    left, right = np.uint64(right ^ np.uint64(_mix(left, keys[r]) & mask)), left
            x = np.uint64(np.uint64(left << half) | right)
            if x < limit:
                break
        out[i] = np.int64(x)


def permute(values: npt.NDArray[np.int64], size: int, key: int) -> npt.NDArray[np.int64]:
    """int64[n]: where a bijection of [0, size) that `key` (64 bits) names takes each value.

    Raises ValueError for a value outside [0, size).
    """
    return _checked(values, size, key, True)


def unpermute(values: npt.NDArray[np.int64], size: int, key: int) -> npt.NDArray[np.int64]:
    """The inverse of `permute`."""
    return _checked(values, size, key, False)


def _checked(values: npt.NDArray[np.int64], size: int, key: int, forward: bool) -> npt.NDArray[np.int64]:
    values = np.ascontiguousarray(values, np.int64)
    if len(values) and not (values.min() >= 0 and values.max() < size):
        raise ValueError(f"values from {values.min()} to {values.max()} are not all in [0, {size})")
    out = np.empty(len(values), np.int64)
    _walk(values, size, np.uint64(key), forward, out)
    return out
