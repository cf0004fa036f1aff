"""The stage `contamination` of a recipe."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from corpuskit.contamination.benchmarks import files
from corpuskit.contamination.check import NGRAM, Benchmarks, check, prepare
from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import BatchStage


class Contamination(BatchStage):
    """Finds benchmark questions and answers in documents and drops documents that hold too much of one."""

    name: ClassVar[str] = "contamination"
    version: ClassVar[int] = 1

    benchmarks: Annotated[tuple[str, ...], Field(min_length=1)]
    """Benchmark files or patterns: JSON, JSON Lines, CSV, TSV, Parquet, or text with an item a line."""
    ngram: Annotated[int, Field(ge=5, le=100)] = NGRAM
    """Words in a row that count as a match; twice as many characters of Hangul, Han and Kana."""
    max_overlap: Annotated[float, Field(ge=0, le=1)] = 0.2
    """The largest share of a question or an answer that a document may hold."""

    def rules(self) -> list[Rule]:
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
        return set_column(batch, self.name, check(batch.column("text"), _prepared(self.benchmarks, self.ngram)))


@lru_cache(maxsize=2)
def _prepared(paths: tuple[str, ...], ngram: int) -> Benchmarks:
    return prepare(paths, ngram)
