"""What other trainers' files do not say: the table of documents that an export writes beside each of them.

`train.documents.parquet` has a row a document, in the file's order: the columns of a shard but for the ids themselves,
and `tokens`, how many there are. Its metadata (key `corpuskit`) state the tokenizer, and where one shard ended and the
next began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from corpuskit.errors import CorpuskitError
from corpuskit.tokens.shard_writer import NAMED
from corpuskit.tokens.shards import Shards, TokenizerEntry

KEY = b"corpuskit"
SCHEMA = pa.schema([*((name, kind) for name, (kind, _) in NAMED.items()), ("tokens", pa.int64())])


class About(BaseModel):
    """What the metadata say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokenizer: TokenizerEntry
    sequence_length: int
    seed: int
    hold_out: float
    empty_documents: int
    shards: tuple[tuple[str, int], ...]
    """(source, documents) of each shard in turn."""


def records_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.documents.parquet")


@dataclass(frozen=True)
class Records:
    """The table beside a file."""

    path: Path
    about: About

    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[documents]: tokens of each."""
        column = pq.read_table(self.path, columns=["tokens"]).column("tokens")
        lengths: npt.NDArray[np.int64] = column.to_numpy()
        return lengths

    def batches(self, rows: int = 4096) -> Iterator[tuple[pa.RecordBatch, str, bool]]:
        """Rows in order, the source of the shard that they lie in, and whether they end it."""
        shards = iter(self.about.shards)
        source, left = next(shards, ("", 0))
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(rows):
                while batch.num_rows:
                    taken = batch.slice(0, left)
                    left -= taken.num_rows
                    batch = batch.slice(taken.num_rows)
                    yield taken, source, not left
                    if not left:
                        source, left = next(shards, ("", 0))


def write_records(path: Path, shards: Shards) -> Path:
    manifest = shards.manifest
    about = About(
        tokenizer=manifest.tokenizer,
        shards=tuple((entry.source, entry.documents) for entry in shards.entries),
        **manifest.model_dump(include={"sequence_length", "seed", "hold_out", "empty_documents"}),
    )
    target = records_path(path)
    with pq.ParquetWriter(target, SCHEMA.with_metadata({KEY: about.model_dump_json()}), compression="zstd") as writer:
        for shard in shards.shards:
            table = shard.table.drop(["tokens"]).append_column("tokens", pa.array(np.diff(shard.offsets)))
            writer.write_table(table.replace_schema_metadata(None).cast(SCHEMA).replace_schema_metadata({KEY: ""}))
    return target


def read_records(path: Path) -> Records | None:
    """The table beside a file, or None where there is none. Raises CorpuskitError for one that cannot be read."""
    file = records_path(path)
    if not file.is_file():
        return None
    try:
        schema = pq.read_schema(file)
        about = About.model_validate_json((schema.metadata or {}).get(KEY, b"{}"))
    except (pa.ArrowInvalid, OSError, ValidationError) as error:
        raise CorpuskitError(f"{file} is not the table of an export ({error}): remove it to go without") from error
    rows = pq.read_metadata(file).num_rows
    if not schema.remove_metadata().equals(SCHEMA) or rows != sum(documents for _, documents in about.shards):
        raise CorpuskitError(f"{file} is not the table of an export: its columns or rows are others")
    return Records(file, about)
