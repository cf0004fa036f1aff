"""What a run's folder tells, read into plain values. A part that is not there (no audit, say) is None or empty."""

from __future__ import annotations

import heapq
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.engine.files import read_json
from corpuskit.engine.ledger import job_folders, open_run, tables

SAMPLES = 3
"""Documents shown for each rule. They are those with the smallest ids: as good as drawn by lot, and always the same."""

QUARANTINE_SHOWN = 20
_SAMPLE_COLUMNS = ("id", "url", "title", "source", "language", "value", "limit", "excerpt", "decisions")


@dataclass(frozen=True)
class Risk:
    """Findings of personal data of one type in one source."""

    type: str
    source: str
    found: int
    """In all documents that were looked at, dropped ones too."""
    left: int
    """In the texts of the corpus as published."""


@dataclass
class RunFacts:
    summary: dict[str, Any]
    """run.json."""
    samples: dict[tuple[str, str], list[dict[str, Any]]]
    """(stage, rule) -> at most SAMPLES dropped documents."""
    risks: list[Risk]
    changes: dict[str, Counter[str]]
    """Stage -> what it replaced, by type."""
    quarantine: Counter[str]
    """Reason -> records."""
    quarantine_shown: list[dict[str, Any]]
    crawls: dict[str, Counter[str]]
    """Source -> addresses by outcome."""
    metrics: list[dict[str, Any]] = field(default_factory=list)
    """One row a logged training step, in the order of steps."""
    written: list[dict[str, Any]] = field(default_factory=list)
    """What the model wrote while it trained: step, prompt, text."""
    evaluation: dict[str, Any] | None = None
    """Models, their accuracies by task and bits a byte of held-out text."""
    gains: dict[str, Any] | None = None
    """What each step of instruction tuning brought on requests that no tuning has seen."""
    ppo: list[dict[str, Any]] = field(default_factory=list)
    """One row a step of reinforcement."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    """Answers before and after reinforcement: prompt, before, after."""
    comparison: dict[str, Any] | None = None
    """Ways to fine-tune, side by side."""
    audit: dict[str, Any] | None = None
    loop: dict[str, Any] | None = None
    """Before and after: what became of the memory of the run whose decisions this one carried out."""


def read(folder: Path) -> RunFacts:
    """Everything that the report shows of a run. Raises UsageError where the folder holds no finished run."""
    summary = open_run(folder)
    quarantine, shown = _quarantine(folder)
    current = job_folders(folder)

    def part(job_folder: str, name: str) -> Path:
        """A file of a job; of one that this run's recipe does not name, a path at which nothing is."""
        made = current is None or job_folder in current
        return folder / job_folder / name if made else folder / "not of this run" / name

    return RunFacts(
        summary=summary,
        samples=_samples(folder),
        risks=_risks(folder),
        changes=_changes(folder),
        quarantine=quarantine,
        quarantine_shown=shown,
        crawls=_crawls(folder),
        metrics=_metrics(part("models/base", "metrics.jsonl")),
        evaluation=_summary(part("evaluations/models", "results.json"))
        or (_summary(folder / "evaluations" / "results.json") if current is None else None),
        gains=_summary(part("evaluations/instruct", "gains.json")),
        ppo=_metrics(part("models/ppo", "metrics.jsonl")),
        answers=list(json_lines(part("models/ppo", "samples.jsonl"))),
        comparison=_summary(part("evaluations/adapters", "comparison.json")),
        written=list(json_lines(part("models/base", "samples.jsonl"))),
        audit=_summary(part("audits", "summary.json")),
        loop=_summary(folder / "loop" / "loop.json"),
    )


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file. A line that is none (the last one of a killed writer) is left out."""
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


def _samples(folder: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    smallest: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in tables(folder, "ledger/dropped"):
        names = pq.read_schema(path).names
        wanted = [name for name in ("stage", "rule", *_SAMPLE_COLUMNS) if name in names]
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=16384, columns=wanted):
                for key, rows in _smallest_ids(batch):
                    smallest[key] = heapq.nsmallest(SAMPLES, smallest.get(key, []) + rows, key=lambda row: row["id"])
    return smallest


def _smallest_ids(batch: pa.RecordBatch) -> Iterator[tuple[tuple[str, str], list[dict[str, Any]]]]:
    table = pa.Table.from_batches([batch])
    for group in table.group_by(["stage", "rule"]).aggregate([]).to_pylist():
        mine = pc.and_(pc.equal(table["stage"], group["stage"]), pc.equal(table["rule"], group["rule"]))
        rows = table.filter(mine)
        rows = rows.take(pc.select_k_unstable(rows, SAMPLES, [("id", "ascending")]))
        yield (group["stage"], group["rule"]), rows.to_pylist()


def _changes(folder: Path) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for batch in _batches(folder, "ledger/changes", ["stage", "changes"]):
        for stage in pc.unique(batch.column("stage")).to_pylist():
            spans = pc.list_flatten(batch.filter(pc.equal(batch.column("stage"), stage)).column("changes"))
            counts.setdefault(stage, Counter()).update(_value_counts(pc.struct_field(spans, "type")))
    return counts


def _risks(folder: Path) -> list[Risk]:
    """Findings by type and source: what the stage counted, and what is left once its replacements are taken off."""
    found: Counter[tuple[str, str]] = Counter()
    left: Counter[tuple[str, str]] = Counter()
    concerned: list[pa.Array] = []
    for kind in ("corpus", "ledger/dropped"):
        for batch in _batches(folder, kind, ["id", "source", "personal_data"]):
            measured = batch.column("personal_data")
            if not pa.types.is_struct(measured.type) or measured.type.get_field_index("types") < 0:
                continue
            types = pc.struct_field(measured, "types")
            rows = pc.greater(pc.fill_null(pc.list_value_length(types), 0), 0)
            for source, items in zip(batch.column("source").filter(rows), types.filter(rows), strict=True):
                for type_, count in _pairs(items.as_py()):
                    found[type_, source.as_py() or ""] += count
                    if kind == "corpus":
                        left[type_, source.as_py() or ""] += count
            if kind == "corpus":
                concerned.append(batch.column("id").filter(rows))
    kept = pa.concat_arrays(concerned) if concerned else pa.array([], pa.string())
    for batch in _batches(folder, "ledger/changes", ["id", "source", "stage", "changes"]):
        mine = pc.and_(pc.equal(batch.column("stage"), "personal_data"), pc.is_in(batch.column("id"), kept))
        for row in batch.filter(mine).to_pylist():
            left.subtract((change["type"], row["source"] or "") for change in row["changes"])
    return [Risk(type_, source, count, max(0, left[type_, source])) for (type_, source), count in sorted(found.items())]


def _pairs(items: list[Any]) -> Iterator[tuple[str, int]]:
    """(type, count) from a list of structs or from a map, as Arrow gives them back."""
    for item in items:
        yield (item["type"], item["count"]) if isinstance(item, dict) else (item[0], item[1])


def _batches(folder: Path, kind: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The columns of all tables of a kind. Tables that lack one of them are left out."""
    for path in tables(folder, kind):
        if set(columns) <= set(pq.read_schema(path).names):
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=65536, columns=columns)


def _value_counts(values: pa.Array) -> dict[str, int]:
    return {item["values"] or "": item["counts"] for item in pc.value_counts(values).to_pylist()}


def _quarantine(folder: Path) -> tuple[Counter[str], list[dict[str, Any]]]:
    reasons: Counter[str] = Counter()
    shown: list[dict[str, Any]] = []
    for path in tables(folder, "ledger/quarantine"):
        for record in json_lines(path):
            reasons[str(record.get("reason"))] += 1
            if len(shown) < QUARANTINE_SHOWN:
                shown.append(record)
    return reasons, shown


def _crawls(folder: Path) -> dict[str, Counter[str]]:
    return {
        path.parent.name: Counter(str(record.get("outcome")) for record in json_lines(path))
        for path in sorted((folder / "sources").glob("*/crawl-log.jsonl"))
    }


def _metrics(path: Path) -> list[dict[str, Any]]:
    """Rows by step. A step that was trained again after an interruption counts as it ended."""
    rows: dict[int, dict[str, Any]] = {}
    for record in json_lines(path):
        if isinstance(record.get("step"), int):
            rows[record["step"]] = rows.get(record["step"], {}) | record
    return [rows[step] for step in sorted(rows)]


def _summary(path: Path) -> dict[str, Any] | None:
    summary = read_json(path)
    return summary if isinstance(summary, dict) else None


def finite(value: Any) -> float | None:
    """A number that can be drawn, or None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
