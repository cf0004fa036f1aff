"""What the commands that run recipes share: their options, and the closing table of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from corpuskit.drawing.terminal import console
from corpuskit.engine.progress import megabytes

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
