"""The command `corpuskit tokens stats`, and how commands find a run's shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from corpuskit.drawing.terminal import console
from corpuskit.engine.ledger import newest_run
from corpuskit.errors import UsageError

tokens = typer.Typer(
    no_args_is_help=True, help="Inspect token shards and the order of training; exchange them with other trainers."
)

RunOrShards = Annotated[
    Path | None,
    typer.Argument(metavar="[RUN]", help="A run's folder, or one of token shards. Default: the newest run."),
]


@tokens.command()
def stats(run: RunOrShards = None) -> None:
    """Count documents, tokens and bytes a token, by source and by language."""
    from corpuskit.tokens import read_manifest, token_statistics

    folder = shard_folder(run)
    manifest = read_manifest(folder)
    title = f"{folder}: vocabulary {manifest.tokenizer.vocabulary:,}, {manifest.dtype}, {manifest.fingerprint[:12]}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
    for heading in ("split", "by", "name", "documents", "tokens", "bytes a token"):
        table.add_column(heading, justify="left" if heading in ("split", "by", "name") else "right", overflow="fold")
    for row in token_statistics(manifest):
        counts = row.counts
        numbers = (f"{counts.documents:,}", f"{counts.tokens:,}", f"{counts.bytes_per_token:.3f}")
        table.add_row(row.split, row.by, row.name, *numbers)
    console.print(table)


def shard_folder(path: Path | None) -> Path:
    """The folder of token shards in a run's folder, or the path itself where it holds shards."""
    from corpuskit.tokens.job import TOKENS

    folder = path or newest_run()
    shards = folder if (folder / "manifest.json").is_file() else folder / TOKENS
    if not (shards / "manifest.json").is_file():
        raise UsageError(f"no token shards at {folder} and none at {folder / TOKENS}: name a run that has 'tokens'")
    return shards
