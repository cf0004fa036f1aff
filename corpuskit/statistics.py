"""Estimates and their uncertainty: intervals, bootstraps, clustered standard errors, logistic regression.

Measurements come in groups: questions about one passage, tokens of one document. They are not independent draws, so
every function that states an error takes `clusters`, the group of each value, and judges the spread between groups.
`scipy.stats` does the arithmetic where it can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corpuskit.errors import require

__all__ = [
    "Estimate",
    "Floats",
    "Interval",
    "bootstrap_mean",
    "bootstrap_ratio",
    "calibration_error",
    "fit_logistic",
    "mean",
    "paired_difference",
    "paired_gain",
    "proportion",
    "ratio",
]

Floats = npt.NDArray[np.float64]
Clusters = Sequence[Any] | npt.NDArray[Any] | None


@dataclass(frozen=True)
class Interval:
    """A value with the bounds of its confidence interval."""

    value: float
    low: float
    high: float
    count: int
    """Number of items it was computed from."""

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def signed(self) -> str:
        """As `str`, with the sign of each number."""
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error."""

    value: float
    error: float | None
    """None where there is a single cluster, whose spread cannot be judged."""
    count: int
    """Number of values it was computed from."""

    def __str__(self) -> str:
        return f"{self.value:.3f}" if self.error is None else f"{self.value:.3f} ± {self.error:.3f}"


def proportion(
    hits: int, trials: int, *, method: Literal["exact", "wilson"] = "wilson", confidence: float = 0.95
) -> Interval:
    """The share of `hits` among `trials` with its interval.

    `exact` is Clopper and Pearson's (1934): it covers the true share at least as often as stated. `wilson` (1927;
    Brown, Cai and DasGupta 2001, section 3.1.1) covers it about as often on average, and is shorter. Without trials
    the interval is 0 to 1. Raises ValueError where `hits` is not between 0 and `trials`.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits of {trials} trials")
    if trials == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    bounds = require("scipy.stats", "train").binomtest(hits, trials).proportion_ci(confidence, method)
    low = 0.0 if hits == 0 else float(bounds.low)
    return Interval(hits / trials, low, 1.0 if hits == trials else float(bounds.high), trials)


def bootstrap_ratio(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    clusters: Clusters = None,
    *,
    bounds: tuple[float, float],
    confidence: float = 0.95,
    seed: int = 0,
    rounds: int = 2000,
) -> Interval:
    """sum(numerators) / sum(denominators) with the percentile interval of a bootstrap that draws whole clusters.

    `numerators` and `denominators` are [n]; `clusters` is [n], each value its own cluster where it is None. `bounds`
    are the smallest and largest value that the ratio can have: they are the interval where fewer than two clusters
    have a denominator above 0. (Efron and Tibshirani 1993, chapter 13.)
    """
    above, below = (_cluster_totals(values, clusters) for values in (numerators, denominators))
    count, used = int(np.size(np.asarray(numerators))), below > 0
    above, below = above[used], below[used]
    if not len(below):
        return Interval(0.0, *bounds, count)
    value = float(above.sum() / below.sum())
    if len(below) < 2:
        return Interval(value, *bounds, count)
    found = require("scipy.stats", "train").bootstrap(
        (above, below),
        lambda tops, bottoms, axis: tops.sum(axis) / bottoms.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=rounds,
        batch=max(1, (1 << 24) // len(below)),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Interval(value, float(found.confidence_interval.low), float(found.confidence_interval.high), count)


def bootstrap_mean(
    values: npt.ArrayLike,
    clusters: Clusters = None,
    *,
    bounds: tuple[float, float],
    confidence: float = 0.95,
    seed: int = 0,
    rounds: int = 2000,
) -> Interval:
    """The mean of values[n], with the interval of `bootstrap_ratio`."""
    array = np.asarray(values, np.float64)
    return bootstrap_ratio(
        array, np.ones(len(array)), clusters, bounds=bounds, confidence=confidence, seed=seed, rounds=rounds
    )


def paired_gain(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    seed: int = 0,
    rounds: int = 4000,
) -> Interval:
    """The mean of after[n] - before[n] over the same n items, with the interval of `bootstrap_mean`."""
    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    return bootstrap_mean(differences, bounds=bounds, seed=seed, rounds=rounds)


def mean(values: npt.ArrayLike, clusters: Clusters = None) -> Estimate:
    """The mean of values[n] and its cluster-robust standard error (Miller 2024, arXiv:2411.00640, section 2.2).

    Raises ValueError without values.
    """
    array = np.asarray(values, np.float64)
    if not len(array):
        raise ValueError("a mean needs at least one value")
    centre = float(array.mean())
    return Estimate(centre, _standard_error(array - centre, clusters, len(array)), len(array))


def ratio(numerators: npt.ArrayLike, denominators: npt.ArrayLike, clusters: Clusters = None) -> Estimate:
    """sum(numerators) / sum(denominators), each [n], and its standard error over clusters[n].

    The error is linearised (Cochran 1977, "Sampling Techniques", section 6.5). Raises ValueError where the denominators
    do not sum to more than 0.
    """
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    total = float(below.sum())
    if total <= 0:
        raise ValueError("a ratio needs a denominator above 0")
    value = float(above.sum()) / total
    return Estimate(value, _standard_error(above - value * below, clusters, total), len(above))


def paired_difference(before: npt.ArrayLike, after: npt.ArrayLike, clusters: Clusters = None) -> Estimate:
    """Mean of after[n] - before[n] on the same items, with its standard error (Miller 2024, section 4).

    Raises ValueError where the two are not equally long.
    """
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if old.shape != new.shape:
        raise ValueError(f"{len(old)} values before and {len(new)} after: a paired difference needs the same items")
    return mean(new - old, clusters)


def fit_logistic(
    features: Floats,
    targets: npt.NDArray[Any],
    weights: Floats | None = None,
    *,
    prior: float | npt.ArrayLike = 1e-9,
    iterations: int = 50,
) -> Floats:
    """Coefficients float64[1 + columns], the intercept first, of a logistic regression.

    `features` is float64[rows, columns]; `targets` are shares from 0 to 1; `weights` are [rows], 1 where None. `prior`
    is the precision of a normal prior around 0, one number or one for each coefficient: it keeps them finite where the
    targets can be separated. Newton's method with steps of at most 5.
    """
    design = np.column_stack([np.ones(len(features)), features])
    weights = np.ones(len(design)) if weights is None else weights
    precision = np.broadcast_to(np.asarray(prior, np.float64), design.shape[1])
    coefficients = np.zeros(design.shape[1])
    for _ in range(iterations):
        chance = 1 / (1 + np.exp(-np.clip(design @ coefficients, -500, 500)))
        gradient = design.T @ (weights * (targets - chance)) - precision * coefficients
        curvature = (design * (weights * chance * (1 - chance))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        coefficients = coefficients + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return coefficients


def calibration_error(confidence: Floats, correct: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv:1706.04599, section 2) of choices between two sides.

    `confidence[n]`, from 0.5 to 1, is the probability given to the chosen side, `correct[n]` whether it was the right
    one. A bin's error is the distance between its mean confidence and its share of right choices, weighted by its size.
    """
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    gaps = np.bincount(place, confidence, bins) - np.bincount(place, correct, bins)
    return float(np.abs(gaps).sum() / max(counts.sum(), 1))


def _cluster_totals(values: npt.ArrayLike, clusters: Clusters) -> Floats:
    array = np.asarray(values, np.float64)
    if clusters is None:
        return array
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    return np.bincount(numbers, weights=array).astype(np.float64)


def _standard_error(deviations: Floats, clusters: Clusters, total: float) -> float | None:
    """sqrt(C / (C - 1) * sum over the C clusters of (sum of their deviations)^2) / total."""
    deviations = _cluster_totals(deviations, clusters)
    count = len(deviations)
    if count < 2:
        return None
    return math.sqrt(count / (count - 1) * float((deviations**2).sum())) / total
