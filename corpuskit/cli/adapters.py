"""Commands about adapters: merge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.cli.app import app, console
from corpuskit.errors import UsageError

adapters = typer.Typer(no_args_is_help=True, help="Merge adapters into their model, and compare the ways to fine-tune.")
app.add_typer(adapters, name="adapters")


@adapters.command()
def merge(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="A model's folder, such as runs/NAME/models/base.")],
    weighted: Annotated[
        list[str],
        typer.Argument(
            metavar="ADAPTER[=WEIGHT]...", help="Folders of LoRA adapters with their weights; 1 without one."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the merged model.")],
) -> None:
    """Write the model that LoRA adapters make of their base: W + the sum of their weighted changes, nothing beside."""
    from corpuskit.training.adapters import merge as merged

    result = merged(base, [_weighted(text) for text in weighted], out)
    console.print(f"{result.folder}: {result.sentence()}", highlight=False, markup=False)


def _weighted(text: str) -> tuple[Path, float]:
    """'path=0.7' -> (path, 0.7)"""
    folder, sign, weight = text.rpartition("=")
    if not sign:
        return Path(text), 1.0
    try:
        return Path(folder), float(weight)
    except ValueError as error:
        raise UsageError(f"'{text}': after '=' stands the adapter's weight, a number such as 0.7") from error
