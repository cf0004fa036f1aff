"""Writing token shards: the other side of `corpuskit.tokens.shards`.

A folder appears complete or not at all: everything is written under another name, the manifest last.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import UsageError
from corpuskit.tokens.shards import (
    FORMAT,
    MANIFEST,
    Counts,
    Manifest,
    ShardEntry,
    SplitEntry,
    SplitName,
    TokenizerEntry,
    fingerprint,
)
from corpuskit.tokens.tokenizer import Tokenizer

NAMED: dict[str, tuple[pa.DataType, Any]] = {
    "id": (pa.string(), ""),
    "url": (pa.string(), None),
    "source": (pa.string(), "unknown"),
    "language": (pa.string(), "und"),
    "text_bytes": (pa.int64(), 0),
    "cluster": (pa.string(), None),
    "cluster_size": (pa.int64(), 1),
    "decision": (pa.string(), None),
}
"""Columns of a shard besides its tokens: type, and the value where nothing is known."""


class FolderWriter:
    """A shard folder in the making, for a `with` block; an older folder of this name is replaced when it finishes."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, sequence_length: int, shard_tokens: int) -> None:
        """Raises UsageError for lengths that cannot be met."""
        if sequence_length < 2 or shard_tokens < 1:
            raise UsageError(f"sequence_length {sequence_length}, shard_tokens {shard_tokens}: give at least 2 and 1")
        self.folder, self.sequence_length = folder, sequence_length
        self.partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True)
        tokenizer.save(self.partial)
        self.dtype: Literal["uint16", "uint32"] = "uint16" if tokenizer.vocabulary <= 1 << 16 else "uint32"
        self.tokenizer = TokenizerEntry(
            sha256=tokenizer.digest,
            vocabulary=tokenizer.vocabulary,
            begin=tokenizer.begin,
            end=tokenizer.end,
            pad=tokenizer.pad,
        )
        frame = self.tokenizer.model_dump(exclude={"sha256"})
        metadata = {"tokenizer_sha256": tokenizer.digest} | {key: str(value) for key, value in frame.items()}
        self.train = ShardWriter(self.partial, "train", shard_tokens, metadata)
        self.held_out = ShardWriter(self.partial, "held_out", shard_tokens, metadata)

    def __enter__(self) -> FolderWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.partial, ignore_errors=True)

    def finish(self, *, seed: int, hold_out: float, empty_documents: int) -> Manifest:
        """Write what is left and the manifest, and take the folder's place. Raises UsageError where nothing is left to
        train on."""
        train, held_out = self.train.finish(), self.held_out.finish()
        if not train.documents:
            left = f"{empty_documents:,} documents are empty, {held_out.documents:,} are held out"
            raise UsageError(f"nothing to train on: {left}, and there are no others")
        manifest = Manifest(
            format=FORMAT,
            tokenizer=self.tokenizer,
            dtype=self.dtype,
            sequence_length=self.sequence_length,
            seed=seed,
            hold_out=hold_out,
            empty_documents=empty_documents,
            fingerprint=fingerprint(self.tokenizer.sha256, [*train.shards, *held_out.shards]),
            train=train,
            held_out=held_out,
        )
        with (self.partial / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(manifest.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.partial.rename(self.folder)
        return manifest


class ShardWriter:
    """Collects framed documents and writes a shard whenever a source has `shard_tokens` of them.

    Holds at most one unfinished shard for each source. A document is never cut; one longer than `shard_tokens` makes a
    longer shard.
    """

    def __init__(self, folder: Path, split: SplitName, shard_tokens: int, metadata: dict[str, str]) -> None:
        self.folder, self.split, self.shard_tokens = folder, split, shard_tokens
        self.metadata = metadata
        self.entries: list[ShardEntry] = []
        self._open: dict[str, list[pa.Table]] = {}
        self._tokens: dict[str, int] = {}
        self._by_source: dict[str, Counts] = {}
        self._by_language: dict[str, Counts] = {}
        (folder / split).mkdir(parents=True, exist_ok=True)

    def add(self, documents: pa.Table, places: Sequence[str]) -> None:
        """Rows with the columns of a shard, in order, and the source in whose shard each is to lie."""
        for source in dict.fromkeys(places):
            chosen = [place == source for place in places]
            rows = documents if all(chosen) else documents.filter(pa.array(chosen))
            while rows.num_rows:
                ends = np.cumsum(_lengths(rows)) + self._tokens.get(source, 0)
                fits = int(np.searchsorted(ends, self.shard_tokens, side="right"))
                if fits == 0 and not self._tokens.get(source):
                    fits = 1
                self._open.setdefault(source, []).append(rows.slice(0, fits))
                self._tokens[source] = int(ends[fits - 1]) if fits else self._tokens[source]
                rows = rows.slice(fits)
                if rows.num_rows or self._tokens[source] >= self.shard_tokens:
                    self._write(source)

    def cut(self) -> None:
        """Write every unfinished shard, in the order of the sources' names."""
        for source in sorted(self._open):
            self._write(source)

    def finish(self) -> SplitEntry:
        """Write what is left, and the files with which `datasets.load_from_disk` opens the split."""
        self.cut()
        state: dict[str, Any] = dict.fromkeys(("_format_columns", "_format_type", "_split"))
        state |= {"_format_kwargs": {}, "_output_all_columns": False}
        state["_data_files"] = [{"filename": Path(entry.file).name} for entry in self.entries]
        state["_fingerprint"] = fingerprint("", self.entries)[:16]
        (self.folder / self.split / "state.json").write_text(json.dumps(state, indent=2) + "\n")
        (self.folder / self.split / "dataset_info.json").write_text("{}\n")
        total = sum(self._by_source.values(), Counts())
        return SplitEntry(
            documents=total.documents,
            tokens=total.tokens,
            text_bytes=total.text_bytes,
            shards=tuple(self.entries),
            by_source=dict(sorted(self._by_source.items())),
            by_language=dict(sorted(self._by_language.items())),
        )

    def _write(self, source: str) -> None:
        self._tokens.pop(source)
        table = pa.concat_tables(self._open.pop(source))
        if not table.num_rows:
            return
        name = f"{self.split}/{len(self.entries):05d}.arrow"
        path = self.folder / name
        batch = exact_batch(table).replace_schema_metadata(self.metadata)
        with path.open("wb") as file:
            with pa.ipc.new_stream(file, batch.schema) as stream:
                stream.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        lengths = _lengths(table)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        counts = _count(table.column("text_bytes"), lengths)
        size = path.stat().st_size
        self.entries.append(ShardEntry(file=name, source=source, size=size, sha256=digest, **counts.model_dump()))
        for name, totals in (("source", self._by_source), ("language", self._by_language)):
            for value in pc.unique(table.column(name)).to_pylist():
                chosen = np.asarray(pc.equal(table.column(name), value).to_numpy())
                counts = _count(table.column("text_bytes").filter(pa.array(chosen)), lengths[chosen])
                totals[value] = totals.get(value, Counts()) + counts


def shard_columns(
    tokens: npt.NDArray[Any], offsets: npt.NDArray[np.int64], columns: Mapping[str, pa.Array]
) -> pa.Table:
    """Rows of a shard from framed tokens and the columns of `NAMED`; an absent one means that nothing is known."""
    rows = len(offsets) - 1
    table = {"tokens": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(tokens))}
    for name, (kind, default) in NAMED.items():
        values = columns.get(name)
        if values is None:
            table[name] = pa.repeat(pa.scalar(default, kind), rows)
        else:
            table[name] = values.cast(kind) if default is None else values.cast(kind).fill_null(default)
    return pa.table(table)


def exact_batch(table: pa.Table) -> pa.RecordBatch:
    """The rows of a shard as one batch whose buffers hold its values and nothing else.

    Arrow's own buffers may be longer than what they hold and end in whatever was in memory there, and both would be
    written: equal rows would have other digests.
    """
    columns = []
    for field in table.schema:
        column = table.column(field.name)
        if field.name == "tokens":
            chunks = column.chunks
            values = np.concatenate([chunk.flatten().to_numpy() for chunk in chunks])
            columns.append(pa.LargeListArray.from_arrays(pa.array(_offsets(_lengths(table))), pa.array(values)))
        elif pa.types.is_string(field.type):
            columns.append(_exact_strings(column))
        else:
            columns.append(pa.array(column.to_numpy(), field.type))
    return pa.RecordBatch.from_arrays(columns, names=table.schema.names)


def _exact_strings(column: pa.ChunkedArray) -> pa.StringArray:
    valid = np.asarray(column.is_valid().to_numpy())
    offsets = _offsets(pc.binary_length(column).fill_null(0).to_numpy()).astype(np.int32)
    data = []
    for chunk in column.chunks:
        filled = chunk.drop_null()
        if len(filled):
            _, bounds, content = filled.buffers()
            first, last = np.frombuffer(bounds, np.int32)[[filled.offset, filled.offset + len(filled)]].tolist()
            data.append(content.slice(first, last - first).to_pybytes() if content is not None else b"")
    bitmap = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = (pa.py_buffer(offsets), pa.py_buffer(b"".join(data)), bitmap)
    return pa.StringArray.from_buffers(len(column), *buffers, null_count=int((~valid).sum()))


def _offsets(lengths: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _lengths(table: pa.Table) -> npt.NDArray[np.int64]:
    lengths: npt.NDArray[np.int64] = pc.list_value_length(table.column("tokens")).to_numpy()
    return lengths


def _count(text_bytes: Any, lengths: npt.NDArray[np.int64]) -> Counts:
    return Counts(documents=len(lengths), tokens=int(lengths.sum()), text_bytes=pc.sum(text_bytes).as_py() or 0)
