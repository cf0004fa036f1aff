"""Writing token shards: the other side of `corpuskit.tokens.shards`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.tokens.shards import Counts, ShardEntry, SplitEntry, SplitName, fingerprint

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
"""Columns of a shard beside its tokens: type, and what stands where nothing is known."""


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
        table = pa.concat_tables(self._open.pop(source)).combine_chunks()
        if not table.num_rows:
            return
        name = f"{self.split}/{len(self.entries):05d}.arrow"
        path = self.folder / name
        schema = table.schema.with_metadata(self.metadata)
        with path.open("wb") as file:
            with pa.ipc.new_stream(file, schema) as stream:
                stream.write_batch(table.replace_schema_metadata(self.metadata).to_batches()[0])
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
    """Rows of a shard from framed tokens and the columns of `NAMED`; an absent one says that nothing is known."""
    rows = len(offsets) - 1
    table = {"tokens": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(tokens))}
    for name, (kind, default) in NAMED.items():
        values = columns.get(name)
        if values is None:
            table[name] = pa.repeat(pa.scalar(default, kind), rows)
        else:
            table[name] = values.cast(kind) if default is None else values.cast(kind).fill_null(default)
    return pa.table(table)


def _lengths(table: pa.Table) -> npt.NDArray[np.int64]:
    lengths: npt.NDArray[np.int64] = pc.list_value_length(table.column("tokens")).to_numpy()
    return lengths


def _count(text_bytes: Any, lengths: npt.NDArray[np.int64]) -> Counts:
    return Counts(documents=len(lengths), tokens=int(lengths.sum()), text_bytes=pc.sum(text_bytes).as_py() or 0)
