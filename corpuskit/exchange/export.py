"""Token shards to the files of another trainer."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from corpuskit.errors import UsageError
from corpuskit.exchange.formats import format_named
from corpuskit.exchange.records import write_records
from corpuskit.tokens.shards import SplitName, open_shards


def export_shards(folder: str | Path, output: str | Path, format: str) -> list[Path]:
    """Write the shards in `folder` to files of another trainer in `output`; the files, sorted.

    `format`: one of `FORMATS`. Documents come in the shards' order, framed as they are there. Beside the files lie the
    tokenizer and a table of the documents; a split without documents makes no file. Files appear when all of them are
    written. Memory holds one shard.

    Raises UsageError for an unknown format, one that cannot hold the vocabulary, and an `output` that is the folder
    itself; CorpuskitError for damaged shards.
    """
    form, folder, output = format_named(format), Path(folder), Path(output)
    if output.resolve() == folder.resolve():
        raise UsageError(f"{output} holds the shards themselves: export to another folder")
    splits: list[tuple[SplitName, str]] = [("train", "train"), ("held_out", form.held_out)]
    opened = [(open_shards(folder, split), name) for split, name in splits]
    partial = output / ".export.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for shards, name in opened:
            if not shards.counts.documents:
                continue
            path = partial / f"{name}{form.suffix}"
            writer = form.writer(path, shards.manifest.tokenizer.vocabulary)
            for shard in shards.shards:
                writer.add(shard.tokens, np.diff(shard.offsets))
            writer.finish()
            write_records(path, shards)
        opened[0][0].tokenizer.save(partial)
        files = [file.replace(output / file.name) for file in sorted(partial.iterdir())]
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return files
