"""What tuning brought: requests that no part of it has seen, answered by the model before and after each step.

- exact match: the greedy answer is the right one, once both are normalised.
- helpful: drawn answers to harmless requests that are right. Safe: drawn answers to harmful requests that refuse, known
  by a mark that the request's record names (`contains`). Both judge by rule, not by the reward model that was used.
- reward: what the reward model's heads give the drawn answers, for comparison.

A gain is the mean of the differences request by request, with the interval of a paired bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.engine.files import replacing, write_json
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError
from corpuskit.statistics import Floats, Interval, bootstrap_mean, paired_gain, proportion
from corpuskit.training.evaluation.task import exact_match
from corpuskit.training.instruct.answering import answer_texts, check_room
from corpuskit.training.instruct.chat import Chat
from corpuskit.training.instruct.config import GainsConfig
from corpuskit.training.instruct.dialogues import Demonstration
from corpuskit.training.instruct.loop import require_nonempty
from corpuskit.training.instruct.policy import context, load_policy
from corpuskit.training.instruct.reward import RewardModel, right
from corpuskit.training.instruct.tasks import shipped_file
from corpuskit.training.instruct.unknown import check_known

EXACT, HELPFUL, SAFE = "exact match", "helpful", "safe"


@dataclass(frozen=True)
class ModelMeasures:
    """One model on the held-out requests."""

    model: str
    measures: dict[str, Interval]
    tasks: dict[str, float]
    """'task/language' -> share of greedy answers that are right."""


@dataclass(frozen=True)
class Gain:
    before: str
    after: str
    measure: str
    difference: Interval


@dataclass(frozen=True)
class Gains:
    requests: int
    models: list[ModelMeasures]
    gains: list[Gain]
    """Of each model over the one before it."""

    def sentence(self) -> str:
        """The gains in a line for people."""
        return "; ".join(
            f"{gain.after} over {gain.before}, {gain.measure}: {gain.difference.signed()}"
            for gain in self.gains
            if not gain.measure.startswith("reward")
        )

    def markdown(self) -> str:
        """Tables for people."""
        names = list(self.models[0].measures)
        lines = [f"{self.requests} requests that no part of the tuning has seen; 95 % intervals.", ""]
        lines += [_row(["model", *names]), _row(["---"] * (len(names) + 1))]
        lines += [_row([result.model, *(str(result.measures[name]) for name in names)]) for result in self.models]
        lines += ["", _row(["gain", "measure", "difference"]), _row(["---"] * 3)]
        lines += [
            _row([f"{gain.after} over {gain.before}", gain.measure, gain.difference.signed()]) for gain in self.gains
        ]
        tasks = list(self.models[0].tasks)
        lines += ["", _row(["exact match by task", *(result.model for result in self.models)])]
        lines += [_row(["---"] * (len(self.models) + 1))]
        lines += [_row([task, *(f"{result.tasks[task]:.2f}" for result in self.models)]) for task in tasks]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """`gains.json` and `gains.md`."""
        write_json(folder / "gains.json", asdict(self))
        with replacing(folder / "gains.md") as partial:
            partial.write_text(self.markdown(), encoding="utf-8")


def measure_gains(
    models: Mapping[str, str | Path],
    config: GainsConfig | None = None,
    *,
    held_out: Sequence[Demonstration] | None = None,
    rewards: RewardModel | None = None,
    watch: Watch = silent,
) -> Gains:
    """Ask models, name -> folder in the order of their making, what no training has asked.

    `held_out` replaces the file that the configuration names. Raises UsageError where there is nothing to ask.
    """
    config = config or GainsConfig()
    asked = require_nonempty(
        list(config.reader().demonstrations(config.held_out or shipped_file("held_out")))
        if held_out is None
        else held_out,
        "held-out request",
    )
    if not models:
        raise UsageError("gains need at least one model")
    measured, results = [], []
    for number, (name, folder) in enumerate(models.items()):
        watch(f"asking {name}", number, len(models))
        values, greedy = _measured(folder, asked, config, rewards)
        measured.append(values)
        results.append(
            ModelMeasures(name, {key: _interval(numbers, config) for key, numbers in values.items()}, greedy)
        )
    gains = [
        Gain(before.model, after.model, key, paired_gain(measured[at][key], measured[at + 1][key], seed=config.seed))
        for at, (before, after) in enumerate(pairwise(results))
        for key in measured[at]
    ]
    return Gains(len(asked), results, gains)


def _measured(
    folder: str | Path, asked: Sequence[Demonstration], config: GainsConfig, rewards: RewardModel | None
) -> tuple[dict[str, Floats], dict[str, float]]:
    """(measure -> float64, one value a request that it concerns, task -> share of right greedy answers)."""
    model, tokenizer = load_policy(folder)
    model.eval()
    prompts = [request.prompt for request in asked]
    check_known(tokenizer, (turn for prompt in prompts for turn in prompt))
    check_room(prompts, Chat(tokenizer).prompts(prompts), context(model), config.answer_tokens)
    harmful = np.array(["contains" in request.about for request in asked])

    def answers(temperature: float, seed: int) -> list[str]:
        return answer_texts(
            model, prompts, tokenizer, tokens=config.answer_tokens, temperature=temperature, seed=config.seed + seed
        )

    first = answers(0.0, 0)
    greedy = np.array([right(text, request) for text, request in zip(first, asked, strict=True)], np.float64)
    exact = np.array(
        [exact_match(text, request.answer) for text, request in zip(first, asked, strict=True)], np.float64
    )
    texts = [answers(1.0, 1009 * (number + 1)) for number in range(config.draws)]
    drawn = np.array([[right(text, request) for text, request in zip(row, asked, strict=True)] for row in texts]).mean(
        0
    )
    values = {EXACT: exact}
    values |= {name: drawn[rows] for name, rows in ((HELPFUL, ~harmful), (SAFE, harmful)) if rows.any()}
    if rewards is not None:
        scored = [rewards.score(prompts, row) for row in texts]
        values |= {f"reward {kind}": np.mean([by_kind[kind] for by_kind in scored], axis=0) for kind in rewards.kinds}
    groups: dict[str, list[float]] = {}
    for request, hit in zip(asked, greedy.tolist(), strict=True):
        groups.setdefault(f"{request.about.get('task', 'all')}/{request.about.get('language', '')}", []).append(hit)
    return values, {name: float(np.mean(hits)) for name, hits in sorted(groups.items())}


def _interval(values: Floats, config: GainsConfig) -> Interval:
    if np.isin(values, (0.0, 1.0)).all():
        return proportion(int(values.sum()), len(values))
    return bootstrap_mean(values, bounds=(-math.inf, math.inf), seed=config.seed, rounds=4000)


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
