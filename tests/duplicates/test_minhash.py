"""Signatures estimate the Jaccard index without bias, with the error that theory gives, as datasketch does."""

from __future__ import annotations

import numpy as np
import pytest

from corpuskit.duplicates import signatures
from corpuskit.duplicates.minhash import Bands, agreements, band_keys, choose_bands, permutations
from corpuskit.duplicates.shingles import Shingling
from corpuskit.duplicates.signatures import sets
from corpuskit.inputs import as_languages, as_texts

MASK = 0xFFFFFFFF


def pairs_with(jaccard: float, count: int, size: int = 400) -> tuple[list[str], list[str], float]:
    """Texts of distinct one-word shingles whose Jaccard index is known by construction."""
    generator = np.random.default_rng(int(jaccard * 1000))
    shared = round(size * 2 * jaccard / (1 + jaccard))
    left, right = [], []
    for _ in range(count):
        words = np.unique(generator.integers(0, 1 << 40, 2 * size + 40))
        generator.shuffle(words)
        words = words[: 2 * size - shared]
        left.append(" ".join(map(str, words[:size])))
        right.append(" ".join(map(str, words[size - shared :])))
    return left, right, shared / (2 * size - shared)


def estimates(left: list[str], right: list[str], count: int) -> np.ndarray:
    signed = signatures(left + right, "en", permutations=count, words=1)
    out = np.empty(len(left))
    agreements(signed, np.arange(len(left)), np.arange(len(left)) + len(left), out)
    return out


@pytest.mark.parametrize("jaccard", [0.2, 0.5, 0.8, 0.9])
def test_error_is_the_theoretical_one_and_unbiased(jaccard: float) -> None:
    left, right, truth = pairs_with(jaccard, 3000)
    error = estimates(left, right, 112) - truth
    theory = np.sqrt(truth * (1 - truth) / 112)
    assert abs(error.mean()) < 0.005
    assert np.sqrt(np.mean(error**2)) == pytest.approx(theory, rel=0.05)


def test_a_signature_is_the_minimum_over_all_shingles() -> None:
    text = " ".join(f"word{number}" for number in range(5_000))
    values, _ = sets(as_texts([text]), as_languages("en", 1), Shingling(3, 2))
    a, b = permutations(16)
    short = [int(value) >> 32 for value in values]
    expected = [min((int(x) * value + int(y)) & MASK for value in short) for x, y in zip(a, b, strict=True)]
    assert signatures([text], "en", permutations=16, words=3)[0].tolist() == expected


def test_agrees_with_datasketch_on_the_same_shingles() -> None:
    datasketch = pytest.importorskip("datasketch")
    left, right, truth = pairs_with(0.6, 150, 200)
    theirs = []
    for pair in zip(left, right, strict=True):
        hashes = []
        for text in pair:
            one = datasketch.MinHash(num_perm=112)
            one.update_batch([word.encode() for word in text.split()])
            hashes.append(one)
        theirs.append(hashes[0].jaccard(hashes[1]))
    ours = estimates(left, right, 112)
    theory = np.sqrt(truth * (1 - truth) / 112)
    assert abs(ours.mean() - np.mean(theirs)) < 4 * theory * np.sqrt(2 / 150)
    assert np.std(ours) == pytest.approx(np.std(theirs), rel=0.3)


def test_band_keys_are_equal_where_the_minima_are_and_only_in_the_same_band() -> None:
    signed = np.array([[1, 2, 3, 4], [1, 2, 9, 9], [3, 4, 1, 2]], np.uint32)
    keys = np.empty((2, 3), np.uint64)
    band_keys(signed, 2, keys)
    assert keys[0, 0] == keys[0, 1]
    assert len(np.unique(keys)) == 5


def test_chosen_bands_find_the_pairs_at_the_threshold_with_the_most_rows() -> None:
    for threshold in (0.5, 0.7, 0.8, 0.9):
        chosen = choose_bands(threshold)
        assert chosen.recall(threshold) >= 0.999
        assert Bands(112 // (chosen.rows + 1), chosen.rows + 1).recall(threshold) < 0.999
    with pytest.raises(ValueError, match="more permutations"):
        choose_bands(0.1, 8)
