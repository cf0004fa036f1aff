"""What a run's folder holds, read into plain values for the report."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import read_json
from corpuskit.engine.ledger import job_folders, open_run, tables


@dataclass(frozen=True)
class RunFacts:
    """A finished run, as a section of the report sees it."""

    folder: Path
    summary: dict[str, Any]
    """run.json."""

    def made(self, job_folder: str) -> bool:
        """Whether a job's folder is this run's, as far as the run says. What another recipe left there is not."""
        current = job_folders(self.folder)
        return current is None or job_folder in current

    def is_old(self) -> bool:
        """Whether the run is of a version that did not say which folders are its own."""
        return job_folders(self.folder) is None

    def read_object(self, path: str) -> dict[str, Any] | None:
        """The object in a JSON file of the run's folder, or None."""
        value = read_json(self.folder / path)
        return value if isinstance(value, dict) else None

    def read_lines(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects in a JSON lines file of the run's folder."""
        return json_lines(self.folder / path)

    def read_steps(self, path: str) -> list[dict[str, Any]]:
        """The rows of a metrics log by step. A step that was trained again after an interruption counts as it ended."""
        rows: dict[int, dict[str, Any]] = {}
        for record in self.read_lines(path):
            if isinstance(record.get("step"), int):
                rows[record["step"]] = rows.get(record["step"], {}) | record
        return [rows[step] for step in sorted(rows)]

    def read_tables(self, kind: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Columns of all tables of a kind ('corpus', 'ledger/dropped'). Tables that lack one of them are left out."""
        for path in tables(self.folder, kind):
            if set(columns) <= set(pq.read_schema(path).names):
                with pq.ParquetFile(path) as file:
                    yield from file.iter_batches(batch_size=65536, columns=columns)


def read(folder: Path) -> RunFacts:
    """A run's facts. Raises UsageError where the folder holds no finished run."""
    folder = Path(folder)
    return RunFacts(folder, open_run(folder))


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file. A line that is not an object (the last one of a killed writer) is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def finite(value: Any) -> float | None:
    """A number that can be drawn, or None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
