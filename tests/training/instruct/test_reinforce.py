"""A policy learns what earns rewards, goes on after a stop as if there had been none, and is stopped when it strays."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.training import read_metrics
from corpuskit.training.instruct import LoraPolicy, PpoConfig, SftConfig, answer_texts, load_policy, reinforce, user
from corpuskit.training.instruct import demonstrations as pairs
from corpuskit.training.instruct.policy import save_policy
from corpuskit.training.instruct.sft import finetune_on_demonstrations

ASKED = [
    user(text) for text in ("Hi?", "개를 씻나요?", "What is it?", "Who lives in Busan?", "강가에서 만나요?", "Why?")
]
SETTINGS: dict[str, Any] = {
    "steps": 20,
    "batch": 24,
    "minibatch": 12,
    "answer_tokens": 8,
    "learning_rate": 3e-3,
    "missing_end": 0.0,
    "kl": 0.0,
    "kl_limit": 1000,
    "length_limit": 100,
    "precision": "float32",
}


def vowels(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    """Share of an answer's characters that are e."""
    return np.array([text.count("e") / max(len(text), 1) for text in answers])


def spaces(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    """Minus the share of white space."""
    return -np.array([sum(map(str.isspace, text)) / max(len(text), 1) for text in answers])


REWARDS = {"vowels": (vowels, 4.0), "spaces": (spaces, 1.0)}


@pytest.mark.parametrize("lora", [None, LoraPolicy(rank=8, alpha=32)])
def test_what_earns_rewards_is_learned(base: Path, tmp_path: Path, lora: LoraPolicy | None) -> None:
    model, tokenizer = load_policy(base)
    model.get_input_embeddings().weight.data *= 6  # an adapter cannot widen them, and random ones leave all words alike
    save_policy(model, tokenizer, tmp_path / "base", base)
    config = PpoConfig(**SETTINGS | {"lora": lora, "samples": 2, "steps": 30 if lora is None else 40})
    result = reinforce(tmp_path / "base", REWARDS, tmp_path, config, prompts=ASKED)
    before, after = result.rewards["vowels"]
    assert after > before + 0.2, result
    lines = read_metrics(tmp_path)
    assert lines[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert lines[-1]["kl"] > 0.5
    wanted = {"reward_vowels", "reward_spaces", "kl", "entropy", "length", "clip_fraction", "value_loss", "ended"}
    assert wanted <= set(lines[-1])
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert len(samples) == 2
    assert all(one["before"] != one["after"] for one in samples)
    tuned, tokenizer = load_policy(tmp_path)
    assert answer_texts(tuned, [user(samples[0]["prompt"])], tokenizer, tokens=8) == [samples[0]["after"]]
    assert (tmp_path / "model.safetensors").exists() == (lora is None)


@pytest.mark.parametrize("lora", [None, LoraPolicy(rank=2)])
def test_a_run_that_was_stopped_ends_alike(base: Path, tmp_path: Path, lora: LoraPolicy | None) -> None:
    config = PpoConfig(**SETTINGS | {"steps": 4, "checkpoint_every": 1, "lora": lora})
    whole = reinforce(base, REWARDS, tmp_path / "whole", config, prompts=ASKED)

    def interrupt(says: str, done: int, total: int) -> None:
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    first = reinforce(base, REWARDS, tmp_path / "parts", config, prompts=ASKED, watch=interrupt)
    assert (first.finished, first.steps) == (False, 2)
    second = reinforce(base, REWARDS, tmp_path / "parts", config, prompts=ASKED)
    assert (second.finished, second.rewards) == (True, whole.rewards)
    name = "model.safetensors" if lora is None else "adapter_model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    again = reinforce(base, REWARDS, tmp_path / "parts", config, prompts=ASKED)
    assert again == second
    with pytest.raises(UsageError, match=r"config\.clip was 0\.2, is 0\.3"):
        reinforce(base, REWARDS, tmp_path / "parts", config.model_copy(update={"clip": 0.3}), prompts=ASKED)


def test_a_policy_that_strays_is_stopped_before_it_learns_more(base: Path, tmp_path: Path) -> None:
    config = PpoConfig(**SETTINGS | {"kl_limit": 0.2})
    result = reinforce(base, REWARDS, tmp_path, config, prompts=ASKED)
    assert result.finished
    assert 0 < result.steps < 20
    assert result.stopped_by is not None
    assert result.stopped_by.startswith("kl: answers diverge")
    assert all(line["kl"] <= 0.2 for line in read_metrics(tmp_path))
    assert "stopped: kl" in result.sentence()


def test_answers_that_grow_are_stopped(base: Path, tmp_path: Path) -> None:
    fine = SftConfig(epochs=60, batch=2, learning_rate=3e-3, precision="float32")
    finetune_on_demonstrations(base, tmp_path / "sft", fine, demonstrations=pairs([("Hi?", "e"), ("Why?", "e e")]))

    def long(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
        return np.array([float(len(text)) for text in answers])

    config = PpoConfig(**SETTINGS | {"length_limit": 1.3, "answer_tokens": 24, "steps": 60})
    result = reinforce(tmp_path / "sft", {"long": (long, 1.0)}, tmp_path / "ppo", config, prompts=ASKED)
    assert result.stopped_by is not None
    assert result.stopped_by.startswith("length: answers have")


def test_a_reward_must_be_a_number_for_each_answer(base: Path, tmp_path: Path) -> None:
    config = PpoConfig(**SETTINGS)
    with pytest.raises(UsageError, match="the reward 'broken' must give one finite number an answer"):
        reinforce(base, {"broken": (lambda p, a: np.full(len(a), np.nan), 1.0)}, tmp_path / "a", config, prompts=ASKED)
    with pytest.raises(UsageError, match=r"it gave \(1,\)"):
        reinforce(base, {"broken": (lambda p, a: np.ones(1), 1.0)}, tmp_path / "b", config, prompts=ASKED)
    with pytest.raises(UsageError, match="prompt 2: takes"):
        reinforce(base, REWARDS, tmp_path / "c", config, prompts=[ASKED[0], user("word " * 200)])


def test_an_adapter_knows_its_base(base: Path, tmp_path: Path) -> None:
    import shutil

    own = tmp_path / "base"
    shutil.copytree(base, own)
    config = SftConfig(epochs=2, lora=LoraPolicy(rank=2), precision="float32")
    result = finetune_on_demonstrations(own, tmp_path / "sft", config, demonstrations=pairs([("a", "b"), ("c", "d")]))
    assert result.trained_parameters < result.parameters / 10
    load_policy(tmp_path / "sft")
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(CorpuskitError, match="was trained on another model"):
        load_policy(tmp_path / "sft")
    shutil.rmtree(own)
    with pytest.raises(UsageError, match="nothing is there"):
        load_policy(tmp_path / "sft")
