"""Commands that audit a model, and those that train the small models that stages use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.cli.app import app, console
from corpuskit.engine.ledger import newest_run
from corpuskit.errors import CorpuskitError


@app.command()
def audit(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest.")] = None,
    model: Annotated[Path | None, typer.Option(help="Another causal model folder with the run's tokenizer.")] = None,
    windows: Annotated[int, typer.Option(min=1, help="Windows of training text to test, and of held-out text.")] = 2000,
    prefix: Annotated[int, typer.Option(min=1, help="Tokens that the model is given.")] = 32,
    suffix: Annotated[int, typer.Option(min=1, help="Tokens that it must complete verbatim.")] = 32,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: RUN/audits/NAME of the model.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="Exit 1 where it holds: 'extraction.train.high > 0.001'. Repeatable."),
    ] = None,
) -> None:
    """Measure what a model memorised of a run's training text."""
    from corpuskit.memorization import AuditConfig
    from corpuskit.memorization import audit as measure
    from corpuskit.memorization.gate import check
    from corpuskit.recipe.jobs.job import AUDIT, BASE, TOKENS

    folder = run or newest_run()
    chosen = model or folder / BASE
    target = output or folder / AUDIT / f"{chosen.name}-{prefix}-{suffix}"
    plan = folder / "canaries.json"
    config = AuditConfig(windows=windows, prefix=prefix, suffix=suffix)
    with console.status("auditing") as status:
        result = measure(
            chosen,
            folder / TOKENS,
            target,
            config,
            canaries=plan if plan.exists() else None,
            watch=lambda message, done, total, **_: status.update(f"{message}: {done:,} of {total:,}"),
        )
    console.print(result.sentence(), highlight=False)
    console.print(f"{target}/summary.json", highlight=False)
    for condition in fail_if or []:
        found = check(result.value, condition)
        if found is not None:
            raise CorpuskitError(f"the audit fails: {condition}, and it is {found:.6g}")
