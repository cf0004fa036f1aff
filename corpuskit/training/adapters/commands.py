"""Commands about adapters: tune, merge, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import yaml
from pydantic import ValidationError

from corpuskit.drawing.terminal import console, status_watch
from corpuskit.engine.stage import Configured
from corpuskit.engine.wording import worded
from corpuskit.errors import UsageError
from corpuskit.training.adapters.config import CompareConfig

Config = TypeVar("Config", bound=Configured)

adapters = typer.Typer(no_args_is_help=True, help="Fine-tune a model, merge adapters into it, compare the ways.")


Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another setting, as in a recipe. Repeatable.")
]


@adapters.command()
def tune(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model's folder (Hugging Face layout), or smollm2.")],
    file: Annotated[
        Path,
        typer.Argument(metavar="TEXTS", help='JSON lines: {"text"}, {"prompt", "answer"} or {"messages"} in each.'),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the adapter (or the model).")],
    method: Annotated[str, typer.Option(help="lora, bottleneck, prefix, prompt; full, last_layer, head.")] = "lora",
    length: Annotated[int, typer.Option(min=16, help="Tokens of a window; fewer where the model reads fewer.")] = 256,
    hold_out: Annotated[float, typer.Option(help="Share of the texts that is kept to measure on.")] = 0.1,
    set_: Set = None,
) -> None:
    """Fine-tune any model on a file of texts, and say what it gained there and lost elsewhere."""
    from corpuskit.training.adapters import AdaptConfig
    from corpuskit.training.adapters import tune as tuned
    from corpuskit.training.smollm import model_folder

    config = _settings(AdaptConfig, "adapt", {"method": method}, set_ or [])
    if not 0 < hold_out < 1:
        raise UsageError(f"--hold-out {hold_out}: a share between 0 and 1")
    with console.status("tuning") as status:
        tuning = tuned(
            model_folder(model),
            file,
            out,
            config,
            sequence_length=length,
            hold_out=hold_out,
            watch=status_watch(status),
        )
    console.print(f"{out}: {tuning.sentence()}", highlight=False, markup=False)


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
    """Write the model that LoRA adapters make of their base: W + the sum of their weighted changes."""
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
    set_: Set = None,
) -> None:
    """Fine-tune a model in every way, and say what each gains, forgets and costs: a table and a picture."""
    from rich.markdown import Markdown

    from corpuskit.training.adapters import compare as compared
    from corpuskit.training.adapters.report import tables, write_comparison

    with console.status("comparing") as status:
        comparison = compared(
            model,
            shards,
            out,
            _settings(
                CompareConfig, "compare", {"source": source, "file": None if file is None else str(file)}, set_ or []
            ),
            watch=status_watch(status),
        )
    write_comparison(comparison.value, out)
    console.print(Markdown(tables(comparison.value)))
    console.print(f"{out / 'comparison.md'}, {out / 'comparison.svg'}", highlight=False)


def _settings(kind: type[Config], key: str, given: dict[str, Any], options: list[str]) -> Config:
    for option in options:
        name, sign, value = option.partition("=")
        if not sign:
            raise UsageError(f"--set {option}: write KEY=VALUE")
        given[name] = yaml.safe_load(value)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{place or key}: {worded(kind, first, first['loc'])}") from error


def _weighted(text: str) -> tuple[Path, float]:
    """'path=0.7' -> (path, 0.7)"""
    folder, sign, weight = text.rpartition("=")
    if not sign:
        return Path(text), 1.0
    try:
        return Path(folder), float(weight)
    except ValueError as error:
        raise UsageError(f"'{text}': write the adapter's weight after '=', a number such as 0.7") from error
