"""Commands of the quality rules: limits of a language, and a learned score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.drawing.terminal import console

quality = typer.Typer(no_args_is_help=True, help="Limits of a language, and a learned score, for the stage `quality`.")


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


@quality.command("limits")
def quality_limits(
    corpus: Annotated[
        list[Path],
        typer.Argument(help="Good texts in one language: a run's folder, Parquet files or JSON lines with `text`."),
    ],
    language: Annotated[
        str | None,
        typer.Option(help="Take the documents in this language; needed where there are several."),
    ] = None,
) -> None:
    """Derive the limits of a language from a sample of its texts, as `limits` for a recipe.

    They cut the share of the sample that the published limits cut of English texts (FineWeb-2's quantile method).
    """
    from corpuskit.quality import derive_limits

    texts, languages = _read_sample(corpus, language)
    derived = derive_limits(texts, languages)
    lines = [
        f"  {each.rule}: {each.limit:g}  # {each.published:g} published, which drops {each.published_cuts:.1%} of "
        f"{each.texts:,} texts; this drops {each.cuts:.1%}"
        for each in derived
    ]
    print("\n".join(["# put into the recipe: quality: {limits: {...}}", "limits:", *lines]))


def _read_sample(paths: list[Path], language: str | None) -> tuple[list[str], str | None]:
    """(texts, their language) of Parquet and JSON lines files, folders among them searched."""
    import json

    import pyarrow.parquet as pq

    from corpuskit.errors import UsageError
    from corpuskit.inputs import known_languages, language_code

    wanted = language_code(language) if language is not None else None
    texts: list[str] = []
    codes: set[str] = set()
    for path in paths:
        where = path / "corpus" if (path / "corpus").is_dir() else path
        files = sorted(file for file in where.rglob("*") if file.is_file()) if where.is_dir() else [where]
        for file in files:
            if file.suffix == ".parquet":
                table = pq.read_table(file)
                rows = table.select([name for name in ("text", "language") if name in table.schema.names]).to_pylist()
            elif file.suffix in (".jsonl", ".ndjson"):
                rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
            else:
                continue
            known = known_languages([row.get("language") for row in rows]).to_pylist()
            for row, code in zip(rows, known, strict=True):
                if isinstance(row.get("text"), str) and (wanted is None or code == wanted):
                    texts.append(row["text"])
                    codes |= {code} if code else set()
    if not texts:
        raise UsageError(f"no text{f' in {wanted}' if wanted else ''} in {', '.join(map(str, paths))}")
    if len(codes) > 1:
        raise UsageError(f"the sample is in several languages ({', '.join(sorted(codes))}): choose one with --language")
    return texts, wanted or next(iter(codes), None)
