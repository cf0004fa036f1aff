"""How much privacy steps of DP-SGD spend: Renyi divergence of the sampled Gaussian mechanism, made an epsilon.

One step with sampling rate q and noise multiplier z has, at the integer order a (Mironov, Talwar and Zhang 2019,
arXiv:1908.10530, section 3.3),

    R(a) = 1 / (a - 1) log sum over k of C(a, k) (1 - q)^(a - k) q^k exp(k (k - 1) / (2 z^2)),

steps add up, and (Canonne, Kamath and Steinke 2020, arXiv:2004.00010, proposition 12)

    epsilon = min over a of  T R(a) + log((a - 1) / a) - (log delta + log a) / (a - 1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError, require

ORDERS: tuple[int, ...] = (*range(2, 65), 80, 96, 128, 192, 256, 512)
MOST_NOISE = 1e4


def renyi(rate: float, noise: float, order: int) -> float:
    """Renyi divergence of one step, in nats. `rate`: chance of an example to be in a step; `noise`: standard deviation
    of the noise over the clipping norm."""
    if rate == 0:
        return 0.0
    if rate == 1:
        return order / (2 * noise**2)
    special = require("scipy.special", "train")
    k = np.arange(order + 1, dtype=np.float64)
    binomial = special.gammaln(order + 1) - special.gammaln(k + 1) - special.gammaln(order - k + 1)
    terms: npt.NDArray[np.float64] = (
        binomial + (order - k) * np.log1p(-rate) + k * np.log(rate) + k * (k - 1) / (2 * noise**2)
    )
    return float(special.logsumexp(terms)) / (order - 1)


def epsilon_spent(rate: float, noise: float, steps: int, delta: float) -> float:
    """The epsilon at `delta` of a number of steps; infinite without noise."""
    if not 0 <= rate <= 1 or not 0 < delta < 1 or steps < 0 or noise < 0:
        raise UsageError(f"sampling rate {rate}, noise {noise}, {steps} steps, delta {delta}: one of them cannot be")
    if noise == 0:
        return float("inf") if steps and rate else 0.0
    if steps == 0 or rate == 0:
        return 0.0
    best = min(
        steps * renyi(rate, noise, order) + np.log1p(-1 / order) - (np.log(delta) + np.log(order)) / (order - 1)
        for order in ORDERS
    )
    return max(0.0, float(best))


def noise_for(epsilon: float, rate: float, steps: int, delta: float) -> float:
    """The least noise multiplier with which the steps spend at most `epsilon`, to three digits.

    Raises UsageError where none does.
    """
    if epsilon <= 0:
        raise UsageError(f"epsilon is above 0, not {epsilon}")
    low, high = 0.0, 0.5
    while epsilon_spent(rate, high, steps, delta) > epsilon:
        low, high = high, 2 * high
        if high > MOST_NOISE:
            raise UsageError(f"no noise makes {steps} steps at sampling rate {rate:g} spend at most {epsilon}")
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if epsilon_spent(rate, middle, steps, delta) > epsilon:
            low = middle
        else:
            high = middle
    return high
