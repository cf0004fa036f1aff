"""Extraction as a stage: pages in `content` become documents with a text."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import ERROR, BatchStage
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.page import Engine, Format
from corpuskit.extract.result import Extracted
from corpuskit.extract.sandbox import Sandbox

EVIDENCE = pa.struct(
    [("field", pa.string()), ("source", pa.string()), ("confidence", pa.float32()), ("candidates", pa.int32())]
)
MEASUREMENT = pa.struct(
    [
        # where the text is from: blocks, container, all, json-ld, hydration; plain; a file format; or given
        ("engine", pa.string()),
        ("page_type", pa.string()),  # article, service, forum, listing, documentation, collection, product
        ("type_probability", pa.float32()),  # how sure that is
        ("expected_f1", pa.float32()),  # word F1 that the model expects of the text
        ("charset", pa.string()),  # the encoding that the page was read in
        ("language_hint", pa.string()),  # the page's lang attribute
        ("posts", pa.int32()),  # posts of a thread in the text
        ("bytes", pa.int64()),  # length of the page as fetched
        ("characters", pa.int64()),  # length of the text
        ("modified", pa.string()),  # the day of the last change that the page tells
        ("evidence", pa.list_(EVIDENCE)),  # where title, author, days, language, address and licence are from
    ]
)


class ExtractStage(BatchStage):
    """Makes text, title, author and date of a fetched page; a page that breaks a parser is quarantined."""

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 2

    engine: Engine = "learned"
    """`learned`: models choose the blocks of a page. The earlier names `accurate` and `fast` mean the same."""
    format: Format = "text"
    """`text`, or `markdown`, which keeps headings, lists, tables and code fences."""
    max_page_bytes: Annotated[int, Field(gt=0)] = 16 << 20
    """A larger page is quarantined unread."""
    page_seconds: Annotated[float, Field(gt=0)] = 20.0
    """A page that keeps the parser busy for longer is quarantined."""
    memory_bytes: Annotated[int, Field(ge=1 << 29)] = 4 << 30
    """Address space of the process that parses. A page that needs more is quarantined."""

    def rules(self) -> list[Rule]:
        return [Rule("extract.characters", "extract.characters", ">=", 1)]

    def libraries(self) -> tuple[str, ...]:
        """resiliparse detects encodings; the others read documents."""
        return (
            "resiliparse", "pypdfium2", "python-docx", "python-pptx", "openpyxl", "hwp-hwpx-parser", "markdown-it-py",
        )  # fmt: skip

    def inputs(self) -> list[Path]:
        from corpuskit.extract.learned import MODEL

        return [MODEL]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.select(
            [
                "text",
                "title",
                "author",
                "published",
                "url",
                "kind",
                "license",
                "rights",
                "fetched",
                "media_type",
            ]
        ).to_pylist()
        contents = batch.column("content")
        found = [self._read(row, contents[index]) for index, row in enumerate(rows)]
        for name in ("text", "title", "author", "published", "license", "rights"):
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
                page.to_pybytes(),
                row["url"],
                row["media_type"],
                row["kind"] or "other",
                format=self.format,
                fetched=row["fetched"],
            )
        except Unreadable as error:
            return {**row, "error": f"extract: {error}"}
        return _filled(row, result, page.size)


def _filled(row: dict[str, Any], result: Extracted, size: int) -> dict[str, Any]:
    """What the source knew stays; the page fills the rest, and adds its rights to those of its HTTP headers.

    A day that the page states for itself outranks the source's, which may be a feed's.
    """
    rights = [part for part in (row["rights"], result.rights) if part]
    return {
        "text": result.text,
        "title": row["title"] or result.title,
        "author": row["author"] or result.author,
        "published": result.published if result.is_dated_by_page else row["published"] or result.published,
        "license": row["license"] or result.license,
        "rights": "; ".join(dict.fromkeys("; ".join(rights).split("; "))) if rights else None,
        "measured": {
            "engine": result.method,
            "page_type": result.page_type,
            "type_probability": result.type_probability,
            "expected_f1": result.expected_f1,
            "charset": result.charset,
            "language_hint": result.language_hint,
            "posts": result.posts,
            "bytes": size,
            "characters": len(result.text),
            "modified": result.modified,
            "evidence": _decisions(result),
        },
    }


def _decisions(result: Extracted) -> list[dict[str, Any]]:
    """Where each decided fact is from. The values are in the document's columns, where stages that hide things look."""
    fields: dict[str, list[dict[str, Any]]] = {}
    for found in result.evidence:
        fields.setdefault(str(found["field"]), []).append(found)
    decisions = []
    for field, values in fields.items():
        best = max(values, key=lambda found: float(found["confidence"]))
        decision = {"field": field, "source": best["source"], "confidence": best["confidence"]}
        decisions.append({**decision, "candidates": len(values)})
    return decisions


@lru_cache(maxsize=4)
def _sandbox(seconds: float, memory: int, process: int) -> Sandbox:
    """One sandbox a process: a forked worker does not share its parent's."""
    return Sandbox(seconds, memory)
