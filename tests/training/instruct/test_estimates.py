"""Intervals of shares and gains, and calibration, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from corpuskit.training.instruct.estimates import calibration_error, paired_gain, share
from scipy import stats


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (0, 10), (1, 10), (5, 10), (8, 10), (10, 10), (1, 1), (733, 1000)])
def test_the_interval_of_a_share_is_wilsons(hits: int, count: int) -> None:
    found = share(hits, count)
    expected = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert (found.value, found.count) == (hits / count, count)


def test_no_hits_and_all_hits_reach_the_ends() -> None:
    assert share(0, 7).low == 0.0
    assert share(7, 7).high == 1.0


def test_a_share_is_written_with_its_interval() -> None:
    assert str(share(8, 10)) == "0.800 [0.490, 0.943]"


def test_a_gain_is_the_mean_difference_with_the_bootstraps_interval() -> None:
    random = np.random.default_rng(3)
    before, after = random.normal(size=300), random.normal(0.4, 1, size=300)
    found = paired_gain(before, after)
    differences = after - before
    assert found.value == pytest.approx(differences.mean())
    assert found.count == 300
    half = 1.959964 * differences.std() / math.sqrt(300)
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)
    assert paired_gain(before, after, seed=0) == found
    assert paired_gain(before, after, seed=1) != found


def test_the_gains_bootstrap_draws_whole_samples() -> None:
    rare = np.zeros(1000)
    rare[0] = 1.0
    found = paired_gain(np.zeros(1000), rare, draws=20_000)
    # the drawn count of the one gain is Poisson with mean 1: at most 3 in 98.1 %, at most 2 in 92.0 %
    assert (found.low, found.high) == (0.0, pytest.approx(0.003))


def slow_calibration(margins: np.ndarray, bins: int) -> float:
    confidence = [1 / (1 + math.exp(-abs(margin))) for margin in margins]
    error = 0.0
    for number in range(bins):
        low, high = 0.5 + number / bins / 2, 0.5 + (number + 1) / bins / 2
        inside = [
            place
            for place, sure in enumerate(confidence)
            if low <= sure < high or (number == bins - 1 and sure >= high)
        ]
        if inside:
            gap = np.mean([confidence[place] for place in inside]) - np.mean([margins[place] > 0 for place in inside])
            error += len(inside) / len(margins) * abs(gap)
    return error


@pytest.mark.parametrize("bins", [1, 2, 10])
def test_calibration_error_is_the_weighted_gap_over_equal_bins(bins: int) -> None:
    margins = np.random.default_rng(0).normal(0.3, 2, size=400)
    assert calibration_error(margins, bins) == pytest.approx(slow_calibration(margins, bins))


def test_calibration_uses_ten_bins_and_bears_extremes() -> None:
    margins = np.random.default_rng(1).normal(0.3, 2, size=400)
    assert calibration_error(margins) == pytest.approx(slow_calibration(margins, 10))
    assert calibration_error(np.array([])) == 0.0
    assert calibration_error(np.array([0.0])) == pytest.approx(0.5)
    assert calibration_error(np.array([800.0])) == 0.0
