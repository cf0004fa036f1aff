"""Personal data in a run's report: what was found, and what the corpus still has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import Section, count, inline, plural
from corpuskit.drawing.run import RunFacts


@dataclass(frozen=True)
class Risk:
    """Findings of personal data of one type in one source."""

    type: str
    source: str
    found: int
    """In all documents that were searched, dropped ones too."""
    left: int
    """In the texts of the corpus as published."""


def personal_data(facts: RunFacts) -> Section | None:
    """Findings of personal data by type and source, before and after."""
    risks = read_risks(facts)
    if not risks:
        return None
    by_type: dict[str, list[Risk]] = defaultdict(list)
    for risk in risks:
        by_type[risk.type].append(risk)
    totals = {name: sum(risk.found for risk in group) for name, group in by_type.items()}
    left = {name: sum(risk.left for risk in group) for name, group in by_type.items()}
    ranked = sorted(by_type, key=lambda name: -totals[name])
    drawing = svg.bars(
        "Findings of personal data by type, in all documents",
        "; ".join(f"{name}: {totals[name]}" for name in ranked),
        [svg.Bar(name, totals[name], f"{count(totals[name])} → {count(left[name])}") for name in ranked],
    )
    rows = [
        [name, html.foreign(risk.source), count(risk.found), count(risk.left)]
        for name in ranked
        for risk in by_type[name]
    ]
    table = html.table("Findings by type and source", ["type", "source", "found", "left"], rows, numbers=(2, 3))
    lead = inline(
        "<b>{}</b> in all documents before; <b>{}</b> in the corpus after, once dropped documents are gone and "
        "replacements made.",
        plural(sum(totals.values()), "finding"),
        count(sum(left.values())),
    )
    return Section("personal-data", "Personal data", lead, drawing + table)


def read_risks(facts: RunFacts) -> list[Risk]:
    """Findings by type and source: what the stage counted, and what is left once its replacements are taken off."""
    totals: Counter[tuple[str, str]] = Counter()
    left: Counter[tuple[str, str]] = Counter()
    with_findings: list[pa.Array] = []
    for kind in ("corpus", "ledger/dropped"):
        for batch in facts.read_tables(kind, ["id", "source", "personal_data"]):
            measured = batch.column("personal_data")
            if not pa.types.is_struct(measured.type) or measured.type.get_field_index("types") < 0:
                continue
            types = pc.struct_field(measured, "types")
            rows = pc.greater(pc.fill_null(pc.list_value_length(types), 0), 0)
            for source, items in zip(batch.column("source").filter(rows), types.filter(rows), strict=True):
                for type_, number in _pairs(items.as_py()):
                    totals[type_, source.as_py() or ""] += number
                    if kind == "corpus":
                        left[type_, source.as_py() or ""] += number
            if kind == "corpus":
                with_findings.append(batch.column("id").filter(rows))
    kept = pa.concat_arrays(with_findings) if with_findings else pa.array([], pa.string())
    for batch in facts.read_tables("ledger/changes", ["id", "source", "stage", "changes"]):
        mine = pc.and_(pc.equal(batch.column("stage"), "personal_data"), pc.is_in(batch.column("id"), kept))
        for row in batch.filter(mine).to_pylist():
            left.subtract((change["type"], row["source"] or "") for change in row["changes"])
    return [
        Risk(type_, source, number, max(0, left[type_, source])) for (type_, source), number in sorted(totals.items())
    ]


def _pairs(items: list[Any]) -> Iterator[tuple[str, int]]:
    """(type, count) from a list of structs or from a map, as Arrow gives them back."""
    for item in items:
        yield (item["type"], item["count"]) if isinstance(item, dict) else (item[0], item[1])
