"""The report's section on the training: loss, what held-out text costs by source and language, the course of the
run, and what the model wrote along the way."""

from __future__ import annotations

from typing import Any

from corpuskit.drawing import html, svg
from corpuskit.drawing.html import Figure, Markup, Section, count, inline, plural
from corpuskit.drawing.run import RunFacts, finite
from corpuskit.training.job import BASE

_ROWS = 12
_GROUPS = 6
"""Sources or languages that are drawn; the table has them all."""
_COURSE = (
    ("learning_rate", "Learning rate", "learning rate"),
    ("gradient_norm", "Gradient norm before clipping", "gradient norm"),
    ("tokens_per_second", "Throughput", "tokens a second"),
    ("mfu", "Share of the machine's peak arithmetic", "share of the peak"),
)


def pretraining(facts: RunFacts) -> Section | None:
    """Training and validation loss over steps, and the course of the training."""
    metrics = facts.read_steps(f"{BASE}/metrics.jsonl") if facts.made(BASE) else []
    train = _series(metrics, "loss")
    validation = _series(metrics, "validation_loss")
    if not train and not validation:
        return None
    last = metrics[-1]
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
    evaluated = [row for row in metrics if finite(row.get("validation_loss")) is not None] or metrics
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
    tokens = last.get("tokens") or 0
    lead = inline("<b>{}</b>, <b>{}</b> tokens", plural(last["step"], "step"), count(tokens))
    if validation:
        best = min(validation, key=lambda point: point[1])
        lowest = f"{best[1]:.3f}"
        lead += inline("; the validation loss was lowest at step {}, with <b>{}</b>", count(best[0]), lowest)
    skipped = [row for row in metrics if row.get("skipped")]
    parts = [drawing, table, _skipped(skipped)]
    parts += [_held_out(metrics, name) for name in ("source", "language")]
    parts += [_course(metrics), _written(list(facts.read_lines(f"{BASE}/samples.jsonl")))]
    note = f"validation loss {validation[-1][1]:.2f}" if validation else "trained on"
    return Section(
        "loss",
        "Pretraining",
        lead + ".",
        html.join(parts),
        figures=(Figure("tokens trained on", _short(tokens), note),),
        sentence="A language model was trained on it.",
    )


def _short(number: float) -> str:
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return count(number)


def _skipped(rows: list[dict[str, Any]]) -> Markup:
    if not rows:
        return Markup()
    table = html.table(
        "Steps that were not taken",
        ["step", "reason"],
        [[count(row["step"]), str(row["skipped"])] for row in rows],
    )
    return html.folded(f"{plural(len(rows), 'step')} not taken: the loss or the gradient was an outlier", table)


def _held_out(metrics: list[dict[str, Any]], name: str) -> Markup:
    """Bits a byte of held-out text over the steps, for each source or language beside all text."""
    key = f"bits_per_byte_by_{name}"
    judged = [row for row in metrics if isinstance(row.get(key), dict)]
    groups = sorted({group for row in judged for group in row[key]})
    if len(groups) < 2:
        return Markup()
    overall = _series(judged, "bits_per_byte")
    curves = {
        group: [(row["step"], value) for row in judged if (value := finite(row[key].get(group))) is not None]
        for group in groups
    }
    largest = sorted(groups, key=lambda group: -len(curves[group]))[:_GROUPS]
    drawings = html.join(
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
    return html.heading(f"Held-out text by {name}") + table + html.folded(f"Curves by {name}", drawings)


def _course(metrics: list[dict[str, Any]]) -> Markup:
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
    return html.folded("Learning rate, gradients and speed", html.join(drawings)) if drawings else Markup()


def _written(samples: list[dict[str, Any]]) -> Markup:
    """What the model wrote after the same prompts, early and late."""
    steps = sorted({sample["step"] for sample in samples if isinstance(sample.get("step"), int)})
    if not steps:
        return Markup()
    shown = html.join(
        html.sample(
            f"step {count(sample['step'])}",
            inline("<b>{}</b>{}", html.foreign(sample.get("prompt") or ""), html.foreign(sample.get("text") or "")),
        )
        for step in dict.fromkeys((steps[0], steps[-1]))
        for sample in samples
        if sample.get("step") == step
    )
    explanation = html.paragraph("The same beginnings (bold), at the first and at the last sample.")
    return html.heading("What it wrote") + explanation + shown


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
