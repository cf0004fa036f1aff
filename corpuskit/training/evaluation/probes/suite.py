"""The tasks of the probe suite, by language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corpuskit.errors import UsageError, nearest
from corpuskit.training.evaluation.probes import english, general, korean
from corpuskit.training.evaluation.task import EvaluationTask, load_tasks

DATA = Path(__file__).parent / "data"

MADE: dict[str, Callable[[], EvaluationTask]] = {
    "en-agreement": english.agreement,
    "en-determiners": english.determiners,
    "en-order": english.order,
    "ko-particles": korean.particles,
    "ko-order": korean.order,
    "copying": general.copying,
    "sequences": general.sequences,
    "arithmetic": general.arithmetic,
}
WRITTEN = ("en-facts", "en-tense", "ko-facts", "ko-honorifics", "ko-tense")


def probe_tasks(language: str | None = None, names: list[str] | None = None) -> list[EvaluationTask]:
    """The tasks of the suite: all, those of one language ('en', 'ko') with those of none, or those that are named.

    Raises UsageError for a name that the suite does not have.
    """
    known = sorted((*MADE, *WRITTEN))
    for name in names or ():
        if name not in known:
            raise UsageError(f"the probe suite has no task '{name}'{nearest(name, known)}")
    tasks = [_task(name) for name in known if names is None or name in names]
    return [task for task in tasks if language is None or task.config.language in (language, "und")]


def _task(name: str) -> EvaluationTask:
    if name in MADE:
        return MADE[name]()
    (task,) = load_tasks(DATA / f"{name}.yaml")
    return task
