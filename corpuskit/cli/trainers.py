"""Commands that train the small models that stages use: a quality score, toxicity, names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.cli.app import app, console

quality = typer.Typer(no_args_is_help=True, help="A learned quality score for the stage `quality`.")
toxicity = typer.Typer(no_args_is_help=True, help="The models of the stage `toxicity`.")
app.add_typer(quality, name="quality")
app.add_typer(toxicity, name="toxicity")


@quality.command("train")
def train_quality(
    good: Annotated[Path, typer.Argument(help="Texts that you want more of: JSON lines with a field `text`.")],
    bad: Annotated[Path, typer.Argument(help="Texts that you want less of.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model; its card is written beside it.")] = Path(
        "quality.npz"
    ),
    seed: Annotated[int, typer.Option(help="The same seed and files, the same model.")] = 0,
) -> None:
    """Learn to tell good texts from bad ones; use it with `quality: {model: quality.npz}`."""
    from corpuskit.quality import train_files

    report = train_files(good, bad, output, seed)
    console.print(
        f"{report.good:,} good and {report.bad:,} bad texts; unseen ones are told apart with AUC {report.auc:.3f}, "
        f"accuracy {report.accuracy:.1%}, calibration error {report.calibration_error:.3f}",
        highlight=False,
    )
    console.print(f"{output}", highlight=False)


@toxicity.command("train")
def train_toxicity(
    data: Annotated[Path, typer.Argument(help="The folder with labelled comments (`toxicity/`) and clean prose.")],
    packages: Annotated[
        Path, typer.Argument(help="The folder with the wheels that teach and the public-domain texts.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the model files go.")],
) -> None:
    """Make the toxicity models that ship again, byte for byte."""
    from corpuskit.toxicity import train

    for path in train(data, packages, output).values():
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
