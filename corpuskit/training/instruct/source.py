"""The small world of the shipped requests as a source of documents, so that a recipe can train a base on its language.

sources:
  - task_texts: {documents: 12000}
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from corpuskit.document import document_id, documents
from corpuskit.engine.files import digest
from corpuskit.engine.source import BATCH_ROWS, Quarantine, Source, Split
from corpuskit.training.instruct.tasks import statements

SPLIT_DOCUMENTS = 4096


class TaskTexts(Source):
    """Texts that corpuskit writes itself, in English and Korean: facts, and requests that nobody answers."""

    key: ClassVar[str] = "task_texts"
    version: ClassVar[int] = 1

    documents: int = Field(default=12_000, ge=1)
    """How many documents to write."""
    seed: int = Field(default=0, ge=0)
    """Seed of what is written."""

    def fingerprint(self, folder: Path) -> str:
        return digest([self.documents, self.seed])

    def splits(self, folder: Path) -> list[Split]:
        starts = range(0, self.documents, SPLIT_DOCUMENTS)
        return [
            Split(f"task texts {self.seed}", start, min(start + SPLIT_DOCUMENTS, self.documents)) for start in starts
        ]

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        written = statements(split.end - split.start, f"{self.seed}/{split.start}")
        numbered = zip(range(split.start, split.end), written, strict=True)
        while rows := list(islice(numbered, BATCH_ROWS)):
            yield documents(
                {
                    "id": document_id(f"task text {number}", text.encode()),
                    "text": text,
                    "source": self.label(),
                    "kind": self.kind,
                    "language": language,
                    "provenance": {"path": split.path, "offset": number, "length": len(text.encode())},
                }
                for number, (language, text) in rows
            )
