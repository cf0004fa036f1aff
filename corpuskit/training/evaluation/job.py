"""The key `evaluate`: what the trained models can do, and what held-out text costs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.files import file_digest
from corpuskit.engine.job import BASE, TOKENS, FolderJob, JobKey, Sections
from corpuskit.engine.pipeline import Job
from corpuskit.engine.progress import Watch
from corpuskit.training.evaluation import EvaluateConfig
from corpuskit.training.evaluation.side_by_side import tasks_of

EVALUATIONS = "evaluations"
TUNING = ("train", "adapt", "instruct")
"""Keys whose models are evaluated: other settings for one of them make another evaluation."""


def _jobs(config: EvaluateConfig, sections: Sections) -> Iterator[Job]:
    tasks_of(config)  # a mistake in a task shows before anything has run
    settings = config.model_dump(mode="json")
    settings["files"] = [file_digest(Path(path)) for path in config.tasks]
    settings["models"] = {key: _plain(sections.get(key)) for key in TUNING}
    yield FolderJob(
        "evaluation", EVALUATIONS, settings, (EvaluateConfig,), lambda folder, watch: _evaluate(folder, config, watch)
    )


def _plain(section: Any) -> Any:
    return None if section is None else section.model_dump(mode="json")


def _evaluate(folder: Path, config: EvaluateConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.tokens import read_manifest
    from corpuskit.training.evaluation import evaluate_models, models_of_run
    from corpuskit.training.evaluation.pictures import write_curves

    shards = folder / TOKENS if read_manifest(folder / TOKENS).held_out.documents else None
    evaluations = evaluate_models(models_of_run(folder, BASE), config, shards, watch=watch)
    evaluations.write(folder / EVALUATIONS)
    write_curves(evaluations.rows(), folder / EVALUATIONS)
    return {"says": evaluations.sentence(), **evaluations.json()}


KEY = JobKey("evaluate", needs="train", jobs=_jobs)
