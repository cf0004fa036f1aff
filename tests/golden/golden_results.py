"""The results that a version stands for: each stage and source over a small fixed sample, as plain values.

Floats are rounded to six significant digits. What depends on where the sample lies (paths) is left out.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import document_id, documents
from corpuskit.engine.files import digest
from corpuskit.engine.identity import defaults_of
from corpuskit.engine.located import parse
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.source import BadRecord, Source
from corpuskit.engine.stage import BatchStage, CorpusStage, Stage
from corpuskit.recipe.load import check

SAMPLE = Path(__file__).parents[1] / "data" / "golden"
PINS = SAMPLE / "pins.json"
CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


def rounded(value: Any) -> Any:
    """A value as JSON with floats of six significant digits, bytes in hexadecimal, without paths."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        shown = {name: each for name, each in value.items() if name != "path" and (name, each) != ("truncated", None)}
        return {name: rounded(each) for name, each in shown.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    return value


def sample_documents() -> pa.RecordBatch:
    rows = [json.loads(line) for line in (SAMPLE / "documents.jsonl").read_text("utf-8").splitlines()]
    return documents(
        {
            **row,
            "id": document_id(row["id"], row["text"].encode()),
            "source": "golden",
            "kind": "news",
            "provenance": {"path": "documents.jsonl", "offset": number, "length": len(row["text"])},
        }
        for number, row in enumerate(rows)
    )


def sample_pages() -> pa.RecordBatch:
    rows = [json.loads(line) for line in (SAMPLE / "pages.jsonl").read_text("utf-8").splitlines()]
    return documents(
        {
            "id": document_id(row["url"], row["content"].encode()),
            "url": row["url"],
            "source": "golden",
            "kind": "news",
            "content": row["content"].encode(),
            "media_type": row["media_type"],
            "provenance": {"path": "pages.jsonl", "offset": number, "length": None},
        }
        for number, row in enumerate(rows)
    )


def stage_result(stage: Stage, batch: pa.RecordBatch, workspace: Path) -> list[Any]:
    """The documents after a stage, and its rules."""
    if isinstance(stage, BatchStage):
        after = stage.measure(batch)
    else:
        assert isinstance(stage, CorpusStage)
        sketch = stage.sketch(batch)
        workspace.mkdir()
        with pa.ipc.new_file(str(workspace / "sketch.arrow"), sketch.schema) as file:
            file.write_batch(sketch)
        pq.write_table(pa.Table.from_batches([batch]), workspace / "part.parquet")
        (workspace / "spill").mkdir()
        sketches = Sketches([workspace / "sketch.arrow"], [workspace / "part.parquet"], workspace / "spill", 256 << 20)
        (resolution,) = list(stage.resolve(sketches))
        after = stage.apply(batch, resolution)
    rules = [[rule.name, rule.measurement, rule.keep, rule.limit, dict(rule.by_language)] for rule in stage.rules()]
    return [_without_record_id(rounded(after.to_pylist())), rounded(rules)]


def _without_record_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the id of a record that has none: no stage and few sources look at it."""
    return [{name: value for name, value in row.items() if (name, value) != ("source_id", None)} for row in rows]


def source_result(source: Source, folder: Path) -> list[Any]:
    """What a source reads, and what it puts into quarantine."""
    bad: list[BadRecord] = []
    rows = [
        row for split in source.splits(folder) for batch in source.read(split, bad.append) for row in batch.to_pylist()
    ]
    return [_without_record_id(rounded(rows)), [[record.reason, record.offset, record.url] for record in bad]]


def configured(key: str, settings: dict[str, Any], kind: str) -> Any:
    """A stage or source as a recipe configures it."""
    value: dict[str, Any] = {"name": "golden", "sources": [{"text": {"paths": str(SAMPLE / "texts.txt")}}]}
    value[kind] = [{key: settings}]
    recipe = check(parse(json.dumps(value, ensure_ascii=False), "golden"))
    return recipe.stages[0] if kind == "stages" else recipe.sources[0]


def installed(distribution: str) -> str:
    return version(distribution).partition("+")[0]


def different_libraries(named: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Library -> (its pinned version, the installed one), where they differ."""
    found = {}
    for library, pinned in named.items():
        try:
            here = installed(library)
        except Exception:
            here = "absent"
        if here != pinned:
            found[library] = (pinned, here)
    return found


def pin_of(owner: type, result: Any, libraries: tuple[str, ...]) -> dict[str, Any]:
    return {
        "version": owner.__dict__["version"],
        "digest": digest(result),
        "defaults": defaults_of(owner),  # type: ignore[arg-type]
        "libraries": {library: installed(library) for library in sorted(set(libraries))},
    }
