"""Extraction as a stage: pages in `content` become documents with a text."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Annotated, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import ERROR, BatchStage
from corpuskit.extract.page import Engine, Unreadable
from corpuskit.extract.result import Extracted
from corpuskit.extract.sandbox import Sandbox

MEASUREMENT = pa.struct(
    [
        ("engine", pa.string()),  # what found the text: accurate, fast, posts, plain, or given
        ("charset", pa.string()),  # the encoding that the page was read in
        ("language_hint", pa.string()),  # the page's lang attribute
        ("posts", pa.int32()),  # posts of a thread in the text
        ("bytes", pa.int64()),  # length of the page as fetched
        ("characters", pa.int64()),  # length of the text
    ]
)


class ExtractStage(BatchStage):
    """Makes text, title, author and date of a fetched page; a page that breaks a parser is quarantined."""

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 1

    engine: Engine = "accurate"
    """`accurate` (trafilatura, checked against the other) or `fast` (resiliparse), about six times as fast."""
    max_page_bytes: Annotated[int, Field(gt=0)] = 16 << 20
    """A larger page is quarantined unread."""
    page_seconds: Annotated[float, Field(gt=0)] = 20.0
    """A page that keeps the parser busy for longer is quarantined."""
    memory_bytes: Annotated[int, Field(ge=1 << 29)] = 4 << 30
    """Address space of the process that parses. A page that needs more is quarantined."""

    def rules(self) -> list[Rule]:
        return [Rule("extract.characters", "extract.characters", ">=", 1)]

    def libraries(self) -> tuple[str, ...]:
        if self.engine == "fast":
            return ("resiliparse",)
        return ("resiliparse", "trafilatura", "lxml", "htmldate", "jusText")

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.select(["text", "title", "author", "published", "url", "kind", "rights", "media_type"]).to_pylist()
        contents = batch.column("content")
        found = [self._read(row, contents[index]) for index, row in enumerate(rows)]
        for name in ("text", "title", "author", "published", "rights"):
            batch = set_column(
                batch, name, pa.array([values.get(name) for values in found], batch.schema.field(name).type)
            )
        for name in ("content", "media_type"):
            batch = set_column(batch, name, pa.nulls(len(rows), batch.schema.field(name).type))
        batch = set_column(batch, self.name, pa.array([values.get("measured") for values in found], MEASUREMENT))
        errors = pa.array([values.get("error") for values in found], pa.string())
        return set_column(batch, ERROR, errors) if pc.any(pc.is_valid(errors)).as_py() else batch

    def _read(self, row: dict[str, Any], content: pa.Scalar) -> dict[str, Any]:
        """The document's new values, with 'measured' for the stage's column or 'error' for the quarantine."""
        if row["text"] is not None:
            return {**row, "measured": {"engine": "given", "characters": len(row["text"])}}
        if not content.is_valid:
            return {**row, "error": "extract: the document has neither a text nor a page"}
        page = content.as_buffer()
        if page.size > self.max_page_bytes:
            return {
                **row,
                "error": f"extract: page of {page.size} bytes, more than max_page_bytes {self.max_page_bytes}",
            }
        sandbox = _sandbox(self.page_seconds, self.memory_bytes, os.getpid())
        try:
            result = sandbox.extract(
                page.to_pybytes(), row["url"], row["media_type"], row["kind"] or "other", self.engine
            )
        except Unreadable as error:
            return {**row, "error": f"extract: {error}"}
        return _filled(row, result, page.size)


def _filled(row: dict[str, Any], result: Extracted, size: int) -> dict[str, Any]:
    """What the source knew stays; the page fills the rest, and adds its rights to those of its HTTP headers."""
    rights = [part for part in (row["rights"], result.rights) if part]
    return {
        "text": result.text,
        "title": row["title"] or result.title,
        "author": row["author"] or result.author,
        "published": row["published"] or result.published,
        "rights": "; ".join(dict.fromkeys("; ".join(rights).split("; "))) if rights else None,
        "measured": {
            "engine": result.method,
            "charset": result.charset,
            "language_hint": result.language_hint,
            "posts": result.posts,
            "bytes": size,
            "characters": len(result.text),
        },
    }


@lru_cache(maxsize=4)
def _sandbox(seconds: float, memory: int, process: int) -> Sandbox:
    """One sandbox a process: a forked worker does not share its parent's."""
    return Sandbox(seconds, memory)
