"""The stage `passages`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from corpuskit.document import CHANGE, set_column
from corpuskit.duplicates.corpus import Rows, SketchedCorpus
from corpuskit.duplicates.passages import PROTECTED, Bounds, Unit, character_spans, in_order, least_documents
from corpuskit.duplicates.protected import Protection
from corpuskit.duplicates.repeated_text import Wanted, repeated_text
from corpuskit.duplicates.repeated_units import FIELDS, repeated_units, units
from corpuskit.duplicates.workspace import Records, Workspace
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CHANGES, CorpusStage
from corpuskit.kernels.arrow import text_buffers

SPANS = pa.schema([("starts", pa.large_list(pa.int64())), ("ends", pa.large_list(pa.int64()))])


class Passages(CorpusStage):
    """Text that several documents share (boilerplate, notices, quotations) is removed, and recorded as changes."""

    name: ClassVar[str] = "passages"
    version: ClassVar[int] = 2

    unit: Unit = "substring"
    """What a passage is: a 'line', a 'paragraph' (text up to an empty line), both equal when their words are; or any
    'substring', equal character by character and cut to whole words."""
    min_length: Annotated[int, Field(ge=8)] = 100
    """Characters that a passage has at least. Lines of navigation and notices are short: 20 to 40 finds them."""
    min_documents: Annotated[int, Field(ge=2)] = 2
    """A passage occurs in at least this many documents."""
    min_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """It also occurs in at least this share of all documents: 0.01 for the boilerplate of a site with many pages."""
    keep: Literal["first", "none"] = "first"
    """'first': the passage stays in the first of these documents; 'none': it goes everywhere, as boilerplate should."""

    protect: tuple[Protection, ...] = PROTECTED
    """Repeated text that is left: 'code' (in Markdown fences, indented, or lines that are statements) and 'quotations'
    (lines marked with >, and several lines in the middle of a text that end as a sentence does)."""
    cut_to: Bounds = "sentence"
    """What a substring is cut to: whole sentences or lines, so that none is left broken, or whole words."""

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.unit == "substring":
            _, offsets = text_buffers(batch.column("text"))
            return pa.RecordBatch.from_pydict({"bytes": pa.array(np.diff(offsets))})
        records, counts = units(batch.column("text"), self.unit == "paragraph", self.min_length)
        bounds = np.concatenate([[0], np.cumsum(counts * FIELDS)]).astype(np.int64)
        listed = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(records.reshape(-1)))
        return pa.RecordBatch.from_pydict({"units": listed})

    def resolve(self, sketches: Sketches) -> Iterator[pa.RecordBatch]:
        workspace = Workspace(sketches.workspace, sketches.memory)
        found = self._substrings(sketches, workspace) if self.unit == "substring" else self._units(sketches, workspace)
        spans = in_order(found, sketches.rows, workspace)
        bounds = np.searchsorted(spans.rows, sketches.starts)
        for part in range(len(sketches.paths)):
            rows = np.arange(sketches.starts[part], sketches.starts[part + 1] + 1)
            own = slice(int(bounds[part]), int(bounds[part + 1]))
            offsets = pa.array(np.searchsorted(spans.rows[own], rows).astype(np.int64))
            columns = [
                pa.LargeListArray.from_arrays(offsets, pa.array(np.array(places[own])))
                for places in (spans.starts, spans.ends)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=SPANS)
            workspace.release()

    def apply(self, batch: pa.RecordBatch, resolution: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text")
        starts, ends = resolution.column("starts"), resolution.column("ends")
        given = np.asarray(texts.is_valid())
        number = np.zeros(batch.num_rows, np.int64)
        removed = np.zeros(batch.num_rows, np.int64)
        share = np.zeros(batch.num_rows)
        changes: list[list[dict[str, str | int]]] = [[] for _ in range(batch.num_rows)]
        rewritten: dict[int, str] = {}
        for row in np.flatnonzero(np.asarray(starts.value_lengths()) > 0).tolist():
            text = texts[row].as_py()
            cut = self._spans(text, _numbers(starts[row]), _numbers(ends[row]))
            number[row] = len(cut)
            removed[row] = sum(end - start for start, end in cut)
            share[row] = removed[row] / len(text)
            if not cut:
                continue
            changes[row] = [
                {"start": start, "end": end, "type": f"repeated.{self.unit}", "replacement": ""} for start, end in cut
            ]
            rewritten[row] = _without(text, cut)
        if rewritten:
            whole = texts.to_pylist() if len(rewritten) > batch.num_rows // 4 else None
            if whole is None:
                mask = np.zeros(batch.num_rows, np.bool_)
                mask[list(rewritten)] = True
                import pyarrow.compute as pc

                texts = pc.replace_with_mask(texts, pa.array(mask), pa.array(rewritten.values(), pa.large_string()))
            else:
                texts = pa.array([rewritten.get(row, text) for row, text in enumerate(whole)], pa.large_string())
            batch = set_column(batch, "text", texts)
        values = pa.StructArray.from_arrays(
            [pa.array(number), pa.array(removed), pa.array(share)],
            names=["spans", "removed", "share"],
            mask=pa.array(~given),
        )
        batch = set_column(batch, self.name, values)
        return set_column(batch, CHANGES, pa.array(changes, pa.list_(CHANGE)))

    def _spans(self, text: str, starts: Rows, ends: Rows) -> list[tuple[int, int]]:
        return character_spans(text, starts, ends, self.unit, self.min_length, self.protect, self.cut_to)

    def _substrings(self, sketches: Sketches, workspace: Workspace) -> Iterator[Records]:
        corpus = SketchedCorpus(sketches)
        total = sum(int(corpus.column(part, "bytes").sum()) for part in range(len(sketches.paths)))

        def texts() -> Iterator[tuple[int, pa.Array]]:
            for part in range(len(sketches.paths)):
                for first, batch, _ in corpus.texts(part):
                    yield int(corpus.starts[part]) + first, batch

        least = least_documents(self.min_documents, self.min_share, sketches.rows)
        return repeated_text(texts, total, Wanted(self.min_length, least, self.keep == "first"), workspace)

    def _units(self, sketches: Sketches, workspace: Workspace) -> Iterator[Records]:
        def described() -> Iterator[tuple[int, Records, npt.NDArray[np.int64]]]:
            for start, part in zip(sketches.starts.tolist(), sketches, strict=False):
                first = start
                for batch in part.to_batches():
                    listed = batch.column("units")
                    counts = np.asarray(listed.value_lengths()).astype(np.int64) // FIELDS
                    yield first, np.asarray(listed.flatten()).reshape(-1, FIELDS), counts
                    first += batch.num_rows

        total = sum(
            int(np.asarray(batch.column("units").value_lengths()).sum())
            for part in sketches
            for batch in part.to_batches()
        )
        least = least_documents(self.min_documents, self.min_share, sketches.rows)
        return iter(repeated_units(described(), total // FIELDS, least, self.keep == "first", workspace))


def _numbers(scalar: pa.Scalar) -> npt.NDArray[np.int64]:
    return np.asarray(scalar.values)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept = []
    at = 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
