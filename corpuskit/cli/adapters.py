"""Commands about adapters: merge, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from corpuskit.cli.app import app, console
from corpuskit.errors import UsageError
from corpuskit.training.adapters.comparison_config import CompareConfig

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


@adapters.command()
def compare(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model's folder, such as runs/NAME/models/base.")],
    shards: Annotated[Path, typer.Argument(metavar="TOKENS", help="Its token shards, such as runs/NAME/tokens.")],
    out: Annotated[Path, typer.Option(help="Folder for the comparison.")],
    source: Annotated[str | None, typer.Option(help="Learn this source of the corpus …")] = None,
    file: Annotated[Path | None, typer.Option(help="… or the texts of this JSON Lines file.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Other settings, as in a recipe's `compare`.")
    ] = None,
) -> None:
    """Fine-tune a model in every way, and say what each gains, forgets and costs: a table and a picture."""
    from rich.markdown import Markdown

    from corpuskit.report.comparison import tables, write_comparison
    from corpuskit.training.adapters import compare as compared

    with console.status("comparing") as status:
        found = compared(
            model,
            shards,
            out,
            _comparison(source, file, set_ or []),
            watch=lambda message, done, total: status.update(f"{message} ({done} of {total})" if total else message),
        )
    write_comparison(found.value, out)
    console.print(Markdown(tables(found.value)))
    console.print(f"{out / 'comparison.md'}, {out / 'comparison.svg'}", highlight=False)


def _comparison(source: str | None, file: Path | None, options: list[str]) -> CompareConfig:
    given: dict[str, Any] = {"source": source, "file": None if file is None else str(file)}
    for option in options:
        key, sign, value = option.partition("=")
        if not sign:
            raise UsageError(f"--set {option}: write KEY=VALUE")
        given[key] = yaml.safe_load(value)
    try:
        return CompareConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{place or 'compare'}: {first['msg'].removeprefix('Value error, ')}") from error


def _weighted(text: str) -> tuple[Path, float]:
    """'path=0.7' -> (path, 0.7)"""
    folder, sign, weight = text.rpartition("=")
    if not sign:
        return Path(text), 1.0
    try:
        return Path(folder), float(weight)
    except ValueError as error:
        raise UsageError(f"'{text}': after '=' stands the adapter's weight, a number such as 0.7") from error
