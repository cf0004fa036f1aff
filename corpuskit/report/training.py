"""The report's section on the training: the loss curve."""

from __future__ import annotations

from typing import Any

from corpuskit.report import html, svg
from corpuskit.report.html import count, plural
from corpuskit.report.run import RunFacts, finite

_ROWS = 12


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
