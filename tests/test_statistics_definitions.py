"""Intervals of shares and gains, standard errors and calibration, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

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

Z95 = 1.959964


@pytest.mark.parametrize("confidence", [0.95, 0.8])
@pytest.mark.parametrize(("hits", "count"), [(0, 1), (0, 10), (1, 10), (5, 10), (8, 10), (10, 10), (1, 1), (733, 1000)])
def test_the_intervals_of_a_share(hits: int, count: int, confidence: float) -> None:
    found = proportion(hits, count, confidence=confidence)
    z, rate = float(stats.norm.ppf((1 + confidence) / 2)), hits / count
    middle = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    spread = z / (1 + z**2 / count) * math.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2))
    assert (found.low, found.high) == pytest.approx((middle - spread, middle + spread), abs=1e-9)
    assert (found.value, found.count) == (rate, count)
    exact = proportion(hits, count, method="exact", confidence=confidence)
    tail = (1 - confidence) / 2
    low = stats.beta.ppf(tail, hits, count - hits + 1) if hits else 0.0
    high = stats.beta.ppf(1 - tail, hits + 1, count - hits) if hits < count else 1.0
    assert (exact.low, exact.high) == pytest.approx((low, high), abs=1e-9)


def test_a_share_without_a_method_is_wilsons_at_95_percent() -> None:
    assert proportion(8, 10) == proportion(8, 10, method="wilson", confidence=0.95)
    assert str(proportion(8, 10)) == "0.800 [0.490, 0.943]"
    assert proportion(8, 10).signed() == "+0.800 [+0.490, +0.943]"
    assert (proportion(0, 7).low, proportion(7, 7).high) == (0.0, 1.0)
    nothing = proportion(0, 0)
    assert (nothing.value, nothing.low, nothing.high, nothing.count) == (0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize(("hits", "count"), [(-1, 5), (6, 5), (1, 0)])
def test_impossible_shares_are_refused(hits: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} hits of {count} trials"):
        proportion(hits, count)


def test_a_gain_is_the_mean_difference_with_the_bootstraps_interval() -> None:
    random = np.random.default_rng(3)
    before, after = random.normal(size=300), random.normal(0.4, 1, size=300)
    found = paired_gain(before, after)
    differences = after - before
    assert found.value == pytest.approx(differences.mean())
    assert found.count == 300
    half = Z95 * differences.std() / math.sqrt(300)
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)
    assert paired_gain(before, after, seed=0) == found
    assert paired_gain(before, after, seed=1) != found
    assert paired_gain([1.0], [3.0]) == paired_gain([1.0], [3.0], bounds=(-math.inf, math.inf))
    assert paired_gain([1.0], [3.0]).low == -math.inf


def test_a_bootstrap_draws_whole_clusters_with_their_sizes() -> None:
    """Clusters of 1 and of 3 values: both, or either twice, with the chances 1/2, 1/4 and 1/4."""
    hits, clusters = [1.0, 0.0, 0.0, 0.0], ["a", "b", "b", "b"]
    narrow = bootstrap_mean(hits, clusters, bounds=(0, 1), confidence=0.4)
    assert (narrow.value, narrow.low, narrow.high, narrow.count) == (0.25, 0.25, 0.25, 4)
    wide = bootstrap_mean(hits, clusters, bounds=(-5, 5), confidence=0.6)
    assert (wide.low, wide.high) == (0.0, 1.0)
    weighted = bootstrap_ratio([1.0, 0.0], [1.0, 3.0], bounds=(0, 1), confidence=0.4)
    assert (weighted.value, weighted.low, weighted.high) == (0.25, 0.25, 0.25)


def test_a_bootstrap_covers_what_it_says() -> None:
    hits = np.arange(2000) < 400
    for confidence in (0.8, 0.95):
        found = bootstrap_mean(hits, bounds=(0, 1), confidence=confidence)
        half = stats.norm.ppf((1 + confidence) / 2) * math.sqrt(0.2 * 0.8 / 2000)
        assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.1 * half)
    default = bootstrap_mean(hits, bounds=(0, 1))
    assert default == bootstrap_mean(hits, bounds=(0, 1), confidence=0.95, seed=0, rounds=2000)
    assert bootstrap_ratio(hits, np.ones(2000), bounds=(0, 1)) == default
    assert bootstrap_mean(hits, bounds=(0, 1), seed=1) != default


def test_clusters_without_a_denominator_are_not_drawn() -> None:
    found = bootstrap_ratio([1.0, 0.0, 0.0, 0.0], [1.0, 3.0, 0.0, 0.0], bounds=(0, 1), confidence=0.4)
    assert (found.low, found.high, found.count) == (0.25, 0.25, 4)
    one = bootstrap_ratio([1.0, 0.0], [2.0, 0.0], bounds=(-1, 2))
    assert (one.value, one.low, one.high) == (0.5, -1, 2)
    none = bootstrap_ratio([0.0, 0.0], [0.0, 0.0], bounds=(-1, 2))
    assert (none.value, none.low, none.high, none.count) == (0.0, -1, 2, 2)
    two = bootstrap_ratio([0.0, 1.0], [1.0, 1.0], bounds=(-1, 2), confidence=0.99)
    assert (two.low, two.high) == (0.0, 1.0)


def test_standard_errors_by_hand() -> None:
    found = mean([1.0, 2.0, 6.0])
    assert (found.value, found.count) == (3.0, 3)
    assert found.error == pytest.approx(np.std([1, 2, 6], ddof=1) / math.sqrt(3))
    assert str(found) == f"3.000 ± {found.error:.3f}"
    assert str(mean([3.0])) == "3.000"
    clustered = mean([1.0, 2.0, 6.0, 3.0], [7, 7, 9, 9])  # deviations -3 and +3 of the two clusters
    assert clustered.error == pytest.approx(math.sqrt(2 / 1 * (9 + 9)) / 4)
    share = ratio([1.0, 1.0], [1.0, 3.0])  # 0.5; deviations 0.5 and -0.5
    assert share.value == 0.5
    assert share.count == 2
    assert share.error == pytest.approx(math.sqrt(2 * 0.5) / 4)
    for below in ([0.0], [-1.0]):
        with pytest.raises(ValueError, match="denominator above 0"):
            ratio([1.0], below)
    gain = paired_difference([1.0, 1.0], [2.0, 4.0], [0, 1])
    assert (gain.value, gain.error) == (2.0, pytest.approx(1.0))
    with pytest.raises(ValueError, match="1 values before and 2 after"):
        paired_difference([1.0], [1.0, 2.0])


def slow_calibration(confidence: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_], bins: int) -> float:
    error = 0.0
    for number in range(bins):
        low, high = 0.5 + number / bins / 2, 0.5 + (number + 1) / bins / 2
        inside = [
            place
            for place, sure in enumerate(confidence)
            if low <= sure < high or (number == bins - 1 and sure >= high)
        ]
        if inside:
            gap = np.mean([confidence[place] for place in inside]) - np.mean([correct[place] for place in inside])
            error += len(inside) / len(confidence) * abs(float(gap))
    return error


@pytest.mark.parametrize("bins", [1, 2, 10])
def test_calibration_error_is_the_weighted_gap_over_equal_bins(bins: int) -> None:
    random = np.random.default_rng(0)
    confidence, correct = random.uniform(0.5, 1, 400), random.random(400) < 0.7
    assert calibration_error(confidence, correct, bins) == pytest.approx(slow_calibration(confidence, correct, bins))
    assert calibration_error(confidence, correct) == pytest.approx(slow_calibration(confidence, correct, 10))


def test_calibration_at_the_ends() -> None:
    assert calibration_error(np.array([]), np.array([], bool)) == 0.0
    assert calibration_error(np.array([0.5]), np.array([False])) == pytest.approx(0.5)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0.0
    assert calibration_error(np.array([1.0]), np.array([False])) == 1.0


def test_a_logistic_regression_is_the_optimum_of_its_likelihood() -> None:
    random = np.random.default_rng(4)
    features, targets = random.normal(size=(60, 2)), random.random(60)
    weights, prior = random.uniform(0.5, 2, 60), np.array([0.1, 0.5, 2.0])
    found = fit_logistic(features, targets, weights, prior=prior)
    design = np.column_stack([np.ones(60), features])
    chance = 1 / (1 + np.exp(-design @ found))
    gradient = design.T @ (weights * (targets - chance)) - prior * found
    np.testing.assert_allclose(gradient, 0, atol=1e-8)
    far = fit_logistic(np.array([[-1.0], [1.0]]), np.array([0.0, 1.0]), prior=1e-12)
    assert np.isfinite(far).all()
    assert far[1] > 20
