"""MinHash signatures of texts, and the sketch of a text that near-duplicates are found by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.duplicates.minhash import (
    PERMUTATIONS,
    Bands,
    band_keys,
    choose_bands,
    jaccard_for_containment,
    permutations,
    sign,
)
from corpuskit.duplicates.shingle_sets import CONTAINMENT, JACCARD, shingle_sets
from corpuskit.duplicates.shingles import Shingling, prepare
from corpuskit.errors import InputError
from corpuskit.inputs import Languages, Texts, as_languages, as_texts
from corpuskit.kernels.shingles import folded

Signatures = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Likeness:
    """When two texts are near-duplicates, and how such pairs are looked for."""

    threshold: float
    measure: int
    shingling: Shingling
    bands: Bands

    @classmethod
    def of(
        cls,
        threshold: float = 0.8,
        verify: str = "jaccard",
        words: int = 5,
        characters: int = 2,
        permutations: int = PERMUTATIONS,
        bands: int | None = None,
        rows: int | None = None,
    ) -> Likeness:
        """Raises InputError for a threshold outside (0, 1], and for bands that the permutations do not fill."""
        if not 0 < threshold <= 1:
            raise InputError(f"threshold is {threshold}; it must be above 0 and at most 1")
        if verify not in ("jaccard", "containment"):
            raise InputError(f"verify is 'jaccard' or 'containment', not '{verify}'")
        if (bands is None) != (rows is None):
            raise InputError("bands and rows are given together, or chosen from the threshold")
        measure = JACCARD if verify == "jaccard" else CONTAINMENT
        if bands is None or rows is None:
            lowest = threshold if measure == JACCARD else jaccard_for_containment(threshold)
            chosen = choose_bands(lowest, permutations)
        elif bands < 1 or rows < 1 or bands * rows > permutations:
            raise InputError(f"{bands} bands of {rows} rows do not fit {permutations} permutations")
        else:
            chosen = Bands(bands, rows)
        return cls(threshold, measure, Shingling(words, characters), chosen)


@dataclass(frozen=True)
class Sketch:
    """What is known of each text before texts are compared."""

    keys: npt.NDArray[np.uint64]
    """uint64[bands, texts]."""
    digests: npt.NDArray[np.uint64]
    """uint64[texts, 2]: the words of the text in order, without spacing and punctuation."""


def signatures(
    texts: Texts,
    language: Languages = None,
    *,
    permutations: int = PERMUTATIONS,
    words: int = 5,
    characters: int = 2,
) -> Signatures:
    """MinHash signature of each text: uint32[texts, permutations].

    The share of equal numbers in two signatures estimates the Jaccard index of the texts' shingles with a standard
    error of sqrt(J (1 - J) / permutations). `language` is one code for all texts or one a text; None looks at the text.
    """
    given = as_texts(texts)
    return _sign(given, as_languages(language, len(given)), Shingling(words, characters), permutations)[0]


def sketch(texts: pa.LargeStringArray, languages: pa.StringArray, likeness: Likeness) -> Sketch:
    signed, digests = _sign(texts, languages, likeness.shingling, likeness.bands.bands * likeness.bands.rows)
    keys = np.empty((likeness.bands.bands, len(signed)), np.uint64)
    band_keys(signed, likeness.bands.rows, keys)
    return Sketch(keys, digests)


def sets(
    texts: pa.LargeStringArray, languages: pa.StringArray, shingling: Shingling
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """(values uint64[all shingles], counts int64[texts]): the distinct shingle hashes of each text, in order."""
    prepared = prepare(texts, languages)
    return shingle_sets(prepared.data, prepared.offsets, prepared.ways, shingling.sizes(), folded())


def _sign(
    texts: pa.LargeStringArray, languages: pa.StringArray, shingling: Shingling, count: int
) -> tuple[Signatures, npt.NDArray[np.uint64]]:
    prepared = prepare(texts, languages)
    number = len(prepared.offsets) - 1
    signed = np.empty((number, count), np.uint32)
    digests = np.empty((number, 2), np.uint64)
    a, b = permutations(count)
    sign(
        prepared.data,
        prepared.offsets,
        prepared.ways,
        shingling.sizes(),
        folded(),
        a,
        b,
        signed,
        digests,
        np.empty(number, np.int64),
    )
    return signed, digests
