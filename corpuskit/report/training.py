"""The report's sections on the model: the loss curve, and what the audit says that it memorised."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from corpuskit.report import html, svg
from corpuskit.report.html import count, plural, text
from corpuskit.report.run import RunFacts, finite

_ROWS = 12
_HITS = 25


def loss(facts: RunFacts) -> str:
    """Training and validation loss over steps."""
    train = _series(facts.metrics, "loss")
    validation = _series(facts.metrics, "validation_loss")
    if not train and not validation:
        return ""
    last = facts.metrics[-1]
    told = f"Training loss from {train[0][1]:.3f} to {train[-1][1]:.3f}. " if train else ""
    if validation:
        told += f"Validation loss from {validation[0][1]:.3f} to {validation[-1][1]:.3f}."
    drawing = svg.lines(
        "Loss over training steps",
        told,
        [svg.Line("training", train, accent=False), svg.Line("validation", validation, accent=True, dots=True)],
        x_label="step",
        y_label="cross-entropy, nats a token",
    )
    evaluated = [row for row in facts.metrics if finite(row.get("validation_loss")) is not None] or facts.metrics
    rows = [
        [
            count(row["step"]),
            count(row.get("tokens") or 0),
            _figure(row.get("loss"), 3),
            _figure(row.get("validation_loss"), 3),
            _figure(row.get("bits_per_byte"), 3),
            _figure(row.get("tokens_per_second"), 0),
        ]
        for row in _spread(evaluated, _ROWS)
    ]
    table = html.table(
        "Training, step by step",
        ["step", "tokens", "training loss", "validation loss", "bits/byte", "tokens/s"],
        rows,
        numbers=range(1, 6),
    )
    lead = f"<b>{plural(last['step'], 'step')}</b>, <b>{count(last.get('tokens') or 0)}</b> tokens"
    if validation:
        best = min(validation, key=lambda point: point[1])
        lead += f"; the validation loss was lowest at step {count(best[0])}, with <b>{best[1]:.3f}</b>"
    return html.section("loss", "Pretraining", lead + ".", drawing + table)


def memorization(facts: RunFacts) -> str:
    """Verbatim extraction against held-out text, canary exposure, and the documents behind the hits."""
    audit = facts.audit
    if not audit:
        return ""
    parts = [_extraction(audit), _canaries(audit), _hits(audit)]
    return html.section("memorization", "What the model memorised", _memorization_lead(audit), "".join(parts))


def _memorization_lead(audit: dict[str, Any]) -> str:
    extraction = audit.get("extraction")
    if not extraction:
        return "Canaries were planted in the corpus before training, and looked for in the model afterwards."
    train = extraction["train"]
    lead = (
        f"Given {extraction['prefix']} tokens of a training window, the model wrote the next {extraction['suffix']} "
        f"verbatim in <b>{count(train['extracted'])} of {count(train['windows'])}</b> cases"
    )
    held = extraction.get("held_out")
    if held:
        lead += f", and in {count(held['extracted'])} of {count(held['windows'])} on documents that it never saw"
    return lead + "."


def _extraction(audit: dict[str, Any]) -> str:
    extraction = audit.get("extraction")
    if not extraction:
        return ""
    groups = [
        ("training windows", extraction.get("train"), True),
        ("held-out windows", extraction.get("held_out"), False),
    ]
    rows = [
        svg.Interval(
            label,
            100 * told["rate"],
            100 * told["low"],
            100 * told["high"],
            f"{100 * told['rate']:.2f} %  ({100 * told['low']:.2f} to {100 * told['high']:.2f})",
            accent,
        )
        for label, told, accent in groups
        if told
    ]
    drawing = svg.intervals(
        "Windows completed verbatim, in percent", "; ".join(f"{row.label}: {row.note}" for row in rows), rows
    )
    table = html.table(
        "Windows completed verbatim, with 95 % confidence intervals",
        ["windows", "tested", "verbatim", "rate", "interval"],
        [
            [
                text(label),
                count(told["windows"]),
                count(told["extracted"]),
                f"{100 * told['rate']:.2f} %",
                f"{100 * told['low']:.2f} to {100 * told['high']:.2f} %",
            ]
            for label, told, _ in groups
            if told
        ],
        numbers=range(1, 5),
    )
    return "<h3>Verbatim completion</h3>" + drawing + table


def _canaries(audit: dict[str, Any]) -> str:
    canaries = [canary for canary in audit.get("canaries") or [] if finite(canary.get("exposure")) is not None]
    if not canaries:
        return ""
    by_copies: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for canary in canaries:
        by_copies[canary["copies"]].append(canary)
    groups = sorted(by_copies.items())
    limit = max(canary["max_exposure"] for canary in canaries)
    means = {copies: sum(canary["exposure"] for canary in found) / len(found) for copies, found in groups}
    drawing = svg.dots(
        "Exposure of canaries by the number of their copies",
        "; ".join(f"{plural(copies, 'copy', 'copies')}: mean {means[copies]:.2f} bits" for copies, _ in groups),
        [f"{count(copies)} ×" for copies, _ in groups],
        [
            svg.Dot(canary["exposure"], place, f"{canary['id']}: {canary['exposure']:.2f} bits")
            for place, (_, found) in enumerate(groups)
            for canary in found
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
                count(len(found)),
                f"{means[copies]:.2f}",
                f"{max(canary['exposure'] for canary in found):.2f}",
                count(sum(canary.get("rank") == 1 for canary in found)),
            ]
            for copies, found in groups
        ],
        numbers=range(1, 5),
    )
    return "<h3>Canaries</h3>" + drawing + table


def _hits(audit: dict[str, Any]) -> str:
    hits = audit.get("hits") or []
    if not hits:
        return ""
    shown = "".join(
        f'<div class="sample"><p>{html.link(hit.get("url"), hit.get("url") or hit.get("id"))}</p>'
        f'<p class="facts">{html.foreign(hit.get("source") or "no source")} · '
        f"token {count(hit.get('position') or 0)} · "
        f"{plural(hit.get('copies') or 1, 'copy', 'copies')} in the shards</p>"
        f"<blockquote>{html.foreign(hit.get('text') or '')}</blockquote></div>"
        for hit in hits[:_HITS]
    )
    more = f"The first {_HITS} of {count(len(hits))} passages" if len(hits) > _HITS else "Passages"
    return f"<h3>Which pages they came from</h3><p>{more}, with personal data masked.</p>{shown}"


def _series(metrics: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(row["step"], value) for row in metrics if (value := finite(row.get(name))) is not None]


def _spread(rows: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """At most `number` rows, evenly spread, the first and the last among them."""
    if len(rows) <= number:
        return rows
    return [rows[place * (len(rows) - 1) // (number - 1)] for place in range(number)]


def _figure(value: Any, digits: int) -> str:
    number = finite(value)
    return "–" if number is None else f"{number:,.{digits}f}"
