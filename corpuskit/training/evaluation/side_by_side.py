"""Evaluate the models of a run, or any others, side by side: held-out bits and tasks, kept in one folder.

evaluations/
  results.json          by model: held-out bits by source and language, accuracies, and models left out with the reason
  curves.parquet        row by model, task and number of examples (`Point`)
  NAME/items.parquet    row by item: what the model NAME made of it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import read_json, write_json
from corpuskit.engine.ledger import job_folders
from corpuskit.engine.progress import Watch, silent
from corpuskit.engine.run_jobs import BEGUN
from corpuskit.engine.run_receipt import RECEIPT
from corpuskit.errors import UsageError
from corpuskit.training.evaluation.config import EvaluateConfig
from corpuskit.training.evaluation.curves import Curves, shot_curves
from corpuskit.training.evaluation.held_out import HeldOutBits, held_out_bits
from corpuskit.training.evaluation.language_model import LanguageModel, open_model
from corpuskit.training.evaluation.probes import probe_tasks
from corpuskit.training.evaluation.task import EvaluationTask, load_tasks

LANGUAGE_MODELS = ("CausalLM", "LMHeadModel", "MaskedLM", "ConditionalGeneration")
"""How the names of the classes end that predict tokens; a reward model's does not."""


@dataclass(frozen=True)
class Place:
    """Where a model lies, with an adapter over it or without."""

    folder: Path
    adapter: Path | None = None


@dataclass(frozen=True)
class Evaluated:
    """One model's figures."""

    held_out: HeldOutBits | None
    curves: Curves


@dataclass(frozen=True)
class Evaluations:
    models: Mapping[str, Evaluated]
    left_out: Mapping[str, str]
    """Models that could not be evaluated, and why."""

    def rows(self) -> list[dict[str, Any]]:
        """The points of all models' curves, as plain values."""
        return [row for model in self.models.values() for row in model.curves.rows()]

    def json(self) -> dict[str, Any]:
        return {
            "models": {
                name: {
                    "held_out": None if model.held_out is None else model.held_out.json(),
                    "tasks": model.curves.rows(),
                }
                for name, model in self.models.items()
            },
            "left_out": dict(self.left_out),
        }

    def sentence(self) -> str:
        """The figures in words: mean accuracy over tasks at the most examples asked, and bits per byte."""
        parts = []
        for name, model in self.models.items():
            points = model.curves.points
            most = max((point.shots for point in points), default=0)
            at_most = [point.accuracy for point in points if point.shots == most]
            figures = [] if model.held_out is None else [f"{model.held_out.all.bits_per_byte:.3f} bits a byte"]
            if at_most:
                shown = f" with {most} examples" if most else ""
                figures.append(f"{100 * sum(at_most) / len(at_most):.1f} % of {len(at_most)} tasks{shown}")
            parts.append(f"{name}: {', '.join(figures)}")
        return "; ".join([*parts, *(f"{name} was left out" for name in self.left_out)])

    def write(self, folder: str | Path) -> None:
        """results.json, curves.parquet and the items of each model."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "results.json", self.json())
        if rows := self.rows():
            pq.write_table(pa.Table.from_pylist(rows), folder / "curves.parquet")
        for name, model in self.models.items():
            if model.curves.results:
                (folder / name).mkdir(parents=True, exist_ok=True)
                tables = [result.items for result in model.curves.results]
                pq.write_table(pa.concat_tables(tables), folder / name / "items.parquet")


def evaluate_models(
    models: Mapping[str, Place],
    config: EvaluateConfig,
    shards: str | Path | None = None,
    *,
    watch: Watch = silent,
) -> Evaluations:
    """Every model's held-out bits (where `shards` are given and hold text out) and accuracies.

    A model that cannot do what is asked (an encoder and a task of writing) is left out with the reason; where that
    leaves none, it is raised.
    """
    tasks = tasks_of(config)
    evaluated, left_out = {}, {}
    for name, place in models.items():
        watch(f"evaluating {name}", 0, 0)
        try:
            model = replace(open_model(place.folder, place.adapter), name=name)
            evaluated[name] = _evaluated(model, tasks, config, shards, watch)
        except UsageError as error:
            if len(models) == 1:
                raise
            left_out[name] = str(error)
    if models and not evaluated:
        raise UsageError("no model could be evaluated: " + "; ".join(left_out.values()))
    return Evaluations(evaluated, left_out)


def tasks_of(config: EvaluateConfig) -> list[EvaluationTask]:
    """The tasks that a configuration names. Raises UsageError where two have one name."""
    tasks = probe_tasks() if config.probes else []
    for path in config.tasks:
        tasks += load_tasks(path)
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two tasks are called '{name}': give one of them another name")
    return tasks


def models_of_run(
    folder: str | Path, base: str = "models/base", only: Collection[str] | None = None
) -> dict[str, Place]:
    """The language models of a run's folder by name: its base, adapters on it, and what was tuned from it.

    `only`: their folders in the run's. By default those that the recipe of the run's last execution names, and those
    that no recipe made; a model of an earlier recipe is not among them.
    """
    folder = Path(folder)
    current = job_folders(folder) if only is None else set(only)
    places = {}
    for place in sorted((folder / base).parent.iterdir()) if (folder / base).parent.is_dir() else []:
        of_recipe = only is not None or (place / RECEIPT).exists() or (place / BEGUN).exists()
        if current is not None and of_recipe and place.relative_to(folder).as_posix() not in current:
            continue
        if (place / "adapter_config.json").is_file():
            places[place.name] = Place(_base_of(place) or folder / base, place)
        elif _is_language_model(place):
            places[place.name] = Place(place)
    return dict(sorted(places.items(), key=lambda item: (item[0] != Path(base).name, item[0])))


def _is_language_model(folder: Path) -> bool:
    settings = read_json(folder / "config.json")
    architectures = settings.get("architectures") or [] if isinstance(settings, dict) else []
    return any(name.endswith(LANGUAGE_MODELS) for name in architectures)


def _base_of(adapter: Path) -> Path | None:
    """The folder of the model that an adapter was trained on, if it still exists."""
    settings = read_json(adapter / "adapter.json")
    base = settings.get("base_folder") if isinstance(settings, dict) else None
    return Path(base) if base and (Path(base) / "config.json").is_file() else None


def _evaluated(
    model: LanguageModel,
    tasks: Sequence[EvaluationTask],
    config: EvaluateConfig,
    shards: str | Path | None,
    watch: Watch,
) -> Evaluated:
    held_out = None
    if config.held_out and shards is not None:
        held_out = held_out_bits(model, shards, tokens=config.held_out_tokens, watch=watch)
    curves = Curves((), ())
    if tasks:
        chat = config.chat and model.chat is not None
        curves = shot_curves(
            [model], tasks, shots=config.shots, seeds=config.seeds, limit=config.limit, chat=chat, watch=watch
        )
    return Evaluated(held_out, curves)
