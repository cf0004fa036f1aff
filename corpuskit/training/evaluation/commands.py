"""The command that evaluates models: tasks with and without examples, and what held-out text costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from corpuskit.drawing.terminal import console, status_watch
from corpuskit.errors import UsageError


def evaluate(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...", help="Folders of models, or of runs (then all of a run's models), or smollm2."
        ),
    ],
    task: Annotated[list[Path] | None, typer.Option("--task", "-t", help="A task file. Repeatable.")] = None,
    probes: Annotated[
        bool | None, typer.Option(help="Ask the built-in probe suite. Default: where no task is named.")
    ] = None,
    shots: Annotated[str, typer.Option(help="Numbers of examples before each item: 0,1,2,4,8")] = "0",
    seeds: Annotated[int, typer.Option(min=1, help="Draws of examples for each number of them.")] = 3,
    limit: Annotated[int | None, typer.Option(min=1, help="Items of each task that are asked at most.")] = None,
    adapter: Annotated[Path | None, typer.Option(help="An adapter's folder, laid over the one model named.")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Ask by the model's chat template, where it has one.")] = False,
    shards: Annotated[
        Path | None, typer.Option(help="Token shards whose held-out split is measured. Default: the run's own.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Keep results and curves in this folder.")
    ] = None,
) -> None:
    """Ask models tasks, with any number of examples, and measure what held-out text costs them."""
    from corpuskit.tokens.job import TOKENS
    from corpuskit.training.evaluation import EvaluateConfig, Place, evaluate_models, models_of_run
    from corpuskit.training.evaluation.report import write_curves
    from corpuskit.training.smollm import model_folder

    places: dict[str, Place] = {}
    for given in models:
        folder = model_folder(given)
        whole = (folder / "models").is_dir()
        given_models = models_of_run(folder) if whole else {given.resolve().name: Place(folder)}
        if not given_models:
            raise UsageError(f"{folder} is a run without a trained model")
        run = folder.resolve() if whole else folder.resolve().parent.parent
        named = whole or (run / "run.json").is_file()
        runs = f"{run.name}/" if len(models) > 1 and named else ""
        if shards is None and len(models) == 1 and (folder / TOKENS / "manifest.json").is_file():
            shards = folder / TOKENS
        for name, place in given_models.items():
            if runs + name in places:
                raise UsageError(f"two models are called '{runs + name}': give their folders different names")
            places[runs + name] = place
    if adapter is not None:
        if len(places) != 1:
            raise UsageError("--adapter is laid over one model: name one")
        places = {f"{name}+{adapter.name}": Place(place.folder, adapter) for name, place in places.items()}
    config = EvaluateConfig(
        probes=not task if probes is None else probes,
        tasks=tuple(map(str, task or ())),
        shots=_numbers(shots),
        seeds=seeds,
        limit=limit,
        chat=chat,
        held_out=shards is not None,
    )
    with console.status("evaluating") as status:
        result = evaluate_models(
            places,
            config,
            shards,
            watch=status_watch(status),
        )
    for name, model in result.models.items():
        if model.held_out is not None:
            groups = {"all": model.held_out.all, **model.held_out.by_source, **model.held_out.by_language}
            figures = [
                (group, f"{bits.bits_per_byte:.3f}", _error(bits.bits_per_byte_error, 1), f"{bits.perplexity:.1f}")
                for group, bits in groups.items()
            ]
            title = f"{name}: held-out text ({model.held_out.what})"
            _print(title, ("source or language", "bits a byte", "±", "perplexity"), figures)
    _print_tasks(result.rows())
    for name, reason in result.left_out.items():
        console.print(f"{name} was left out: {reason}", highlight=False, markup=False)
    if output is not None:
        result.write(output)
        for file in [output / "results.json", *write_curves(result.rows(), output)]:
            console.print(str(file), highlight=False, markup=False)


def _print_tasks(rows: Sequence[dict[str, Any]]) -> None:
    """A line for each task and number of examples, with a column for each model."""
    names = list(dict.fromkeys(row["model"] for row in rows))
    lines: dict[tuple[str, int], dict[str, str]] = {}
    asked: dict[tuple[str, int], tuple[str, str]] = {}
    for row in rows:
        key = (row["task"], row["shots"])
        error = "" if row["error"] is None else f" ± {100 * row['error']:.1f}"
        lines.setdefault(key, {})[row["model"]] = f"{100 * row['accuracy']:.1f} %{error}"
        asked[key] = (f"{100 * row['chance']:.0f} %", str(row["items"]))
    cells = [
        (task, str(shots), *asked[task, shots], *(of.get(name, "") for name in names))
        for (task, shots), of in lines.items()
    ]
    if cells:
        _print("tasks: right answers", ("task", "examples", "chance", "items", *names), cells)


def _numbers(shots: str) -> tuple[int, ...]:
    parts = [part.strip() for part in shots.split(",")]
    if not all(part.isdigit() for part in parts):
        raise UsageError(f"--shots {shots}: write numbers of examples with commas between, such as 0,1,2,4,8")
    return tuple(int(part) for part in parts)


def _error(value: float | None, times: float) -> str:
    return "" if value is None else f"{times * value:.{1 if times > 1 else 3}f}"


def _print(title: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
