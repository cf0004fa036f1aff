"""A reward model learns which side is preferred, a head for each kind, and says how far it can be trusted."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from corpuskit.errors import UsageError
from corpuskit.training.instruct import Preference, RewardConfig, load_reward_model, train_reward_model, user
from corpuskit.training.instruct.reward import bradley_terry

WORDS = ["river", "house", "winter", "강물", "다리", "겨울", "shop", "train"]
SETTINGS: dict[str, Any] = {"epochs": 6, "batch": 8, "learning_rate": 3e-3, "precision": "float32"}


def pairs(words: list[str]) -> list[Preference]:
    """Helpful: the answer says yes. Safe: the answer says no."""
    return [
        Preference(user(f"About {word}?"), better, worse, {"kind": kind})
        for word in words
        for kind, better, worse in (("helpful", f"yes, {word}", f"no, {word}"), ("safe", f"no, {word}", f"yes, {word}"))
    ]


def test_the_loss_is_bradley_and_terry_s() -> None:
    loss = bradley_terry(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]))
    assert float(loss) == pytest.approx((math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2))) / 2, rel=1e-6)


def test_two_heads_learn_two_opinions(base: Path, tmp_path: Path) -> None:
    import transformers

    config = RewardConfig(**SETTINGS)
    learned, held = pairs([a + " " + b for a in WORDS[:6] for b in WORDS[:6]]), pairs(WORDS[6:])
    result = train_reward_model(base, tmp_path, config, preferences=learned, held_out=held)
    assert {kind: one.value for kind, one in result.accuracy.items()} == {"helpful": 1.0, "safe": 1.0}
    assert max(result.calibration.values()) < 0.3
    rewards = load_reward_model(tmp_path)
    prompts, answers = [user("About winter?")] * 2, ["yes, winter", "no, winter"]
    scores = rewards.score(prompts, answers)
    assert scores["helpful"][0] > scores["helpful"][1]
    assert scores["safe"][0] < scores["safe"][1]
    spread = rewards.score(
        [one.prompt for one in learned] * 2, [one.chosen for one in learned] + [one.rejected for one in learned]
    )
    assert np.abs([spread["safe"].mean(), spread["safe"].std() - 1]).max() < 1e-3
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert theirs.config.id2label == {0: "helpful", 1: "safe"}
    with torch.no_grad():
        logits = theirs(torch.from_numpy(rewards.tokens((prompts[0], answers[0])))[None]).logits[0].numpy()
    np.testing.assert_allclose(
        (logits - rewards.centre) / rewards.scale, [scores["helpful"][0], scores["safe"][0]], rtol=1e-3, atol=1e-4
    )
    with pytest.raises(UsageError, match="no head 'safety'; did you mean 'safe'"):
        rewards.reward("safety")


def test_a_training_that_was_stopped_ends_alike(base: Path, tmp_path: Path) -> None:
    config = RewardConfig(**SETTINGS | {"epochs": 2})
    learned = pairs(WORDS)
    whole = train_reward_model(base, tmp_path / "whole", config, preferences=learned)

    def interrupt(says: str, done: int, total: int) -> None:
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    first = train_reward_model(base, tmp_path / "parts", config, preferences=learned, watch=interrupt)
    assert (first.finished, first.steps, first.stopped_by) == (False, 2, "SIGTERM")
    second = train_reward_model(base, tmp_path / "parts", config, preferences=learned)
    assert (second.finished, second.steps) == (True, whole.steps)
    names = [tmp_path / part / "model.safetensors" for part in ("whole", "parts")]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_a_pair_that_is_too_long_is_named_or_cut(base: Path, tmp_path: Path) -> None:
    long = [*pairs(["river"]), Preference(user("word " * 300), "yes", "no", {"kind": "safe"})]
    with pytest.raises(UsageError, match=r"pair 3 of the preferences, .*'chosen': together .* reads 192"):
        train_reward_model(base, tmp_path / "a", RewardConfig(**SETTINGS), preferences=long)
    result = train_reward_model(base, tmp_path / "b", RewardConfig(**SETTINGS, too_long="cut"), preferences=long)
    assert result.cut == 1
