"""Was the training set trained on? A test over many documents, where no single one can be told.

Maini et al. 2024, LLM Dataset Inference, arXiv:2406.06443: many membership scores of each document become the features
of a linear model that is fitted on one half of the members and of the held-out documents; on the other half its values
are compared by a one-sided t-test. The held-out documents must be drawn as the members were. The halves are drawn
several times, and twice the median of the p-values is a p-value again, however they depend on each other (Rüger 1978).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import require

Values = npt.NDArray[np.float64]
HALVINGS = 9
PENALTY = 1.0
OUTLYING = 2.5
"""Per cent at either end of a feature that are pulled in to its border."""


def dataset_inference(
    scores: Mapping[str, Values], member: npt.NDArray[np.bool_], *, seed: int, halvings: int = HALVINGS
) -> dict[str, Any]:
    """{'p_value', 'separation', 'features'}: how unlikely the members' lead is if the model never saw them.

    `scores`: float64[documents] each, larger for members. `separation`: median lead of the members on the other halves,
    in standard deviations. Documents with a score that is no number are left out.
    """
    names = sorted(scores)
    features = np.column_stack([scores[name] for name in names])
    known = np.isfinite(features).all(1)
    features, member = features[known], member[known]
    ttest = require("scipy.stats", "train").ttest_ind
    chance = np.random.default_rng(seed + 8)
    chances, leads = [], []
    for _ in range(halvings):
        fitted = np.zeros(len(member), np.bool_)
        for kind in (member, ~member):
            places = chance.permutation(np.flatnonzero(kind))
            fitted[places[: len(places) // 2]] = True
        values = _fit(features[fitted], member[fitted], features[~fitted])
        mine, others = values[member[~fitted]], values[~member[~fitted]]
        chances.append(float(ttest(mine, others, equal_var=False, alternative="greater").pvalue))
        leads.append(float(mine.mean() - others.mean()) / max(float(values.std()), 1e-12))
    return {
        "p_value": min(1.0, 2 * float(np.median(chances))),
        "separation": float(np.median(leads)),
        "features": names,
    }


def _fit(features: Values, member: npt.NDArray[np.bool_], others: Values) -> Values:
    """The values of a ridge regression, fitted on `features`, for the rows of `others`."""
    low, high = np.percentile(features, [OUTLYING, 100 - OUTLYING], axis=0)
    clipped = np.clip(features, low, high)
    middle, spread = clipped.mean(0), np.maximum(clipped.std(0), 1e-12)
    mine, theirs = (clipped - middle) / spread, (np.clip(others, low, high) - middle) / spread
    goal = np.where(member, 1.0, -1.0)
    goal -= goal.mean()
    solved: Values = np.linalg.solve(mine.T @ mine + PENALTY * np.eye(mine.shape[1]), mine.T @ goal)
    found: Values = theirs @ solved
    return found
