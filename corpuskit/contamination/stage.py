"""The stage `contamination` of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from corpuskit.contamination.benchmarks import files
from corpuskit.contamination.check import NGRAM, Benchmarks, check, matched, prepare
from corpuskit.document import Change, apply_changes, change_lists, set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import CHANGES, BatchStage


class Contamination(BatchStage):
    """Finds benchmark questions and answers in documents and drops documents that hold too much of one."""

    name: ClassVar[str] = "contamination"
    version: ClassVar[int] = 2

    benchmarks: Annotated[tuple[str, ...], Field(min_length=1)]
    """Benchmark files or patterns: JSON, JSON Lines, CSV, TSV, Parquet, or text with an item a line, also
    compressed."""
    fields: Mapping[str, Literal["question", "answer"]] = {}
    """What the fields of an item hold, where they are not known by their names: {q_text: question, key: answer}."""
    ngram: Annotated[int, Field(ge=5, le=100)] = NGRAM
    """Words in a row that count as a match; twice as many characters of Hangul, Han and Kana."""
    max_overlap: Annotated[float, Field(ge=0, le=1)] = 0.2
    """The largest share of a question or an answer that a document may hold."""
    action: Literal["drop", "cut", "tag"] = "drop"
    """What becomes of a document that holds more: it is dropped, its passages are cut out, or it is only measured."""

    def rules(self) -> list[Rule]:
        if self.action != "drop":
            return []
        evidence = ("benchmark", "item", "part", "start", "end", "passage")
        return [
            Rule(
                "contamination.overlap",
                "contamination.overlap",
                "<=",
                self.max_overlap,
                evidence=tuple(f"contamination.{name}" for name in evidence),
            )
        ]

    def inputs(self) -> list[Path]:
        return files(self.benchmarks)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        prepared = _prepared(self.benchmarks, self.ngram, tuple(sorted(self.fields.items())))
        texts = batch.column("text")
        batch = set_column(batch, self.name, check(texts, prepared))
        if self.action != "cut":
            return batch
        changes = [
            [Change(start, end, "benchmark") for start, end in spans]
            for spans in matched(texts, prepared, self.max_overlap)
        ]
        cut = [
            text if text is None or not row else apply_changes(text, row)
            for text, row in zip(texts.to_pylist(), changes, strict=True)
        ]
        batch = set_column(batch, "text", pa.array(cut, pa.large_string()))
        return set_column(batch, CHANGES, change_lists(changes))


@lru_cache(maxsize=2)
def _prepared(
    paths: tuple[str, ...], ngram: int, fields: tuple[tuple[str, Literal["question", "answer"]], ...]
) -> Benchmarks:
    prepared = prepare(paths, ngram, dict(fields) or None)
    prepared.require_items()
    return prepared
