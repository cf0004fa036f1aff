"""In-context learning: accuracy over the number of examples, over draws of examples, and over models.

For each number of examples the draws ask the same items with other examples before them. An item counts with its mean
over the draws, and the standard error is taken over items (groups of them where the task names such), so that draws
make a figure steadier and never pretend to be more items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError
from corpuskit.statistics import mean
from corpuskit.training.evaluation.evaluate import Result, Tasks, as_tasks, evaluate
from corpuskit.training.evaluation.language_model import LanguageModel, open_model
from corpuskit.training.evaluation.task import EvaluationTask
from corpuskit.training.models import count_parameters


@dataclass(frozen=True)
class Point:
    """One model, task and number of examples."""

    model: str
    parameters: int
    task: str
    language: str
    shots: int
    seeds: int
    items: int
    accuracy: float
    error: float | None
    """Standard error over items."""
    spread: float | None
    """Standard deviation of the accuracy between draws of examples; None for a single draw."""
    chance: float


@dataclass(frozen=True)
class Curves:
    points: tuple[Point, ...]
    results: tuple[Result, ...]
    """One for each model, number of examples and draw."""

    def rows(self) -> list[dict[str, Any]]:
        return [asdict(point) for point in self.points]

    def table(self) -> pa.Table:
        """Row by point."""
        return pa.Table.from_pylist(self.rows())


def shot_curves(
    models: Sequence[str | Path | LanguageModel],
    tasks: Tasks,
    *,
    shots: Sequence[int] = (0, 1, 2, 4, 8),
    seeds: int = 3,
    limit: int | None = None,
    adapter: str | Path | None = None,
    chat: bool = False,
    watch: Watch = silent,
) -> Curves:
    """Accuracy of models on tasks for each number of examples, over `seeds` draws of them (one where there are none).

    Models are opened one after another. Raises UsageError for two models of one name, and as `evaluate` does.
    """
    if seeds < 1 or not shots:
        raise UsageError(f"{seeds} draws of {list(shots)} examples: give at least one of each")
    asked = as_tasks(tasks)
    points: list[Point] = []
    results: list[Result] = []
    for given in models:
        subject = given if isinstance(given, LanguageModel) else open_model(given, adapter)
        if any(point.model == subject.name for point in points):
            raise UsageError(f"two models are called '{subject.name}': give their folders different names")
        for number in sorted(set(shots)):
            drawn = [
                evaluate(subject, asked, shots=number, seed=seed, limit=limit, chat=chat, watch=watch)
                for seed in range(seeds if number else 1)
            ]
            results += drawn
            points += [_point(subject, task, number, drawn) for task in asked]
    return Curves(tuple(points), tuple(results))


def _point(model: LanguageModel, task: EvaluationTask, shots: int, drawn: Sequence[Result]) -> Point:
    rows = [[row for row in result.items.to_pylist() if row["task"] == task.name] for result in drawn]
    correct = np.array([[row["correct"] for row in draw] for draw in rows], np.float64)
    accuracy = mean(correct.mean(0), [row["cluster"] for row in rows[0]])
    spread = float(correct.mean(1).std(ddof=1)) if len(drawn) > 1 else None
    return Point(
        model.name,
        count_parameters(model.model),
        task.name,
        task.config.language,
        shots,
        len(drawn),
        accuracy.count,
        accuracy.value,
        accuracy.error,
        spread,
        task.chance,
    )
