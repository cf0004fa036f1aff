"""Running a recipe from Python or from the command line: the run, its run.json and its report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from corpuskit import __version__, kernels
from corpuskit.engine.display import watcher
from corpuskit.engine.files import replacing
from corpuskit.engine.gate import originals
from corpuskit.engine.parts import StageCounts
from corpuskit.engine.pool import Executor, LocalPool
from corpuskit.engine.run import Outcome, Run
from corpuskit.errors import UsageError, nearest
from corpuskit.recipe.load import Recipe, load

EXECUTORS = ("local", "ray")
RECIPE = "recipe.yaml"
"""In a run's folder: the recipe that it runs."""

MANY = 10_000
"""Documents from which on a rule that none of them broke is worth a word: its limit may be a slip."""


@dataclass(frozen=True)
class RunResult:
    folder: Path
    summary: dict[str, Any]
    """What run.json holds."""


def run_recipe(
    recipe: Path | Recipe,
    *,
    overrides: Sequence[str] = (),
    folder: Path | None = None,
    workers: int | None = None,
    executor: str = "local",
    console: Console | None = None,
    overwrite: bool = False,
    recompute: Sequence[str] = (),
) -> RunResult:
    """Run a recipe, resuming what an earlier run left in the same folder (default: runs/NAME).

    The recipe as it is run, overrides and all, is in the folder's recipe.yaml from the start. run.json and the report
    are written with the corpus, and again after each job. `overwrite` (or `overwrite: true` in the recipe) lets
    finished work of other settings or input be replaced; `recompute` names stages and jobs to do again. Returns also
    where no document survived (`summary['totals']['documents_out']` is 0), with the ledger and the report written.
    Raises UsageError for a recipe that is wrong and a folder with files of others, WouldReplace where finished work is
    in the way, and CorpuskitError for a run that failed.
    """
    loaded = recipe if isinstance(recipe, Recipe) else load(recipe, overrides)
    folder = folder if folder is not None else Path("runs") / loaded.keys.name
    run = make_run(loaded, folder, workers or os.cpu_count() or 1, overwrite=overwrite, recompute=recompute)
    run.check_names()
    console = console or Console(quiet=True)
    run.watcher = watcher(console)
    if not kernels.compiled():
        console.print(
            "The first run compiles its kernels on the way, once: half a minute in all, in which stages seem slow.",
            markup=False, highlight=False,
        )  # fmt: skip
    run.executor = make_executor(executor, run.workers)
    try:
        outcome = run.execute()
    finally:
        run.executor.close()
    assert run.describe is not None
    return RunResult(folder, run.describe(outcome))


def make_run(
    recipe: Recipe, folder: Path, workers: int = 1, *, overwrite: bool = False, recompute: Sequence[str] = ()
) -> Run:
    """The run of a recipe in a folder, to be planned or executed."""
    from corpuskit.report import write

    started = _now()
    return Run(
        recipe.pipeline(),
        folder,
        workers,
        overwrite=overwrite or recipe.keys.overwrite or any(source.renews() for source in recipe.sources),
        recompute=recompute,
        begin=lambda: _write_recipe(folder / RECIPE, recipe),
        describe=lambda outcome: summarise(recipe, folder, outcome, started),
        draw=lambda: write(folder, folder / "report.html"),
    )


def _write_recipe(path: Path, recipe: Recipe) -> None:
    text = yaml.safe_dump(recipe.value, allow_unicode=True, sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")


def make_executor(name: str, workers: int) -> Executor:
    if name == "local":
        return LocalPool(workers)
    if name == "ray":
        from corpuskit.engine.ray import RayExecutor

        return RayExecutor(workers)
    raise UsageError(f"unknown executor '{name}'{nearest(name, EXECUTORS)}")


def summarise(recipe: Recipe, folder: Path, outcome: Outcome, started: str) -> dict[str, Any]:
    """The content of run.json."""
    kinds = {source.label(): source.kind for source in recipe.sources}
    order = [stage.name for stage in recipe.stages]
    stages = [
        {"stage": name, **asdict(outcome.stages[name]), "silent": silent_rules(outcome.stages[name])}
        for name in sorted(outcome.stages, key=lambda name: order.index(name) if name in order else -1)
    ]
    totals = {
        name: sum(getattr(counts, name) for counts in outcome.sources.values())
        for name in ("documents_in", "documents_out", "bytes_in", "bytes_out")
    }
    return {
        "name": recipe.keys.name,
        "folder": str(folder),
        "version": __version__,
        "started": started,
        "finished": _now(),
        "recipe": recipe.value,
        "recipe_text": recipe.text,
        "sources": [
            {"name": name, "kind": kinds.get(name), "documents": counts.documents_in, "bytes": counts.bytes_in}
            for name, counts in outcome.sources.items()
        ],
        "stages": stages,
        "quarantined": outcome.quarantined,
        "totals": {**totals, "seconds": sum(stage["seconds"] for stage in stages) + outcome.job_seconds},
        "languages": {
            code: {"documents": counts.documents_out, "bytes": counts.bytes_out}
            for code, counts in sorted(outcome.languages.items())
        },
        "by_source": {
            name: {
                "documents_in": counts.documents_in,
                "documents_out": counts.documents_out,
                "bytes_out": counts.bytes_out,
            }
            for name, counts in outcome.sources.items()
        },
        "jobs": outcome.jobs,
        "outputs": outcome.outputs,
        "unfinished": outcome.unfinished,
        "originals": originals(recipe.pipeline()),
        "corpus_digest": outcome.corpus_digest,
        "identity": outcome.identity,
    }


def silent_rules(counts: StageCounts) -> list[str]:
    """The rules of a stage that none of many documents broke."""
    return [rule for rule, broke in counts.broke.items() if not broke] if counts.documents_in >= MANY else []


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
