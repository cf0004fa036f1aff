"""The commands `corpuskit tokens export` and `corpuskit tokens import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpuskit.drawing.terminal import console
from corpuskit.tokens.commands import RunOrShards, shard_folder


def export_(
    run: RunOrShards = None,
    format: Annotated[str, typer.Option("--format", "-f", help="nanogpt, megatron or datatrove.")] = "megatron",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder. Default: RUN/FORMAT.")] = None,
) -> None:
    """Write the shards as files that another trainer reads, with a table of their documents."""
    from corpuskit.exchange import export_shards

    folder = shard_folder(run)
    for file in export_shards(folder, output or folder.parent / format, format):
        console.print(f"{file}  {file.stat().st_size:,} bytes", highlight=False, soft_wrap=True)


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Token files: .bin, .bin with .idx, .ds.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the shards.")],
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="The tokenizer.json that made the ids. Default: that in the first file's folder."),
    ] = None,
    held_out: Annotated[list[Path] | None, typer.Option(help="A file not to train on; may be repeated.")] = None,
    format: Annotated[str | None, typer.Option("--format", "-f", help="Default: what the name says.")] = None,
    source: Annotated[str | None, typer.Option(help="Name of the source. Default: each file's name.")] = None,
    language: Annotated[str, typer.Option(help="Language of the documents.")] = "und",
    sequence_length: Annotated[int | None, typer.Option(min=8, help="Tokens of a training window.")] = None,
    hold_out: Annotated[float, typer.Option(min=0, help="Chance of a document to be held out.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of what is held out.")] = 0,
) -> None:
    """Make token shards of another trainer's files."""
    from corpuskit.exchange import import_shards
    from corpuskit.tokens import load_tokenizer

    manifest = import_shards(
        files,
        load_tokenizer(tokenizer or files[0].parent),
        output,
        held_out=held_out or [],
        format=format,
        source=source,
        language=language,
        sequence_length=sequence_length,
        hold_out=hold_out,
        seed=seed,
    )
    train, held = manifest.train, manifest.held_out
    console.print(
        f"{output}: {train.documents:,} documents with {train.tokens:,} tokens to train on, "
        f"{held.documents:,} with {held.tokens:,} held out, {manifest.empty_documents:,} empty",
        highlight=False,
        soft_wrap=True,
    )
