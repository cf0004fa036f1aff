"""The key `instruct`: the trained model learns to follow instructions, and what each step brought is measured."""

from __future__ import annotations

import collections
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.errors import Stopped, UsageError, nearest
from corpuskit.training.instruct.config import OWN_REWARDS, InstructConfig, RewardConfig
from corpuskit.training.job import BASE

if TYPE_CHECKING:
    from corpuskit.training.instruct import Reward, RewardModel

SFT, REWARD, PPO, DPO, GRPO = "models/sft", "models/reward", "models/ppo", "models/dpo", "models/grpo"
GAINS = "evaluations/instruct"
RIGHT = "right"


def _jobs(config: InstructConfig, sections: Sections) -> Iterator[Job]:
    _check(config)
    reward = config.reward_model

    judges = () if reward is None else (REWARD,)

    def job(
        name: str,
        folder: str,
        part: Any,
        reads: tuple[str, ...],
        work: Callable[[Path, InstructConfig, Watch], dict[str, Any]],
        *libraries: str,
    ) -> Job:
        return Job(
            name,
            folder,
            version=2,
            settings=settings_of(part),
            reads=reads,
            libraries=("torch", "transformers", *libraries),
            inputs=tuple(Path(path) for path, _ in _files(part) if "://" not in path and not path.startswith("hub:")),
            own_code=tuple(_function(name) for name in getattr(part, "rewards", ()) if ":" in name),
            work=lambda run, watch: work(run, config, watch),
        )

    yield job("fine-tuning", SFT, config.sft, (BASE,), _sft)
    if reward is not None:
        yield job("reward model", REWARD, reward, (SFT,), _reward)
    if config.ppo is not None:
        yield job("reinforcement learning", PPO, config.ppo, (SFT, *judges), _ppo)
    if config.dpo is not None:
        yield job("preference optimization", DPO, config.dpo, (SFT,), _dpo, "trl")
    if config.grpo is not None:
        yield job("group policy optimization", GRPO, config.grpo, (SFT, *judges), _grpo, "trl")
    if config.gains is not None:
        yield job("instruction gains", GAINS, config.gains, (BASE, *language_models(config), *judges), _gains)


def language_models(config: InstructConfig) -> tuple[str, ...]:
    """Folders of the models that answer, in the order in which they are made."""
    tuned = (folder for name, folder in (("ppo", PPO), ("dpo", DPO), ("grpo", GRPO)) if getattr(config, name))
    return (SFT, *tuned)


def _files(part: Any) -> list[tuple[str, Callable[[str], Any]]]:
    """The files that a part of the settings names, each with what reads it."""

    if isinstance(part, InstructConfig):
        parts = (part.sft, part.reward, part.ppo, part.dpo, part.grpo, part.gains)
        return [file for section in parts if section is not None for file in _files(section)]
    reader = part.reader()
    pairs = reader.preferences if isinstance(part, RewardConfig) else reader.demonstrations
    named: list[tuple[str | None, Callable[[str], Any]]] = [
        (getattr(part, "demonstrations", None), reader.demonstrations),
        (getattr(part, "preferences", None), reader.preferences),
        (getattr(part, "held_out", None), pairs),
    ]
    named += [(path, reader.prompts) for path in getattr(part, "prompts", None) or ()]
    return [(path, reads) for path, reads in named if path is not None]


def _check(config: InstructConfig) -> None:
    """Raises UsageError for a mistake in a file or in the name of a reward, before anything has run."""
    from corpuskit.training.instruct import right_answers
    from corpuskit.training.instruct.tasks import prompt_files, shipped_file

    for path, reads in _files(config):
        collections.deque(reads(path), maxlen=0)
    rewards = config.reward_model
    file = None if rewards is None else rewards.preferences or shipped_file("preferences")
    heads = (
        [] if rewards is None or file is None else sorted({pair.kind for pair in rewards.reader().preferences(file)})
    )
    for part in (section for section in (config.ppo, config.grpo) if section is not None):
        for name in part.rewards:
            if name == RIGHT:
                right_answers(prompt_files(part.prompts))
            elif ":" in name:
                _function(name)
            elif name not in (*heads, *OWN_REWARDS):
                raise _no_reward(name, heads)


def named_rewards(
    weights: Mapping[str, float], rewards: RewardModel | None, prompts: Sequence[str] | None = None
) -> dict[str, tuple[Reward, float]]:
    """Rewards by the names that a recipe gives them: name -> (function of prompts and answers, weight).

    `prompts` are the files whose prompts are answered, in whose records `right` finds the answers. Raises UsageError
    for a name that is neither a head of the reward model, nor one of corpuskit's own, nor a `module:function`.
    """
    from corpuskit.training.instruct import right_answers
    from corpuskit.training.instruct.tasks import prompt_files

    heads = [] if rewards is None else rewards.kinds
    named: dict[str, tuple[Reward, float]] = {}
    for name, weight in weights.items():
        if rewards is not None and name in heads:
            named[name] = (rewards.reward(name), weight)
        elif name == RIGHT:
            named[name] = (right_answers(prompt_files(prompts)), weight)
        elif name in SCORERS:
            named[name] = (SCORERS[name], weight)
        elif ":" in name:
            named[name] = (_function(name), weight)
        else:
            raise _no_reward(name, heads)
    return named


def _no_reward(name: str, heads: Sequence[str]) -> UsageError:
    without = "" if heads else " (there is no reward model)"
    return UsageError(f"no reward '{name}'{without}{nearest(name, [*heads, *OWN_REWARDS])}; or write module:function")


def toxicity(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    """Minus the probability that an answer is toxic, by the models that ship."""
    from corpuskit.toxicity import score

    return -np.nan_to_num(score(list(answers)).column("toxicity").to_numpy(zero_copy_only=False).astype(np.float64))


def personal_data(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    """Minus the pieces of personal data in an answer."""
    from corpuskit.privacy import find

    return -np.array([len(findings) for findings in find(list(answers))], np.float64)


SCORERS: dict[str, Reward] = {"toxicity": toxicity, "personal_data": personal_data}


def _function(name: str) -> Reward:
    module, _, attribute = name.partition(":")
    try:
        reward: Reward = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the reward '{name}' cannot be imported: {error}") from error
    return reward


def _sft(run: Path, config: InstructConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.instruct import finetune_on_demonstrations

    return job_summary(finetune_on_demonstrations(run / BASE, run / SFT, config.sft, watch=watch))


def _reward(run: Path, config: InstructConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.instruct import train_reward_model

    return job_summary(train_reward_model(run / SFT, run / REWARD, config.reward_model, watch=watch))


def _ppo(run: Path, config: InstructConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.instruct import reinforce

    assert config.ppo is not None
    heads = _heads(run, config)
    rewards = named_rewards(config.ppo.rewards, heads, config.ppo.prompts)
    return job_summary(reinforce(run / SFT, rewards, run / PPO, config.ppo, value_from=heads, watch=watch))


def _dpo(run: Path, config: InstructConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.instruct import optimize_preferences

    return job_summary(optimize_preferences(run / SFT, run / DPO, config.dpo, watch=watch))


def _grpo(run: Path, config: InstructConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.instruct import optimize_groups

    assert config.grpo is not None
    rewards = named_rewards(config.grpo.rewards, _heads(run, config), config.grpo.prompts)
    return job_summary(optimize_groups(run / SFT, rewards, run / GRPO, config.grpo, watch=watch))


def _gains(run: Path, config: InstructConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.instruct import measure_gains

    steps = {"base": BASE, "sft": SFT}
    steps |= {name: folder for name, folder in (("ppo", PPO), ("dpo", DPO), ("grpo", GRPO)) if getattr(config, name)}
    models = {name: run / folder for name, folder in steps.items()}
    gains = measure_gains(models, config.gains, rewards=_heads(run, config), watch=watch)
    gains.write(run / GAINS)
    return {"says": gains.sentence(), "requests": gains.requests}


def _heads(run: Path, config: InstructConfig) -> RewardModel | None:
    from corpuskit.training.instruct import load_reward_model

    return None if config.reward_model is None else load_reward_model(run / REWARD)


def job_summary(result: Any) -> dict[str, Any]:
    """What a tuning says of itself in run.json. Raises Stopped where a signal stopped it before its end."""
    if not result.finished:
        raise Stopped(
            f"tuning stopped ({result.stopped_by}) after {result.steps:,} steps, and everything is saved: "
            "run the same command again to go on"
        )
    return {"says": result.sentence(), "steps": result.steps, "seconds": result.seconds}


KEY = JobKey(
    "instruct",
    summary="Teach the trained model to follow instructions, from demonstrations and feedback.",
    settings=InstructConfig,
    needs="train",
    jobs=_jobs,
)
