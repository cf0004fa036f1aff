"""Commands about the index of documents that earlier runs kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.drawing.terminal import console
from corpuskit.errors import UsageError

index = typer.Typer(no_args_is_help=True, help="Look after the index that `near_duplicates: {index: FOLDER}` keeps.")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The index's folder, as the recipe names it.")]


@index.command()
def show(folder: Folder) -> None:
    """Say how many documents the index holds, in how many batches, and for which shingles and bands."""
    from corpuskit.duplicates import Index

    opened = Index.open(folder)
    settings = ", ".join(f"{name} {value}" for name, value in opened.settings.items())
    deleted = len(opened.kept().deleted)
    console.print(
        f"{opened.count():,} documents in {len(opened.kept().batches)} batches ({settings})"
        + (f"; {deleted:,} more are deleted, and 'corpuskit index compact {folder}' takes them out" if deleted else ""),
        highlight=False,
    )


@index.command()
def delete(
    folder: Folder,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of documents.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file of ids, one a line.")] = None,
) -> None:
    """Forget documents: later ones that resemble them are kept again."""
    from corpuskit.duplicates import Index

    wanted = list(ids or [])
    if file is not None:
        try:
            wanted += file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: cannot be read as a list of ids: {error}") from error
    if not wanted:
        raise UsageError("name the documents to forget: ids, or --file with one id a line")
    found = Index.open(folder).delete(wanted)
    console.print(f"forgot {found:,} of {len(set(wanted)):,} documents", highlight=False)


@index.command()
def compact(folder: Folder) -> None:
    """Make one batch of all, without the documents that were deleted."""
    from corpuskit.duplicates import Index

    opened = Index.open(folder)
    opened.compact()
    console.print(f"{opened.count():,} documents in one batch", highlight=False)
