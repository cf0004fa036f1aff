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
    """List the deliveries that the index holds, with their sizes, and what shingles and bands it was made for."""
    from corpuskit.duplicates import Index

    opened = Index.open(folder)
    deliveries = opened.deliveries()
    settings = ", ".join(f"{name} {value}" for name, value in opened.settings.items())
    deleted = sum(len(each.deleted) for each in deliveries)
    console.print(
        f"{opened.count():,} documents in {len(deliveries)} deliveries ({settings})"
        + (f"; {deleted:,} more are deleted, and 'corpuskit index compact {folder}' takes them out" if deleted else ""),
        highlight=False,
    )
    for each in deliveries:
        size = sum(path.stat().st_size for path in (folder / each.batch).iterdir())
        console.print(f"  {each.name}  {each.documents:,} documents, {size / 1e6:,.1f} MB", highlight=False)


@index.command()
def withdraw(folder: Folder, name: Annotated[str, typer.Argument(help="The delivery.")]) -> None:
    """Forget a whole delivery: later documents that resemble its documents are kept again."""
    from corpuskit.duplicates import Index

    gone = Index.open(folder).withdraw(name)
    console.print(f"withdrew the delivery '{gone.name}' with its {gone.documents:,} documents", highlight=False)


@index.command()
def sizes(
    folder: Folder,
    output: Annotated[Path, typer.Option("--output", "-o", help="A Parquet file.")] = Path("sizes.parquet"),
) -> None:
    """Write the size of each kept document's cluster, counted over all deliveries, for weighting a sample."""
    import pyarrow.parquet as pq

    from corpuskit.duplicates import Index

    table = Index.open(folder).sizes()
    pq.write_table(table, output)
    console.print(f"{table.num_rows:,} documents in {output}", highlight=False)


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
    """Take the documents that were deleted out of the files."""
    from corpuskit.duplicates import Index

    opened = Index.open(folder)
    opened.compact()
    console.print(f"{opened.count():,} documents in {len(opened.deliveries())} deliveries", highlight=False)
