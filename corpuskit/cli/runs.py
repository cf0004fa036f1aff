"""Commands that take a recipe (run, plan, schema, stages) or a finished run (report, verify)."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from corpuskit.drawing.terminal import console, foreign, print_error, status_watch
from corpuskit.errors import CorpuskitError, Incomplete, UsageError, WouldReplace, nearest
from corpuskit.recipe.terminal import Output, Override, Overwrite, RecipeFile, Recompute, print_summary


def run_folder(output: Path | None, name: str) -> Path:
    return output if output is not None else Path("runs") / name


def run(
    recipe: RecipeFile,
    set_: Override = None,
    output: Output = None,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=0, help="Processes that work side by side; 0 takes one a core.")
    ] = 0,
    executor: Annotated[str, typer.Option(help="`local`, or `ray` for the cluster that RAY_ADDRESS names.")] = "local",
    overwrite: Overwrite = False,
    recompute: Recompute = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 where pages could not be fetched or records not be read.")
    ] = False,
) -> None:
    """Run a recipe, or go on with a run that was stopped.

    Steps whose results are there are not run again: after a crash, Ctrl-C or a changed setting, the same command
    goes on from where it must, and ends in the same bytes. Finished work that was made of other settings or input is
    replaced only with --overwrite; without it the command says what differs and exits with 3.
    """
    from corpuskit.recipe.execute import RunResult, run_recipe

    started = time.time()

    def once(overwrite: bool) -> RunResult:
        return run_recipe(
            recipe,
            overrides=set_ or [],
            folder=output,
            workers=workers or os.cpu_count() or 1,
            executor=executor,
            console=console,
            overwrite=overwrite,
            recompute=recompute or [],
        )

    try:
        result = once(overwrite)
    except WouldReplace as refusal:
        if not (sys.stdin.isatty() and console.is_terminal):
            raise
        console.print(str(refusal), markup=False, highlight=False)
        if not typer.confirm("Replace it?"):
            raise
        result = once(True)
    print_summary(result.summary, time.time() - started)
    if not result.summary["totals"]["documents_out"]:
        raise CorpuskitError(
            f"no document survived; {result.folder}/ledger says why, and 'corpuskit what-if' what would help"
        )
    open_ = sum(result.summary["unfinished"].values())
    if strict and (open_ or result.summary["quarantined"]):
        raise Incomplete(
            f"{open_:,} pages could not be fetched, and {result.summary['quarantined']:,} records could not be read"
        )


def plan(
    recipe: RecipeFile,
    set_: Override = None,
    output: Output = None,
    overwrite: Overwrite = False,
    recompute: Recompute = None,
) -> None:
    """Say what `run` would do, and what is already done."""
    from corpuskit.engine.plan import notes
    from corpuskit.engine.plan import plan as planned
    from corpuskit.recipe.execute import make_run
    from corpuskit.recipe.load import load

    loaded = load(recipe, set_ or [])
    folder = run_folder(output, loaded.keys.name)
    table = Table(title=f"{loaded.keys.name} → {folder}", title_justify="left", box=None, padding=(0, 2))
    for heading in ("step", "tasks", "already done", ""):
        table.add_column(heading, justify="left" if heading in ("step", "") else "right")
    run = make_run(loaded, folder, overwrite=overwrite, recompute=recompute or [])
    for state in planned(run):
        tasks = "?" if state.tasks is None else str(state.tasks)
        note = state.note or ("done" if state.tasks is not None and state.done == state.tasks else "would run")
        table.add_row(state.name, tasks, str(state.done), note)
    console.print(table)
    for line in notes(run):
        console.print(foreign(line), soft_wrap=True)


def schema() -> None:
    """Print the recipe's JSON schema, with which editors complete and check recipes."""
    from corpuskit.recipe.schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def stages(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One source, stage or key, such as `jsonl`. Default: all.")
    ] = None,
) -> None:
    """List the sources, stages and job keys that a recipe may name, or one of them, with their settings."""
    from corpuskit.recipe.schema import described

    known = described()
    groups = {"sources": known.sources, "stages": known.stages, "keys": known.keys}
    names = [entry.key for entries in groups.values() for entry in entries]
    if name is not None and name not in names:
        broken = f"; it cannot be used ({known.broken[name]})" if name in known.broken else ""
        raise UsageError(f"no source, stage or key '{name}'{broken or nearest(name, names)}")
    for heading, entries in groups.items():
        chosen = [entry for entry in entries if name in (None, entry.key)]
        if chosen:
            console.rule(f"[bold]{heading}", align="left")
        for entry in chosen:
            console.print(f"[bold]{entry.key}[/]  {entry.summary}", highlight=False)
            table = Table(box=None, padding=(0, 2), show_header=False)
            for setting in entry.settings:
                table.add_row("", f"[cyan]{setting.name}[/]", setting.default, setting.help)
            console.print(table)
    if name is None:
        for broken, reason in known.broken.items():
            print_error("[yellow]cannot be used:[/] ", f"{broken}: {reason}")


def report(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest in runs/.")
    ] = None,
) -> None:
    """Draw a finished run again as one HTML page."""
    from corpuskit.engine.ledger import newest_run, open_run
    from corpuskit.report import write

    folder = run or newest_run()
    open_run(folder)
    write(folder, folder / "report.html")
    console.print(f"{folder / 'report.html'}", highlight=False)


def verify(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest in runs/.")
    ] = None,
) -> None:
    """Check every file of a run against its receipts: corpus, ledger, tokens, models, evaluations, audits.

    Exits with 1 where a file is missing, cut short or changed; running the recipe again makes what is missing or short.
    """
    from corpuskit.engine.ledger import newest_run
    from corpuskit.engine.verify import verify as verified

    folder = run or newest_run()
    with console.status("verifying") as status:
        result = verified(folder, status_watch(status))
    for name, what in sorted(result.damaged.items()):
        console.print(f"{what}: {name}", markup=False, highlight=False, soft_wrap=True)
    for line in result.disagreements:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for name in result.others:
        console.print(f"not of this run: {name}", markup=False, highlight=False, soft_wrap=True)
    if not result.sound:
        raise CorpuskitError(f"{folder}: {len(result.damaged)} of {result.files:,} files are not as the receipts say")
    console.print(f"{folder}: all {result.files:,} files are as the receipts say", markup=False, highlight=False)
