"""MinHash signatures, the keys of their bands, and how many bands find the pairs that are looked for.

Broder 1997, "On the resemblance and containment of documents": the share of equal minima of two texts' shingles under
random permutations estimates their Jaccard index, with the standard error sqrt(J (1 - J) / permutations). Bands as in
Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4. A permutation is x -> a x + b modulo 2^32 with
odd a, over shingle hashes that are already well mixed.

A pair with Jaccard J shares a band of r minima with the chance J^r, and one of b bands with 1 - (1 - J^r)^b.
Candidates are verified, so bands only have to find every pair; pairs below the threshold that they also find cost a
comparison and nothing more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.errors import InputError
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


PERMUTATIONS = 112
RECALL = 0.999
"""Share of the pairs exactly at the threshold that the chosen bands find. Nearer pairs are found more surely still."""


class Bands(NamedTuple):
    bands: int
    rows: int

    def recall(self, jaccard: float) -> float:
        """The chance that a pair with this Jaccard index becomes a candidate."""
        return 1.0 - (1.0 - jaccard**self.rows) ** self.bands


def choose_bands(threshold: float, permutations: int = PERMUTATIONS, recall: float = RECALL) -> Bands:
    """The bands with the most rows (the fewest false candidates) that find `recall` of the pairs at the threshold.

    Raises InputError where the permutations are too few for that.
    """
    for rows in range(permutations, 0, -1):
        choice = Bands(permutations // rows, rows)
        if choice.recall(threshold) >= recall:
            return choice
    raise InputError(
        f"{permutations} permutations cannot find {recall:.1%} of the pairs at a Jaccard index of {threshold:.2f}; "
        "take more permutations or a higher threshold"
    )


def jaccard_for_containment(threshold: float) -> float:
    """The Jaccard index of two texts, one twice as long as the other, whose containment is at the threshold."""
    return threshold / (3.0 - threshold)
