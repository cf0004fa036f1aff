"""Means with their standard errors, where the things that were measured come in groups.

Questions about one passage and tokens of one document are not independent draws, so errors are taken over groups
(clusters), not over the single values: the cluster-robust standard error of a mean (Miller 2024, "Adding Error Bars to
Evals", arXiv:2411.00640, section 2.2) and of a ratio of two totals (linearised; Cochran 1977, "Sampling Techniques",
section 6.5). Two models that answered the same questions are compared by their paired differences (Miller, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    value: float
    error: float | None
    """Standard error; None where a single group leaves nothing to judge the spread by."""
    count: int
    """Values behind it."""

    def __str__(self) -> str:
        return f"{self.value:.3f}" if self.error is None else f"{self.value:.3f} ± {self.error:.3f}"


def mean(values: npt.ArrayLike, clusters: Sequence[Any] | None = None) -> Estimate:
    """The mean of values[n] and its standard error over clusters[n] (each value its own, where none are given).

    Raises ValueError without values.
    """
    array = np.asarray(values, np.float64)
    if not len(array):
        raise ValueError("a mean needs at least one value")
    centre = float(array.mean())
    return Estimate(centre, _over_clusters(array - centre, clusters, len(array)), len(array))


def ratio(numerators: npt.ArrayLike, denominators: npt.ArrayLike, clusters: Sequence[Any] | None = None) -> Estimate:
    """sum(numerators) / sum(denominators), each [n], and its standard error over clusters[n].

    Raises ValueError where the denominators sum to nothing.
    """
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    whole = float(below.sum())
    if whole <= 0:
        raise ValueError("a ratio needs a denominator above 0")
    value = float(above.sum()) / whole
    return Estimate(value, _over_clusters(above - value * below, clusters, whole), len(above))


def paired_difference(before: npt.ArrayLike, after: npt.ArrayLike, clusters: Sequence[Any] | None = None) -> Estimate:
    """Mean of after[n] - before[n], value by value on the same items, with its standard error."""
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if old.shape != new.shape:
        raise ValueError(f"{len(old)} values before and {len(new)} after: a paired difference needs the same items")
    return mean(new - old, clusters)


def _over_clusters(deviations: Floats, clusters: Sequence[Any] | None, whole: float) -> float | None:
    """sqrt(C / (C - 1) * sum over clusters of (sum of their deviations)^2) / whole."""
    if clusters is not None:
        _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
        deviations = np.bincount(numbers, weights=deviations).astype(np.float64)
    count = len(deviations)
    if count < 2:
        return None
    return math.sqrt(count / (count - 1) * float((deviations**2).sum())) / whole
