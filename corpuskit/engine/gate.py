"""The one gate: what a run keeps outside the text of its documents passes every stage that hides something.

The ledger, its evidence and excerpts, the quarantine, and the measurements of stages pass it. Texts pass whole, and are
cut then. Where a stage removes what it finds from the documents, too, intermediate files are deleted or encrypted when
the corpus is published (`corpuskit.engine.intermediate`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from corpuskit.document import set_column
from corpuskit.engine.columns import holds_strings
from corpuskit.engine.source import BadRecord, Source
from corpuskit.engine.stage import BatchStage, Stage

if TYPE_CHECKING:
    from corpuskit.engine.pipeline import Pipeline

OURS = frozenset({"id", "source", "kind", "provenance"})
"""Columns that hold nothing of a record but where it comes from."""

CUT = 64 << 10
"""Bytes of a record that the quarantine keeps."""

TORN = 512
"""Bytes at the end of a record that was cut before it came here: a value may have been torn there and not be found."""


@dataclass(frozen=True)
class Gate:
    """The stages of a pipeline that hide something, in its order."""

    stages: tuple[BatchStage, ...]

    @classmethod
    def of(cls, stages: Iterable[Stage]) -> Gate:
        return cls(tuple(each for each in stages if isinstance(each, BatchStage) and hides(each)))

    @property
    def removes(self) -> bool:
        """Whether a stage takes what it hides out of the documents: then no file that the run keeps may hold it."""
        return any(stage.removes for stage in self.stages)

    def column(self, values: pa.Array, languages: pa.Array, name: str) -> pa.Array:
        """What may be kept of a column. `languages` has one a row."""
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        for stage in self.stages:
            values = stage.redact(values, languages, name).cast(values.type)
        return values

    def open_columns(self, schema: pa.Schema) -> list[str]:
        """The columns of a schema that may hold something to hide."""
        return [
            field.name
            for field in schema
            if self.stages and field.name not in OURS and not field.name.startswith("_") and holds_strings(field.type)
        ]

    def columns(self, batch: pa.RecordBatch, names: Iterable[str]) -> pa.RecordBatch:
        """The batch with what may be kept of some columns."""
        if self.stages:
            for name in names:
                batch = set_column(batch, name, self.column(batch.column(name), batch.column("language"), name))
        return batch

    def decisions(self, decided: Sequence[list[dict[str, str]]], languages: pa.Array) -> list[list[dict[str, str]]]:
        """Decisions with what may be kept of their values and evidence."""
        if not self.stages:
            return list(decided)
        evidence = [[json.loads(each["evidence"] or "{}") for each in row] for row in decided]
        texts: list[str] = []
        spoken: list[str | None] = []
        for row, found, language in zip(decided, evidence, languages.to_pylist(), strict=True):
            strings = [each["value"] for each in row] + _strings(found)
            texts += strings
            spoken += [language] * len(strings)
        shown = iter(self.column(pa.array(texts, pa.string()), pa.array(spoken, pa.string()), "").to_pylist())
        kept = []
        for row, found in zip(decided, evidence, strict=True):
            values = [next(shown) for _ in row]
            filled = [_filled(each, shown) for each in found]
            kept.append(
                [
                    {**each, "value": value, "evidence": json.dumps(inner, ensure_ascii=False, default=str)}
                    for each, value, inner in zip(row, values, filled, strict=True)
                ]
            )
        return kept

    def record(self, bad: BadRecord) -> BadRecord:
        """What the quarantine may keep of a record that could not be read: read as text, hidden whole, then cut."""
        if not self.stages:
            return replace(bad, content=bad.content[:CUT]) if bad.content is not None else bad
        content = None
        if bad.content is not None:
            text = self._text(_as_text(bad.content)).encode()
            content = text[: min(CUT, len(text) - TORN)] if len(bad.content) >= CUT else text
        return replace(
            bad, reason=self._text(bad.reason), url=self._text(bad.url, "url") if bad.url else bad.url, content=content
        )

    def _text(self, text: str, name: str = "") -> str:
        values = pa.array([text.encode("utf-8", "replace").decode()], pa.large_string())
        found: str = self.column(values, pa.array([None], pa.string()), name)[0].as_py()
        return found


def originals(pipeline: Pipeline) -> dict[str, str]:
    """Folders of a finished run that hold pages as they were fetched, though stages take things out of documents."""
    if not Gate.of(pipeline.stages).removes:
        return {}
    found = {
        f"sources/{source.label()}": "the pages as they were fetched (WARC), their index and the log of addresses"
        for source in pipeline.sources
        if type(source).collect is not Source.collect
    }
    if pipeline.intermediate == "keep":
        found["steps"] = "the documents between the stages"
    return found


def hides(stage: Stage) -> bool:
    return isinstance(stage, BatchStage) and type(stage).redact is not BatchStage.redact


def _as_text(content: bytes) -> str:
    """Bytes of an unknown encoding as text in which values can be found."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    for encoding in ("utf-8", "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start >= len(content) - 3:  # a character that was cut in two
                return content[: error.start].decode(encoding)
    if content.count(0) > len(content) // 4:  # UTF-16 without a mark
        return content.decode("utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be", "replace")
    return content.decode("utf-8", "replace")


def _strings(value: Any) -> list[str]:
    """Every string of a JSON value, in order."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _strings(each)]


def _filled(value: Any, texts: Any) -> Any:
    """The value with its strings replaced, in order."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {name: _filled(each, texts) for name, each in value.items()}
    return [_filled(each, texts) for each in value] if isinstance(value, list) else value
