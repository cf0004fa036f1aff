"""The report's sections on the corpus: the funnel, what each rule dropped, shares, personal data, crawl, quarantine."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import count, plural, share, size, text
from corpuskit.drawing.run import Risk, RunFacts

_EVIDENCE_SHOWN = 200
_LISTED = 12
_RELATIONS = {"<=": "at most ", ">=": "at least ", "in": "one of ", "is": ""}


def funnel(facts: RunFacts) -> str:
    """Documents and bytes after each stage."""
    totals = facts.summary.get("totals") or {}
    stages = facts.summary.get("stages") or []
    if not stages:
        return ""
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
                text(stage["stage"]),
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
    lead = (
        f"Of <b>{plural(totals.get('documents_in', read), 'document')}</b> read, "
        f"<b>{count(totals.get('documents_out', 0))}</b> "
        f"({share(totals.get('documents_out', 0), totals.get('documents_in', read))}) reached the corpus. "
        "Thick bars are documents, thin ones bytes."
    )
    return html.section("funnel", "From pages to corpus", lead, drawing + table)


def dropped(facts: RunFacts) -> str:
    """What each rule dropped, with samples."""
    groups = [stage for stage in facts.summary.get("stages") or [] if stage.get("dropped")]
    if not groups:
        return ""
    rules = [(stage["stage"], rule, number) for stage in groups for rule, number in stage["dropped"].items() if number]
    ranked = sorted(rules, key=lambda item: (-item[2], item[1]))
    drawing = svg.bars(
        "Documents dropped by each rule",
        "; ".join(f"{rule}: {number}" for _, rule, number in ranked[:_LISTED]),
        [svg.Bar(rule, number, count(number)) for _, rule, number in ranked[:_LISTED]],
    )
    details = []
    for stage, rule, number in rules:
        label = f'<span>{text(rule)}</span><span class="figure">{count(number)}</span>'
        shown = (
            "".join(_sample(row) for row in facts.samples.get((stage, rule), []))
            or '<p class="sample">No sample was kept.</p>'
        )
        details.append(html.folded(label, shown))
    lead = (
        f"<b>{plural(sum(number for *_, number in rules), 'document')}</b> broke one of "
        f"{plural(len(rules), 'rule')}. A document counts under the first rule that it broke"
        + (f"; the {_LISTED} rules that dropped most are drawn." if len(rules) > _LISTED else ".")
    )
    return html.section(
        "dropped",
        "What was dropped, and why",
        lead,
        drawing + _silent(facts) + "<h3>Samples, by rule</h3>" + "".join(details),
    )


def _silent(facts: RunFacts) -> str:
    """Rules that nothing broke in a large corpus: a limit that decides nothing may be a slip."""
    told = [
        f"<b>{', '.join(map(text, stage['silent']))}</b> ({plural(stage['documents_in'], 'document')})"
        for stage in facts.summary.get("stages") or []
        if stage.get("silent")
    ]
    return f'<p class="facts">No document broke {"; ".join(told)}. Is the limit what was meant?</p>' if told else ""


def _sample(row: dict[str, Any]) -> str:
    title = row.get("title") or row.get("url") or row["id"]
    origin = " · ".join(html.foreign(row[name]) for name in ("source", "language") if row.get(name))
    evidence = "".join(f"<br>{html.foreign(name)}: {html.foreign(value)}" for name, value in _evidence(row))
    return (
        f'<div class="sample"><p>{html.link(row.get("url"), title)}</p>'
        f'<p class="facts"><b>{text(row.get("value"))}</b>, where the rule asks for {text(_limit(row.get("limit")))}'
        f"{' · ' + origin if origin else ''}{evidence}</p>"
        f"<blockquote>{html.foreign(row.get('excerpt') or 'no text')}</blockquote></div>"
    )


def _limit(limit: str | None) -> str:
    """A limit as the ledger writes it ('>= 50.0', 'is false'), as people read it."""
    relation, _, value = (limit or "").partition(" ")
    return f"{_RELATIONS[relation]}{value}" if relation in _RELATIONS else limit or ""


def _evidence(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The measurements that the rule's decision rests on, cut to what can be read at a glance."""
    for decision in row.get("decisions") or []:
        try:
            found = json.loads(decision.get("evidence") or "{}")
        except ValueError:
            return []
        values = [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in found.items()
        ]
        return [(name, value[:_EVIDENCE_SHOWN] + "…" * (len(value) > _EVIDENCE_SHOWN)) for name, value in values]
    return []


def shares(facts: RunFacts) -> str:
    """Languages and sources of the corpus, by bytes of text."""
    languages = facts.summary.get("languages") or {}
    sources = facts.summary.get("by_source") or {}
    if not languages and not sources:
        return ""
    tongues = sorted(((code, told["bytes"]) for code, told in languages.items()), key=lambda item: -item[1])
    origins = sorted(((name, told["bytes_out"]) for name, told in sources.items()), key=lambda item: -item[1])
    parts = []
    named = [(html.language(code), value) for code, value in tongues]
    for label, items in (("Languages", named), ("Sources", origins)):
        if items and sum(value for _, value in items):
            told = ", ".join(f"{name} {share(value, sum(v for _, v in items))}" for name, value in items)
            parts.append(f"<h3>{label}</h3>" + svg.shares(f"{label} of the corpus, by bytes", told, _grouped(items)))
    parts.append(
        html.table(
            "Languages",
            ["language", "documents", "bytes"],
            [[text(html.language(code)), count(languages[code]["documents"]), size(value)] for code, value in tongues],
            numbers=(1, 2),
        )
    )
    parts.append(
        html.table(
            "Sources",
            ["source", "documents read", "in the corpus", "kept", "bytes"],
            [
                [
                    text(name),
                    count(sources[name]["documents_in"]),
                    count(sources[name]["documents_out"]),
                    share(sources[name]["documents_out"], sources[name]["documents_in"]),
                    size(value),
                ]
                for name, value in origins
            ],
            numbers=range(1, 5),
        )
    )
    lead = "Shares are of the text's bytes in UTF-8, where a Korean syllable takes three and a Latin letter one."
    return html.section("shares", "Languages and sources", lead, "".join(parts))


def _grouped(items: list[tuple[str, int]]) -> list[tuple[str, float]]:
    """The five largest, and the rest as one."""
    rest = sum(value for _, value in items[5:])
    return [*items[:5], ("others", rest)] if rest else list(items[:5])


def personal_data(facts: RunFacts) -> str:
    """Findings of personal data by type and source, before and after."""
    if not facts.risks:
        return ""
    by_type: dict[str, list[Risk]] = defaultdict(list)
    for risk in facts.risks:
        by_type[risk.type].append(risk)
    found, left = sum(risk.found for risk in facts.risks), sum(risk.left for risk in facts.risks)
    ranked = sorted(by_type, key=lambda name: -sum(risk.found for risk in by_type[name]))
    drawing = svg.bars(
        "Findings of personal data by type, in all documents",
        "; ".join(f"{name}: {sum(risk.found for risk in by_type[name])}" for name in ranked),
        [
            svg.Bar(
                name,
                total := sum(risk.found for risk in by_type[name]),
                f"{count(total)} → {count(_left(by_type[name]))}",
            )
            for name in ranked
        ],
    )
    rows = [
        [text(name), html.foreign(risk.source), count(risk.found), count(risk.left)]
        for name in ranked
        for risk in by_type[name]
    ]
    table = html.table("Findings by type and source", ["type", "source", "found", "left"], rows, numbers=(2, 3))
    lead = (
        f"<b>{plural(found, 'finding')}</b> in all documents before; <b>{count(left)}</b> in the corpus after, "
        "once dropped documents are gone and replacements made."
    )
    return html.section("personal-data", "Personal data", lead, drawing + table)


def _left(risks: list[Risk]) -> int:
    return sum(risk.left for risk in risks)


def rewritten(facts: RunFacts) -> str:
    """What the stages other than personal data replaced or removed inside texts."""
    rows = [
        [text(stage), text(type_), count(number)]
        for stage, types in sorted(facts.changes.items())
        for type_, number in types.most_common()
    ]
    if not rows:
        return ""
    table = html.table("Spans replaced or removed", ["stage", "what was there", "spans"], rows, numbers=(2,))
    lead = "Every change of a text is a row in the ledger, with its place and what stands there now."
    return html.section("changes", "What was changed inside texts", lead, table)


def crawl(facts: RunFacts) -> str:
    """How the addresses of each crawl ended."""
    parts = []
    for source, outcomes in facts.crawls.items():
        rows = outcomes.most_common()
        told = "; ".join(f"{name}: {number}" for name, number in rows)
        drawing = svg.bars(
            f"Outcomes of the crawl {source}", told, [svg.Bar(name, number, count(number)) for name, number in rows]
        )
        parts.append(f"<h3>{text(source)}</h3>{drawing}")
    if not parts:
        return ""
    lead = "What became of every address that the crawl met, forbidden and out-of-scope ones too."
    return html.section("crawl", "The crawl", lead, "".join(parts))


def quarantine(facts: RunFacts) -> str:
    """Records that could not be read."""
    total = facts.summary.get("quarantined") or sum(facts.quarantine.values())
    if not total:
        return ""
    reasons = html.table(
        "Reasons",
        ["reason", "records"],
        [[html.foreign(why), count(n)] for why, n in facts.quarantine.most_common(50)],
        (1,),
    )
    shown = html.table(
        "The first of them",
        ["where", "offset", "step", "reason"],
        [
            [
                html.link(record.get("url"), record.get("url") or record.get("path") or "unknown"),
                text("" if record.get("offset") is None else record["offset"]),
                text(record.get("step") or ""),
                html.foreign(record.get("reason") or ""),
            ]
            for record in facts.quarantine_shown
        ],
        numbers=(1,),
    )
    lead = f"<b>{plural(total, 'record')}</b> could not be read. The run went on without them."
    return html.section("quarantine", "Quarantine", lead, reasons + html.folded("<span>Where they are</span>", shown))


def timings(facts: RunFacts) -> str:
    """Where the time went, and how fast each stage was."""
    stages = [stage for stage in facts.summary.get("stages") or [] if stage.get("seconds") is not None]
    if not stages:
        return ""
    rows = [
        [
            text(stage["stage"]),
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
    return html.section("timings", "Time and throughput", lead, drawing + table)


def _rate(amount: float, seconds: float, shape: str) -> str:
    return shape.format(amount / seconds) if seconds > 0 else "–"


def recipe(facts: RunFacts) -> str:
    """The recipe as it was written."""
    written = facts.summary.get("recipe_text")
    if not written:
        written = json.dumps(facts.summary.get("recipe") or {}, indent=2, ensure_ascii=False)
    lead = "The same recipe over the same input gives the same bytes."
    return html.section("recipe", "The recipe", lead, f"<pre>{text(written)}</pre>")
