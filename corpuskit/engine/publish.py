"""From the parts of the last pass to what people open: the corpus in shards, and the ledger of what left it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import digest, file_digest, replacing
from corpuskit.engine.parts import Receipt, TableWriter, stem
from corpuskit.engine.pipeline import Pass
from corpuskit.engine.row_groups import join, joinable
from corpuskit.engine.task import PassTask, Worker, conform

Committed = Sequence[tuple[Pass, Sequence[PassTask], Sequence[Receipt]]]


@dataclass(frozen=True)
class PublishTask:
    """Parquet files of one schema, one after the other, as one file in the run's folder."""

    inputs: Sequence[Path]
    output: Path
    key: str
    receipt: Path

    @property
    def folder(self) -> Path:
        return self.receipt.parent

    @property
    def name(self) -> str:
        return f"writing {self.output.name}"

    def run(self, worker: Worker) -> Receipt:
        with replacing(self.output) as temporary:
            if joinable(self.inputs):
                join(self.inputs, temporary)
            else:
                self._rewrite(temporary)
            size, content = temporary.stat().st_size, file_digest(temporary)
        relative = Path("..") / ".." / self.output.relative_to(self.receipt.parents[2])
        receipt = Receipt(self.key, {relative.as_posix(): (size, content)})
        receipt.write(self.receipt)
        return receipt

    def _rewrite(self, path: Path) -> None:
        """Many small parts, or parts whose schemas differ in what was all null: decoded, and in full row groups."""
        schema = pa.unify_schemas([pq.read_schema(path) for path in self.inputs], promote_options="permissive")
        writer = TableWriter(path, schema, kept=True)
        for part in self.inputs:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=4096):
                    writer.write(conform(batch, schema))
        writer.close()


def publish(folder: Path, steps: Path, key: str, committed: Committed, shard_bytes: int) -> list[PublishTask]:
    """The tasks that write `corpus/` and `ledger/`. Files there that they will not write are removed."""
    wanted: list[tuple[Path, list[Path]]] = []
    last = committed[-1]
    for number, parts in enumerate(_shards(last[1], last[2], shard_bytes)):
        wanted.append((folder / "corpus" / f"{stem(number)}.parquet", parts))
    quarantined: list[tuple[Path, list[Path]]] = []
    for plan, tasks, _ in committed:
        name = f"{plan.number:02d}-{plan.name}"
        for kind in ("dropped", "changes"):
            files = _existing(tasks, f"{kind}.parquet")
            if files:
                wanted.append((folder / "ledger" / kind / f"{name}.parquet", files))
        bad = _existing(tasks, "quarantine.jsonl")
        if bad:
            quarantined.append((folder / "ledger" / "quarantine" / f"{name}.jsonl", bad))
    _remove_others(folder, {output for output, _ in wanted + quarantined})
    for output, files in quarantined:
        _write_quarantine(output, files)
    return [
        PublishTask(tuple(files), output, digest([key, str(output.relative_to(folder))]), steps / f"{number:05d}.json")
        for number, (output, files) in enumerate(wanted)
    ]


def _existing(tasks: Sequence[PassTask], suffix: str) -> list[Path]:
    paths = (task.folder / f"{stem(task.number)}.{suffix}" for task in tasks)
    return [path for path in paths if path.exists()]


def _shards(tasks: Sequence[PassTask], receipts: Sequence[Receipt], shard_bytes: int) -> Iterator[list[Path]]:
    """Neighbouring parts, grouped until they hold about `shard_bytes` of text."""
    shard: list[Path] = []
    size = 0
    for task, receipt in zip(tasks, receipts, strict=True):
        part = sum(counts.bytes_out for counts in receipt.languages.values())
        if shard and size + part > shard_bytes:
            yield shard
            shard, size = [], 0
        shard.append(task.folder / f"{stem(task.number)}.parquet")
        size += part
    if shard:
        yield shard


def _write_quarantine(output: Path, files: Sequence[Path]) -> None:
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8") as target:
        for path in files:
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line)  # a committed file; a line that does not parse is a failing disk
                target.write(line + "\n")


def _remove_others(folder: Path, wanted: set[Path]) -> None:
    for name in ("corpus", "ledger"):
        for path in (folder / name).rglob("*"):
            if path.is_file() and path not in wanted:
                path.unlink()
