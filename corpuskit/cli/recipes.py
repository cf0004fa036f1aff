"""Commands that take a recipe: run, plan, schema; and report, which draws a finished run."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from corpuskit.cli.main import app, console
from corpuskit.engine.progress import megabytes
from corpuskit.errors import CorpuskitError, Incomplete, UsageError, WouldReplace, nearest

RecipeFile = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="A recipe: a YAML file such as those in pipelines/.")
]
Override = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change one value: --set near_duplicates.threshold=0.7. Repeatable."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace finished work that was made of other settings or input.")
]
Recompute = Annotated[
    list[str] | None,
    typer.Option("--recompute", metavar="STAGE", help="Do a stage or job again though nothing changed. Repeatable."),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The run's folder. Default: runs/NAME.")]


SHOWN_RULES = 5


def run_folder(output: Path | None, name: str) -> Path:
    return output if output is not None else Path("runs") / name


@app.command()
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


@app.command()
def plan(
    recipe: RecipeFile,
    set_: Override = None,
    output: Output = None,
    overwrite: Overwrite = False,
    recompute: Recompute = None,
) -> None:
    """Say what `run` would do, and what is already done."""
    from corpuskit.engine.plan import plan as planned
    from corpuskit.recipe.execute import make_run
    from corpuskit.recipe.load import load

    loaded = load(recipe, set_ or [])
    folder = run_folder(output, loaded.keys.name)
    table = Table(title=f"{loaded.keys.name} → {folder}", title_justify="left", box=None, padding=(0, 2))
    for heading in ("step", "tasks", "already done", ""):
        table.add_column(heading, justify="left" if heading in ("step", "") else "right")
    for state in planned(make_run(loaded, folder, overwrite=overwrite, recompute=recompute or [])):
        tasks = "?" if state.tasks is None else str(state.tasks)
        note = state.note or ("done" if state.tasks is not None and state.done == state.tasks else "would run")
        table.add_row(state.name, tasks, str(state.done), note)
    console.print(table)


@app.command()
def schema() -> None:
    """Print the recipe's JSON schema, with which editors complete and check recipes."""
    from corpuskit.recipe.schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def stages(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One source or stage, such as `jsonl`. Default: all.")
    ] = None,
) -> None:
    """List the sources and stages that a recipe may name, or one of them, with their settings."""
    from corpuskit.recipe.schema import described

    known = described()
    names = [entry.key for entries in known.values() for entry in entries]
    if name is not None and name not in names:
        raise UsageError(f"no source or stage '{name}'{nearest(name, names)}")
    for what, entries in known.items():
        chosen = [entry for entry in entries if name in (None, entry.key)]
        if chosen:
            console.rule(f"[bold]{what}", align="left")
        for entry in chosen:
            console.print(f"[bold]{entry.key}[/]  {entry.summary}", highlight=False)
            table = Table(box=None, padding=(0, 2), show_header=False)
            for setting in entry.settings:
                table.add_row("", f"[cyan]{setting.name}[/]", setting.default, setting.help)
            console.print(table)


@app.command()
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


def print_summary(summary: dict[str, Any], seconds: float) -> None:
    """The closing table of a run: what came in, what each rule dropped, what came out."""
    totals = summary["totals"]
    title = f"{summary['name']}: what became of {totals['documents_in']:,} documents"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    rows = [
        (
            stage["stage"],
            f"{stage['documents_in']:,}",
            f"{sum(stage['dropped'].values()):,}" if stage["dropped"] else "",
            "\n".join(_rules(stage)),
            f"{stage['documents_out']:,}",
            megabytes(stage["bytes_out"]),
        )
        for stage in summary["stages"]
    ]
    headings = ("stage", "in", "dropped", "by rule", "out", "text")
    widths = [max([len(heading), *(len(row[place]) for row in rows)]) for place, heading in enumerate(headings)]
    taken = sum(width for heading, width in zip(headings, widths, strict=True) if heading != "by rule")
    room = max(12, console.width - taken - 2 * len(headings))
    for heading, width in zip(headings, widths, strict=True):
        words = heading in ("stage", "by rule")
        narrowest = None if heading == "by rule" else width
        table.add_column(heading, justify="left" if words else "right", no_wrap=True, min_width=narrowest)
    for row in rows:
        # A rule's name is never cut: people copy it into --set.
        folded = [line[at : at + room] for line in row[3].split("\n") for at in range(0, max(1, len(line)), room)]
        table.add_row(*row[:3], "\n".join(folded), *row[4:])
    console.print(table)
    for stage in summary["stages"]:
        if stage["silent"]:
            console.print(
                f"[yellow]never broken[/] by any of {stage['documents_in']:,} documents: {', '.join(stage['silent'])}. "
                "Is the limit what was meant?",
                highlight=False,
            )
    if summary["quarantined"]:
        where = f"{summary['folder']}/ledger/quarantine"
        records = "1 record" if summary["quarantined"] == 1 else f"{summary['quarantined']:,} records"
        console.print(f"{records} could not be read; why is in {where}", highlight=False)
    for name, job in summary["jobs"].items():
        if job.get("says"):
            console.print(f"[bold]{name}:[/] {job['says']}", highlight=False)
    console.print(
        f"kept {totals['documents_out']:,} of {totals['documents_in']:,} documents "
        f"({megabytes(totals['bytes_out'])} of text) in {seconds:.0f} s",
        highlight=False,
    )
    console.print(f"corpus digest {summary['corpus_digest']}", highlight=False)
    console.print(f"open [bold]{summary['folder']}/report.html[/]", highlight=False)


def _rules(stage: dict[str, Any]) -> list[str]:
    """The rules that dropped most in a stage, a line each, and how many documents it rewrote."""
    counts = sorted(stage["dropped"].items(), key=lambda item: -item[1])
    lines = [f"{count:,} {name.removeprefix(stage['stage'] + '.')}" for name, count in counts[:SHOWN_RULES]]
    if len(counts) == SHOWN_RULES + 1:  # a line that counts one rule is no shorter than the rule's own
        lines.append(f"{counts[-1][1]:,} {counts[-1][0].removeprefix(stage['stage'] + '.')}")
    elif len(counts) > SHOWN_RULES:
        rest = sum(count for _, count in counts[SHOWN_RULES:])
        lines.append(f"{rest:,} by {len(counts) - SHOWN_RULES} other rules together")
    if stage["changed"]:
        lines.append(f"{stage['changed']:,} rewritten")
    return lines
