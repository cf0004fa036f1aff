"""The sections on every run: documents after each stage, what each rule dropped, languages and sources, rewritten
spans, timings, quarantine and the recipe."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import Markup, Section, count, inline, plural, share, size
from corpuskit.drawing.run import RunFacts, json_lines
from corpuskit.engine.ledger import tables

SAMPLES = 3
"""Documents shown for each rule. They are those with the smallest ids: as good as drawn by lot, and always the same."""

QUARANTINE_SHOWN = 20
_EVIDENCE_SHOWN = 200
_RULES_DRAWN = 12
_RELATIONS = {"<=": "at most ", ">=": "at least ", "in": "one of ", "is": ""}
_SAMPLE_COLUMNS = ("id", "url", "title", "source", "language", "value", "limit", "excerpt", "decisions")


def funnel(facts: RunFacts) -> Section | None:
    """Documents and bytes after each stage."""
    totals = facts.summary.get("totals") or {}
    stages = facts.summary.get("stages") or []
    if not stages:
        return None
    read = stages[0]["documents_in"]
    rows = [svg.Bar("read", read, f"{plural(read, 'document')} · {size(stages[0]['bytes_in'])}", stages[0]["bytes_in"])]
    rows += [
        svg.Bar(
            stage["stage"],
            stage["documents_out"],
            f"{plural(stage['documents_out'], 'document')} · {size(stage['bytes_out'])}",
            stage["bytes_out"],
        )
        for stage in stages
    ]
    drawing = svg.bars(
        "Documents and bytes after each stage",
        "; ".join(f"{row.label}: {row.note}" for row in rows),
        rows,
    )
    table = html.table(
        "What each stage let through",
        ["stage", "documents in", "documents out", "dropped", "rewritten", "bytes out"],
        [
            [
                stage["stage"],
                count(stage["documents_in"]),
                count(stage["documents_out"]),
                count(stage["documents_in"] - stage["documents_out"]),
                count(stage.get("changed") or 0),
                size(stage["bytes_out"]),
            ]
            for stage in stages
        ],
        numbers=range(1, 6),
    )
    lead = inline(
        "Of <b>{}</b> read, <b>{}</b> ({}) reached the corpus. Thick bars are documents, thin ones bytes.",
        plural(totals.get("documents_in", read), "document"),
        count(totals.get("documents_out", 0)),
        share(totals.get("documents_out", 0), totals.get("documents_in", read)),
    )
    return Section("funnel", "From pages to corpus", lead, drawing + table)


def dropped(facts: RunFacts) -> Section | None:
    """What each rule dropped, with samples."""
    groups = [stage for stage in facts.summary.get("stages") or [] if stage.get("dropped")]
    if not groups:
        return None
    rules = [(stage["stage"], rule, number) for stage in groups for rule, number in stage["dropped"].items() if number]
    ranked = sorted(rules, key=lambda item: (-item[2], item[1]))
    drawing = svg.bars(
        "Documents dropped by each rule",
        "; ".join(f"{rule}: {number}" for _, rule, number in ranked[:_RULES_DRAWN]),
        [svg.Bar(rule, number, count(number)) for _, rule, number in ranked[:_RULES_DRAWN]],
    )
    samples = read_samples(facts.folder)
    details = []
    for stage, rule, number in rules:
        label = inline('<span>{}</span><span class="figure">{}</span>', rule, count(number))
        rows = samples.get((stage, rule), [])
        none = Markup('<p class="sample">No sample was kept.</p>')
        details.append(html.folded(label, html.join(map(_sample, rows)) if rows else none))
    lead = inline(
        "<b>{}</b> broke one of {}. A document counts under the first rule that it broke{}",
        plural(sum(number for *_, number in rules), "document"),
        plural(len(rules), "rule"),
        f"; the {_RULES_DRAWN} rules that dropped most are drawn." if len(rules) > _RULES_DRAWN else ".",
    )
    parts = [drawing, _rules_never_broken(facts), html.heading("Samples, by rule"), *details]
    return Section("dropped", "What was dropped, and why", lead, html.join(parts))


def _rules_never_broken(facts: RunFacts) -> Markup:
    """Rules that no document of a large corpus broke: the limit may be a mistake."""
    groups = [
        inline("<b>{}</b> ({})", ", ".join(stage["silent"]), plural(stage["documents_in"], "document"))
        for stage in facts.summary.get("stages") or []
        if stage.get("silent")
    ]
    if not groups:
        return Markup()
    return inline('<p class="facts">No document broke {}. Is the limit correct?</p>', Markup("; ").join(groups))


def _sample(row: dict[str, Any]) -> Markup:
    origin = Markup(" · ").join([html.foreign(row[name]) for name in ("source", "language") if row.get(name)])
    evidence = [inline("<br>{}: {}", html.foreign(name), html.foreign(value)) for name, value in _evidence(row)]
    facts = inline(
        "<b>{}</b>, where the rule asks for {}{}{}",
        row.get("value"),
        _limit(row.get("limit")),
        inline(" · {}", origin) if origin else "",
        html.join(evidence),
    )
    title = html.link(row.get("url"), row.get("title") or row.get("url") or row["id"])
    return html.sample(facts, html.foreign(row.get("excerpt") or "no text"), title)


def _limit(limit: str | None) -> str:
    """A limit as the ledger writes it ('>= 50.0', 'is false'), in words."""
    relation, _, value = (limit or "").partition(" ")
    return f"{_RELATIONS[relation]}{value}" if relation in _RELATIONS else limit or ""


def _evidence(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The measurements that the rule's decision rests on, cut to what can be read at a glance."""
    for decision in row.get("decisions") or []:
        try:
            evidence = json.loads(decision.get("evidence") or "{}")
        except ValueError:
            return []
        values = [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in evidence.items()
        ]
        return [(name, value[:_EVIDENCE_SHOWN] + "…" * (len(value) > _EVIDENCE_SHOWN)) for name, value in values]
    return []


def read_samples(folder: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(stage, rule) -> at most SAMPLES documents that it dropped."""
    smallest: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in tables(folder, "ledger/dropped"):
        names = pq.read_schema(path).names
        wanted = [name for name in ("stage", "rule", *_SAMPLE_COLUMNS) if name in names]
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=16384, columns=wanted):
                for key, rows in _smallest_ids(batch):
                    smallest[key] = heapq.nsmallest(SAMPLES, smallest.get(key, []) + rows, key=lambda row: row["id"])
    return smallest


def _smallest_ids(batch: pa.RecordBatch) -> Iterator[tuple[tuple[str, str], list[dict[str, Any]]]]:
    table = pa.Table.from_batches([batch])
    for group in table.group_by(["stage", "rule"]).aggregate([]).to_pylist():
        mine = pc.and_(pc.equal(table["stage"], group["stage"]), pc.equal(table["rule"], group["rule"]))
        rows = table.filter(mine)
        rows = rows.take(pc.select_k_unstable(rows, SAMPLES, [("id", "ascending")]))
        yield (group["stage"], group["rule"]), rows.to_pylist()


def shares(facts: RunFacts) -> Section | None:
    """Languages and sources of the corpus, by bytes of text."""
    languages = facts.summary.get("languages") or {}
    sources = facts.summary.get("by_source") or {}
    if not languages and not sources:
        return None
    by_language = sorted(((code, counts["bytes"]) for code, counts in languages.items()), key=lambda item: -item[1])
    by_source = sorted(((name, counts["bytes_out"]) for name, counts in sources.items()), key=lambda item: -item[1])
    parts = []
    named = [(html.language(code), value) for code, value in by_language]
    for label, items in (("Languages", named), ("Sources", by_source)):
        whole = sum(value for _, value in items)
        if whole:
            description = ", ".join(f"{name} {share(value, whole)}" for name, value in items)
            parts.append(html.heading(label))
            parts.append(svg.shares(f"{label} of the corpus, by bytes", description, _grouped(items)))
    parts.append(
        html.table(
            "Languages",
            ["language", "documents", "bytes"],
            [[html.language(code), count(languages[code]["documents"]), size(value)] for code, value in by_language],
            numbers=(1, 2),
        )
    )
    parts.append(
        html.table(
            "Sources",
            ["source", "documents read", "in the corpus", "kept", "bytes"],
            [
                [
                    name,
                    count(sources[name]["documents_in"]),
                    count(sources[name]["documents_out"]),
                    share(sources[name]["documents_out"], sources[name]["documents_in"]),
                    size(value),
                ]
                for name, value in by_source
            ],
            numbers=range(1, 5),
        )
    )
    lead = "Shares are of the text's bytes in UTF-8, where a Korean syllable takes three and a Latin letter one."
    return Section("shares", "Languages and sources", lead, html.join(parts))


def _grouped(items: list[tuple[str, int]]) -> list[tuple[str, float]]:
    """The five largest, and the rest as one."""
    rest = sum(value for _, value in items[5:])
    return [*items[:5], ("others", rest)] if rest else list(items[:5])


def rewritten(facts: RunFacts) -> Section | None:
    """What the stages replaced or removed inside texts."""
    changes: dict[str, Counter[str]] = {}
    for batch in facts.read_tables("ledger/changes", ["stage", "changes"]):
        for stage in pc.unique(batch.column("stage")).to_pylist():
            spans = pc.list_flatten(batch.filter(pc.equal(batch.column("stage"), stage)).column("changes"))
            counts = pc.value_counts(pc.struct_field(spans, "type")).to_pylist()
            changes.setdefault(stage, Counter()).update({item["values"] or "": item["counts"] for item in counts})
    rows = [
        [stage, type_, count(number)]
        for stage, types in sorted(changes.items())
        for type_, number in types.most_common()
    ]
    originals = facts.summary.get("originals") or {}
    if not rows and not originals:
        return None
    table = html.table("Spans replaced or removed", ["stage", "original", "spans"], rows, numbers=(2,))
    if originals:
        kept = [[html.text(place), html.text(what)] for place, what in originals.items()]
        table += html.table("What in this folder still holds originals", ["where", "what"], kept)
    lead = "Every change of a text is a row in the ledger, with its place and its replacement."
    return Section("changes", "What was changed inside texts", lead, table)


def quarantine(facts: RunFacts) -> Section | None:
    """Records that could not be read."""
    counts: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    for path in sorted((facts.folder / "ledger" / "quarantine").glob("*.jsonl")):
        for record in json_lines(path):
            counts[str(record.get("reason"))] += 1
            if len(records) < QUARANTINE_SHOWN:
                records.append(record)
    total = facts.summary.get("quarantined") or sum(counts.values())
    if not total:
        return None
    reasons = html.table(
        "Reasons",
        ["reason", "records"],
        [[html.foreign(reason), count(number)] for reason, number in counts.most_common(50)],
        numbers=(1,),
    )
    places = html.table(
        "The first of them",
        ["where", "offset", "step", "reason"],
        [
            [
                html.link(record.get("url"), record.get("url") or record.get("path") or "unknown"),
                "" if record.get("offset") is None else str(record["offset"]),
                str(record.get("step") or ""),
                html.foreign(record.get("reason") or ""),
            ]
            for record in records
        ],
        numbers=(1,),
    )
    lead = inline("<b>{}</b> could not be read. The run went on without them.", plural(total, "record"))
    label = Markup("<span>Where they are</span>")
    return Section("quarantine", "Quarantine", lead, reasons + html.folded(label, places))


def timings(facts: RunFacts) -> Section | None:
    """Where the time went, and how fast each stage was."""
    stages = [stage for stage in facts.summary.get("stages") or [] if stage.get("seconds") is not None]
    if not stages:
        return None
    rows = [
        [
            stage["stage"],
            html.duration(stage["seconds"]),
            _rate(stage["documents_in"], stage["seconds"], "{:,.0f}"),
            _rate(stage["bytes_in"] / 1e6, stage["seconds"], "{:,.2f}"),
        ]
        for stage in stages
    ]
    drawing = svg.bars(
        "Seconds of work in each stage",
        "; ".join(f"{stage['stage']}: {html.duration(stage['seconds'])}" for stage in stages),
        [svg.Bar(stage["stage"], stage["seconds"], html.duration(stage["seconds"])) for stage in stages],
    )
    table = html.table("Throughput", ["stage", "work", "documents/s", "MB/s"], rows, numbers=(1, 2, 3))
    lead = "Work is counted over all workers together, from the receipts, so a resumed run counts each part once."
    return Section("timings", "Time and throughput", lead, drawing + table)


def _rate(amount: float, seconds: float, shape: str) -> str:
    return shape.format(amount / seconds) if seconds > 0 else "–"


def recipe(facts: RunFacts) -> Section:
    """The recipe as it was written."""
    written = facts.summary.get("recipe_text")
    if not written:
        written = json.dumps(facts.summary.get("recipe") or {}, indent=2, ensure_ascii=False)
    lead = "The same recipe over the same input gives the same bytes."
    return Section("recipe", "The recipe", lead, inline("<pre>{}</pre>", written))
