"""Tunings that are killed on the way, for tests: killed.py BASE FOLDER METHOD... runs each in a child until it dies."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from corpuskit.training.instruct import (
    DpoConfig,
    GrpoConfig,
    PpoConfig,
    Preference,
    RewardConfig,
    SftConfig,
    demonstrations,
    finetune_on_demonstrations,
    optimize_groups,
    optimize_preferences,
    reinforce,
    train_reward_model,
    user,
)

STEPS, DIES_AT, KEPT = 5, 4, 2
"""Steps (passes, of fine-tuning); the one that is told of as the process is killed; those between checkpoints."""
WORDS = ("a", "b", "다리", "집", "river", "강물")
COMMON: dict[str, Any] = {"learning_rate": 1e-3, "precision": "float32", "checkpoint_every": KEPT}
PROMPTS = [user(f"Say {word}?") for word in WORDS[:3]]


def length(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    return np.array([len(text) / 10 for text in answers])


def tune(method: str, base: Path, folder: Path, watch: Callable[[str, int, int], None]) -> Any:
    if method == "sft":
        learned = demonstrations((f"Say {word}?", f"yes {word}") for word in WORDS)
        config = SftConfig(epochs=STEPS, batch=2, sequence_length=64, **COMMON)
        return finetune_on_demonstrations(base, folder, config, demonstrations=learned, watch=watch)
    pairs = [Preference(user(f"Say {word}?"), f"yes {word}", f"no {word}") for word in WORDS]
    if method == "reward":
        rewarded = RewardConfig(epochs=STEPS, batch=6, **COMMON)
        return train_reward_model(base, folder, rewarded, preferences=pairs, watch=watch)
    if method == "dpo":
        preferred = DpoConfig(steps=STEPS, batch=4, **COMMON)
        return optimize_preferences(base, folder, preferred, preferences=pairs, watch=watch)
    rewards = {"length": (length, 1.0)}
    if method == "ppo":
        ppo = PpoConfig(steps=STEPS, batch=8, minibatch=4, answer_tokens=6, kl_limit=1e6, length_limit=1e6, **COMMON)
        return reinforce(base, rewards, folder, ppo, prompts=PROMPTS, watch=watch)
    grpo = GrpoConfig(steps=STEPS, batch=4, group=2, answer_tokens=6, **COMMON)
    return optimize_groups(base, rewards, folder, grpo, prompts=PROMPTS, watch=watch)


def die(says: str, done: int, total: int) -> None:
    if done == DIES_AT:
        os.kill(os.getpid(), signal.SIGKILL)


def main(base: str, folder: str, *methods: str) -> None:
    torch.set_num_threads(1)
    for module in ("transformers.models.llama.modeling_llama", "trl.trainer.dpo_trainer", "trl.trainer.grpo_trainer"):
        if importlib.util.find_spec(module.partition(".")[0]):
            importlib.import_module(module)  # once, and not in every child
    for method in methods:
        child = os.fork()
        if child == 0:
            tune(method, Path(base), Path(folder) / method, die)
            os._exit(1)  # it was to be killed before
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"{method} was to be killed, and ended with {status}"
        assert os.WTERMSIG(status) == signal.SIGKILL


if __name__ == "__main__":
    main(*sys.argv[1:])
