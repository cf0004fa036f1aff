"""Commands about token shards: tokens trace, tokens stats, tokens export, tokens import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from corpuskit.cli.main import app, console
from corpuskit.engine.ledger import newest_run, open_run
from corpuskit.errors import UsageError

tokens = typer.Typer(no_args_is_help=True, help="Look into token shards and the order of training; take them along.")
app.add_typer(tokens, name="tokens")

Run = Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Default: the newest.")]
Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[RUN]", help="A run's folder, or one of token shards. Default: the newest run."),
]


@tokens.command()
def trace(
    run: Run = None,
    step: Annotated[int | None, typer.Option(min=1, help="Name the documents behind this training step.")] = None,
    document: Annotated[str | None, typer.Option(help="Name the steps that saw the document with this id.")] = None,
) -> None:
    """Say which pages made a training step, or which steps saw a page."""
    from corpuskit.engine.job import BASE, TOKENS
    from corpuskit.training import training_order

    folder = run or newest_run()
    open_run(folder)
    if (step is None) == (document is None):
        raise UsageError("give one of --step N and --document ID")
    planned = training_order(folder / BASE, folder / TOKENS)
    if planned is None:
        raise UsageError(f"{folder}: this run has trained no model")
    order, steps = planned
    if document is not None:
        console.print(", ".join(map(str, order.steps_of(document, steps))) or "no step", highlight=False)
        return
    assert step is not None
    if step > steps:
        raise UsageError(f"this run has {steps} training steps; there is no step {step}")
    table = Table(title=f"step {step} of {steps}", title_justify="left", box=None, padding=(0, 2))
    for heading in ("sample", "tokens", "document", "source", "url"):
        table.add_column(heading, justify="right" if heading in ("sample", "tokens") else "left", overflow="fold")
    for seen in order.trace(step):
        table.add_row(str(seen.sample), str(seen.tokens), seen.id[:12], seen.source, seen.url or "")
    console.print(table)


@tokens.command()
def stats(run: Folder = None) -> None:
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


@tokens.command("export")
def export_(
    run: Folder = None,
    format: Annotated[str, typer.Option("--format", "-f", help="nanogpt, megatron or datatrove.")] = "megatron",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder. Default: RUN/FORMAT.")] = None,
) -> None:
    """Write the shards as files that another trainer reads, with a table of the documents beside them."""
    from corpuskit.exchange import export_shards

    folder = shard_folder(run)
    for file in export_shards(folder, output or folder.parent / format, format):
        console.print(f"{file}  {file.stat().st_size:,} bytes", highlight=False, soft_wrap=True)


@tokens.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Token files: .bin, .bin with .idx, .ds.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the shards.")],
    tokenizer: Annotated[
        Path | None, typer.Option(help="The tokenizer.json that made the ids. Default: beside the first file.")
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


def shard_folder(path: Path | None) -> Path:
    """The folder of token shards that a run's folder has, or that the path itself is."""
    from corpuskit.engine.job import TOKENS

    folder = path or newest_run()
    shards = folder if (folder / "manifest.json").is_file() else folder / TOKENS
    if not (shards / "manifest.json").is_file():
        raise UsageError(f"no token shards at {folder} and none at {folder / TOKENS}: name a run that has 'tokens'")
    return shards
