"""What a worker does: stream one split through the stages of a pass, and write once.

The result depends on the split and the stages alone, never on the worker, the time or the order of completion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.document import CHANGE, SCHEMA, set_column
from corpuskit.engine.columns import LEDGER, conform, holds_bytes, own_name, taken_names, unified
from corpuskit.engine.decide import DECISION, DECISIONS, decide
from corpuskit.engine.gate import Gate
from corpuskit.engine.measure import bad_row, measure, text_bytes
from corpuskit.engine.parts import PartFiles, Receipt, StageCounts, read_batches, stem
from corpuskit.engine.pipeline import Pass
from corpuskit.engine.rule import Rule
from corpuskit.engine.source import BATCH_ROWS, Intake, Source, Split
from corpuskit.engine.stage import CHANGES, BatchStage, CorpusStage
from corpuskit.errors import CorpuskitError

EXCERPT = 400
"""Characters of a dropped document that the ledger shows, after redaction."""

RESOLUTION, SKETCH, TEXT = "_resolution.", "_sketch.", "_text."
"""Beginnings of columns that a pass adds, each with the name of a corpus stage behind it: what the stage resolved, what
it sketched, and the text as it was when it sketched."""

CHANGES_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source_id", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("stage", pa.string()),
        ("changes", pa.list_(CHANGE)),
    ]
)

CHANGED = ("source_id", "url", "changes")
"""Columns of the ledger of changes that may hold something to hide."""

NOT_IN_LEDGER = {"text", "content", "media_type", DECISIONS}


@dataclass(frozen=True)
class PassInput:
    """Either a split of a source, or a part of the step before with what its corpus stage resolved for it."""

    source: Source | None = None
    split: Split | None = None
    part: Path | None = None
    doomed: Path | None = None
    resolutions: Mapping[str, Path] = field(default_factory=dict)
    """Corpus stage -> what it resolved for the part."""


@dataclass(frozen=True)
class PassTask:
    number: int
    key: str
    folder: Path
    plan: Pass
    input: PassInput
    survey: bool
    gate: Gate
    """What the run keeps outside the texts of documents passes it."""
    stages: Sequence[str] = ()
    """Names of all stages of the pipeline: no column of a record may have them."""

    @property
    def name(self) -> str:
        where = self.input.split.path if self.input.split else str(self.input.part)
        return f"{self.plan.name} on {where}"

    def run(self, worker: Worker) -> Receipt:
        with PartFiles(self.folder, stem(self.number), self.gate) as files:
            return _Streaming(self, files, worker).run()


@dataclass(frozen=True)
class Worker:
    """How a task speaks to whoever runs it."""

    say: Callable[..., None]
    """say('stage', name, documents, bytes, seconds) after each batch; say('at', batch, row) before it."""
    careful: frozenset[int] = frozenset()
    """Batches in which an earlier attempt killed its worker: taken row by row."""
    poison: frozenset[tuple[int, int]] = frozenset()
    """Rows (batch, row) that killed it: quarantined unread."""


class _Streaming:
    """The state of one pass over one split."""

    def __init__(self, task: PassTask, files: PartFiles, worker: Worker):
        self.task, self.files, self.worker = task, files, worker
        self.plan = task.plan
        self.counts: dict[str, StageCounts] = {}
        self.sources: dict[str, StageCounts] = {}
        self.languages: dict[str, StageCounts] = {}
        self.ledger_schema: pa.Schema | None = None
        self.own = {stage.name for stage in task.plan.all_stages()}
        self.taken = taken_names(self.own)
        self.steps: list[CorpusStage | tuple[str, Callable[[pa.RecordBatch], pa.RecordBatch], list[Rule]]] = []
        self.steps += [(stage.name, partial(_applied, stage), stage.rules()) for stage in self.plan.apply]
        for stage in self.plan.stages:
            self.steps.append(stage if isinstance(stage, CorpusStage) else (stage.name, stage.measure, stage.rules()))

    def run(self) -> Receipt:
        empty = self._empty_input()
        final = self._through_stages(empty, {}, alive=True, dry=True)[0]
        sketches = self.plan.sketches
        self.gone = () if sketches else ("content", "media_type")
        self.document_schema = self._kept(final).schema
        self.ledger_schema = ledger_schema(final.schema)
        self.counts, self.sources, self.languages = {}, {}, {}
        documents = self.files.table("parquet", self.document_schema, kept=not sketches)
        for stage in sketches:
            self._write_sketch(stage, final)
        for number, (batch, doomed) in enumerate(self._batches()):
            for piece in self._pieces(number, batch):
                survivors, dead = self._through_stages(*self._take_decisions(piece), alive=not doomed)
                if survivors.num_rows:
                    for stage in sketches:
                        self._write_sketch(stage, survivors)
                    documents.write(self._kept(survivors))
                if dead is not None and dead.num_rows:
                    self._keep_doomed(dead)
        return self.files.commit(Receipt(self.task.key, {}, self.counts, self.sources, self.languages))

    def _kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of documents that go on to the next pass, or into the corpus."""
        if not self.plan.sketches and self.task.gate.removes:  # what stages measured before or after it was scrubbed
            measured = [name for name in self.task.gate.open_columns(batch.schema) if name in self.task.stages]
            batch = self.task.gate.columns(batch, measured)
        return batch.select([n for n in batch.schema.names if n not in self.gone and not n.startswith(SKETCH)])

    def _sketch(self, stage: CorpusStage, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with the sketch of a corpus stage, and with the text that it saw where a later stage may change
        it."""
        started = time.perf_counter()
        sketch = stage.sketch(batch)
        if sketch.num_rows != batch.num_rows:
            raise CorpuskitError(
                f"stage '{stage.name}' sketched {sketch.num_rows} of {batch.num_rows} documents: "
                "a sketch has one row for each"
            )
        counts = self.counts.setdefault(stage.name, StageCounts())
        counts.seconds += time.perf_counter() - started
        later = self.plan.stages[self.plan.stages.index(stage) + 1 :]
        if any(isinstance(each, BatchStage) and each.rewrites for each in later):
            batch = set_column(batch, text_column(stage), batch.column("text"))
        return set_column(batch, SKETCH + stage.name, sketch.to_struct_array())

    def _write_sketch(self, stage: CorpusStage, batch: pa.RecordBatch) -> None:
        sketch = batch.column(SKETCH + stage.name)
        schema = pa.schema(list(sketch.type))
        writer = self.files.table(f"{stage.name}.sketch.arrow", schema, sketch=True)
        writer.write(pa.RecordBatch.from_arrays(sketch.flatten(), schema=schema))

    # --- input ---

    def _empty_input(self) -> pa.RecordBatch:
        given = self.task.input
        if given.part is None:
            return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in SCHEMA], schema=SCHEMA)
        schema = pq.read_schema(given.part)
        batch = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
        return self._with_resolutions(self._renamed(batch), self._resolutions(), 0)

    def _resolutions(self) -> dict[str, pa.Table]:
        resolutions = {}
        for name, path in self.task.input.resolutions.items():
            with pa.memory_map(str(path)) as source:
                resolutions[name] = pa.ipc.open_file(source).read_all()
        return resolutions

    @staticmethod
    def _with_resolutions(
        batch: pa.RecordBatch, resolutions: Mapping[str, pa.Table], start: int | None
    ) -> pa.RecordBatch:
        """The batch with what corpus stages resolved for its rows, which begin at `start` of the part; with nulls where
        that is None."""
        kept = [name for name in batch.schema.names if not name.startswith(TEXT)]
        batch = batch.select(kept) if len(kept) < batch.num_columns else batch
        for name, table in resolutions.items():
            kind = pa.struct(list(table.schema))
            batches = [] if start is None else table.slice(start, batch.num_rows).combine_chunks().to_batches()
            values = batches[0].to_struct_array() if batches else pa.nulls(batch.num_rows, kind)
            batch = set_column(batch, RESOLUTION + name, values)
        return batch

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, bool]]:
        """(batch, whether its documents were doomed by an earlier pass)."""
        given = self.task.input
        if given.source is not None and given.split is not None:
            intake = Intake(self.files.quarantine)
            for batch in given.source.read(given.split, intake):
                yield self._named(batch), False
            if intake.skipped:
                counts = self.sources.setdefault(given.source.label(), StageCounts())
                counts.skipped.update(sorted(intake.skipped.items()))
            return
        assert given.part is not None
        resolutions, start = self._resolutions(), 0
        for batch in read_batches(given.part, BATCH_ROWS):
            yield self._with_resolutions(self._renamed(batch), resolutions, start), False
            start += batch.num_rows
        if given.doomed is not None:
            for batch in read_batches(given.doomed, BATCH_ROWS):
                yield self._with_resolutions(self._renamed(batch), resolutions, None), True

    def _named(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A source's batch with all columns of documents first, and its others under names that no stage has."""
        documents = conform(batch, SCHEMA)
        others = [
            field.name
            for field in batch.schema
            if field.name not in SCHEMA.names and not (self.task.gate.removes and holds_bytes(field.type))
        ]
        for name in others:
            used = {*documents.schema.names, *others} - {name}
            documents = documents.append_column(own_name(name, self.taken, used), batch.column(name))
        return documents

    def _renamed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A part's batch in which no column of a record has the name of a stage of this pass."""
        names = batch.schema.names
        return batch.rename_columns([own_name(name, self.own, names) if name in self.own else name for name in names])

    def _pieces(self, number: int, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The batch whole, or row by row where it has killed a worker before."""
        self.worker.say("at", number, -1)
        if number not in self.worker.careful:
            yield batch
            return
        for row in range(batch.num_rows):
            piece = batch.slice(row, 1)
            if (number, row) in self.worker.poison:
                self.files.quarantine(bad_row(piece, f"{self.plan.name}: killed the process that measured it"))
                continue
            self.worker.say("at", number, row)
            yield piece

    # --- stages ---

    def _through_stages(
        self, batch: pa.RecordBatch, decided: dict[int, list[dict[str, str]]], *, alive: bool, dry: bool = False
    ) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
        """(survivors, doomed documents with their decisions in survey mode) of one batch."""
        if not dry and self.task.input.source is not None:
            _count(self.sources, batch, "source", "in")
        for step in self.steps:
            if isinstance(step, CorpusStage):
                batch = self._sketch(step, batch)
                continue
            name, function, rules = step
            counts = self.counts.setdefault(name, StageCounts())
            before = text_bytes(batch)
            living = _living(batch.num_rows, decided, alive)
            started = time.perf_counter()
            batch, rows = measure(name, function, batch, self.files.quarantine)
            if len(rows) < len(before):
                places = {int(row): place for place, row in enumerate(rows)}
                decided = {places[row]: found for row, found in decided.items() if row in places}
            batch = self._take_changes(name, batch, counts)
            broken = decide(batch, name, rules)
            seconds = time.perf_counter() - started
            for rule in rules:
                counts.broke.setdefault(rule.name, 0)
            for row, found in broken.items():
                if row not in decided and alive:
                    counts.dropped[found[0]["rule"]] = counts.dropped.get(found[0]["rule"], 0) + 1
                    for each in found:
                        counts.broke[each["rule"]] += 1
                decided.setdefault(row, []).extend(found)
            after = _living(batch.num_rows, decided, alive)
            sizes = text_bytes(batch)
            counts.documents_in += int(living.sum())
            counts.bytes_in += int(before[living].sum())
            counts.documents_out += int(after.sum())
            counts.bytes_out += int(sizes[after].sum())
            counts.seconds += seconds
            self.worker.say("stage", name, len(before), int(before.sum()), seconds)
            if decided and not self.task.survey:
                self._write_ledger(batch, decided)
                batch, decided = batch.filter(pa.array(after)), {}
        if dry:
            return batch, None
        living = _living(batch.num_rows, decided, alive)
        survivors = batch.filter(pa.array(living))
        if not self.plan.sketches:
            _count(self.sources, survivors, "source", "out")
            _count(self.languages, survivors, "language", "out")
        if not self.task.survey:
            return survivors, None
        column = pa.array([decided.get(row, []) for row in range(batch.num_rows)], pa.list_(DECISION))
        return survivors, set_column(batch, DECISIONS, column).filter(pa.array(~living))

    def _take_changes(self, name: str, batch: pa.RecordBatch, counts: StageCounts) -> pa.RecordBatch:
        position = batch.schema.get_field_index(CHANGES)
        if position < 0:
            return batch
        changes = batch.column(position)
        batch = batch.remove_column(position)
        changed = pc.fill_null(pc.greater(pc.list_value_length(changes), 0), False)
        picked = batch.filter(changed)
        if picked.num_rows:
            counts.changed += picked.num_rows
            columns = [picked.column(column) for column in ("id", "source_id", "url", "source")]
            columns += [pa.array([name] * picked.num_rows), changes.filter(changed).cast(pa.list_(CHANGE))]
            rows = pa.RecordBatch.from_arrays(columns, schema=CHANGES_SCHEMA)
            rows = self.task.gate.columns(set_column(rows, "language", picked.column("language")), CHANGED)
            rows = rows.select(CHANGES_SCHEMA.names)
            self.files.table("changes.parquet", CHANGES_SCHEMA).write(rows)
        return batch

    # --- the ledger ---

    def _keep_doomed(self, batch: pa.RecordBatch) -> None:
        if self.plan.sketches:
            schema = self.document_schema.append(pa.field(DECISIONS, pa.list_(DECISION)))
            self.files.table("doomed.parquet", schema, kept=False).write(self._kept(batch))
        else:
            batch, decided = self._take_decisions(batch)
            self._write_ledger(batch, decided)

    @staticmethod
    def _take_decisions(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, dict[int, list[dict[str, str]]]]:
        position = batch.schema.get_field_index(DECISIONS)
        if position < 0:
            return batch, {}
        found = {row: list(value) for row, value in enumerate(batch.column(position).to_pylist()) if value}
        return batch.remove_column(position), found

    def _write_ledger(self, batch: pa.RecordBatch, decided: dict[int, list[dict[str, str]]]) -> None:
        assert self.ledger_schema is not None
        rows = sorted(decided)
        picked = batch.take(pa.array(rows, pa.int64()))
        sizes = text_bytes(picked)
        picked = picked.select([name for name in picked.schema.names if name not in ("content", "media_type")])
        gate = self.task.gate
        picked = gate.columns(picked, gate.open_columns(picked.schema))
        decisions = gate.decisions([decided[row] for row in rows], picked.column("language"))
        first = [found[0] for found in decisions]
        added = {
            "bytes": pa.array(sizes),
            "excerpt": pc.utf8_slice_codeunits(picked.column("text"), 0, EXCERPT).cast(pa.large_string()),
            "decisions": pa.array(decisions, pa.list_(DECISION)),
            **{name: pa.array([found[name] for found in first]) for name in ("stage", "rule", "value", "limit")},
        }
        for name, values in added.items():
            picked = set_column(picked, name, values)
        picked = conform(picked, unified(self.ledger_schema, ledger_schema(picked.schema)))
        self.files.table("dropped.parquet", self.ledger_schema).write(picked)


def text_column(stage: CorpusStage) -> str:
    """The column that holds the text as a corpus stage sketched it, where a later stage may have changed it."""
    return TEXT + stage.name


def _applied(stage: CorpusStage, batch: pa.RecordBatch) -> pa.RecordBatch:
    position = batch.schema.get_field_index(RESOLUTION + stage.name)
    values = batch.column(position)
    names = [field.name for field in values.type]
    resolution = pa.RecordBatch.from_arrays(values.flatten(), names=names)  # flatten: doomed rows read as nulls
    return stage.apply(batch.remove_column(position), resolution)


def _count(into: dict[str, StageCounts], batch: pa.RecordBatch, by: str, way: str) -> None:
    """Add the documents and bytes of a batch to the counts of each value of its column `by`."""
    sizes = text_bytes(batch)
    values = np.array(pc.fill_null(batch.column(by), "und").to_pylist(), dtype=object)
    for value in sorted(set(values)):
        counts, mine = into.setdefault(value, StageCounts()), values == value
        setattr(counts, f"documents_{way}", getattr(counts, f"documents_{way}") + int(mine.sum()))
        setattr(counts, f"bytes_{way}", getattr(counts, f"bytes_{way}") + int(sizes[mine].sum()))


def _living(rows: int, decided: dict[int, Any], alive: bool) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.full(rows, alive)
    if decided:
        mask[list(decided)] = False
    return mask


def ledger_schema(documents: pa.Schema) -> pa.Schema:
    """Columns of a ledger of dropped documents: who it was, why it went, and all that had been measured."""
    passing = (RESOLUTION, SKETCH, TEXT)
    left_out = NOT_IN_LEDGER | LEDGER
    fields = [field for field in documents if field.name not in left_out and not field.name.startswith(passing)]
    added = [(name, pa.string()) for name in ("stage", "rule", "value", "limit")]
    added += [("decisions", pa.list_(DECISION)), ("excerpt", pa.large_string()), ("bytes", pa.int64())]
    return pa.schema([*fields, *(pa.field(name, kind) for name, kind in added)])
