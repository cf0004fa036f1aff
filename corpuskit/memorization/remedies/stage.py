"""The stage `remedies`: carries out, in the next curation run, what an audit decided about its documents."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.document import CHANGE, set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CHANGES, CorpusStage
from corpuskit.errors import UsageError
from corpuskit.memorization.masking import addresses_and_numbers
from corpuskit.memorization.remedies.decisions import ACTIONS, SCHEMA
from corpuskit.memorization.remedies.stretches import Stretch, find_stretches, text_digest

MEASUREMENT = pa.struct(
    [
        ("action", pa.string()),  # what was done; null where nothing was asked for
        ("reason", pa.string()),
        ("removed", pa.int64()),  # characters that were taken out
        ("drop", pa.bool_()),
    ]
)
OCCURRENCES = pa.list_(pa.struct([("stretch", pa.int64()), ("start", pa.int64()), ("end", pa.int64())]))
CUTS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))


class Remedies(CorpusStage):
    """Carries out an audit's decisions: drop, cap copies, trim, scrub, or mark for goldfish. It stands last, where the
    texts are those that the audit saw; a document whose text is another is left as it is, and says so."""

    name: ClassVar[str] = "remedies"
    version: ClassVar[int] = 1

    path: Path
    """The file `decisions.parquet` in an audit's folder."""
    only: tuple[str, ...] = ("scrub", "cap_copies", "trim_span", "drop", "goldfish")
    """Actions that are carried out; the others are left undone."""

    def rules(self) -> list[Rule]:
        return [Rule("remedies.drop", "remedies.drop", "is", False, evidence=("remedies.action", "remedies.reason"))]

    def inputs(self) -> list[Path]:
        return [self.path]

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        """Id -> its decision, of the actions that are carried out."""
        return {row["id"]: row for row in read_decisions(self.path).to_pylist() if row["action"] in self.only}

    @cached_property
    def _capped(self) -> tuple[list[Stretch], list[int]]:
        """(stretches of which some copies go, how many of each stay)."""
        caps: dict[Stretch, int] = {}
        for row in self._rows.values():
            for one in row["stretches"] or []:
                stretch = Stretch(**one)
                caps[stretch] = min(row["cap"], caps.get(stretch, row["cap"]))
        order = sorted(caps)
        return order, [caps[stretch] for stretch in order]

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows: list[list[dict[str, int]]] = [[] for _ in range(batch.num_rows)]
        for found in find_stretches(batch.column("text"), self._capped[0]):
            rows[found.row].append({"stretch": found.stretch, "start": found.start, "end": found.end})
        return pa.RecordBatch.from_pydict({"occurrences": pa.array(rows, OCCURRENCES)})

    def resolve(self, sketches: Sketches) -> Iterator[pa.RecordBatch]:
        """The first `cap` copies of each stretch, in the order of the corpus, stay; the others are to be cut."""
        left = np.array(self._capped[1], np.int64)
        for part in sketches:
            listed = part.column("occurrences").combine_chunks()
            cuts: list[list[dict[str, int]]] = [[] for _ in range(part.num_rows)]
            for row in np.flatnonzero(np.asarray(pc.fill_null(listed.value_lengths(), 0)) > 0).tolist():
                for found in listed[row].as_py():
                    if left[found["stretch"]] > 0:
                        left[found["stretch"]] -= 1
                    else:
                        cuts[row].append({"start": found["start"], "end": found["end"]})
            yield pa.RecordBatch.from_pydict({"cuts": pa.array(cuts, CUTS)})

    def apply(self, batch: pa.RecordBatch, resolution: pa.RecordBatch) -> pa.RecordBatch:
        ids, texts = batch.column("id"), batch.column("text")
        cuts = resolution.column("cuts")
        measured: list[dict[str, Any]] = [{"removed": 0, "drop": False}] * batch.num_rows
        changes: list[list[dict[str, Any]]] = [[] for _ in range(batch.num_rows)]
        concerned = pc.is_in(ids, pa.array(self._rows, pa.string())).to_numpy(zero_copy_only=False)
        concerned |= np.asarray(pc.fill_null(cuts.value_lengths(), 0)) > 0
        rewritten: dict[int, str] = {}
        for row in np.flatnonzero(concerned).tolist():
            text = texts[row].as_py() or ""
            doomed = [(cut["start"], cut["end"]) for cut in cuts[row].as_py() or []]
            measured[row], changes[row] = _carried_out(self._rows.get(ids[row].as_py()), text, doomed)
            if changes[row]:
                rewritten[row] = _rewritten(text, changes[row])
                if not rewritten[row].strip():
                    measured[row] |= {"drop": True, "reason": f"{measured[row]['reason']}; nothing else stood there"}
        if rewritten:
            mask = np.zeros(batch.num_rows, np.bool_)
            mask[list(rewritten)] = True
            texts = pc.replace_with_mask(texts, pa.array(mask), pa.array(rewritten.values(), texts.type))
            batch = set_column(batch, "text", texts)
        batch = set_column(batch, self.name, pa.array(measured, MEASUREMENT))
        return set_column(batch, CHANGES, pa.array(changes, pa.list_(CHANGE)))


def read_decisions(path: Path) -> pa.Table:
    """The table that an audit wrote. Raises UsageError where the file is none, or names an action that there is not."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path} cannot be read as an audit's decisions ({error})") from error
    if missing := [name for name in SCHEMA.names if name not in table.column_names]:
        raise UsageError(f"{path} is no file of decisions: it lacks {', '.join(missing)}; run the audit again")
    if unknown := set(table.column("action").to_pylist()) - set(ACTIONS):
        raise UsageError(f"{path} has the action '{sorted(map(str, unknown))[0]}'; there are {', '.join(ACTIONS)}")
    return table.select(SCHEMA.names).cast(SCHEMA)


def _carried_out(
    decision: dict[str, Any] | None, text: str, doomed: list[tuple[int, int]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(what is measured, the changes of the text) for one document: its own decision, and copies to be cut."""
    action = decision["action"] if decision else "cap_copies"
    reason = decision["reason"] if decision else None
    cuts: list[tuple[int, int, str, str]] = [(start, end, "memorized.copy", "") for start, end in doomed]
    if action == "cap_copies" and doomed:
        reason = f"{len(doomed)} stretches stand in earlier documents as often as they may"
    elif decision and action in ("trim_span", "scrub"):
        if decision["text_digest"] != text_digest(text):
            action, reason = "keep", f"{action} was decided for another text than this: audit again, or stand last"
        elif action == "trim_span":
            cuts += [(span["start"], span["end"], "memorized.stretch", "") for span in decision["spans"]]
        else:
            spans = [(span["start"], span["end"]) for span in decision["spans"]]
            cuts += [
                (start, end, f"memorized.{kind}", f"<{kind.upper()}>")
                for start, end, kind in addresses_and_numbers(text)
                if any(start < last and first < end for first, last in spans)
            ]
    merged = _apart(cuts)
    changes: list[dict[str, Any]] = [
        {"start": start, "end": end, "type": kind, "replacement": replacement}
        for start, end, kind, replacement in merged
    ]
    removed = sum(end - start for start, end, _, _ in merged)
    measured = {"action": action, "reason": reason, "removed": removed, "drop": action == "drop"}
    return measured, changes


def _apart(cuts: list[tuple[int, int, str, str]]) -> list[tuple[int, int, str, str]]:
    """The cuts in order, those that overlap made one."""
    found: list[tuple[int, int, str, str]] = []
    for start, end, kind, replacement in sorted(cuts):
        if found and start < found[-1][1]:
            first, last, before, earlier = found[-1]
            found[-1] = (first, max(last, end), before, earlier or replacement)
        else:
            found.append((start, end, kind, replacement))
    return found


def _rewritten(text: str, changes: list[dict[str, Any]]) -> str:
    pieces = []
    at = 0
    for change in changes:
        pieces += [text[at : change["start"]], change["replacement"]]
        at = change["end"]
    return "".join([*pieces, text[at:]])
