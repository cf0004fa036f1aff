"""How extraction grows with copies, as a fitted curve, and what fewer copies would change.

The logit of being extractable grows with the logarithm of the number of copies (Carlini et al. 2022, arXiv:2202.07646,
section 4; Kandpal et al. 2022, arXiv:2202.06539). The curve is a logistic regression on log2 copies and on how rare the
suffix's tokens are; its intervals come from drawing whole documents anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
PRIOR = 0.05
"""Weight of a normal prior on the slopes: keeps them finite where a few windows separate perfectly."""
ROUNDS = 300


def fit_logistic(features: Values, hits: npt.NDArray[np.bool_], weights: Values) -> Values:
    """Coefficients [intercept, slopes...] for features [rows, columns]: Newton's method with a weak normal prior."""
    design = np.column_stack([np.ones(len(features)), features])
    prior = np.full(design.shape[1], PRIOR)
    prior[0] = PRIOR / 10
    found = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (weights * (hits - chance)) - prior * found
        curve = (design * (weights * chance * (1 - chance))[:, None]).T @ design + np.diag(prior)
        step = np.linalg.solve(curve, slope)
        found = found + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return found


def fit_law(
    copies: npt.NDArray[np.int64],
    rarity: Values,
    hits: npt.NDArray[np.bool_],
    weights: Values,
    documents: npt.NDArray[np.int64],
    *,
    cap: int,
    confidence: float,
    seed: int,
) -> dict[str, Any] | None:
    """The slopes, and the share of extractable places that capping every stretch at `cap` copies would remove.

    `rarity`: mean bits of the suffix's tokens under the corpus's token frequencies. `weights`: places for which a
    window stands. None where no window, or every one, was extracted: nothing can be fitted then.
    """
    if not 0 < hits.sum() < len(hits):
        return None
    features = np.column_stack([np.log2(np.maximum(copies, 1)), rarity - rarity.mean()])
    estimate = _told(features, copies, hits, weights, np.ones(len(hits)), cap)
    chance = np.random.default_rng(seed + 3)
    clusters = int(documents.max()) + 1
    drawn = []
    for _ in range(ROUNDS):
        times = np.bincount(chance.integers(0, clusters, clusters), minlength=clusters)[documents].astype(np.float64)
        if 0 < hits[times > 0].sum() < (times > 0).sum():
            drawn.append(_told(features, copies, hits, weights, times, cap))
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0) if drawn else (np.full(4, np.nan), np.full(4, np.nan))
    names = ("intercept", "log2_copies", "rarity_bits", "removed_by_cap")
    return {
        "cap": cap,
        "windows": len(hits),
        **{
            name: {"value": float(estimate[n]), "low": _number(low[n]), "high": _number(high[n])}
            for n, name in enumerate(names)
        },
    }


def _told(
    features: Values,
    copies: npt.NDArray[np.int64],
    hits: npt.NDArray[np.bool_],
    weights: Values,
    times: Values,
    cap: int,
) -> Values:
    """[intercept, slope of log2 copies, slope of rarity, removed share]."""
    found = fit_logistic(features, hits, times)
    capped = features.copy()
    capped[:, 0] = np.minimum(capped[:, 0], np.log2(cap))
    before, after = (1 / (1 + np.exp(-(found[0] + columns @ found[1:]))) for columns in (features, capped))
    # a stretch that loses copies loses the places too
    left = np.minimum(1.0, cap / np.maximum(copies, 1))
    total = float((times * weights * before).sum())
    return np.append(found, 1 - float((times * weights * left * after).sum()) / total if total else 0.0)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
