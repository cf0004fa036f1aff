"""Intervals, standard errors and the logistic regression against their formulas, the literature and resampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.statistics import (
    bootstrap_mean,
    bootstrap_ratio,
    calibration_error,
    fit_logistic,
    mean,
    paired_difference,
    paired_gain,
    proportion,
    ratio,
)


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


def test_wilson_and_bootstrap_intervals() -> None:
    found = proportion(8, 10)
    assert (found.low, found.high) == (pytest.approx(0.4902, abs=1e-3), pytest.approx(0.9433, abs=1e-3))
    assert proportion(10, 10).high == 1.0
    before = np.array([0.0, 0.0, 1.0, 0.0] * 25)
    gain = paired_gain(before, before + 0.5)
    assert (gain.value, gain.low, gain.high) == (0.5, 0.5, 0.5)
    noise = paired_gain(np.zeros(100), np.random.default_rng(0).normal(size=100))
    assert noise.low < 0 < noise.high
    assert noise.high - noise.low == pytest.approx(2 * 1.96 / 10, rel=0.2)


def test_calibration_error_worked_out_by_hand() -> None:
    # two pairs stated with confidence 0.75, one of them rightly: |0.75 - 0.5|
    assert calibration_error(np.array([0.75, 0.75]), np.array([True, False])) == pytest.approx(0.25)
    four = np.array([True, True, True, False])
    assert calibration_error(np.full(4, 0.75), four) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(np.ones(2), np.ones(2, np.bool_)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("hits", "trials", "low", "high"), [(0, 1000, 0, 0.0037), (10, 100, 0.049, 0.176)])
def test_the_exact_interval_of_clopper_and_pearson(hits: int, trials: int, low: float, high: float) -> None:
    found = proportion(hits, trials, method="exact")
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


def test_no_trials_give_the_whole_range() -> None:
    found = proportion(0, 0, method="exact")
    assert (found.low, found.high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 hits of 2 trials"):
        proportion(3, 2)


def test_drawing_whole_clusters_widens_the_interval() -> None:
    hits = np.repeat([True, False, False, False], 100)
    alone = bootstrap_mean(hits, bounds=(0, 1))
    together = bootstrap_mean(hits, np.repeat(np.arange(4), 100), bounds=(0, 1))
    assert (alone.low, alone.high) == pytest.approx((0.2075, 0.2925), abs=0.01)
    assert together.low < alone.low
    assert together.high > alone.high
    assert (alone.count, together.count) == (400, 400)


def test_a_ratio_is_weighted_by_its_denominators() -> None:
    random = np.random.default_rng(5)
    below = random.integers(20, 200, 300).astype(float)
    above = below * random.normal(1.5, 0.4, 300)
    found, error = bootstrap_ratio(above, below, bounds=(0, math.inf)), ratio(above, below).error
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert error is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_one_cluster_leaves_the_interval_at_its_bounds() -> None:
    found = bootstrap_mean([1, 0, 1], ["a"] * 3, bounds=(0, 1))
    assert (found.value, found.low, found.high) == (pytest.approx(2 / 3), 0, 1)
    assert bootstrap_ratio([0.0], [0.0], bounds=(0, 1)).high == 1


def test_a_logistic_regression_recovers_its_coefficients() -> None:
    random = np.random.default_rng(7)
    features = random.normal(size=(20_000, 2))
    chance = 1 / (1 + np.exp(-(0.5 + features @ [1.5, -2.0])))
    hits = random.random(20_000) < chance
    assert fit_logistic(features, hits) == pytest.approx([0.5, 1.5, -2.0], abs=0.08)
    # a row of weight 2 counts as two rows
    twice = fit_logistic(np.concatenate([features[:500], features[:500]]), np.concatenate([hits[:500], hits[:500]]))
    assert fit_logistic(features[:500], hits[:500], np.full(500, 2.0)) == pytest.approx(twice, abs=1e-6)


def test_a_prior_keeps_separable_data_finite() -> None:
    found = fit_logistic(np.array([[-1.0], [1.0]]), np.array([False, True]), prior=0.05)
    assert 0 < found[1] < 10
    assert found[1] > fit_logistic(np.array([[-1.0], [1.0]]), np.array([False, True]), prior=0.5)[1]
