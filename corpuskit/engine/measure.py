"""One stage over one batch, whatever is in it: rows that a stage cannot bear are found and set aside alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.engine.source import BadRecord, Quarantine
from corpuskit.engine.stage import ERROR
from corpuskit.errors import CorpuskitError

Rows = npt.NDArray[np.int64]
Measure = Callable[[pa.RecordBatch], pa.RecordBatch]


def measure(name: str, function: Measure, batch: pa.RecordBatch, quarantine: Quarantine) -> tuple[pa.RecordBatch, Rows]:
    """(measured batch, rows of `batch` that are in it). The others are in the quarantine.

    A CorpuskitError is about the recipe, not about a row, and goes on to the caller.
    """
    measured, rows = _bisect(name, function, batch, np.arange(batch.num_rows, dtype=np.int64), quarantine)
    position = measured.schema.get_field_index(ERROR)
    if position < 0:
        return measured, rows
    errors = measured.column(position)
    measured = measured.remove_column(position)
    if errors.null_count < len(errors):
        bad = pc.is_valid(errors)
        for row in np.flatnonzero(bad.to_numpy(zero_copy_only=False)):
            quarantine(bad_row(batch.slice(int(rows[row]), 1), f"{name}: {errors[row].as_py()}"))
        good = pc.invert(bad)
        measured, rows = measured.filter(good), rows[good.to_numpy(zero_copy_only=False)]
    return measured, rows


def _bisect(
    name: str, function: Measure, batch: pa.RecordBatch, rows: Rows, quarantine: Quarantine
) -> tuple[pa.RecordBatch, Rows]:
    try:
        measured = function(batch)
    except CorpuskitError:
        raise
    except Exception as error:
        if batch.num_rows == 0:  # it fails on nothing: the stage is broken, and no row is to blame
            raise
        if batch.num_rows == 1:
            quarantine(bad_row(batch, f"{name}: {type(error).__name__}: {error}"))
            return function(batch.slice(0, 0)), rows[:0]
        half = batch.num_rows // 2
        left, left_rows = _bisect(name, function, batch.slice(0, half), rows[:half], quarantine)
        right, right_rows = _bisect(name, function, batch.slice(half), rows[half:], quarantine)
        return concatenate([left, right]), np.concatenate([left_rows, right_rows])
    if measured.num_rows != batch.num_rows:
        raise CorpuskitError(
            f"stage '{name}' gave {measured.num_rows} rows for {batch.num_rows}: a stage measures, it never drops"
        )
    return measured, rows


def bad_row(batch: pa.RecordBatch, reason: str) -> BadRecord:
    row = batch.slice(0, 1).to_pylist()[0]
    provenance = row.get("provenance") or {}
    content = row.get("content")
    if content is None and row.get("text") is not None:
        content = row["text"].encode("utf-8", "replace")
    return BadRecord(
        reason=reason,
        path=provenance.get("path") or "",
        offset=provenance.get("offset"),
        url=row.get("url"),
        content=content,
    )


def concatenate(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches of one schema as one batch."""
    table = pa.Table.from_batches(batches).combine_chunks()
    found = table.to_batches()
    return found[0] if found else batches[0].slice(0, 0)


def text_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """UTF-8 bytes of each document: of its text, or of its fetched content where no text has been extracted yet."""
    lengths = pc.binary_length(batch.column("text"))
    if lengths.null_count and batch.schema.get_field_index("content") >= 0:
        lengths = pc.coalesce(lengths, pc.binary_length(batch.column("content")))
    filled: npt.NDArray[np.int64] = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return filled
