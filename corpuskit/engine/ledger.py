"""Reading a finished run: what happened to a document, from every table that may hold it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.engine.files import read_json
from corpuskit.engine.publish import JOURNAL
from corpuskit.engine.run_receipt import RunReceipt
from corpuskit.errors import UsageError


@dataclass
class Story:
    """All that a run knows of one document."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    """Its rows in the corpus."""
    dropped: list[dict[str, Any]] = field(default_factory=list)
    """Its rows in the ledger of dropped documents, with the decisions."""
    changes: list[dict[str, Any]] = field(default_factory=list)
    """Rewritten spans: stage and changes."""
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    """Why it could not be read."""

    def __bool__(self) -> bool:
        return bool(self.kept or self.dropped or self.changes or self.quarantined)

    def ids(self) -> set[str]:
        return {row["id"] for row in self.kept + self.dropped}


def open_run(folder: Path) -> dict[str, Any]:
    """The run.json of a run's folder. Raises UsageError where there is none, and where a run was killed halfway."""
    if (folder / JOURNAL).exists():
        raise UsageError(f"{folder}: a run was killed while it put its corpus in place; run its recipe again to finish")
    run = read_json(folder / "run.json")
    if not isinstance(run, dict):
        raise UsageError(f"{folder}: no finished run is here (no run.json); run 'corpuskit run RECIPE' first")
    return run


def newest_run(runs: Path = Path("runs")) -> Path:
    """The run below `runs/` that ended last. Raises UsageError where there is none."""
    found = sorted(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise UsageError(f"no finished run below '{runs}'; name the run's folder")
    return found[-1].parent


def tables(folder: Path, kind: str) -> list[Path]:
    """The files of one kind that a run published: 'corpus', 'ledger/dropped', 'ledger/changes', 'ledger/quarantine'.

    They are those that its receipt names; in the folder of a run of an earlier version, which has none, all of them.
    """
    receipt = RunReceipt.read(folder)
    if receipt is None:
        return sorted(path for path in (folder / kind).glob("*.*") if path.suffix in (".parquet", ".jsonl"))
    paths = (folder / name for name in receipt.files if name.startswith(f"{kind}/"))
    return sorted(path for path in paths if path.is_file())


def job_folders(folder: Path) -> set[str] | None:
    """Folders of the jobs that the recipe of a run's last execution names; None where the run does not say.

    What another recipe left in the same folder (an audit whose key is gone) is not among them.
    """
    run = read_json(folder / "run.json")
    outputs = run.get("outputs") if isinstance(run, dict) else None
    return set(outputs.values()) if isinstance(outputs, dict) else None


def find(folder: Path, name: str | Iterable[str]) -> Story:
    """What a run knows of the documents with this id, URL, or id of the record itself, or with one of several.

    An id of ours may be cut to its first 8 digits or more.
    """
    names = {name} if isinstance(name, str) else set(name)
    story = Story()
    for path in tables(folder, "corpus"):
        story.kept += _matching(path, names, skip=("content",))
    for path in tables(folder, "ledger/dropped"):
        story.dropped += _matching(path, names)
    for path in tables(folder, "ledger/changes"):
        story.changes += _matching(path, names)
    for path in tables(folder, "ledger/quarantine"):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if names & {record.get("url"), record.get("path")}:
                story.quarantined.append(record)
    return story


def _matching(path: Path, wanted: Collection[str], skip: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    exact = pa.array(sorted(wanted), pa.string())
    names = pq.read_schema(path).names
    columns = [column for column in names if column not in skip]
    named = [column for column in ("id", "url", "source_id") if column in names]
    found: list[dict[str, Any]] = []
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            keys = file.read_row_group(group, columns=named)
            hits = pc.is_in(keys.column("id"), exact)
            for name in (name for name in wanted if 8 <= len(name) < 32):
                hits = pc.or_(hits, pc.fill_null(pc.starts_with(keys.column("id"), name), False))
            for column in named[1:]:
                hits = pc.or_(hits, pc.is_in(keys.column(column), exact))
            if pc.any(hits).as_py():
                found += file.read_row_group(group, columns=columns).filter(hits).to_pylist()
    return found


def measured(folder: Path) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Every document of a run without its text, as batches: ('kept' or 'dropped', batch)."""
    for kind, state in (("corpus", "kept"), ("ledger/dropped", "dropped")):
        for path in tables(folder, kind):
            unread = {"text", "content", "excerpt", "provenance", "decisions"}
            columns = [name for name in pq.read_schema(path).names if name not in unread]
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=65536, columns=columns):
                    yield state, batch
