"""From the parts of the last pass to what people open: the corpus in shards, and the ledger of what left it.

Everything is written beside what is published, in the folder of the step. One file, the journal, then commits the
whole: from the moment that it is there the new files take their places, by this process or, where it is killed, by the
next run. Up to that moment the earlier corpus is untouched.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.columns import carried, conform, published, unified_all
from corpuskit.engine.files import digest, file_digest, read_json, replacing, write_json
from corpuskit.engine.owned import Record, check_free, files_below, remove, remove_empty
from corpuskit.engine.parts import Receipt, TableWriter, stem
from corpuskit.engine.pipeline import Pass
from corpuskit.engine.row_groups import join, joinable
from corpuskit.engine.run_receipt import RECEIPT, RunReceipt
from corpuskit.engine.steps import Step
from corpuskit.engine.task import PassTask, Worker

Committed = Sequence[tuple[Pass, Sequence[PassTask], Sequence[Receipt]]]

JOURNAL = ".publish.json"
"""In a run's folder while new files take their places."""

STAGED = "staged"
"""In the folder of the step that publishes: the files that will be published, under their paths in the run's folder."""


@dataclass(frozen=True)
class PublishTask:
    """Files of one schema, one after the other, as one file."""

    inputs: Sequence[Path]
    folder: Path
    """Of the step."""
    output: str
    """The file's path in the run's folder."""
    number: int
    key: str
    schema: pa.Schema | None = None
    """Of the output, where that is a table: wide enough for all files of its kind."""

    @property
    def name(self) -> str:
        return f"writing {self.output}"

    @property
    def receipt(self) -> str:
        return f"{self.number:05d}.json"

    def run(self, worker: Worker) -> Receipt:
        path = self.folder / STAGED / self.output
        with replacing(path) as temporary:
            if path.suffix == ".jsonl":
                self._lines(temporary)
            elif all(pq.read_schema(part) == self.schema for part in self.inputs) and joinable(self.inputs):
                join(self.inputs, temporary)
            else:
                self._rewrite(temporary)
            size, content = temporary.stat().st_size, file_digest(temporary)
        receipt = Receipt(self.key, {f"{STAGED}/{self.output}": (size, content)})
        receipt.write(self.folder / self.receipt)
        return receipt

    def _rewrite(self, path: Path) -> None:
        """Many small parts, or parts whose schemas differ: decoded, and in full row groups."""
        assert self.schema is not None
        writer = TableWriter(path, self.schema, kept=True)
        for part in self.inputs:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=4096):
                    writer.write(conform(batch, self.schema))
        writer.close()

    def _lines(self, path: Path) -> None:
        with path.open("w", encoding="utf-8") as target:
            for part in self.inputs:
                for line in part.read_text(encoding="utf-8").splitlines():
                    json.loads(line)  # a committed file; a line that does not parse is a failing disk
                    target.write(line + "\n")


def publish_tasks(step: Step, committed: Committed, shard_bytes: int, stages: Collection[str]) -> list[PublishTask]:
    """The tasks that write the files of `corpus/` and `ledger/`, in the folder of the step."""
    wanted: list[tuple[str, list[Path]]] = []
    last = committed[-1]
    for number, parts in enumerate(_shards(last[1], last[2], shard_bytes)):
        wanted.append((f"corpus/{stem(number)}.parquet", parts))
    for plan, tasks, _ in committed:
        name = f"{plan.number:02d}-{plan.name}"
        for kind, suffix in (("dropped", "parquet"), ("changes", "parquet"), ("quarantine", "jsonl")):
            files = _existing(tasks, f"{kind}.{suffix}")
            if files:
                wanted.append((f"ledger/{kind}/{name}.{suffix}", files))
    schemas = _schemas(wanted, stages)
    return [
        PublishTask(tuple(files), step.folder, output, number, digest([step.key, output]), schemas.get(output))
        for number, (output, files) in enumerate(wanted)
    ]


def _schemas(wanted: Sequence[tuple[str, Sequence[Path]]], stages: Collection[str]) -> dict[str, pa.Schema]:
    """Published table -> its schema. The shards of the corpus have one, and a record's column has one type in all
    tables."""
    found = {
        output: unified_all([pq.read_schema(path) for path in files])
        for output, files in wanted
        if output.endswith(".parquet")
    }
    documents = [schema for output, schema in found.items() if not output.startswith("ledger/changes/")]
    types = {field.name: published(field.type) for field in carried(unified_all(documents), stages)}
    shards = [schema for output, schema in found.items() if output.startswith("corpus/")]
    whole = unified_all(shards) if shards else None
    for output, schema in found.items():
        if not output.startswith("ledger/changes/"):
            schema = whole if whole is not None and output.startswith("corpus/") else schema
            found[output] = pa.schema([field.with_type(types.get(field.name, field.type)) for field in schema])
    return found


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


def staged_files(tasks: Sequence[PublishTask], receipts: Sequence[Receipt]) -> dict[str, Record]:
    """Records of the files that wait to be published, by their path in the run's folder."""
    files: dict[str, Record] = {}
    for task, receipt in zip(tasks, receipts, strict=True):
        (size, content), changed = receipt.outputs[f"{STAGED}/{task.output}"], task.folder / STAGED / task.output
        files[task.output] = (size, content, changed.stat().st_mtime_ns)
    return files


def commit(folder: Path, step: Step, new: RunReceipt, old: RunReceipt, run: Any) -> None:
    """Put the files of a publishing step in the place of the earlier ones, with the receipt and run.json.

    Raises UsageError where a file that no receipt names has one of their names.
    """
    staged = step.folder / STAGED
    check_free(folder, new.files, known=old.files)
    journal = {
        "staged": str(staged.relative_to(folder)),
        "receipt": asdict(new),
        "remove": sorted(set(old.files) - set(new.files)),
        "run": run,
    }
    write_json(folder / JOURNAL, journal)  # the commit
    _put_in_place(folder, journal)


def recover(folder: Path) -> None:
    """Finish what a killed process began to put in place."""
    journal = read_json(folder / JOURNAL)
    if journal is not None:
        _put_in_place(folder, journal)


def _put_in_place(folder: Path, journal: dict[str, Any]) -> None:
    staged = folder / journal["staged"]
    for name in journal["receipt"]["files"]:
        if (staged / name).exists():  # otherwise it has been moved already
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).replace(folder / name)
    remove(folder, journal["remove"])
    if journal["run"] is not None:
        write_json(folder / "run.json", journal["run"])
    write_json(folder / RECEIPT, journal["receipt"])
    (folder / JOURNAL).unlink()
    if not files_below(staged):
        remove_empty([path for path in staged.rglob("*") if path.is_dir()])
        remove_empty([staged])
