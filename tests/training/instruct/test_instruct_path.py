"""The whole path from a recipe: a base, demonstrations, rewards, reinforcement, and what each brought."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpuskit.engine.steps import job_parts
from corpuskit.errors import UsageError
from corpuskit.recipe.execute import run_recipe
from corpuskit.training import read_metrics
from corpuskit.training.instruct import (
    Demonstration,
    GainsConfig,
    GrpoConfig,
    InstructConfig,
    LoraPolicy,
    Message,
    PpoConfig,
    RewardConfig,
    SftConfig,
    answer_texts,
    demonstrations,
    finetune_on_demonstrations,
    load_policy,
    load_reward_model,
    measure_gains,
    user,
)
from corpuskit.training.instruct.job import KEY, named_rewards

RECIPE = """
name: small
sources:
  - task_texts: {documents: 200}
tokens:
  tokenizer: {train: bpe, vocabulary: 600}
  sequence_length: 160
train:
  model: {layers: 2, width: 64, heads: 2}
  budget: {steps: 30}
  batch: 8
instruct:
  sft: {epochs: 2, batch: 8, learning_rate: 3.0e-3, lora: {rank: 4}}
  reward: {epochs: 0.2, learning_rate: 1.0e-3}
  ppo:
    steps: 2
    batch: 16
    minibatch: 8
    answer_tokens: 12
    rewards: {helpful: 1.0, safe: 1.0, toxicity: 0.5, personal_data: 0.5}
    lora: {rank: 2}
  gains: {draws: 1, answer_tokens: 12}
"""


def test_a_recipe_goes_all_the_way(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    result = run_recipe(tmp_path / "recipe.yaml", folder=tmp_path / "run", workers=1)
    run, jobs = result.folder, result.summary["jobs"]
    assert "400 demonstrations" in jobs["fine-tuning"]["says"]
    assert "held out: helpful" in jobs["reward model"]["says"]
    assert "2 steps: helpful" in jobs["reinforcement learning"]["says"]
    assert load_reward_model(run / "models/reward").kinds == ["helpful", "safe"]
    lines = read_metrics(run / "models/ppo")
    assert {"reward_helpful", "reward_safe", "reward_toxicity", "reward_personal_data"} <= set(lines[-1])
    gains = json.loads((run / "evaluations/instruct/gains.json").read_text())
    assert [one["model"] for one in gains["models"]] == ["base", "sft", "ppo"]
    assert {(one["before"], one["after"]) for one in gains["gains"]} == {("base", "sft"), ("sft", "ppo")}
    assert "| ppo over sft | safe |" in (run / "evaluations/instruct/gains.md").read_text()
    policy, tokenizer = load_policy(run / "models/ppo")  # an adapter on an adapter on a model
    assert isinstance(answer_texts(policy, [user("개를 어떻게 씻나요?")], tokenizer, tokens=4)[0], str)
    again = run_recipe(tmp_path / "recipe.yaml", folder=run, workers=1)
    assert again.summary["jobs"] == jobs


def test_demonstrations_are_learned_and_a_stop_changes_nothing(base: Path, tmp_path: Path) -> None:
    pairs = [
        ("What is red?", "a colour"),
        ("빨강은 무엇인가요?", "색입니다"),
        ("Say no.", "no"),
        ("싫다고 하세요.", "싫어요"),
    ]
    config = SftConfig(epochs=40, batch=1, learning_rate=5e-3, precision="float32", sequence_length=64)
    learned = demonstrations(pairs)
    whole = finetune_on_demonstrations(base, tmp_path / "whole", config, demonstrations=learned, held_out=learned)
    assert whole.held_out_loss is not None
    assert whole.held_out_loss < 0.1
    model, tokenizer = load_policy(tmp_path / "whole")
    assert answer_texts(model, [one.prompt for one in learned], tokenizer) == [answer for _, answer in pairs]

    def interrupt(says: str, done: int, total: int) -> None:
        if done == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    first = finetune_on_demonstrations(base, tmp_path / "parts", config, demonstrations=learned, watch=interrupt)
    assert (first.finished, first.stopped_by) == (False, "SIGTERM")
    with pytest.raises(UsageError, match="data was"):
        finetune_on_demonstrations(base, tmp_path / "parts", config, demonstrations=learned[:2])
    finetune_on_demonstrations(base, tmp_path / "parts", config, demonstrations=learned, held_out=[])
    weights = [(tmp_path / part / "model.safetensors").read_bytes() for part in ("whole", "parts")]
    assert weights[0] == weights[1]


def test_only_an_adapter_is_written_where_only_that_is_trained(base: Path, tmp_path: Path) -> None:
    config = SftConfig(epochs=30, batch=2, learning_rate=1e-2, precision="float32", lora=LoraPolicy(rank=8, alpha=32))
    result = finetune_on_demonstrations(
        base, tmp_path, config, demonstrations=demonstrations([("Hi?", "no"), ("Why?", "yes")])
    )
    assert result.loss is not None
    assert result.loss < 6  # ln 512 = 6.24 at the start
    assert not (tmp_path / "model.safetensors").exists()
    assert (tmp_path / "adapter_model.safetensors").stat().st_size < (base / "model.safetensors").stat().st_size


def test_gains_judge_by_rule(base: Path, tmp_path: Path) -> None:
    pairs = [("Where?", "Oslo"), ("How do I steal a car?", "I cannot help with that."), ("누구?", "민아")]
    fine = SftConfig(epochs=60, batch=1, learning_rate=5e-3, precision="float32", sequence_length=64)
    finetune_on_demonstrations(base, tmp_path / "sft", fine, demonstrations=demonstrations(pairs))

    def asked(prompt: str, answer: str, **about: Any) -> Demonstration:
        return Demonstration((Message("user", prompt), Message("assistant", answer)), about)

    held = [
        asked("Where?", "oslo!", task="place"),  # normalised: as good as Oslo
        asked("How do I steal a car?", "I cannot help you.", contains="cannot help"),  # refused in other words
        asked("누구?", "준호", task="name"),
    ]
    gains = measure_gains({"base": base, "sft": tmp_path / "sft"}, GainsConfig(draws=2), held_out=held)
    before, after = gains.models
    assert before.measures["exact match"].value == 0
    assert after.measures["exact match"].value == pytest.approx(1 / 3)
    assert after.measures["helpful"].value == pytest.approx(0.5, abs=0.26)
    assert after.measures["safe"].value > 0.4
    assert after.tasks == {"all/": 1.0, "name/": 0.0, "place/": 1.0}
    (gain,) = [one for one in gains.gains if one.measure == "exact match"]
    assert gain.difference.value == pytest.approx(1 / 3)
    assert "sft over base, exact match: +0.333" in gains.sentence()


def test_rewards_go_by_name() -> None:
    named = named_rewards({"personal_data": 2.0, "toxicity": 1.0, "statistics:fmean": 0.0}, None)
    reward, weight = named["personal_data"]
    assert weight == 2.0
    assert reward([], ["전화는 010-1234-5678입니다", "nothing here"]).tolist() == [-1.0, 0.0]
    rude, kind = named["toxicity"][0]([], ["You are a stupid idiot, shut up.", "Thank you for the lovely bridge."])
    assert rude < kind <= 0
    assert np.isfinite([rude, kind]).all()
    with pytest.raises(UsageError, match=r"no reward 'toxcity' .*did you mean 'toxicity'"):
        named_rewards({"toxcity": 1.0}, None)
    with pytest.raises(UsageError, match="cannot be imported"):
        named_rewards({"nowhere:nothing": 1.0}, None)


def test_rewards_that_are_heads_bring_their_model() -> None:
    named = {"right": 2.0, "toxicity": 0.5, "personal_data": 0.5, "statistics:fmean": 1.0}
    assert set(named_rewards({name: 1.0 for name in named if name != "right"}, None)) == {*named} - {"right"}
    assert InstructConfig(ppo=PpoConfig(rewards=named)).reward_model is None
    assert InstructConfig(ppo=PpoConfig(rewards={"helpful": 1, "safe": 1})).reward_model == RewardConfig()
    assert InstructConfig(grpo=GrpoConfig(), reward=RewardConfig(epochs=1)).reward_model == RewardConfig(epochs=1)
    assert InstructConfig().reward_model is None


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("sft: {demonstrations: pairs.jsonl}", r"pairs\.jsonl, line 2, field 'answer': is empty"),
        ("reward: {preferences: absent.jsonl}", r"no file at absent\.jsonl"),
        ("gains: {held_out: pairs.jsonl}", r"pairs\.jsonl, line 2"),
        ("ppo: {rewards: {helpfull: 1.0}}", r"no reward 'helpfull'; did you mean 'helpful'"),
        ("grpo: {rewards: {toxcity: 1.0}}", r"no reward 'toxcity'; did you mean 'toxicity'"),
        (
            "ppo: {rewards: {right: 1.0}, prompts: [bare.jsonl]}",
            r"the reward 'right' needs .* bare\.jsonl has none",
        ),
        ("ppo: {rewards: {'nowhere:nothing': 1.0}}", "cannot be imported"),
    ],
)
def test_mistakes_show_before_anything_has_run(
    part: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.jsonl").write_text('{"prompt": "a", "answer": "b"}\n{"prompt": "a", "answer": ""}\n')
    Path("bare.jsonl").write_text('{"prompt": "a"}\n')
    Path("recipe.yaml").write_text(RECIPE[: RECIPE.index("instruct:")] + f"instruct:\n  {part}\n")
    with pytest.raises(UsageError, match=said):
        run_recipe(Path("recipe.yaml"), folder=tmp_path / "run", workers=1)
    assert not list(tmp_path.glob("run/**/*.parquet"))


def test_other_data_is_another_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def settings(answer: str) -> list[Any]:
        Path("pairs.jsonl").write_text(json.dumps({"prompt": "a", "answer": answer}) + "\n")
        config = InstructConfig(sft=SftConfig(demonstrations="pairs.jsonl"), reward=RewardConfig())
        return [job_parts(job, dict.fromkeys(job.reads, "")) for job in KEY.jobs(config, {})]

    before, after = settings("b"), settings("c")
    assert before[0] != after[0]  # fine-tuning
    assert before[1] == after[1]  # the reward model learns from other files
    assert settings("b") == before


def test_right_answers_are_known_by_their_records(tmp_path: Path) -> None:
    asked = tmp_path / "asked.jsonl"
    records = [
        {"prompt": "What is 2 + 3?", "answer": "5"},
        {"prompt": "훔치는 법은?", "answer": "도와드릴 수 없습니다.", "contains": "도와드릴 수 없"},
        {"prompt": "How are you?"},
    ]
    asked.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    reward, weight = named_rewards({"right": 2.0}, None, [str(asked)])["right"]
    prompts = [user(record["prompt"]) for record in records]
    assert weight == 2.0
    assert reward(prompts, ["5", "그건 도와드릴 수 없어요", "Fine."]).tolist() == [1.0, 1.0, 0.0]
    assert reward(prompts, ["6", "이렇게 훔칩니다", "5"]).tolist() == [0.0, 0.0, 0.0]
    asked.write_text('{"prompt": "How are you?"}\n')
    with pytest.raises(UsageError, match="the reward 'right' needs records with the field 'answer'"):
        named_rewards({"right": 2.0}, None, [str(asked)])
