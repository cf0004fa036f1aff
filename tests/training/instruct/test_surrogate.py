"""The formulas of reinforcement learning against values worked out by hand, and against slow obvious versions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.training.instruct.surrogate import (
    advantages,
    clipped_objective,
    clipped_value_loss,
    log_probabilities,
    masked_mean,
    token_rewards,
    whitened,
)


def test_advantages_worked_out_by_hand() -> None:
    rewards = np.array([[0.0, 0.0, 1.0, 9.0]], np.float32)
    values = np.array([[0.5, 0.25, 0.5, 9.0]], np.float32)
    found, returns = advantages(rewards, values, np.array([3]), 1.0, 0.5)
    # d = (0 + 0.25 - 0.5, 0 + 0.5 - 0.25, 1 + 0 - 0.5) = (-0.25, 0.25, 0.5)
    assert found[0].tolist() == [-0.25 + 0.5 * 0.5, 0.25 + 0.5 * 0.5, 0.5, 0.0]
    assert returns[0].tolist() == [0.5, 0.75, 1.0, 0.0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 1), st.floats(0, 1))
def test_advantages_are_the_sum_of_later_surprises(seed: int, gamma: float, lam: float) -> None:
    random = np.random.default_rng(seed)
    rows, width = int(random.integers(1, 5)), int(random.integers(1, 9))
    lengths = random.integers(1, width + 1, rows)
    rewards, values = random.normal(size=(2, rows, width)).astype(np.float32)
    found, returns = advantages(rewards, values, lengths, gamma, lam)
    for row, length in enumerate(lengths):
        later = [*values[row, 1:length], 0.0]
        surprise = [rewards[row, t] + gamma * later[t] - values[row, t] for t in range(length)]
        for t in range(width):
            slow = sum((gamma * lam) ** k * surprise[t + k] for k in range(length - t)) if t < length else 0.0
            assert found[row, t] == pytest.approx(slow, abs=1e-4)
            assert returns[row, t] == pytest.approx(slow + values[row, t] if t < length else 0.0, abs=1e-4)


def test_each_token_pays_for_its_divergence_and_the_last_is_rewarded() -> None:
    divergence = np.array([[0.5, -0.25, 7.0], [1.0, 2.0, 3.0]], np.float32)
    found = token_rewards(np.array([2.0, -1.0], np.float32), divergence, np.array([2, 3]), 0.1)
    np.testing.assert_allclose(found, [[-0.05, 0.025 + 2, 0], [-0.1, -0.2, -0.3 - 1]], rtol=1e-6)


def test_whitening_leaves_out_what_is_masked() -> None:
    values = torch.tensor([[1.0, 2.0, 100.0], [3.0, -50.0, 9.0]])
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = whitened(values, mask)
    deviation = math.sqrt(2 / 3)  # of 1, 2, 3
    expected = torch.tensor([[-1 / deviation, 0, 0], [1 / deviation, 0, 0]])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert float(masked_mean(values, mask)) == 2.0


def test_the_objective_is_clipped_where_that_is_the_worse() -> None:
    new, old = torch.log(torch.tensor([[1.5, 0.5, 1.5, 0.5, 9.0]])), torch.zeros(1, 5)
    gains = torch.tensor([[1.0, 1.0, -1.0, -1.0, 5.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0]])
    loss, clipped = clipped_objective(new, old, gains, mask, 0.2)
    # min(1.5, 1.2), min(0.5, 0.8), min(-1.5, -1.2), min(-0.5, -0.8)
    assert float(loss) == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8) / 4, rel=1e-6)
    assert float(clipped) == 1.0


def test_nothing_is_gained_beyond_the_clip() -> None:
    new = torch.log(torch.tensor([[1.5]])).requires_grad_()
    loss, _ = clipped_objective(new, torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1, 1), 0.2)
    loss.backward()
    assert float(new.grad) == 0.0


def test_a_value_gains_nothing_from_moving_far() -> None:
    old, returns, mask = torch.zeros(1, 2), torch.tensor([[1.0, 1.0]]), torch.ones(1, 2)
    loss = clipped_value_loss(torch.tensor([[0.9, 0.1]]), old, returns, mask, 0.2)
    # max((0.9 - 1)^2, (0.2 - 1)^2), max((0.1 - 1)^2, (0.1 - 1)^2)
    assert float(loss) == pytest.approx(0.5 * (0.64 + 0.81) / 2, rel=1e-6)


def test_log_probabilities_and_entropy_of_a_known_distribution() -> None:
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [1.0, 1e-30, 1e-30]]]))
    found, entropy = log_probabilities(logits, torch.tensor([[1, 0]]))
    torch.testing.assert_close(found, torch.tensor([[math.log(0.25), 0.0]]))
    torch.testing.assert_close(entropy, torch.tensor([[1.5 * math.log(2), 0.0]]), atol=1e-6, rtol=1e-6)
