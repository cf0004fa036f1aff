"""MinHash signatures and the keys of their bands.

Broder 1997, "On the resemblance and containment of documents": the share of equal minima of two texts' shingles under
random permutations estimates their Jaccard index, with the standard error sqrt(J (1 - J) / permutations). Bands as in
Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4. A permutation is x -> a x + b modulo 2^32 with
odd a, over shingle hashes that are already well mixed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.shingles import BLOCK, FIRST, LONGEST_SHINGLE, SECOND, STATE, STEP, begin, fill
from corpuskit.kernels.words import mix

_HALF = np.uint64(32)
_BAND = np.uint64(0xE7037ED1A0B428DB)


@lru_cache(maxsize=8)
def permutations(count: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """(a, b), uint32[count] each: the permutations that every signature uses, the same on every machine."""
    generator = np.random.Generator(np.random.PCG64(20_260))
    a = generator.integers(0, 2**32, count, dtype=np.uint32) | np.uint32(1)
    return a, generator.integers(0, 2**32, count, dtype=np.uint32)


@nb.njit(cache=True, nogil=True)
def _lower(shingles: Any, count: Any, a: Any, b: Any, signature: Any) -> None:
    for p in range(len(a)):
        factor = a[p]
        shift = b[p]
        least = signature[p]
        for k in range(count):
            value = np.uint32(np.uint32(factor * shingles[k]) + shift)  # numba widens uint32 products: wrap them
            least = min(least, value)
        signature[p] = least


@nb.njit(cache=True, nogil=True)
def sign(
    data: Any, offsets: Any, ways: Any, sizes: Any, fold: Any, a: Any, b: Any, out: Any, digests: Any, counts: Any
) -> None:
    """Signatures of texts into `out` (uint32[texts, permutations]).

    `ways` (uint8[texts]) says how each text is cut, `sizes` (int64[2]) how large shingles of each way are. Writes the
    128-bit digest of each text's words into `digests` (uint64[texts, 2]) and its number of shingles, repeated ones
    counted, into `counts` (int64[texts]).
    """
    state = np.zeros(STATE, np.uint64)
    ring = np.zeros(LONGEST_SHINGLE, np.uint64)
    block = np.zeros(BLOCK, np.uint64)
    short = np.zeros(BLOCK, np.uint32)
    for text in range(len(offsets) - 1):
        begin(state, offsets[text])
        out[text] = np.uint32(0xFFFFFFFF)
        counts[text] = 0
        while state[STEP] == np.uint64(0):
            count = fill(
                data, offsets[text], offsets[text + 1], ways[text], sizes[ways[text]], fold, state, ring, block
            )
            for k in range(count):
                short[k] = np.uint32(block[k] >> _HALF)
            _lower(short, count, a, b, out[text])
            counts[text] += count
        digests[text, 0] = state[FIRST]
        digests[text, 1] = state[SECOND]


@nb.njit(cache=True, nogil=True)
def band_keys(signatures: Any, rows: Any, out: Any) -> None:
    """A 64-bit key of each band of `rows` consecutive minima into `out` (uint64[bands, texts])."""
    for text in range(out.shape[1]):
        for band in range(out.shape[0]):
            key = _BAND * np.uint64(band + 1)
            for row in range(band * rows, (band + 1) * rows):
                key = mix(key ^ np.uint64(signatures[text, row]))
            out[band, text] = key


@nb.njit(cache=True, nogil=True)
def agreements(signatures: Any, left: Any, right: Any, out: Any) -> None:
    """The share of equal minima of each pair (left[i], right[i]): the estimate of its Jaccard index, float64[pairs]."""
    width = signatures.shape[1]
    for pair in range(len(left)):
        equal = 0
        for p in range(width):
            equal += signatures[left[pair], p] == signatures[right[pair], p]
        out[pair] = equal / width
