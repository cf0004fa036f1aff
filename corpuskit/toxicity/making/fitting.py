"""Fit linear models to hashed vectors: logistic regression by AdaGrad, then calibration.

Duchi et al. 2011, "Adaptive Subgradient Methods", Figure 1 (diagonal); Platt 1999, "Probabilistic Outputs for Support
Vector Machines", for the calibration. One thread and a fixed order: the same input gives the same weights.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


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
