"""Intervals and closed forms, to the digits that the literature gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from corpuskit.memorization.measures.statistics import (
    NULL_EXPOSURE,
    clopper_pearson,
    cluster_bootstrap,
    exposure,
    tries_until,
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
