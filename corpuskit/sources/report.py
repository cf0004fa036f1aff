"""Crawls in a run's report, and what `corpuskit why` knows of a page from them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import Section, count
from corpuskit.drawing.run import RunFacts, json_lines
from corpuskit.engine.ledger import Story
from corpuskit.sources.crawl.state import missing_pages

_OUTCOMES = {
    "same": "not kept: another spelling of a page",
    "trap": "not fetched: pages like it repeat the site",
    "gone": "gone from its site",
    "denied": "not fetched: the server refuses it",
    "robots": "not fetched: robots.txt forbids it",
    "scope": "not fetched: outside the crawl's scope",
    "budget": "not fetched: the crawl's budget was spent",
    "private": "not fetched: it leads to a private address",
    "too_large": "cut off: larger than the crawl allows",
    "not_text": "not kept: it is not a page",
    "damaged": "not kept: it cannot be decoded",
    "transient": "not fetched yet: the next run asks for it again",
    "waiting": "not fetched yet",
}

_GONE_SHOWN = 50


def crawl(facts: RunFacts) -> Section | None:
    """How the addresses of each crawl ended."""
    parts = []
    for log in sorted((facts.folder / "sources").glob("*/crawl-log.jsonl")):
        outcomes = Counter(str(record.get("outcome")) for record in json_lines(log)).most_common()
        description = "; ".join(f"{name}: {number}" for name, number in outcomes)
        bars = [svg.Bar(name, number, count(number)) for name, number in outcomes]
        parts += [
            html.heading(log.parent.name),
            svg.bars(f"Outcomes of the crawl {log.parent.name}", description, bars),
        ]
        gone = missing_pages(log.parent)
        if gone:
            rows = [(html.foreign(url), html.text(when)) for url, when in gone[:_GONE_SHOWN]]
            parts += [
                html.heading(f"{html.plural(len(gone), 'page')} gone from {log.parent.name}"),
                html.paragraph("Older corpora and models may still hold them: they are candidates for removal there."),
                html.paragraph("Their addresses are in the crawl's log: this run takes things out of its documents.")
                if facts.summary.get("originals")
                else html.table("Pages that their sites no longer have", ("page", "gone since"), rows),
            ]
    if not parts:
        return None
    lead = "The outcome of every address that the crawl met, forbidden and out-of-scope ones too."
    return Section("crawl", "The crawl", lead, html.join(parts))


def crawl_history(folder: Path, document: str, story: Story) -> list[str]:
    """A line for `corpuskit why`: the newest entry of any crawl's log for a URL."""
    if not document.startswith(("http://", "https://")):
        return []
    from corpuskit.sources.crawl import fate

    for log in sorted(folder.glob("sources/*/crawl-log.jsonl")):
        entry = fate(log.parent, document)
        if entry is not None:
            outcome = _OUTCOMES.get(entry["outcome"], entry["outcome"])
            details = [
                f"{name} {entry[name]}"
                for name in ("status", "rule", "reason", "referrer", "depth", "when")
                if entry.get(name) is not None
            ]
            return [f"crawl: {outcome} ({', '.join(details)})" if details else f"crawl: {outcome}"]
    return []
