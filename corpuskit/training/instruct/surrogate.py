"""The formulas of proximal policy optimization, each on plain arrays or tensors.

Schulman et al. 2017, arXiv:1707.06347 (clipped objective, equation 7), Schulman et al. 2015, arXiv:1506.02438
(generalized advantage estimation, equation 16), Ziegler et al. 2019, arXiv:1909.08593 (the KL penalty on each
token, equation 2), and the details that Huang et al. 2024, arXiv:2403.17031, found to matter (whitening, clipped
values).

Answers are rows; `mask[n, A]` is 1 at an answer's tokens and 0 after its end. Sums and means run over the tokens of all
rows alike.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.errors import require
from corpuskit.tokens.windows import Numbers

Reals = npt.NDArray[np.float32]


def token_rewards(scores: Reals, divergence: Reals, lengths: Numbers, kl_coef: float) -> Reals:
    """float32[n, A]: -kl_coef (log p - log p_reference) at each token, plus score[n] at an answer's last token.

    `divergence[n, A]` holds the log ratios.
    """
    rewards = -kl_coef * divergence * (np.arange(divergence.shape[1]) < lengths[:, None])
    rewards[np.arange(len(rewards)), lengths - 1] += scores
    return rewards.astype(np.float32)


@nb.njit(cache=True, nogil=True)
def advantages(rewards: Reals, values: Reals, lengths: Numbers, gamma: float, lam: float) -> tuple[Reals, Reals]:
    """(advantages, returns), float32[n, A] each, 0 after an answer's end.

    With d_t = r_t + gamma V_{t+1} - V_t and V = 0 after the end: A_t = d_t + gamma lam A_{t+1}, and the return is
    A_t + V_t.
    """
    estimates = np.zeros_like(rewards)
    returns = np.zeros_like(rewards)
    for row in range(len(rewards)):
        later, next_value = 0.0, 0.0
        for place in range(lengths[row] - 1, -1, -1):
            surprise = rewards[row, place] + gamma * next_value - values[row, place]
            later = surprise + gamma * lam * later
            next_value = values[row, place]
            estimates[row, place] = later
            returns[row, place] = later + next_value
    return estimates, returns


def masked_mean(values: Any, mask: Any) -> Any:
    """The mean of values[n, A] where mask is 1."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whitened(values: Any, mask: Any) -> Any:
    """Values[n, A] with mean 0 and variance 1 over the mask; 0 elsewhere."""
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask)
    return (values - mean) * require("torch", "train").rsqrt(variance + 1e-8) * mask


def clipped_objective(new: Any, old: Any, advantage: Any, mask: Any, clip: float) -> tuple[Any, Any]:
    """(loss, share of tokens whose ratio lies beyond the clip), from log probabilities[n, A] of the tokens written.

    The loss is the mean of -min(ratio A, clip(ratio, 1 - clip, 1 + clip) A).
    """
    torch = require("torch", "train")
    ratio = (new - old).exp()
    gain = torch.min(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -masked_mean(gain, mask), masked_mean(((ratio - 1).abs() > clip).float(), mask)


def clipped_value_loss(new: Any, old: Any, returns: Any, mask: Any, clip: float) -> Any:
    """Half the mean of the greater of (V - R)^2 and (V_clipped - R)^2, where V_clipped stays within `clip` of the old
    value."""
    torch = require("torch", "train")
    near = old + (new - old).clamp(-clip, clip)
    return 0.5 * masked_mean(torch.max((new - returns) ** 2, (near - returns) ** 2), mask)


def log_probabilities(logits: Any, tokens: Any) -> tuple[Any, Any]:
    """(log probability of each token, entropy in nats of each place), [n, A] each, from logits[n, A, V] in float32."""
    every = require("torch", "train").log_softmax(logits.float(), -1)
    return every.gather(-1, tokens[..., None])[..., 0], -(every.exp() * every).sum(-1)
