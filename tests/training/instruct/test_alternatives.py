"""DPO and GRPO take real steps through TRL, and what they write is a model like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpuskit.training import read_metrics
from corpuskit.training.instruct import (
    DpoConfig,
    GrpoConfig,
    Preference,
    answer_texts,
    load_policy,
    optimize_groups,
    optimize_preferences,
    user,
)

pytest.importorskip("trl", reason="TRL is not installed: pip install 'corpuskit[instruct]'")


def test_preferences_move_the_model(base: Path, tmp_path: Path) -> None:
    pairs = [Preference(user(f"Say {word}?"), f"yes {word}", f"no {word}") for word in ("a", "b", "다리", "집")]
    config = DpoConfig(steps=4, batch=2, learning_rate=1e-3, precision="float32")
    result = optimize_preferences(base, tmp_path, config, preferences=pairs)
    assert result.steps == 4
    assert result.loss < np.log(2)  # where it starts
    assert len(read_metrics(tmp_path)) == 4
    model, tokenizer = load_policy(tmp_path)
    assert len(answer_texts(model, [user("Say a?")], tokenizer, tokens=4)) == 1
    assert optimize_preferences(base, tmp_path, config, preferences=pairs) == result


def test_groups_are_rewarded(base: Path, tmp_path: Path) -> None:
    seen = []

    def reward(prompts: object, answers: list[str]) -> list[float]:
        seen.extend(answers)
        return [float(len(text)) for text in answers]

    config = GrpoConfig(steps=2, batch=4, group=4, answer_tokens=6, learning_rate=1e-3, precision="float32")
    result = optimize_groups(base, {"length": (reward, 1.0)}, tmp_path, config, prompts=[user("Hi?"), user("왜요?")])  # type: ignore[dict-item]
    assert result.steps == 2
    assert len(seen) == 8
    before, after = (load_policy(folder)[0].state_dict() for folder in (base, tmp_path))
    assert any(not before[name].equal(after[name]) for name in before)
