"""A lower bound on the epsilon of differential privacy from one training run with secrets planted by coin tosses.

Steinke, Nasr and Jagielski 2023, Privacy Auditing with One (1) Training Run, arXiv:2305.08846, theorem 5.2 and
algorithm 1: m secrets are each included by a fair coin; an auditor guesses r of the tosses and is right v times. Under
(epsilon, delta)-differential privacy it is right so often only with probability

    beta + 2 m delta alpha,   beta = P[W >= v],   alpha = max over i of (1/i) P[v - i <= W < v]

for W binomial with r trials of the chance e^epsilon / (1 + e^epsilon),

so the bound is the largest epsilon at which that is below 1 less the confidence. No bound above zero proves nothing:
the secrets may have been too few, or the guesses too weak.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError, require

LARGEST = 60.0
"""Beyond what any number of secrets that fits a computer could show."""
GUESSED_SHARE = 0.25
"""Of the secrets, how many are guessed as planted, and as many as absent. Fixed beforehand: choosing it by looking at
the tosses would void the bound."""


def p_value(secrets: int, guesses: int, correct: int, epsilon: float, delta: float = 0.0) -> float:
    """The most probability that (epsilon, delta)-private training gives to `correct` or more right guesses."""
    if not 0 <= correct <= guesses <= secrets:
        raise UsageError(f"{correct} right of {guesses} guesses on {secrets} secrets")
    binom = require("scipy.stats", "train").binom
    rate = 1 / (1 + np.exp(-epsilon))
    beta = float(binom.sf(correct - 1, guesses, rate))
    if delta == 0 or correct == 0:
        return min(beta, 1.0)
    below = np.cumsum(binom.pmf(np.arange(correct - 1, -1, -1), guesses, rate))
    alpha = float((below / np.arange(1, correct + 1)).max())
    return min(beta + 2 * secrets * delta * alpha, 1.0)


def epsilon_lower_bound(
    secrets: int, guesses: int, correct: int, delta: float = 0.0, confidence: float = 0.95, copies: int = 1
) -> float:
    """The largest epsilon of one record that `correct` right guesses refute at this confidence; 0 if they refute none.

    `copies`: records that one coin decides about together. Training that is (epsilon, delta)-private for one record is
    (k epsilon, delta (e^(k epsilon) - 1) / (e^epsilon - 1))-private for a group of k (Vadhan 2017, The Complexity of
    Differential Privacy, lemma 2.2, its sum not rounded up). Without delta the bound is that of the group over k.
    """

    def probability(epsilon: float) -> float:
        grown = copies if epsilon == 0 else math.expm1(copies * epsilon) / math.expm1(epsilon)
        return p_value(secrets, guesses, correct, copies * epsilon, min(1.0, delta * grown))

    low, high = 0.0, LARGEST / copies
    if probability(low) >= 1 - confidence:
        return 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if probability(middle) < 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def guess_coins(
    scores: npt.NDArray[np.float64], planted: npt.NDArray[np.bool_], share: float = GUESSED_SHARE
) -> tuple[int, int]:
    """(guesses, right ones): the highest `share` of the scores guessed as planted, the lowest as absent."""
    each = int(len(scores) * share)
    order = np.argsort(scores, kind="stable")
    right = int((~planted[order[:each]]).sum()) + int(planted[order[len(order) - each :]].sum())
    return 2 * each, right
