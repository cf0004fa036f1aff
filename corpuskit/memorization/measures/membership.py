"""Can training documents be told from held-out ones by how the model scores them? And without the model?

The held-out documents were drawn at random from the same corpus, so a score that separates the two sets has seen the
model's memory. Where the sets differ in themselves (another month, another topic) a classifier that never saw the model
separates them as well, and most published figures of membership inference are of that kind (Das et al. 2024, Blind
Baselines Beat Membership Inference Attacks, arXiv:2406.16201). So no figure is given unless such a blind classifier,
cross-validated on the texts alone, fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import require
from corpuskit.memorization.measures.statistics import clopper_pearson

Values = npt.NDArray[np.float64]
FEATURES = 1 << 14
FOLDS = 5
PENALTY = 1.0
TWINS = 0.8
"""Cosine of two documents' features from which they are near-duplicates."""


@dataclass(frozen=True)
class Separation:
    """How well a score tells members from others."""

    auc: float
    """Probability that a member scores higher than another document; 0.5 tells nothing."""
    low: float
    high: float
    true_positives: float | None
    """Share of members above the score that at most 1 % of the others exceed; None with fewer than 100 others."""
    true_positives_low: float | None
    true_positives_high: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            "auc": self.auc,
            "low": self.low,
            "high": self.high,
            "tpr_at_1_percent_fpr": self.true_positives,
            "tpr_low": self.true_positives_low,
            "tpr_high": self.true_positives_high,
        }


def separation(members: Values, others: Values, confidence: float = 0.95) -> Separation:
    """AUC with its interval (DeLong et al. 1988) and the true positive rate at 1 % false ones (Clopper and Pearson).

    Scores that are not finite numbers are left out. Without members or others nothing is known: 0.5 in [0, 1].
    """
    members, others = members[np.isfinite(members)], others[np.isfinite(others)]
    if not len(members) or not len(others):
        return Separation(0.5, 0.0, 1.0, None, None, None)
    above, below = _shares_below(members, others), 1 - _shares_below(others, members)
    auc = float(above.mean())
    error = np.sqrt(_variance(above) / len(members) + _variance(below) / len(others))
    # with a perfect separation the estimated spread is 0; the sets' size still leaves some doubt
    error = max(error, 1 / (2 * min(len(members), len(others))))
    wide = float(require("scipy.stats", "train").norm.ppf((1 + confidence) / 2)) * error
    rates: tuple[float | None, float | None, float | None] = (None, None, None)
    if len(others) >= 100:
        allowed = len(others) // 100
        hits = int((members > np.sort(others)[len(others) - 1 - allowed]).sum())
        rates = (hits / len(members), *clopper_pearson(hits, len(members), confidence))
    return Separation(auc, max(0.0, auc - wide), min(1.0, auc + wide), *rates)


def blind_scores(
    documents: list[npt.NDArray[Any]], member: npt.NDArray[np.bool_], *, seed: int, folds: int = FOLDS
) -> Values:
    """float64[documents]: what a classifier that sees only the texts says of each, trained on the other folds.

    A linear one (ridge regression to 1 and -1) on hashed counts of each document's tokens and pairs of tokens, solved
    over the documents' similarities, so that its cost does not grow with the number of features. `documents` are token
    ids. Above 0 is a member.
    """
    scipy = require("scipy.sparse", "train")
    rows = [_features(document) for document in documents]
    indptr = np.concatenate([[0], np.cumsum([len(columns) for columns, _ in rows])])
    columns = np.concatenate([np.empty(0, np.int64), *(columns for columns, _ in rows)])
    weights = np.concatenate([np.empty(0), *(values for _, values in rows)])
    matrix = scipy.csr_matrix((weights, columns, indptr), shape=(len(documents), FEATURES))
    similar = (matrix @ matrix.T).toarray()
    # near-duplicates share a fold: recognised by its twin, a document would seem to differ from the other set
    graph = require("scipy.sparse.csgraph", "train")
    _, group = graph.connected_components(scipy.csr_matrix(similar > TWINS), directed=False)
    fold = np.empty(len(documents), np.int64)
    chance = np.random.default_rng(seed)
    for kind in (member, ~member):  # each fold with both kinds in the sample's shares
        groups = np.unique(group[kind])
        of_group = dict(zip(chance.permutation(groups).tolist(), np.arange(len(groups)) % folds, strict=True))
        fold[kind] = [of_group[one] for one in group[kind].tolist()]
    both = np.intersect1d(group[member], group[~member])
    for one in both:
        fold[group == one] = fold[group == one][0]
    found = np.zeros(len(documents))
    for number in range(folds):
        test, train = fold == number, fold != number
        if not (test.any() and 0 < member[train].sum() < train.sum()):
            continue
        goal = np.where(member[train], 1.0, -1.0)
        goal -= goal.mean()  # sets of unlike size must not favour the larger one
        solved = np.linalg.solve(similar[np.ix_(train, train)] + PENALTY * np.eye(train.sum()), goal)
        found[test] = similar[np.ix_(test, train)] @ solved
    return found


def _features(document: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], Values]:
    """Hashed columns and log counts, of unit length."""
    ids = document.astype(np.uint64)
    mixed = np.concatenate(
        [
            ids * np.uint64(0x9E3779B97F4A7C15),
            (ids[:-1] * np.uint64(1 << 20) + ids[1:] + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F),
        ]
    )
    columns, counts = np.unique((mixed >> np.uint64(50)).astype(np.int64), return_counts=True)
    values = np.log1p(counts.astype(np.float64))
    return columns, values / max(float(np.sqrt(values @ values)), 1e-12)


def _shares_below(values: Values, others: Values) -> Values:
    """For each value, the share of the others that lie below it; ties count half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(others))


def _variance(values: Values) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.25
