"""How extraction grows with copies, as a fitted curve, and what fewer copies would change.

The logit of being extractable grows with the logarithm of the number of copies (Carlini et al. 2022, arXiv:2202.07646,
section 4; Kandpal et al. 2022, arXiv:2202.06539), and with that of the context. The curve is a logistic regression on
both, on how rare the suffix's tokens are, and on the source; its intervals come from drawing whole documents anew.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Trials:
    """Windows as the law sees them, one row a window and length of context."""

    copies: npt.NDArray[np.int64]
    rarity: Values
    """Mean bits of the suffix's tokens under the corpus's token frequencies."""
    hits: npt.NDArray[np.bool_]
    weights: Values
    """Places of the corpus for which the window stands."""
    documents: npt.NDArray[np.int64]
    """Number of the window's document, from 0."""
    context: npt.NDArray[np.int64] | None = None
    """Tokens of the prefix; None where all had as many."""
    source: npt.NDArray[Any] | None = None
    """Names of sources; None where there is one."""


def fit_law(trials: Trials, *, cap: int, confidence: float, seed: int) -> dict[str, Any] | None:
    """The slopes, and the share of extractable places that capping every stretch at `cap` copies would remove.

    All but the slope of the context are fitted to the windows with the longest one, and predict for that. `sources` has
    each source's effect on the logit beside that of the most frequent one, which is 0. None where no window of these,
    or every one, was extracted: nothing can be fitted then.
    """
    contexts = np.ones(len(trials.hits), np.int64) if trials.context is None else trials.context
    longest = contexts == contexts.max(initial=1)
    hits = trials.hits[longest]
    if not 0 < hits.sum() < len(hits):
        return None
    effects = _sources(trials.source)
    columns = [np.log2(np.maximum(trials.copies, 1)), trials.rarity - trials.rarity.mean(), *effects.values()]
    features = np.column_stack([*columns, np.log2(contexts / contexts.max())])
    estimate = _told(features, trials, longest, np.ones(len(longest)), cap)
    chance = np.random.default_rng(seed + 3)
    clusters = int(trials.documents.max()) + 1
    drawn = []
    for _ in range(ROUNDS):
        times = np.bincount(chance.integers(0, clusters, clusters), minlength=clusters)[trials.documents].astype(float)
        if 0 < hits[times[longest] > 0].sum() < (times[longest] > 0).sum():
            drawn.append(_told(features, trials, longest, times, cap))
    tail = (1 - confidence) / 2
    nothing = np.full(len(estimate), np.nan)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0) if drawn else (nothing, nothing)
    values = [
        {"value": float(estimate[n]), "low": _number(low[n]), "high": _number(high[n])} for n in range(len(estimate))
    ]
    return {
        "cap": cap,
        "windows": len(hits),
        **dict(zip(("intercept", "log2_copies", "rarity_bits"), values, strict=False)),
        "log2_context": values[-2] if len(np.unique(contexts)) > 1 else None,
        "sources": dict(zip(effects, values[3:-2], strict=True)),
        "removed_by_cap": values[-1],
    }


def _sources(source: npt.NDArray[Any] | None) -> dict[str, Values]:
    """A column of 0 and 1 for every source but the most frequent."""
    if source is None:
        return {}
    names, counts = np.unique(source.astype(str), return_counts=True)
    return {str(name): (source == name).astype(np.float64) for name in np.delete(names, counts.argmax())}


def _told(features: Values, trials: Trials, longest: npt.NDArray[np.bool_], times: Values, cap: int) -> Values:
    """[intercept, slopes..., slope of the context, removed share]; the context is the last of the features."""
    context = fit_logistic(features, trials.hits, times)[-1]
    found = fit_logistic(features[longest, :-1], trials.hits[longest], times[longest])
    features, copies = features[longest, :-1], trials.copies[longest]
    weights = (times * trials.weights)[longest]
    capped = features.copy()
    capped[:, 0] = np.minimum(capped[:, 0], np.log2(cap))
    before, after = (1 / (1 + np.exp(-(found[0] + columns @ found[1:]))) for columns in (features, capped))
    # a stretch that loses copies loses the places too
    left = np.minimum(1.0, cap / np.maximum(copies, 1))
    total = float((weights * before).sum())
    return np.concatenate([found, [context, 1 - float((weights * left * after).sum()) / total if total else 0.0]])


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
