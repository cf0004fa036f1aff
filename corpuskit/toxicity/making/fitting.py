"""Fit linear models to hashed vectors, and calibrate them. One thread, a fixed order: the same input, the same weights.

- `fit`: logistic regression by AdaGrad (Duchi et al. 2011, "Adaptive Subgradient Methods", Figure 1, diagonal), for
  many texts with soft labels.
- `fit_optimum`: the exact optimum under a prior by what a column tells, for few texts with noisy labels. The prior is
  that of Wang and Manning 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification" (section
  2.3), times the squared inverse document frequency. Rows of one site share an intercept of their own, so that how
  abusive a site is, and where its annotators drew the line, is not learned as the meaning of its words. L-BFGS
  (Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 7.5, with backtracking).
- `platt`: calibration (Platt 1999, "Probabilistic Outputs for Support Vector Machines").
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Rows = tuple[Integers, npt.NDArray[np.int32], Floats]
"""A sparse matrix as `corpuskit.toxicity.features.vectors` gives it: starts, columns, values."""

MEMORY = 8
"""Steps that L-BFGS remembers."""
STRENGTH = 2.0
"""Variance of the weight of a column that tells nothing, before its prior."""
FLOOR = 1.0
"""What is added to a column's log-count ratio to make its prior."""
ITERATIONS = 60
"""Steps of the search; the objective's value has settled to four digits by then."""
SITE_VARIANCE = 10.0
"""Variance of a site's intercept."""


@nb.njit(cache=True, nogil=True)
def _descend(
    order: Integers,
    starts: Integers,
    columns: Any,
    values: Floats,
    targets: Floats,
    importance: Floats,
    lead: Floats,
    weights: Floats,
    gathered: Floats,
    bias: Floats,
    bias_gathered: Floats,
    rate: float,
    decay: float,
) -> None:
    labels = targets.shape[1]
    scores = np.empty(labels, np.float32)
    for row in order:
        for label in range(labels):
            scores[label] = bias[label] + lead[row]
        for entry in range(starts[row], starts[row + 1]):
            column = columns[entry]
            value = values[entry]
            for label in range(labels):
                scores[label] += weights[column, label] * value
        for label in range(labels):
            if np.isnan(targets[row, label]):
                scores[label] = 0.0
            else:
                scores[label] = importance[row] * (1.0 / (1.0 + np.exp(-scores[label])) - targets[row, label])
                bias_gathered[label] += scores[label] * scores[label]
                bias[label] -= 0.3 * rate * scores[label] / np.sqrt(bias_gathered[label] + 1e-6)
        for entry in range(starts[row], starts[row + 1]):
            column = columns[entry]
            value = values[entry]
            for label in range(labels):
                if scores[label] != 0.0:
                    gradient = scores[label] * value + decay * weights[column, label]
                    gathered[column, label] += gradient * gradient
                    weights[column, label] -= rate * gradient / np.sqrt(gathered[column, label] + 1e-6)


def fit(
    rows: tuple[Integers, npt.NDArray[np.int32], Floats],
    targets: Floats,
    importance: Floats,
    lead: Floats,
    bits: int,
    epochs: int = 4,
    rate: float = 0.1,
    decay: float = 1e-5,
    seed: int = 1,
) -> tuple[Floats, Floats]:
    """(weights float32[2**bits, labels], bias float32[labels]) of one logistic regression a label.

    `targets` float32[rows, labels] are probabilities, NaN where a row says nothing of a label; `importance`
    float32[rows] weighs rows. `lead` float32[rows] is added to the score of a row in the fit alone: a row that is known
    to be clean by where it comes from leads with a negative one, so that its words are blamed only as far as they
    would push it over, and plain words stay plain.
    """
    starts, columns, values = rows
    labels = targets.shape[1]
    weights = np.zeros((1 << bits, labels), np.float32)
    gathered = np.full((1 << bits, labels), 1e-3, np.float32)
    bias = np.zeros(labels, np.float32)
    bias_gathered = np.full(labels, 1e-2, np.float32)
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(targets)).astype(np.int64)
        _descend(
            order,
            starts,
            columns,
            values,
            targets,
            importance,
            lead,
            weights,
            gathered,
            bias,
            bias_gathered,
            rate,
            decay,
        )
    return weights, bias


@nb.njit(cache=True, nogil=True)
def raw_scores(starts: Integers, columns: Any, values: Floats, weights: Floats) -> Any:
    """float32[rows, labels]: the product of sparse rows and weights."""
    scores = np.zeros((len(starts) - 1, weights.shape[1]), np.float32)
    for row in range(len(starts) - 1):
        for entry in range(starts[row], starts[row + 1]):
            for label in range(weights.shape[1]):
                scores[row, label] += weights[columns[entry], label] * values[entry]
    return scores


def platt(scores: npt.NDArray[Any], targets: npt.NDArray[Any], importance: npt.NDArray[Any]) -> tuple[float, float]:
    """(slope, offset) so that sigmoid(slope * score + offset) is the probability of the target. By Newton's method."""
    x = np.asarray(scores, np.float64)
    y = np.asarray(targets, np.float64)
    weight = np.asarray(importance, np.float64)
    known = ~np.isnan(y)
    x, y, weight = x[known], y[known], weight[known]
    design = np.stack([x, np.ones_like(x)], 1)
    solution = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-design @ solution))
        gradient = design.T @ (weight * (p - y)) + 1e-6 * solution
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        solution -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(solution[0]), float(solution[1])


@nb.njit(cache=True, nogil=True)
def _objective(
    starts: Integers,
    columns: Any,
    values: Floats,
    targets: Floats,
    importance: Floats,
    lead: Floats,
    sites: Integers,
    variance: Doubles,
    point: Doubles,
    gradient: Doubles,
) -> float:
    """Cross-entropy and penalty at a point (weights, then an intercept a site), whose gradient is written."""
    width = len(point) - (sites.max() + 1)
    total = 0.0
    for place in range(len(point)):
        gradient[place] = point[place] / variance[place]
        total += 0.5 * point[place] * gradient[place]
    for row in range(len(starts) - 1):
        if importance[row] == 0.0:
            continue
        intercept = width + sites[row]
        score = point[intercept] + lead[row]
        for entry in range(starts[row], starts[row + 1]):
            score += point[columns[entry]] * values[entry]
        total += importance[row] * (max(score, 0.0) + np.log1p(np.exp(-abs(score))) - targets[row] * score)
        slope = importance[row] * (1.0 / (1.0 + np.exp(-score)) - targets[row])
        for entry in range(starts[row], starts[row + 1]):
            gradient[columns[entry]] += slope * values[entry]
        gradient[intercept] += slope
    return total


@nb.njit(cache=True, nogil=True)
def _dot(first: Doubles, second: Doubles) -> float:
    total = 0.0
    for place in range(len(first)):
        total += first[place] * second[place]
    return total


@nb.njit(cache=True, nogil=True)
def _minimize(
    starts: Integers,
    columns: Any,
    values: Floats,
    targets: Floats,
    importance: Floats,
    lead: Floats,
    sites: Integers,
    variance: Doubles,
    iterations: int,
) -> Doubles:
    size_of = len(variance)
    point = np.zeros(size_of)
    gradient = np.empty(size_of)
    steps = np.zeros((MEMORY, size_of))
    turns = np.zeros((MEMORY, size_of))
    products = np.zeros(MEMORY)
    shares = np.zeros(MEMORY)
    kept = 0
    value = _objective(starts, columns, values, targets, importance, lead, sites, variance, point, gradient)
    trial = np.empty(size_of)
    trial_gradient = np.empty(size_of)
    for _ in range(iterations):
        direction = -gradient
        for back in range(min(kept, MEMORY)):
            slot = (kept - 1 - back) % MEMORY
            shares[slot] = _dot(steps[slot], direction) / products[slot]
            direction -= shares[slot] * turns[slot]
        direction *= variance  # the prior is what is known of the curvature before the first step
        if kept:
            slot = (kept - 1) % MEMORY
            scaled = 0.0
            for place in range(size_of):
                scaled += turns[slot, place] * turns[slot, place] * variance[place]
            direction *= products[slot] / scaled
        else:
            direction /= np.sqrt(_dot(direction, direction)) + 1e-12
        for back in range(min(kept, MEMORY) - 1, -1, -1):
            slot = (kept - 1 - back) % MEMORY
            direction += (shares[slot] - _dot(turns[slot], direction) / products[slot]) * steps[slot]
        descent = _dot(gradient, direction)
        size = 1.0
        trial_value = np.inf
        for _halving in range(25):
            trial[:] = point + size * direction
            trial_value = _objective(
                starts, columns, values, targets, importance, lead, sites, variance, trial, trial_gradient
            )
            if trial_value <= value + 1e-4 * size * descent:
                break
            size *= 0.5
        if trial_value >= value - 1e-7 * abs(value):
            break
        slot = kept % MEMORY
        steps[slot] = trial - point
        turns[slot] = trial_gradient - gradient
        products[slot] = _dot(steps[slot], turns[slot])
        point[:] = trial
        gradient[:] = trial_gradient
        value = trial_value
        if products[slot] > 1e-12:
            kept += 1
    return point


@nb.njit(cache=True, nogil=True)
def _log_ratio(
    starts: Integers, columns: Any, values: Floats, targets: Floats, importance: Floats, width: int
) -> Doubles:
    """|log (share of the positive rows' sum that a column holds / the same of the negative rows)|, smoothed by one."""
    positive = np.ones(width)
    negative = np.ones(width)
    for row in range(len(starts) - 1):
        yes = importance[row] * targets[row]
        no = importance[row] * (1.0 - targets[row])
        for entry in range(starts[row], starts[row + 1]):
            positive[columns[entry]] += yes * values[entry]
            negative[columns[entry]] += no * values[entry]
    ratio: Doubles = np.abs(np.log((positive / positive.sum()) / (negative / negative.sum())))
    return ratio


@nb.njit(cache=True, nogil=True)
def _squared_rarity(starts: Integers, columns: Any, width: int) -> Doubles:
    """The squared inverse document frequency of each column, over its mean square."""
    documents = np.zeros(width, np.int64)
    seen = np.full(width, -1, np.int64)
    for row in range(len(starts) - 1):
        for entry in range(starts[row], starts[row + 1]):
            if seen[columns[entry]] != row:
                seen[columns[entry]] = row
                documents[columns[entry]] += 1
    rarity = np.log((1.0 + (len(starts) - 1)) / (1.0 + documents)) + 1.0
    square = (rarity * rarity * documents).sum() / max(1, documents.sum())
    scaled: Doubles = rarity * rarity / square
    return scaled


def fit_optimum(
    rows: Rows,
    targets: Floats,
    importance: Floats,
    lead: Floats,
    sites: Integers,
    bits: int,
) -> Floats:
    """Weights float32[2**bits, labels] of one logistic regression a label.

    `targets` float32[rows, labels] are probabilities, NaN where a row says nothing of a label; `importance`
    float32[rows] weighs rows. `lead` float32[rows] is added to the score of a row in the fit alone: a row that is known
    to be clean by where it comes from leads with a negative one, so that its words are blamed only as far as they
    would push it over, and plain words stay plain. `sites` int64[rows] numbers from 0 where rows come from. The weight
    of a column is normal around 0 with variance `STRENGTH * ((ratio + FLOOR) * rarity)**2` (see `_log_ratio` and
    `_squared_rarity`): it may be larger where the column is rare and where its counts differ between the classes.
    """
    starts, columns, values = rows
    width = 1 << bits
    rarity = _squared_rarity(starts, columns, width)
    weights = np.zeros((width, targets.shape[1]), np.float32)
    for label in range(targets.shape[1]):
        known = ~np.isnan(targets[:, label])
        said = np.where(known, targets[:, label], 0).astype(np.float32)
        counts = np.where(known, importance, 0).astype(np.float32)
        prior = (_log_ratio(starts, columns, values, said, counts, width) + FLOOR) * rarity
        variance = np.append(STRENGTH * prior**2, np.full(int(sites.max()) + 1, SITE_VARIANCE))
        point = _minimize(starts, columns, values, said, counts, lead, sites, variance, ITERATIONS)
        weights[:, label] = point[:width]
    return weights
