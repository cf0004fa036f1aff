"""The key `evaluate`: what the trained models can do, and what held-out text costs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.tokens.job import TOKENS
from corpuskit.training.adapters.job import adapter_folder
from corpuskit.training.evaluation import EvaluateConfig
from corpuskit.training.evaluation.config import EVALUATIONS
from corpuskit.training.evaluation.side_by_side import tasks_of
from corpuskit.training.instruct.job import language_models
from corpuskit.training.job import BASE


def _jobs(config: EvaluateConfig, sections: Sections) -> Iterator[Job]:
    tasks_of(config)  # a mistake in a task shows before anything has run
    models = [BASE]
    if sections.get("adapt") is not None:
        models.append(adapter_folder(sections["adapt"]))
    if sections.get("instruct") is not None:
        models += language_models(sections["instruct"])
    yield Job(
        "evaluation",
        EVALUATIONS,
        version=2,
        settings=settings_of(config),
        reads=(*models, TOKENS),
        libraries=("torch", "transformers"),
        inputs=tuple(Path(path) for path in config.tasks),
        work=lambda folder, watch: _evaluate(folder, models, config, watch),
    )


def _evaluate(folder: Path, models: Sequence[str], config: EvaluateConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.tokens import read_manifest
    from corpuskit.training.evaluation import evaluate_models, models_of_run
    from corpuskit.training.evaluation.report import write_curves

    shards = folder / TOKENS if read_manifest(folder / TOKENS).held_out.documents else None
    evaluations = evaluate_models(models_of_run(folder, BASE, only=models), config, shards, watch=watch)
    evaluations.write(folder / EVALUATIONS)
    write_curves(evaluations.rows(), folder / EVALUATIONS)
    return {"says": evaluations.sentence(), **evaluations.json()}


KEY = JobKey(
    "evaluate",
    summary="Evaluate the trained models on tasks, and measure how well they predict held-out text.",
    settings=EvaluateConfig,
    needs="train",
    jobs=_jobs,
)
