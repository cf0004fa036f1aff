"""The one-run bound on epsilon, to the digits of the published formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.memorization.measures.epsilon import epsilon_lower_bound, guess_coins, p_value


@pytest.mark.parametrize(
    ("secrets", "guesses", "right", "delta", "epsilon"),
    [
        (100, 100, 100, 0.0, 3.493),
        (1000, 1000, 1000, 0.0, 5.809),
        (1000, 1000, 1000, 1e-5, 5.782),
        (1000, 200, 190, 0.0, 2.398),
        (1000, 1000, 600, 0.0, 0.297),
        (1000, 1000, 500, 0.0, 0.0),
        (1000, 1000, 500, 1e-5, 0.0),
        (10, 10, 10, 0.0, 1.052),
    ],
)
def test_the_bound_has_the_published_digits(
    secrets: int, guesses: int, right: int, delta: float, epsilon: float
) -> None:
    assert epsilon_lower_bound(secrets, guesses, right, delta) == pytest.approx(epsilon, abs=1e-3)


def test_the_tail_is_the_sum_of_its_terms() -> None:
    secrets, guesses, right, epsilon, delta = 40, 12, 9, 0.7, 1e-3
    rate = math.exp(epsilon) / (1 + math.exp(epsilon))
    chance = [math.comb(guesses, n) * rate**n * (1 - rate) ** (guesses - n) for n in range(guesses + 1)]
    alpha = max(sum(chance[right - i : right]) / i for i in range(1, right + 1))
    by_hand = sum(chance[right:]) + 2 * secrets * delta * alpha
    assert p_value(secrets, guesses, right, epsilon, delta) == pytest.approx(by_hand, rel=1e-9)


@settings(deadline=None)
@given(st.integers(1, 60), st.data())
def test_more_right_guesses_never_prove_less(guesses: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, guesses - 1))
    assert epsilon_lower_bound(guesses, guesses, right) <= epsilon_lower_bound(guesses, guesses, right + 1)


@pytest.mark.slow
def test_blind_guessing_proves_something_once_in_twenty_runs_at_most() -> None:
    chance = np.random.default_rng(0)
    proven = 0
    for _ in range(400):
        planted = chance.random(64) < 0.5
        guesses, right = guess_coins(chance.normal(size=64), planted)
        proven += epsilon_lower_bound(64, guesses, right) > 0
    assert proven / 400 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_model_that_knows_all_secrets_is_guessed_right() -> None:
    planted = np.arange(100) % 2 == 0
    assert guess_coins(planted.astype(float), planted) == (50, 50)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(UsageError, match="7 right of 5 guesses"):
        p_value(10, 5, 7, 1.0)


def test_a_quarter_is_guessed_at_each_end() -> None:
    planted = np.array([False, True, True, True, True, False, False, True])
    scores = np.arange(8.0)
    assert guess_coins(scores, planted) == (4, 2)  # 0 and 1 as absent (one right), 6 and 7 as planted (one right)
    assert guess_coins(scores, planted, 0.125) == (2, 2)
    assert guess_coins(scores[::-1], planted, 0.125) == (2, 0)
    assert guess_coins(scores, planted, 0.0) == (0, 0)
    assert guess_coins(np.zeros(4), np.array([False, True, True, True]), 0.25) == (2, 2)  # ties: in their order


def test_the_bound_is_where_the_tail_crosses_the_confidence() -> None:
    for confidence in (0.8, 0.95, 0.99):
        bound = epsilon_lower_bound(200, 100, 80, 1e-6, confidence)
        assert p_value(200, 100, 80, bound - 1e-6, 1e-6) < 1 - confidence <= p_value(200, 100, 80, bound + 1e-6, 1e-6)
    assert epsilon_lower_bound(1, 1, 1) == 0.0
    assert epsilon_lower_bound(10**6, 10**6, 10**6) == pytest.approx(12.718, abs=1e-3)


@pytest.mark.parametrize(("secrets", "guesses", "right"), [(10, 5, -1), (10, 11, 5), (5, 6, 6)])
def test_impossible_guesses_are_refused(secrets: int, guesses: int, right: int) -> None:
    with pytest.raises(UsageError, match="right of"):
        p_value(secrets, guesses, right, 1.0)


def test_certain_tails() -> None:
    assert p_value(5, 5, 0, 1.0) == 1.0
    assert p_value(5, 5, 0, 1.0, 0.5) == 1.0
    assert p_value(5, 0, 0, 1.0) == 1.0
    assert p_value(1000, 10, 5, 0.0, 0.9) == 1.0
    assert p_value(5, 5, 1, 0.0) == pytest.approx(31 / 32)


def test_copies_of_a_secret_share_the_bound() -> None:
    whole = epsilon_lower_bound(1000, 200, 190)
    assert epsilon_lower_bound(1000, 200, 190, copies=4) == pytest.approx(whole / 4)
    group, delta = epsilon_lower_bound(1000, 200, 190, 1e-5, copies=4), 1e-5
    grown = delta * sum(math.exp(n * group) for n in range(4))
    assert p_value(1000, 200, 190, 4 * group, grown) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize("copies", [1, 4])
def test_the_bound_of_one_record_is_above_the_true_epsilon_once_in_twenty_runs_at_most(copies: int) -> None:
    """Randomized response with epsilon 1 a record, on groups of copies that hold the same bit."""
    chance, rounds, above = np.random.default_rng(1), 300, 0
    right_answer = 1 / (1 + math.exp(-copies))
    for _ in range(rounds):
        planted = chance.random(64) < 0.5
        answers = np.where(chance.random(64) < right_answer, planted, ~planted) + chance.random(64) * 1e-3
        guesses, right = guess_coins(answers, planted)
        above += epsilon_lower_bound(64, guesses, right, copies=copies) > 1.0
    assert above / rounds <= 0.07
