"""Evaluations in a run's report, and accuracy as curves in SVG files: over the number of examples, and over the size of
models.

Plain values in: rows with `model`, `parameters`, `task`, `shots`, `accuracy`, `error` and `chance`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpuskit.drawing import html
from corpuskit.drawing.html import Markup, Section, inline
from corpuskit.drawing.panels import Panel, Series, panels
from corpuskit.drawing.run import RunFacts, finite
from corpuskit.drawing.svg import ticks
from corpuskit.training.evaluation.config import EVALUATIONS

Row = Mapping[str, Any]


def evaluation(facts: RunFacts) -> Section | None:
    """Accuracy by task and model with chance, over the number of examples, and bits a byte of held-out text."""
    results = facts.read_object(f"{EVALUATIONS}/results.json") if facts.made(EVALUATIONS) else None
    if results is None and facts.is_old():
        results = facts.read_object("evaluations/results.json")
    models: dict[str, Any] = (results or {}).get("models") or {}
    if not models:
        return None
    rows = [{"model": name, **row} for name, values in models.items() for row in values.get("tasks") or []]
    parts = [_bits(models), _accuracies(list(models), rows), _examples(list(models), rows)]
    left_out = (results or {}).get("left_out") or {}
    parts += [html.paragraph(f"{name} was left out: {reason}") for name, reason in left_out.items()]
    tasks = len({row["task"] for row in rows})
    lead = inline("<b>{}</b>", html.plural(len(models), "model")) + (
        inline(
            " on <b>{}</b>: the share of right answers, with one standard error. A model that only guesses reaches "
            "the accuracy in the column 'chance'.",
            html.plural(tasks, "task"),
        )
        if tasks
        else " on held-out text."
    )
    return Section("evaluation", "What the models can do", lead, html.join(parts))


def _bits(models: dict[str, Any]) -> Markup:
    judged = {name: results["held_out"] for name, results in models.items() if results.get("held_out")}
    groups = {
        group: label
        for bits in judged.values()
        for kind in ("by_source", "by_language")
        for group, label in ((f"{kind}/{name}", name) for name in bits.get(kind) or {})
    }
    if not judged:
        return Markup()

    def cell(part: dict[str, Any] | None) -> str:
        value = finite((part or {}).get("bits_per_byte"))
        return "–" if value is None else f"{value:.3f}"

    rows = [["all text", *(cell(bits["all"]) for bits in judged.values())]]
    for group, label in groups.items():
        kind, _, name = group.partition("/")
        rows.append([html.foreign(label), *(cell((bits.get(kind) or {}).get(name)) for bits in judged.values())])
    return html.table("Bits a byte of held-out text", ["text", *judged], rows, numbers=range(1, len(judged) + 1))


def _accuracies(models: list[str], rows: list[dict[str, Any]]) -> Markup:
    """A row a task and number of examples, a column a model."""
    by_place = {(row["task"], row["shots"], row["model"]): row for row in rows}
    asked = dict.fromkeys((row["task"], row["shots"]) for row in rows)
    if not asked:
        return Markup()

    def cell(row: dict[str, Any] | None) -> str:
        if row is None:
            return "–"
        return f"{100 * row['accuracy']:.1f} % ± {100 * (row['error'] or 0):.1f}"

    several = len({shots for _, shots in asked}) > 1
    table = []
    for task, shots in asked:
        mine = [by_place.get((task, shots, model)) for model in models]
        chance = next(row["chance"] for row in mine if row is not None)
        name = f"{task}, {html.plural(shots, 'example')}" if several else task
        table.append([name, f"{100 * chance:.0f} %", *(cell(row) for row in mine)])
    head = ["task", "chance", *models]
    return html.table("Right answers by task", head, table, numbers=range(1, len(head)))


def _examples(models: list[str], rows: list[dict[str, Any]]) -> Markup:
    """Accuracy over the number of examples, a panel a task."""
    shown = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        shots = sorted({row["shots"] for row in mine})
        if len(shots) < 2:
            continue
        series = [
            accuracy_series(model, shots, {row["shots"]: row for row in mine if row["model"] == model})
            for model in models
        ]
        steps = [str(number) for number in shots]
        shown.append(Panel(task, steps, "examples", series, 1.0, percent=True, limits=[mine[0]["chance"]]))
    if not shown:
        return Markup()
    caption = (
        f"{html.plural(len(shown), 'task')} with up to {max(row['shots'] for row in rows)} examples before the item."
    )
    return panels("Right answers over the number of examples", caption, shown)


def write_curves(rows: Sequence[Row], folder: str | Path) -> list[Path]:
    """Draw every task that was evaluated with several numbers of examples, or on models of several sizes.

    Files are called TASK-examples.svg and TASK-sizes.svg.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        drawings = {"examples": _by_examples(task, mine), "sizes": _by_size(task, mine)}
        for name, drawing in drawings.items():
            if drawing is not None:
                file = folder / f"{re.sub(r'[^0-9A-Za-z가-힣._-]', '_', task)}-{name}.svg"
                file.write_text(drawing, encoding="utf-8")
                files.append(file)
    return files


def _by_examples(task: str, rows: Sequence[Row]) -> Markup | None:
    return _curves(task, rows, "shots", "examples before the item", str, "model", str)


def _by_size(task: str, rows: Sequence[Row]) -> Markup | None:
    return _curves(task, rows, "parameters", "parameters", _short, "shots", lambda shots: f"{shots} examples")


def _curves(
    task: str,
    rows: Sequence[Row],
    x: str,
    axis: str,
    x_name: Callable[[Any], str],
    group: str,
    group_name: Callable[[Any], str],
) -> Markup | None:
    """A curve a group over the values of `x`, with bands of one standard error and a dashed line at chance."""
    steps = sorted({row[x] for row in rows})
    if len(steps) < 2:
        return None
    series = []
    for key in dict.fromkeys(row[group] for row in rows):
        points = {row[x]: row for row in rows if row[group] == key}
        series.append(accuracy_series(group_name(key), steps, points))
    edges = [edge for line in series for edge in (*line.low, *line.high) if edge is not None]
    chance = rows[0]["chance"]
    scale = ticks(max(0.0, min([*edges, chance])), min(1.0, max([*edges, chance])))
    panel = Panel(task, list(map(x_name, steps)), axis, series, scale[-1], scale[0], percent=True, limits=[chance])
    return panels(task, "Right answers, with one standard error; dashed: chance.", [panel])


def accuracy_series(label: str, steps: Sequence[Any], points: Mapping[Any, Row]) -> Series:
    """The accuracy at each step with one standard error, where there is a point."""
    values = [points[step]["accuracy"] if step in points else None for step in steps]
    errors = [(points[step]["error"] or 0.0) if step in points else None for step in steps]
    pairs = list(zip(values, errors, strict=True))
    low = [None if value is None or error is None else value - error for value, error in pairs]
    high = [None if value is None or error is None else value + error for value, error in pairs]
    return Series(label, values, low, high)


def _short(number: int) -> str:
    """1,234,567 as 1.23M."""
    power = min(3, int(math.log10(max(number, 1))) // 3)
    return f"{number / 1000**power:.3g}{('', 'k', 'M', 'B')[power]}"
