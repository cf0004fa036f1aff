"""Standard errors equal their formulas and what resampling finds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.training.evaluation import mean, paired_difference, ratio


def test_the_error_of_a_share_is_the_textbook_one() -> None:
    found = mean([1, 1, 1, 0])
    assert found.value == 0.75
    assert found.error == pytest.approx(math.sqrt(0.75 * 0.25 / 3))
    assert found.count == 4


def test_values_of_one_cluster_count_as_one() -> None:
    copies = mean([1, 1, 1, 0, 0, 0, 1, 1, 1], ["a"] * 3 + ["b"] * 3 + ["c"] * 3)
    single = mean([1, 0, 1])
    assert (copies.value, copies.error) == (pytest.approx(single.value), pytest.approx(single.error))
    assert copies.count == 9
    assert mean([1, 1, 1, 0, 0, 0, 1, 1, 1]).error < copies.error  # type: ignore[operator]


def test_a_single_group_leaves_the_error_open() -> None:
    assert mean([0.5]).error is None
    assert mean([0, 1], ["a", "a"]).error is None
    with pytest.raises(ValueError, match="at least one"):
        mean([])
    with pytest.raises(ValueError, match="denominator"):
        ratio([1.0], [0.0])


def test_the_error_of_a_ratio_is_what_resampling_finds() -> None:
    random = np.random.default_rng(5)
    below = random.integers(20, 200, 300).astype(float)
    above = below * random.normal(1.5, 0.4, 300)
    found = ratio(above, below)
    draws = random.integers(0, 300, (4000, 300))
    assert found.error == pytest.approx(np.std(above[draws].sum(1) / below[draws].sum(1)), rel=0.08)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=30))
def test_a_paired_difference_is_the_mean_of_the_differences(pairs: list[tuple[int, int]]) -> None:
    before, after = zip(*pairs, strict=True)
    found = paired_difference(before, after)
    differences = np.subtract(after, before)
    assert found.value == pytest.approx(differences.mean())
    assert found.error == pytest.approx(differences.std(ddof=1) / math.sqrt(len(pairs)))
