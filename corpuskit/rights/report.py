"""The rights of a run's documents in its report."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq

from corpuskit.drawing import html
from corpuskit.drawing.html import Section, count
from corpuskit.drawing.run import RunFacts
from corpuskit.rights.stage import Rights


def rights(facts: RunFacts) -> Section | None:
    """How many documents of each source reserve or allow training, by licence; from the corpus and the ledger."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for place in ("corpus", "ledger/dropped"):
        for path in sorted((facts.folder / place).glob("*.parquet")):
            with pq.ParquetFile(path) as file:
                if not {"source", Rights.name} <= set(file.schema_arrow.names):
                    continue
                for batch in file.iter_batches(columns=["source", Rights.name]):
                    for row in batch.to_pylist():
                        counts[_row(row["source"], row[Rights.name])] += 1
    if not counts:
        return None
    rows = [
        (html.foreign(source), html.foreign(use), html.foreign(license_), count(number))
        for (source, use, license_), number in sorted(counts.items())
    ]
    table = html.table("Rights of the documents", ("source", "training", "licence", "documents"), rows, numbers=(3,))
    lead = "What pages, servers and sites say about use for training, kept and dropped documents together."
    return Section("rights", "Rights", lead, table)


def _row(source: str, measured: dict[str, object] | None) -> tuple[str, str, str]:
    measured = measured or {}
    use = "reserved" if measured.get("reserved") else "allowed" if measured.get("granted") else "nothing said"
    return source, use, str(measured.get("license") or "unknown")
