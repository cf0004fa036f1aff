"""Running a corpus stage over batches of documents, as the engine does: sketch, resolve, apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import document_id, documents
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CorpusStage


def batch_of(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Documents with ids as a source gives them."""
    return documents(
        [{"id": document_id(row.get("url"), (row.get("text") or "").encode("utf-8", "replace")), **row} for row in rows]
    )


def run_stage(
    stage: CorpusStage, folder: Path, parts: Sequence[pa.RecordBatch], memory: int = 1 << 30
) -> list[pa.RecordBatch]:
    """The measured batch of each part."""
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    sketch_paths, part_paths = [], []
    for number, part in enumerate(parts):
        sketch_paths.append(folder / f"{number}.arrow")
        part_paths.append(folder / f"{number}.parquet")
        sketched = stage.sketch(part)
        assert sketched.num_rows == part.num_rows
        with pa.ipc.new_file(str(sketch_paths[-1]), sketched.schema) as file:
            file.write_batch(sketched)
        pq.write_table(pa.Table.from_batches([part]), part_paths[-1])
    kept = folder / "kept"
    resolved = list(stage.resolve(Sketches(sketch_paths, part_paths, workspace, memory, kept=kept)))
    if kept.is_dir():
        stage.commit(kept)
    return [stage.apply(part, resolution) for part, resolution in zip(parts, resolved, strict=True)]


def measured(stage: CorpusStage, batches: Sequence[pa.RecordBatch]) -> list[dict[str, Any] | None]:
    return [row for batch in batches for row in batch.column(stage.name).to_pylist()]
