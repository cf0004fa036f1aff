"""The report's section on the training: loss, what held-out text costs by source and language, the course of the
run, and what the model wrote along the way."""

from __future__ import annotations

from typing import Any

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import count, plural
from corpuskit.drawing.run import RunFacts, finite

_ROWS = 12
_GROUPS = 6
"""Sources or languages that are drawn; the table has them all."""
_COURSE = (
    ("learning_rate", "Learning rate", "learning rate"),
    ("gradient_norm", "Gradient norm before clipping", "gradient norm"),
    ("tokens_per_second", "Throughput", "tokens a second"),
    ("mfu", "Share of the machine's peak arithmetic", "share of the peak"),
)


def loss(facts: RunFacts) -> str:
    """Training and validation loss over steps."""
    train = _series(facts.metrics, "loss")
    validation = _series(facts.metrics, "validation_loss")
    if not train and not validation:
        return ""
    last = facts.metrics[-1]
    caption = f"Training loss from {train[0][1]:.3f} to {train[-1][1]:.3f}. " if train else ""
    if validation:
        caption += f"Validation loss from {validation[0][1]:.3f} to {validation[-1][1]:.3f}."
    drawing = svg.lines(
        "Loss over training steps",
        caption,
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
    skipped = [row for row in facts.metrics if row.get("skipped")]
    parts = [drawing, table, _skipped(skipped)]
    parts += [_held_out(facts.metrics, name) for name in ("source", "language")]
    parts += [_course(facts.metrics), _written(facts.written)]
    return html.section("loss", "Pretraining", lead + ".", "".join(parts))


def _skipped(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    table = html.table(
        "Steps that were not taken",
        ["step", "reason"],
        [[count(row["step"]), html.text(row["skipped"])] for row in rows],
    )
    return html.folded(f"{plural(len(rows), 'step')} not taken: a loss or gradient that stood out", table)


def _held_out(metrics: list[dict[str, Any]], name: str) -> str:
    """Bits a byte of held-out text over the steps, for each source or language beside all text."""
    key = f"bits_per_byte_by_{name}"
    judged = [row for row in metrics if isinstance(row.get(key), dict)]
    groups = sorted({group for row in judged for group in row[key]})
    if len(groups) < 2:
        return ""
    overall = _series(judged, "bits_per_byte")
    curves = {
        group: [(row["step"], value) for row in judged if (value := finite(row[key].get(group))) is not None]
        for group in groups
    }
    largest = sorted(groups, key=lambda group: -len(curves[group]))[:_GROUPS]
    drawings = "".join(
        svg.lines(
            f"Bits a byte of held-out text: {group}",
            f"From {curves[group][0][1]:.3f} to {curves[group][-1][1]:.3f}.",
            [svg.Line("all", overall, accent=False), svg.Line(group, curves[group], accent=True, dots=True)],
            x_label="step",
            y_label="bits a byte",
        )
        for group in largest
    )
    shown = _spread(judged, 5)
    table = html.table(
        f"Bits a byte of held-out text by {name}",
        [name, *(f"step {count(row['step'])}" for row in shown)],
        [[html.foreign(group), *(_figure(row[key].get(group), 3) for row in shown)] for group in groups],
        numbers=range(1, len(shown) + 1),
    )
    return f"<h3>Held-out text by {name}</h3>{table}{html.folded(f'Curves by {name}', drawings)}"


def _course(metrics: list[dict[str, Any]]) -> str:
    """How learning rate, gradients and speed went."""
    drawings = []
    for name, title, label in _COURSE:
        points = _series(metrics, name)
        if points:
            values = [value for _, value in points]
            caption = f"Between {min(values):.4g} and {max(values):.4g}."
            drawings.append(
                svg.lines(title, caption, [svg.Line(label, points, accent=True)], x_label="step", y_label=label)
            )
    return html.folded("Learning rate, gradients and speed", "".join(drawings)) if drawings else ""


def _written(samples: list[dict[str, Any]]) -> str:
    """What the model wrote after the same prompts, early and late."""
    steps = sorted({sample["step"] for sample in samples if isinstance(sample.get("step"), int)})
    if not steps:
        return ""
    shown = "".join(
        f'<div class="sample"><p class="facts">step {count(sample["step"])}</p>'
        f"<blockquote><b>{html.foreign(sample.get('prompt') or '')}</b>{html.foreign(sample.get('text') or '')}"
        "</blockquote></div>"
        for step in dict.fromkeys((steps[0], steps[-1]))
        for sample in samples
        if sample.get("step") == step
    )
    return f"<h3>What it wrote</h3><p>The same beginnings (bold), at the first and at the last sample.</p>{shown}"


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
