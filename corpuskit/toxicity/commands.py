"""Commands of the feature toxicity: score a text, and make the models that ship again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.drawing.terminal import console

toxicity = typer.Typer(no_args_is_help=True, help="The models of the stage `toxicity`.")


@toxicity.command("train")
def train_toxicity(
    data: Annotated[Path, typer.Argument(help="The folder with labelled comments (`toxicity/`) and clean prose.")],
    packages: Annotated[
        Path | None, typer.Argument(help="The folder with the wheels that teach English and the public-domain texts.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the model files and their cards go.")] = Path(
        "toxicity-models"
    ),
    language: Annotated[str | None, typer.Option(help="en or ko alone. Korean needs no packages.")] = None,
    linear: Annotated[
        Path | None, typer.Option(help="A folder with model files: keep their linear models, make the context models.")
    ] = None,
) -> None:
    """Make the toxicity models that ship again, and their cards."""
    from corpuskit.toxicity import train

    for path in train(data, packages, output, [language] if language else ["en", "ko"], linear).values():
        console.print(f"{path}", highlight=False)


@toxicity.command("score")
def score_text(
    text: Annotated[str, typer.Argument(help="A text.")],
    language: Annotated[str | None, typer.Option(help="en or ko. Default: by its script.")] = None,
) -> None:
    """Score one text, label by label."""
    from corpuskit.toxicity import score

    for label, value in score([text], language).to_pylist()[0].items():
        if value is not None:
            console.print(f"{label:18} {value:.3f}", highlight=False)
