"""The report of a run as one page: sections on every run, and those that features declare, where the run has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from corpuskit.drawing import html
from corpuskit.drawing.html import Figure, Header, Section, count, share, size
from corpuskit.drawing.run import RunFacts, read
from corpuskit.engine.features import Part, features, resolve
from corpuskit.engine.files import replacing
from corpuskit.errors import CorpuskitError
from corpuskit.report import cleaning

_LAYOUT: tuple[Callable[[RunFacts], Section | None] | Part, ...] = (
    cleaning.funnel,
    cleaning.dropped,
    cleaning.shares,
    "cleaning",
    cleaning.rewritten,
    "training",
    "audit",
    cleaning.timings,
    "record",
    cleaning.quarantine,
    cleaning.recipe,
)
"""The page from top to bottom: sections of every run, and the parts to which the sections of features belong."""


def write(run_folder: Path, output: Path) -> None:
    """Write the report of a finished run to `output`, a self-contained HTML file.

    Raises UsageError where the folder holds no finished run.
    """
    content = render(read(Path(run_folder)))
    with replacing(Path(output)) as temporary:
        temporary.write_text(content, encoding="utf-8")


def render(facts: RunFacts) -> str:
    """The HTML of a report."""
    sections: list[Section] = []
    for entry in _LAYOUT:
        makers = _declared(entry) if isinstance(entry, str) else [entry]
        sections += [section for maker in makers if (section := maker(facts)) is not None]
    summary = facts.summary
    name = summary.get("name") or "run"
    header = Header("corpuskit report", name, _summary(facts, sections), _figures(facts, sections))
    when = f"from {_day(summary.get('started'))} to {_day(summary.get('finished'))}"
    footer = f"Made by corpuskit {summary.get('version') or ''} of a run {when}."
    return html.page(f"{name}: report", sections, header, footer)


def _declared(part: Part) -> list[Callable[[RunFacts], Section | None]]:
    """What makes the sections of a part. A feature that cannot be imported gets a section that says so."""
    makers: list[Callable[[RunFacts], Section | None]] = []
    for feature, declared in features().report(part):
        try:
            makers.append(resolve(declared.target))
        except CorpuskitError as error:
            makers.append(partial(_missing, feature.name, str(error)))
    return makers


def _missing(name: str, reason: str, facts: RunFacts) -> Section:
    return Section(f"missing-{name}", name, f"This section cannot be made: {reason}.", html.join([]))


def _figures(facts: RunFacts, sections: list[Section]) -> list[Figure]:
    totals = facts.summary.get("totals") or {}
    documents, kept = totals.get("documents_in", 0), totals.get("documents_out", 0)
    figures = [
        Figure("documents read", count(documents), size(totals.get("bytes_in", 0))),
        Figure("in the corpus", count(kept), f"{share(kept, documents)} · {size(totals.get('bytes_out', 0))}"),
    ]
    figures += [figure for section in sections for figure in section.figures]
    if totals.get("seconds"):
        figures.append(Figure("took", html.duration(totals["seconds"]), _day(facts.summary.get("finished"))))
    return figures


def _summary(facts: RunFacts, sections: list[Section]) -> html.Markup:
    """The run in a few sentences."""
    summary = facts.summary
    totals = summary.get("totals") or {}
    sources = [html.foreign(source["name"]) for source in summary.get("sources") or []]
    languages = [html.text(html.language(code)) for code in summary.get("languages") or {}]
    within = html.inline(" in {}", _enumerated(languages)) if languages else ""
    documents = html.plural(totals.get("documents_in", 0), "document")
    corpus = html.inline(
        "{} from {} became a corpus of {}{}.",
        documents,
        _enumerated(sources) if sources else "no source",
        count(totals.get("documents_out", 0)),
        within,
    )
    return html.Markup(" ").join([corpus, *(section.sentence for section in sections if section.sentence)])


def _enumerated(words: list[html.Markup]) -> html.Markup:
    if len(words) > 4:
        return html.inline("{} and {} more", html.Markup(", ").join(words[:3]), len(words) - 3)
    if len(words) > 1:
        return html.inline("{} and {}", html.Markup(", ").join(words[:-1]), words[-1])
    return words[0]


def _day(moment: object) -> str:
    return str(moment or "").replace("T", " ")[:16]
