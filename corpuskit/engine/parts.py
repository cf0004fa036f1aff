"""The files that a task writes: documents, sketches, ledger rows and quarantine, and the receipt that commits them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.columns import conform, unified
from corpuskit.engine.files import file_digest, read_json, replacing, write_json
from corpuskit.engine.gate import Gate
from corpuskit.engine.source import BadRecord

ROW_GROUP_ROWS = 4096
ROW_GROUP_BYTES = 64 << 20


@dataclass
class StageCounts:
    """What one stage saw and did in one task or in all of them."""

    documents_in: int = 0
    documents_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    changed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Rule -> documents whose first broken rule it was."""
    broke: dict[str, int] = field(default_factory=dict)
    """Rule -> documents that broke it, first or not; 0 for a rule of the stage that none broke."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Of a source: reason -> records that are no documents and are not meant to be."""

    def add(self, other: StageCounts) -> None:
        for name in ("documents_in", "documents_out", "bytes_in", "bytes_out", "seconds", "changed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, others in ((self.dropped, other.dropped), (self.broke, other.broke), (self.skipped, other.skipped)):
            for rule, count in others.items():
                mine[rule] = mine.get(rule, 0) + count


@dataclass
class Receipt:
    """Commits one task: it is written last, so a task without a receipt has not happened."""

    key: str
    outputs: dict[str, tuple[int, str]]
    """Name of each file -> (bytes, digest)."""
    stages: dict[str, StageCounts] = field(default_factory=dict)
    sources: dict[str, StageCounts] = field(default_factory=dict)
    languages: dict[str, StageCounts] = field(default_factory=dict)
    quarantined: int = 0
    released: bool = False
    """Whether its files were deleted or encrypted when the corpus was published."""

    def write(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path, key: str | None = None) -> Receipt | None:
        """The receipt at `path`, or None where there is none for this key or one of its files is not as it says."""
        value = read_json(path)
        if not isinstance(value, dict) or key not in (None, value.get("key")):
            return None
        receipt = cls(
            key=value["key"],
            outputs={name: (int(size), str(digest)) for name, (size, digest) in value["outputs"].items()},
            stages={name: StageCounts(**counts) for name, counts in value["stages"].items()},
            sources={name: StageCounts(**counts) for name, counts in value["sources"].items()},
            languages={name: StageCounts(**counts) for name, counts in value["languages"].items()},
            quarantined=int(value["quarantined"]),
        )
        for name, (size, _) in receipt.outputs.items():
            output = path.parent / name
            if not output.is_file() or output.stat().st_size != size:
                return None
        return receipt


class TableWriter:
    """Batches into one file, in row groups whose borders depend on the rows alone.

    The file has one schema, which is widened by what later batches hold (`columns.unified`): row groups written before
    are then written again at the end. What is `kept` is compressed well, what only the next step reads, fast.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, sketch: bool = False, kept: bool = False):
        self._path, self._schema, self._sketch, self._kept = path, schema, sketch, kept
        self._pending: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._narrow: list[Path] = []
        self._file: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        schema = unified(self._schema, batch.schema)
        if schema != self._schema:
            if self._file is not None:
                self._set_aside()
            self._schema = schema
        self._pending.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROW_GROUP_ROWS or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches([conform(batch, self._schema) for batch in self._pending], self._schema)
        self._pending, self._rows, self._bytes = [], 0, 0
        if self._file is None:
            self._file = self._opened()
        if self._sketch:
            self._file.write_table(table.combine_chunks())
        else:
            self._file.write_table(table, row_group_size=max(table.num_rows, 1))

    def _opened(self) -> Any:
        if self._sketch:
            return pa.ipc.new_file(str(self._path), self._schema)
        return pq.ParquetWriter(self._path, self._schema, compression="zstd", compression_level=3 if self._kept else 1)

    def _set_aside(self) -> None:
        """Put away what is written in a narrower schema, to be written again when all batches are known."""
        self._file.close()
        self._file = None
        aside = self._path.with_name(f"{self._path.name}-{len(self._narrow)}")
        self._path.rename(aside)
        self._narrow.append(aside)

    def close(self) -> None:
        self._flush()
        if self._narrow:
            if self._file is not None:
                self._set_aside()
            whole, self._file = self._opened(), None
            for path in self._narrow:
                with pq.ParquetFile(path) as part:
                    for group in range(part.num_row_groups):
                        batches = part.read_row_group(group).combine_chunks().to_batches()
                        table = pa.Table.from_batches([conform(batch, self._schema) for batch in batches], self._schema)
                        whole.write_table(table, row_group_size=max(table.num_rows, 1))
                path.unlink()
            self._narrow = []
            whole.close()
        elif self._file is None:
            self._opened().close()
        else:
            self._file.close()


class PartFiles:
    """The output files of one task under temporary names; `commit` gives them their names, the receipt last."""

    def __init__(self, folder: Path, stem: str, gate: Gate | None = None):
        self.folder, self.stem, self.gate = folder, stem, gate or Gate(())
        self._stack = ExitStack()
        self._writers: dict[str, TableWriter] = {}
        self._temporary: dict[str, Path] = {}
        self._bad: list[dict[str, Any]] = []

    def __enter__(self) -> PartFiles:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            for writer in self._writers.values():
                with suppress(OSError, pa.ArrowInvalid):  # what broke the task may have broken its files too
                    writer.close()
        self._stack.__exit__(kind, error, None)

    def table(self, suffix: str, schema: pa.Schema, *, sketch: bool = False, kept: bool = True) -> TableWriter:
        """The writer of `<stem>.<suffix>`, opened on first use. `kept`: its rows are published as they are."""
        if suffix not in self._writers:
            name = f"{self.stem}.{suffix}"
            self._temporary[name] = self._stack.enter_context(replacing(self.folder / name))
            self._writers[suffix] = TableWriter(self._temporary[name], schema, sketch=sketch, kept=kept)
        return self._writers[suffix]

    def quarantine(self, record: BadRecord) -> None:
        record = self.gate.record(record)
        entry = asdict(record)
        if record.content is not None:
            entry["content"] = base64.b64encode(record.content).decode()
        self._bad.append({name: value for name, value in entry.items() if value is not None})

    def commit(self, receipt: Receipt) -> Receipt:
        for writer in self._writers.values():
            writer.close()
        if self._bad:
            name = f"{self.stem}.quarantine.jsonl"
            self._temporary[name] = self._stack.enter_context(replacing(self.folder / name))
            lines = (json.dumps(entry, ensure_ascii=True) + "\n" for entry in self._bad)
            self._temporary[name].write_text("".join(lines))
        receipt.quarantined = len(self._bad)
        receipt.outputs = {
            name: (path.stat().st_size, file_digest(path)) for name, path in sorted(self._temporary.items())
        }
        self._stack.close()
        receipt.write(self.folder / f"{self.stem}.json")
        return receipt


def stem(number: int) -> str:
    return f"part-{number:05d}"


def read_batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """The batches of a Parquet part, at most `rows` long, without holding the file in memory."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=rows)
