"""How sure a figure is: intervals of shares and of paired differences, and calibration.

Wilson's interval for a share (Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1), the percentile bootstrap for
the mean of paired differences (Efron and Tibshirani 1993, chapter 13), expected calibration error over equal bins of
confidence (Guo et al. 2017, arXiv:1706.04599, section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z95 = 1.959964
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float
    count: int
    """Items behind it."""

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def share(hits: int, count: int) -> Interval:
    """The share of `hits` among `count` (at least 1) with Wilson's interval."""
    rate, square = hits / count, Z95**2
    middle = (rate + square / (2 * count)) / (1 + square / count)
    spread = Z95 / (1 + square / count) * math.sqrt(rate * (1 - rate) / count + square / (4 * count**2))
    low = 0.0 if hits == 0 else middle - spread
    return Interval(rate, low, 1.0 if hits == count else middle + spread, count)


def paired_gain(before: Values, after: Values, seed: int = 0, draws: int = 4000) -> Interval:
    """The mean of `after` - `before`, float64[n] each over the same n items, with the bootstrap's interval."""
    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    chosen = np.random.default_rng(seed).integers(0, len(differences), (draws, len(differences)))
    low, high = np.percentile(differences[chosen].mean(axis=1), [2.5, 97.5])
    return Interval(float(differences.mean()), float(low), float(high), len(differences))


def calibration_error(margins: Values, bins: int = 10) -> float:
    """Expected calibration error of a reward model, given chosen minus rejected reward of each pair.

    It states with confidence sigmoid(|margin|) which side is the better; a bin's error is the distance between its mean
    confidence and its share of right statements, weighted by its pairs.
    """
    confidence = 1 / (1 + np.exp(-np.abs(margins)))
    right = margins > 0
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    gaps = np.bincount(place, confidence, bins) - np.bincount(place, right, bins)
    return float(np.abs(gaps).sum() / max(counts.sum(), 1))
