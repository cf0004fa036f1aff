"""Intervals and closed forms, to the digits that the literature gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from corpuskit.memorization.measures.statistics import (
    NULL_EXPOSURE,
    clopper_pearson,
    document_interval,
    exposure,
    smallest_detectable,
    tries_until,
    weighted_rate,
    widest,
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
    alone = document_interval(hits, np.arange(400))
    together = document_interval(hits, np.repeat(np.arange(4), 100))
    assert alone == pytest.approx(clopper_pearson(100, 400), abs=2e-3)
    assert together == pytest.approx(clopper_pearson(1, 4)), "four documents are worth four trials"
    assert widest(alone, together, (0.0, 0.1)) == (0.0, together[1])


@pytest.mark.parametrize(
    ("documents", "rate", "alike"),
    [(20, 0.05, True), (60, 0.02, True), (200, 0.01, True), (60, 0.3, True), (400, 0.1, True), (100, 0.3, False)],
)
def test_the_interval_of_documents_holds_the_rate_as_often_as_it_says(documents: int, rate: float, alike: bool) -> None:
    """Documents are memorised whole, or each to its own degree and with another number of windows."""
    chance, rounds, held = np.random.default_rng(3), 300, 0
    for _ in range(rounds):
        if alike:
            numbers = np.repeat(np.arange(documents), 8)
            hits = (chance.random(documents) < rate)[numbers]
        else:
            numbers = np.repeat(np.arange(documents), chance.integers(1, 40, documents))
            hits = chance.random(len(numbers)) < chance.beta(rate, 1 - rate, documents)[numbers]
        low, high = document_interval(hits, numbers)
        held += low <= rate <= high
    assert held / rounds >= 0.93


@pytest.mark.parametrize(
    ("rates", "sizes", "each"),
    [((0.001, 0.05, 0.6), (50_000, 3_000, 400), 250), ((0.0005, 0.02, 0.3), (50_000, 3_000, 400), 25)],
)
def test_intervals_of_a_stratified_rate_hold_it_as_often_as_they_say(
    rates: tuple[float, ...], sizes: tuple[int, ...], each: int
) -> None:
    chance, rounds = np.random.default_rng(4), 200
    strata = [chance.random(size) < rate for size, rate in zip(sizes, rates, strict=True)]
    truth = sum(int(stratum.sum()) for stratum in strata) / sum(sizes)
    held = {"": 0, "_by_document": 0}
    for _ in range(rounds):
        drawn = [chance.choice(size, each, replace=False) for size in sizes]
        hits = np.concatenate([stratum[places] for stratum, places in zip(strata, drawn, strict=True)])
        weights = np.repeat([size / each for size in sizes], each)
        documents = np.concatenate([places // 50 + 2_000 * number for number, places in enumerate(drawn)])
        found = weighted_rate(hits, weights, documents=documents)
        for name in held:
            held[name] += found[f"low{name}"] <= truth <= found[f"high{name}"]
    assert min(held.values()) / rounds >= 0.93


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


def test_documents_without_trials_count_for_nothing() -> None:
    hits = np.array([True, False] * 20)
    dense = document_interval(hits, np.arange(40))
    assert document_interval(hits, np.arange(40) * 3) == dense
    assert document_interval(np.array([], bool), np.array([], np.int64)) == (0.0, 1.0)
    assert document_interval(np.ones(6, bool), np.arange(6)) == pytest.approx(clopper_pearson(6, 6))


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


def test_strata_are_put_together_with_their_weights() -> None:
    # one stratum of 3 places, a hit in one document of one; one of 30, no hit in two documents
    hits, weights = np.array([True, False, False]), np.array([3.0, 15.0, 15.0])
    found = weighted_rate(hits, weights, documents=np.array([0, 2, 3]))
    low, high = clopper_pearson(1, 1)[0], clopper_pearson(0, 2)[1]
    assert found["low_by_document"] == pytest.approx(max(0.0, 1 / 11 - (1 - low) / 11))
    assert found["high_by_document"] == pytest.approx(1 / 11 + high * 10 / 11)
    assert found["low"] <= found["low_by_document"]
    assert found["high"] >= found["high_by_document"]


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
