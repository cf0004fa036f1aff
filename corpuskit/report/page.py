"""The report as one page: what matters first, each part only where the run has it.

The page holds no script and asks for nothing: its Content-Security-Policy forbids both, so that no text of a document
could do otherwise even if it slipped through the escaping.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from corpuskit.drawing import html
from corpuskit.drawing.html import count, share, size, text
from corpuskit.drawing.run import RunFacts, finite, read
from corpuskit.engine.files import replacing
from corpuskit.memorization import report as audit
from corpuskit.memorization.studies import report as arms
from corpuskit.report import cleaning
from corpuskit.training import report as training
from corpuskit.training.evaluation import report as models

_SECTIONS: tuple[Callable[[RunFacts], str], ...] = (
    cleaning.funnel,
    cleaning.dropped,
    cleaning.shares,
    cleaning.personal_data,
    cleaning.rewritten,
    training.loss,
    models.evaluation,
    models.instruction,
    models.adapters,
    audit.memorization,
    arms.before_and_after,
    cleaning.timings,
    cleaning.crawl,
    cleaning.quarantine,
    cleaning.recipe,
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write(run_folder: Path, output: Path) -> None:
    """Write the report of a finished run to `output`, a self-contained HTML file.

    Raises UsageError where the folder holds no finished run.
    """
    page = render(read(Path(run_folder)))
    with replacing(Path(output)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render(facts: RunFacts) -> str:
    """The HTML of a report."""
    sections = [part for make in _SECTIONS if (part := make(facts))]
    titles = [re.search(r'<section id="([^"]+)".*?<h2 [^>]*>(.*?)</h2>', part) for part in sections]
    contents = "".join(f'<li><a href="#{found[1]}">{found[2]}</a></li>' for found in titles if found)
    name = facts.summary.get("name") or "run"
    style = (Path(html.__file__).parent / "style.css").read_text("utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{text(name)}: report</title><style>{style}</style></head>\n<body>\n"
        f'{_header(name, facts)}\n<nav aria-label="Contents"><ul>{contents}</ul></nav>\n'
        f"<main>{''.join(sections)}</main>\n{_footer(facts)}\n</body></html>\n"
    )


def _header(name: str, facts: RunFacts) -> str:
    summary = facts.summary
    totals = summary.get("totals") or {}
    read_, kept = totals.get("documents_in", 0), totals.get("documents_out", 0)
    figures = [
        ("documents read", count(read_), size(totals.get("bytes_in", 0))),
        ("in the corpus", count(kept), f"{share(kept, read_)} · {size(totals.get('bytes_out', 0))}"),
    ]
    if facts.metrics:
        last = facts.metrics[-1]
        losses = [value for row in facts.metrics if (value := finite(row.get("validation_loss"))) is not None]
        note = f"validation loss {losses[-1]:.2f}" if losses else "trained on"
        figures.append(("tokens trained on", _short(last.get("tokens") or 0), note))
    train = ((facts.audit or {}).get("extraction") or {}).get("train")
    if train:
        note = f"{count(train['extracted'])} of {count(train['windows'])} windows"
        figures.append(("completed verbatim", f"{100 * train['rate']:.1f} %", note))
    if totals.get("seconds"):
        figures.append(("took", html.duration(totals["seconds"]), _day(summary.get("finished"))))
    shown = "".join(
        f'<div><dt>{text(label)}</dt><dd><span class="big">{text(value)}</span><br>'
        f"<small>{text(note)}</small></dd></div>"
        for label, value, note in figures
    )
    return (
        f'<header><p class="kind">corpuskit report</p><h1>{html.foreign(name)}</h1>'
        f'<p class="summary">{_sentence(facts)}</p><dl class="figures">{shown}</dl></header>'
    )


def _sentence(facts: RunFacts) -> str:
    """The run in one or two sentences."""
    summary = facts.summary
    totals = summary.get("totals") or {}
    sources = [html.foreign(source["name"]) for source in summary.get("sources") or []]
    languages = list(summary.get("languages") or {})
    told = f"{html.plural(totals.get('documents_in', 0), 'document')} from {_enumerated(sources) or 'no source'}"
    told += f" became a corpus of {count(totals.get('documents_out', 0))}"
    told += f" in {_enumerated([text(html.language(code)) for code in languages])}." if languages else "."
    if facts.metrics:
        told += " A language model was trained on it"
        told += ", and asked what it remembers." if facts.audit else "."
    return told


def _enumerated(words: list[str]) -> str:
    if len(words) > 4:
        return f"{', '.join(words[:3])} and {len(words) - 3} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _short(number: float) -> str:
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return count(number)


def _day(moment: object) -> str:
    return str(moment or "").replace("T", " ")[:16]


def _footer(facts: RunFacts) -> str:
    summary = facts.summary
    when = f"from {_day(summary.get('started'))} to {_day(summary.get('finished'))}"
    return f"<footer><p>Made by corpuskit {text(summary.get('version') or '')} of a run {text(when)}.</p></footer>"
