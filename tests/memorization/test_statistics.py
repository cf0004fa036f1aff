"""Intervals and closed forms, to the digits that the literature gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from corpuskit.memorization.measures.statistics import (
    NULL_EXPOSURE,
    clopper_pearson,
    cluster_bootstrap,
    exposure,
    smallest_detectable,
    tries_until,
    weighted_rate,
)


@pytest.mark.parametrize(("hits", "trials", "low", "high"), [(0, 1000, 0, 0.0037), (10, 100, 0.049, 0.176)])
def test_clopper_pearson(hits: int, trials: int, low: float, high: float) -> None:
    found = clopper_pearson(hits, trials)
    assert found == pytest.approx((low, high), abs=5e-4)


def test_no_trials_tell_nothing() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_samples_until_a_text_comes_up() -> None:
    probabilities = np.array([0.5, 0.1, 0.01, 1e-3, 1e-6])
    assert tries_until(np.log(probabilities)).tolist() == [1, 7, 69, 693, 693147]
    assert tries_until(np.array([0.0])) == 1
    assert tries_until(np.array([-90 * math.log(10)]))[0] == pytest.approx(math.log(2) * 1e90, rel=1e-6)


def test_exposure_runs_from_nothing_to_all_bits() -> None:
    assert exposure(10_000, 10_000) == 0
    assert exposure(1, 10_000) == pytest.approx(13.288, abs=1e-3)
    assert pytest.approx(1.4427, abs=1e-4) == NULL_EXPOSURE
    with pytest.raises(ValueError, match="rank 0"):
        exposure(0, 10)


def test_windows_of_one_document_widen_the_interval() -> None:
    hits = np.repeat([True, False, False, False], 100)
    alone = cluster_bootstrap(hits, np.arange(400), seed=0)
    together = cluster_bootstrap(hits, np.repeat(np.arange(4), 100), seed=0)
    assert alone[0] > together[0]
    assert alone[1] < together[1]
    assert alone == pytest.approx((0.2075, 0.2925), abs=0.01)


@pytest.mark.parametrize("confidence", [0.95, 0.9, 0.5])
@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (0, 9), (1, 9), (4, 9), (8, 9), (9, 9), (37, 500)])
def test_the_exact_interval_is_the_one_of_scipy(hits: int, trials: int, confidence: float) -> None:
    expected = stats.binomtest(hits, trials).proportion_ci(confidence, method="exact")
    assert clopper_pearson(hits, trials, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)
    expected = stats.binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, trials) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("hits", "trials"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} hits of {trials} trials"):
        clopper_pearson(hits, trials)


def test_clusters_are_drawn_whole_and_with_their_sizes() -> None:
    """Two documents, one of 1 window and one of 3: each of the four draws is as likely as the other."""
    hits, clusters = np.array([True, False, False, False]), np.array([0, 1, 1, 1])
    drawn = {0.0: 0.25, 0.25: 0.5, 1.0: 0.25}
    assert sum(drawn.values()) == 1
    assert cluster_bootstrap(hits, clusters, 0.4, seed=1) == (0.25, 0.25)
    assert cluster_bootstrap(hits, clusters, 0.6, seed=1) == (0.0, 1.0)
    low, high = cluster_bootstrap(np.arange(2000) < 400, np.arange(2000), 0.8, seed=1)
    half = stats.norm.ppf(0.9) * math.sqrt(0.2 * 0.8 / 2000)
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.1 * half)
    low, high = cluster_bootstrap(np.arange(2000) < 400, np.arange(2000), seed=1)
    half = stats.norm.ppf(0.975) * math.sqrt(0.2 * 0.8 / 2000)
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.1 * half)


def test_clusters_without_trials_count_for_nothing() -> None:
    hits = np.array([True, False] * 20)
    dense = cluster_bootstrap(hits, np.arange(40), seed=5)
    assert cluster_bootstrap(hits, np.arange(40) * 3, seed=5) == dense
    assert cluster_bootstrap(np.array([], bool), np.array([], np.int64), seed=5) == (0.0, 1.0)


def test_the_smallest_rate_that_a_sample_shows() -> None:
    assert smallest_detectable(0) == 1.0
    assert smallest_detectable(1) == pytest.approx(0.95)
    assert smallest_detectable(1000) == pytest.approx(0.002991, abs=1e-6)
    for trials, confidence in ((1, 0.5), (7, 0.9), (300, 0.99)):
        rate = smallest_detectable(trials, confidence)
        assert 1 - (1 - rate) ** trials == pytest.approx(confidence)


def test_a_weighted_rate_worked_out_by_hand() -> None:
    # one stratum of 4 trials that stand for 10 places each, one of 2 for 1 each (every place was tried)
    hits = np.array([True, False, False, False, True, True])
    weights = np.array([10.0, 10.0, 10.0, 10.0, 1.0, 1.0])
    found = weighted_rate(hits, weights)
    smoothed = 2 / 6
    variance = 40**2 * (1 - 1 / 10) * smoothed * (1 - smoothed) / 4
    wide = stats.norm.ppf(0.975) * math.sqrt(variance) / 42
    assert found == pytest.approx(
        {"places": 42.0, "extractable": 12.0, "rate": 12 / 42, "low": 0.0, "high": 12 / 42 + wide}
    )
    narrow = weighted_rate(hits, weights, 0.2)
    half = stats.norm.ppf(0.6) * math.sqrt(variance) / 42
    assert (narrow["low"], narrow["high"]) == pytest.approx((12 / 42 - half, 12 / 42 + half))
    certain = weighted_rate(np.array([True, True, False]), np.ones(3))
    assert (certain["low"], certain["high"]) == pytest.approx((2 / 3, 2 / 3))
    assert weighted_rate(np.array([True]), np.array([9.0]))["high"] == 1.0


def test_a_weighted_rate_of_nothing_knows_nothing() -> None:
    nothing = {"places": 0.0, "extractable": 0.0, "rate": 0.0, "low": 0.0, "high": 1.0}
    assert weighted_rate(np.array([], bool), np.array([])) == nothing
    by_document = weighted_rate(np.array([], bool), np.array([]), documents=np.array([], np.int64))
    assert by_document == nothing | {"low_by_document": 0.0, "high_by_document": 1.0}


def test_whole_documents_are_drawn_anew_with_their_weights() -> None:
    # document 0: one trial for 1 place, a hit; document 2: two trials for 3 places each, misses; 1 has none
    hits, weights, documents = np.array([True, False, False]), np.array([1.0, 3.0, 3.0]), np.array([0, 2, 2])
    found = weighted_rate(hits, weights, 0.4, documents=documents)
    assert (found["low_by_document"], found["high_by_document"]) == pytest.approx((1 / 7, 1 / 7))
    found = weighted_rate(hits, weights, 0.6, documents=documents)
    assert (found["low_by_document"], found["high_by_document"]) == (0.0, 1.0)
    many = weighted_rate(np.arange(2000) < 400, np.ones(2000), documents=np.arange(2000))
    half = stats.norm.ppf(0.975) * math.sqrt(0.2 * 0.8 / 2000)
    assert many["low_by_document"] == pytest.approx(0.2 - half, abs=0.1 * half)
    assert many["high_by_document"] == pytest.approx(0.2 + half, abs=0.1 * half)


def test_samples_until_a_text_comes_up_with_any_probability() -> None:
    for p in (0.1, 0.5, 0.99):
        for probability in (0.5, 0.02, 1e-5):
            tries = int(tries_until(np.array([math.log(probability)]), p)[0])
            assert 1 - (1 - probability) ** tries >= p
            assert tries == 1 or 1 - (1 - probability) ** (tries - 1) < p
        tiny = -math.log1p(-p) * math.exp(40)
        assert tries_until(np.array([-40.0]), p)[0] == pytest.approx(tiny, rel=1e-12)
        assert tries_until(np.array([-29.0]), p)[0] == pytest.approx(-math.log1p(-p) * math.exp(29), rel=1e-9)
    assert tries_until(np.array([0.5])).tolist() == [1.0]
    assert np.isinf(tries_until(np.array([-1e6]))).all()


def test_exposure_of_ranks_between() -> None:
    assert exposure(4, 1024) == 8.0
    assert exposure(1, 1) == 0.0
    with pytest.raises(ValueError, match="rank 11 among 10"):
        exposure(11, 10)
