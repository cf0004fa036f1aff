"""Commands about extraction: read one page, and make the model that ships again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from corpuskit.drawing.terminal import console

extraction = typer.Typer(no_args_is_help=True, help="The extractor behind the stage `extract`.")


@extraction.command("page")
def extract_page(
    file: Annotated[Path, typer.Argument(help="A page or document as fetched.")],
    url: Annotated[str | None, typer.Option(help="Its address.")] = None,
    media_type: Annotated[str | None, typer.Option(help="Its HTTP Content-Type.")] = None,
    format: Annotated[Literal["text", "markdown"], typer.Option(help="How the text is written.")] = "text",
    facts: Annotated[bool, typer.Option("--facts", help="Show what the page says of itself, not the text.")] = False,
) -> None:
    """Extract one page or document."""
    from corpuskit.errors import CorpuskitError
    from corpuskit.extract import Sandbox, Unreadable

    with Sandbox() as sandbox:
        try:
            found = sandbox.extract(file.read_bytes(), url or file.name, media_type, format=format)
        except Unreadable as error:
            raise CorpuskitError(f"{file}: {error}") from None
    if not facts:
        console.print(found.text, highlight=False, markup=False, soft_wrap=True)
        return
    for name in ("method", "page_type", "expected_f1", "charset", "rights"):
        console.print(f"{name:14} {getattr(found, name)}", highlight=False, markup=False)
    for one in found.evidence:
        console.print(
            f"{one['field']:14} {one['confidence']:.2f}  {one['value']}  ({one['source']})",
            highlight=False,
            markup=False,
        )


@extraction.command("train")
def train_extractor(
    pages: Annotated[Path, typer.Argument(help="Folder of pages: `NAME.html` or `NAME.html.gz` at any depth.")],
    gold: Annotated[
        Path, typer.Argument(help="Their true texts: JSON lines with file, url, type, text; or a folder with such.")
    ],
    prose: Annotated[
        list[Path] | None,
        typer.Option(help="Korean prose for pages of our own: folders of Markdown, or JSON-lines files."),
    ] = None,
    made: Annotated[int, typer.Option(help="Korean pages of our own.")] = 500,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model's file.")] = Path("extractor.npz"),
) -> None:
    """Train the extractor, and print its word F1 on pages that it has not seen, by type."""
    from corpuskit.extract.making.train import made_examples, read_gold, train

    examples = read_gold(pages, gold)
    own = made_examples(prose or [], examples, made)
    scores = train([*examples, *own], output, lambda line: console.print(line, highlight=False))
    for name, by_group in scores.items():
        told = "  ".join(f"{group} {value:.3f}" for group, value in by_group.items())
        console.print(f"{name:12} {told}", highlight=False, soft_wrap=True)
