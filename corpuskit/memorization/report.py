"""What an audit says that a model memorised: a section of a run's report, a page of its own, and Markdown.

Every rate is shown with its control and its interval, and with the smallest rate that could have been seen.
A figure that the audit does not have is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import Figure, Markup, Section, count, plural
from corpuskit.drawing.panels import Panel, Series, panels
from corpuskit.drawing.run import RunFacts, finite
from corpuskit.engine.files import replacing
from corpuskit.memorization.job import AUDIT

_HITS = 25
_SCORES = {
    "loss": "loss", "zlib": "zlib", "min_k": "Min-K%", "min_k_plus_plus": "Min-K%++", "dc_pdd": "DC-PDD",
    "reference": "reference model",
}  # fmt: skip


def memorization(facts: RunFacts) -> Section | None:
    """The section of a run's report."""
    audit = facts.read_object(f"{AUDIT}/summary.json") if facts.made(AUDIT) else None
    return section(audit) if audit else None


def section(audit: dict[str, Any]) -> Section:
    """Verbatim extraction against held-out text, its causes, secrets, membership, and the documents behind the hits."""
    parts = [_extraction(audit), _curves(audit), _canaries(audit), *map(_html_table, _tables(audit)), _hits(audit)]
    train = (audit.get("extraction") or {}).get("train")
    figures: tuple[Figure, ...] = ()
    if train:
        note = f"{count(train['extracted'])} of {count(train['windows'])} windows"
        figures = (Figure("completed verbatim", f"{100 * train['rate']:.1f} %", note),)
    return Section(
        "memorization",
        "What the model memorised",
        _memorization_lead(audit),
        html.join(parts),
        figures=figures,
        sentence="What the model remembers was measured.",
    )


def write_audit(value: dict[str, Any], folder: Path) -> None:
    """Write report.html and report.md into an audit's folder."""
    folder = Path(folder)
    page = html.page(f"audit: {folder.name}", [section(value)])
    for name, content in (("report.html", page), ("report.md", markdown(value))):
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")


def markdown(audit: dict[str, Any]) -> str:
    """The audit's figures as Markdown tables. No text of a document is in it."""
    parts = ["# What the model memorised", _memorization_lead(audit).striptags(), _power(audit)]
    for table in _tables(audit):
        lines = [table.head, ["---", *["---:"] * (len(table.head) - 1)], *table.rows]
        rows = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        parts += [f"## {table.title}", *([table.says] if table.says else []), *([rows] if table.rows else [])]
    return "\n\n".join(part for part in parts if part) + "\n"


@dataclass(frozen=True)
class _Table:
    title: str
    says: str
    head: list[str]
    rows: list[list[str]]
    """Plain text."""


def _html_table(table: _Table) -> Markup:
    says = html.paragraph(table.says) if table.says else Markup()
    figures = range(1, len(table.head))
    shown = html.table(table.title, table.head, table.rows, figures, under_heading=True) if table.rows else Markup()
    return html.heading(table.title) + says + shown


def _tables(audit: dict[str, Any]) -> Iterator[_Table]:
    """Every group of rates that an audit has, in the order of the page."""
    if population := audit.get("population"):
        columns = {
            "documents": "documents", "tested": "tested", "not_drawn": "not drawn", "too_short": "too short",
            "shared": "shared with training text", "beyond_context": "longer than the context", "windows": "windows",
        }  # fmt: skip
        counts = [
            [label, *(count(population[split][column]) for column in columns)]
            for split, label in (("train", "training text"), ("held_out", "held-out text"))
        ]
        says = "Every figure of this audit is about the tested documents; nothing is known of the others."
        yield _Table("What was tested", says, ["text", *columns.values()], counts)
    rate_head = ["tested", "verbatim", "rate", "interval"]
    for key, title, name, head in (
        ("by_copies", "By copies in the corpus", "copies", "copies from"),
        ("by_context", "By length of the context", "prefix", "tokens given"),
        ("by_source", "By source", "source", "source"),
        ("by_license", "By licence", "license", "licence"),
    ):
        rows = audit.get(key)
        rates = [row for row in rows or [] if {name, "extracted", "rate", "low", "high"} <= row.keys()]
        if rates:
            yield _Table(title, "", [head, *rate_head], [[str(row[name]), *_rate(row)] for row in rates])
    if law := audit.get("law"):
        removed = law["removed_by_cap"]
        says = f"Capping every passage at {law['cap']} copies would remove {_percent(removed['value'])} of the places "
        says += f"that come out ({_between(removed)}), by the fitted curve."
        yield _Table("What a cap would do", says, [], [])
    yield from _personal(audit)
    yield from _written(audit)
    yield from _secrets(audit)
    yield from _membership(audit)
    if decisions := audit.get("decisions"):
        rows = [[name, count(number)] for name, number in decisions.items()]
        yield _Table("What to do about it", "Documents by decision.", ["action", "documents"], rows)


def _personal(audit: dict[str, Any]) -> Iterator[_Table]:
    """Personal data by type, source and the number of documents that have it."""
    values = audit.get("personal")
    if not values:
        return
    rows = [
        [
            f"{row['type']}, {row['source']}, in {row['documents']} documents"
            + ("" if row["split"] == "train" else " (held out)"),
            count(row["values"]),
            count(row["extractable"]),
            count(row["attributable"]),
            _between(row),
            f"{row['mean']:.2f}",
        ]
        for row in values["groups"]
    ]
    says = "Completed after the text before it. Attributable: not after another document's text. Chance gives exposure "
    head = ["type, source", "values", "completed", "attributable", "interval", "mean exposure"]
    yield _Table("Personal data", f"{says}{values['null']:.2f} bits. No value is shown.", head, rows)


def _written(audit: dict[str, Any]) -> Iterator[_Table]:
    """What the model writes of itself, and windows read as training read them."""
    if values := audit.get("generations"):
        says = f"Of {count(values['tokens'])} tokens that the model wrote from nothing, {_percent(values['share'])} "
        says += (
            f"({_between(values)}) lie in stretches of {values['shortest']} and more tokens of the corpus; the longest "
        )
        says += f"has {count(values['longest'])}."
        if values.get("held_out_share") is not None:
            says += f" Of held-out text it is {_percent(values['held_out_share'])}."
        yield _Table("What it writes without a prompt", says, [], [])
    if values := audit.get("training_frame"):
        says = f"After the text that preceded them in training, {count(values['extracted'])} of "
        says += f"{count(values['windows'])} windows are completed ({_between(values)}); "
        says += f"after the prefix alone {count(values['by_prompt'])}."
        yield _Table("As training read it", says, [], [])


def _secrets(audit: dict[str, Any]) -> Iterator[_Table]:
    if coins := audit.get("coins"):
        says = f"{count(coins['right'])} of {count(coins['guesses'])} tosses of {count(coins['secrets'])} coins were "
        says += (
            f"guessed from the model: its training was not more private than epsilon {coins['epsilon']:.2f} a record "
        )
        says += f"(at best these guesses could show {coins['most']:.2f})."
        if coins.get("copies", 1) > 1:
            says += f" Each secret is planted {coins['copies']} times; the bound of the whole group is divided by that."
        yield _Table("Coins", says, [], [])
    if identifiers := audit.get("identifiers"):
        says = f"Exposure among {count(identifiers['candidates'])} strings of the same form, in bits: at most "
        says += f"{identifiers['most']:.1f}, by chance {identifiers['null']:.2f}."
        rows = [
            [f"{row['form']}, in {row['documents']} documents", count(row["identifiers"]), f"{row['mean']:.2f}",
             count(row["ranked_first"])]
            for row in identifiers["groups"]
        ]  # fmt: skip
        yield _Table("Identifiers of the corpus itself", says, ["form", "number", "mean exposure", "rank 1"], rows)


def _membership(audit: dict[str, Any]) -> Iterator[_Table]:
    values = audit.get("membership")
    if not values:
        return
    if values.get("withheld"):
        yield _Table("Membership", f"No figure is given: {values['withheld']}.", [], [])
        return
    says = f"A classifier that sees the texts alone has AUC {values['blind']['auc']:.2f}."
    rows = [
        [
            _SCORES.get(name, name),
            f"{row['auc']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            "–" if row.get("tpr_at_1_percent_fpr") is None else _percent(row["tpr_at_1_percent_fpr"]),
        ]
        for name, row in values["scores"].items()
    ]
    yield _Table("Membership", says, ["score", "AUC", "interval", "found at 1 % false"], rows)


def _rate(row: dict[str, Any]) -> list[str]:
    tested = row.get("windows", row.get("documents", row.get("findings", 0)))
    return [count(tested), count(row["extracted"]), _percent(row["rate"]), _between(row)]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"


def _between(row: dict[str, Any]) -> str:
    return f"{_percent(row['low'])} to {_percent(row['high'])}"


def _power(audit: dict[str, Any]) -> str:
    """The smallest rate that this sample would have shown."""
    train = (audit.get("extraction") or {}).get("train") or {}
    if finite(train.get("detectable")) is None:
        return ""
    says = (
        f"Had {_percent(train['detectable'])} of such documents been memorised, one at least of the "
        f"{plural(train['documents'], 'tested document')} would have shown it with the stated confidence; a smaller "
        "share can hide."
    )
    untested = ((audit.get("population") or {}).get("train") or {}).get("too_short")
    if untested:
        says += f" This says nothing about the {plural(untested, 'document')} too short for a window."
    return says


def _curves(audit: dict[str, Any]) -> Markup:
    """Extraction by copies and by context, exposure by copies, side by side."""
    shown = []
    for key, title, name, axis in (
        ("by_copies", "Verbatim, by copies", "copies", "copies in the corpus, from"),
        ("by_context", "Verbatim, by context", "prefix", "tokens given"),
    ):
        rows = [row for row in audit.get(key) or [] if finite(row.get("rate")) is not None]
        if len(rows) > 1:
            top = min(1.0, max(0.05, 1.1 * max(row["high"] for row in rows)))
            series = Series("training text", *([row[of] for row in rows] for of in ("rate", "low", "high")))
            shown.append(Panel(title, [str(row[name]) for row in rows], axis, [series], top, percent=True))
    groups = [row for row in audit.get("exposure") or [] if finite(row.get("mean")) is not None]
    if len(groups) > 1:
        error = [2 * (row.get("standard_error") or 0.0) for row in groups]
        means = [row["mean"] for row in groups]
        series = Series(
            "canaries",
            means,
            [mean - wide for mean, wide in zip(means, error, strict=True)],
            [mean + wide for mean, wide in zip(means, error, strict=True)],
        )
        most = groups[0]["most"]
        axis = "copies; dashed: chance, and the most there can be"
        steps = [str(row["copies"]) for row in groups]
        shown.append(Panel("Exposure, bits", steps, axis, [series], most * 1.05, limits=(1.44, most)))
    if not shown:
        return Markup()
    return html.heading("What it depends on") + panels(
        "What memory depends on", "The tables below hold the figures.", shown
    )


def _memorization_lead(audit: dict[str, Any]) -> Markup:
    extraction = audit.get("extraction")
    if not extraction:
        return html.inline(
            "Canaries were planted in the corpus before training, and looked for in the model afterwards."
        )
    train = extraction["train"]
    lead = html.inline(
        "Given {} tokens of a training window, the model wrote the next {} verbatim in <b>{} of {}</b> cases",
        extraction["prefix"],
        extraction["suffix"],
        count(train["extracted"]),
        count(train["windows"]),
    )
    held = extraction.get("held_out")
    if held and not held["windows"]:
        lead += "; no held-out text was tested, so there is no control"
    elif held:
        lead += f", and in {count(held['extracted'])} of {count(held['windows'])} on documents that it never saw"
        if held.get("shared"):
            lead += f" ({plural(held['shared'], 'more window')} left out, whose text is in training text, too)"
    lead += "."
    if population := audit.get("population"):
        lead += f" Of the training text, {population['train']['says']}."
        if held and held["windows"]:
            lead += f" Of the held-out text, {population['held_out']['says']}."
    return lead


def _extraction(audit: dict[str, Any]) -> Markup:
    extraction = audit.get("extraction")
    if not extraction:
        return Markup()
    groups = [
        ("training windows", extraction.get("train"), True),
        ("held-out windows", extraction.get("held_out"), False),
    ]
    rows = [
        svg.Interval(
            label,
            100 * values["rate"],
            100 * values["low"],
            100 * values["high"],
            f"{100 * values['rate']:.2f} %  ({100 * values['low']:.2f} to {100 * values['high']:.2f})",
            accent,
        )
        for label, values, accent in groups
        if values and values["windows"]
    ]
    drawing = svg.intervals(
        "Windows completed verbatim, in percent", "; ".join(f"{row.label}: {row.note}" for row in rows), rows
    )
    table = html.table(
        "Windows completed verbatim, with 95 % confidence intervals",
        ["windows", "tested", "verbatim", "rate", "interval"],
        [
            [
                label,
                count(values["windows"]),
                count(values["extracted"]),
                f"{100 * values['rate']:.2f} %",
                f"{100 * values['low']:.2f} to {100 * values['high']:.2f} %",
            ]
            for label, values, _ in groups
            if values and values["windows"]
        ],
        numbers=range(1, 5),
    )
    power = html.paragraph(_power(audit)) if _power(audit) else Markup()
    return html.heading("Verbatim completion") + drawing + power + table


def _canaries(audit: dict[str, Any]) -> Markup:
    canaries = [canary for canary in audit.get("canaries") or [] if finite(canary.get("exposure")) is not None]
    if not canaries:
        return Markup()
    by_copies: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for canary in canaries:
        by_copies[canary["copies"]].append(canary)
    groups = sorted(by_copies.items())
    limit = max(canary["max_exposure"] for canary in canaries)
    means = {copies: sum(canary["exposure"] for canary in group) / len(group) for copies, group in groups}
    drawing = svg.dots(
        "Exposure of canaries by the number of their copies",
        "; ".join(f"{plural(copies, 'copy', 'copies')}: mean {means[copies]:.2f} bits" for copies, _ in groups),
        [f"{count(copies)} ×" for copies, _ in groups],
        [
            svg.Dot(canary["exposure"], place, f"{canary['id']}: {canary['exposure']:.2f} bits")
            for place, (_, group) in enumerate(groups)
            for canary in group
        ],
        limit,
        "exposure in bits; the dashed line is the most there can be",
    )
    table = html.table(
        "Canaries by copies planted",
        ["copies", "canaries", "mean exposure", "highest", "rank 1"],
        [
            [
                count(copies),
                count(len(group)),
                f"{means[copies]:.2f}",
                f"{max(canary['exposure'] for canary in group):.2f}",
                count(sum(canary.get("rank") == 1 for canary in group)),
            ]
            for copies, group in groups
        ],
        numbers=range(1, 5),
    )
    return html.heading("Canaries") + drawing + table


def _hits(audit: dict[str, Any]) -> Markup:
    hits = audit.get("hits") or []
    if not hits:
        return Markup()
    shown = html.join(
        html.sample(
            html.inline(
                "{} · token {} · {} in the shards",
                html.foreign(hit.get("source") or "no source"),
                count(hit.get("position") or 0),
                plural(hit.get("copies") or 1, "copy", "copies"),
            ),
            html.foreign(hit.get("text") or ""),
            html.link(hit.get("url"), hit.get("url") or hit.get("id")),
        )
        for hit in hits[:_HITS]
    )
    more = f"The first {_HITS} of {count(len(hits))} passages" if len(hits) > _HITS else "Passages"
    return (
        html.heading("Which pages they came from")
        + html.paragraph(
            f"{more}; those near personal data are withheld. A name that stands "
            "alone, without a number or an address near it, is not recognised."
        )
        + shown
    )
