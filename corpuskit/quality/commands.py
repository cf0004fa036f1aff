"""Commands that train the small models that stages use: a quality score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.drawing.terminal import console

quality = typer.Typer(no_args_is_help=True, help="A learned quality score for the stage `quality`.")


@quality.command("train")
def train_quality(
    good: Annotated[Path, typer.Argument(help="Texts that you want more of: JSON lines with a field `text`.")],
    bad: Annotated[Path, typer.Argument(help="Texts that you want less of.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model; its card is written next to it.")] = Path(
        "quality.npz"
    ),
    seed: Annotated[int, typer.Option(help="The same seed and files, the same model.")] = 0,
) -> None:
    """Learn to tell good texts from bad ones; use it with `quality: {model: quality.npz}`."""
    from corpuskit.quality import train_files

    report = train_files(good, bad, output, seed)
    console.print(
        f"{report.good:,} good and {report.bad:,} bad texts; unseen texts are separated with AUC {report.auc:.3f}, "
        f"accuracy {report.accuracy:.1%}, calibration error {report.calibration_error:.3f}",
        highlight=False,
    )
    console.print(f"{output}", highlight=False)
