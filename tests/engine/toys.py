"""Stages small enough to see through, for tests of the engine. Workers import this module."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.document import CHANGE, set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CHANGES, ERROR, BatchStage, CorpusStage


class Length(BatchStage):
    """Counts characters; drops what is shorter than `minimum`."""

    name: ClassVar[str] = "length"
    minimum: int = 5
    minimum_korean: int | None = None

    def rules(self) -> list[Rule]:
        korean = {} if self.minimum_korean is None else {"ko": float(self.minimum_korean)}
        return [Rule("length.characters", "length.characters", ">=", float(self.minimum), by_language=korean)]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        lengths = pc.utf8_length(batch.column("text")).cast(pa.int64())
        return set_column(batch, "length", pa.StructArray.from_arrays([lengths], ["characters"]))


class Vowels(BatchStage):
    """Counts the letter a; drops what has more than `maximum`."""

    name: ClassVar[str] = "vowels"
    maximum: int = 1000

    def rules(self) -> list[Rule]:
        return [Rule("vowels.a", "vowels.a", "<=", float(self.maximum))]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        counts = pc.count_substring(batch.column("text"), "a").cast(pa.int64())
        return set_column(batch, "vowels", pa.StructArray.from_arrays([counts], ["a"]))


class Fragile(BatchStage):
    """Raises on 'RAISE', reports an error on 'ERROR', and takes its process down on 'CRASH'."""

    name: ClassVar[str] = "fragile"

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        if any("CRASH" in (text or "") for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if any("RAISE" in (text or "") for text in texts):
            raise ValueError("cannot bear this text")
        errors = ["unreadable" if "ERROR" in (text or "") else None for text in texts]
        return set_column(batch, ERROR, pa.array(errors, pa.string()))


class Hide(BatchStage):
    """Replaces the word 'secret'."""

    name: ClassVar[str] = "hide"

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        changes = []
        for text in texts:
            start = (text or "").find("secret")
            found = {"start": start, "end": start + 6, "type": "word", "replacement": "<HIDDEN>"}
            changes.append([found] if start >= 0 else [])
        hidden = pa.array([text and text.replace("secret", "<HIDDEN>", 1) for text in texts], pa.large_string())
        return set_column(set_column(batch, "text", hidden), CHANGES, pa.array(changes, pa.list_(CHANGE)))

    def redact(self, column: pa.Array, languages: pa.Array, name: str = "") -> pa.Array:
        strings = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        return pc.replace_substring(column, "secret", "<HIDDEN>") if strings else column


class SameText(CorpusStage):
    """Marks every document whose text an earlier one has."""

    name: ClassVar[str] = "same_text"

    def rules(self) -> list[Rule]:
        return [Rule("same_text.duplicate", "same_text.duplicate", "is", False, evidence=("same_text.twin",))]

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(["id", "text"])

    def resolve(self, sketches: Sketches) -> Iterator[pa.RecordBatch]:
        seen: dict[str, str] = {}
        duplicate, twins = [], []
        for part in sketches:
            for row in part.to_pylist():
                first = seen.setdefault(row["text"], row["id"])
                duplicate.append(first != row["id"])
                twins.append(first if first != row["id"] else None)
        yield from sketches.split({"duplicate": pa.array(duplicate, pa.bool_()), "twin": pa.array(twins, pa.string())})

    def apply(self, batch: pa.RecordBatch, resolution: pa.RecordBatch) -> pa.RecordBatch:
        return set_column(batch, "same_text", resolution.to_struct_array())


class Silent(BatchStage):
    """Names a measurement that it never makes."""

    name: ClassVar[str] = "silent"

    def rules(self) -> list[Rule]:
        return [Rule("silent.depth", "silent.depth", "<=", 1.0)]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch


class Constant(BatchStage):
    """Adds the same number everywhere: a stage that a test can change to see what runs again."""

    name: ClassVar[str] = "constant"
    value: float = 1.0

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        values = pa.array(np.full(batch.num_rows, self.value))
        return set_column(batch, "constant", pa.StructArray.from_arrays([values], ["value"]))
