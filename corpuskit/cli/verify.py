"""The command that checks a run's files against its receipts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.cli.main import app, console, shown_by
from corpuskit.errors import CorpuskitError


@app.command()
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
        result = verified(folder, shown_by(status))
    for name, what in sorted(result.damaged.items()):
        console.print(f"{what}: {name}", markup=False, highlight=False, soft_wrap=True)
    for line in result.disagreements:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for name in result.others:
        console.print(f"not of this run: {name}", markup=False, highlight=False, soft_wrap=True)
    if not result.sound:
        raise CorpuskitError(f"{folder}: {len(result.damaged)} of {result.files:,} files are not as the receipts say")
    console.print(f"{folder}: all {result.files:,} files are as the receipts say", markup=False, highlight=False)
