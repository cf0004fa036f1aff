"""Accuracy as curves, each picture an SVG file of its own: over the number of examples, and over the size of models.

Plain values in: rows with `model`, `parameters`, `task`, `shots`, `accuracy`, `error` and `chance`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.drawing.html import text
from corpuskit.drawing.svg import ticks

TONES = ("#0c6b63", "#b4552d", "#3d5a98", "#8a6d1f", "#7a3b69", "#5a5f66")
DASHES = ("", "7 4", "2 4", "10 3 2 3")
WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 56, 60
"""Margins of the plotting area."""
STYLE = (
    "text{font:13px system-ui,'Apple SD Gothic Neo','Noto Sans KR',sans-serif;fill:#1c1d1f}"
    ".axis{font-size:12px;fill:#63666c}.title{font-size:16px;font-weight:600}"
)
"""Beside colour, lines differ in dashes and labels, for those who cannot tell the colours apart."""


@dataclass(frozen=True)
class Curve:
    label: str
    points: Sequence[tuple[float, float, float | None]]
    """(x, accuracy, standard error) by x."""


def accuracy_curves(
    title: str, curves: Sequence[Curve], chance: float, x_label: str, x_names: Mapping[float, str]
) -> str:
    """A whole SVG file: one line a curve, whiskers of one standard error, and a dashed line at chance.

    `x_names`: what stands at each x, which are drawn evenly apart in their order.
    """
    places = {x: number for number, x in enumerate(sorted(x_names))}
    tops = [value + (error or 0) for curve in curves for _, value, error in curve.points]
    bottoms = [value - (error or 0) for curve in curves for _, value, error in curve.points]
    scale = ticks(max(0.0, min([*bottoms, chance])), min(1.0, max([*tops, chance])))
    low, high = scale[0], scale[-1]
    bottom = HEIGHT - BOTTOM

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (places[x] + 0.5) / len(places)

    def down(y: float) -> float:
        return bottom - (bottom - TOP) * (min(max(y, low), high) - low) / (high - low)

    drawn = [f'<text class="title" x="{LEFT}" y="24">{text(title)}</text>']
    drawn += [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(tick):.1f}" y2="{down(tick):.1f}" stroke="#dedbd2"/>'
        f'<text class="axis" x="{LEFT - 8}" y="{down(tick) + 4:.1f}" text-anchor="end">{100 * tick:g} %</text>'
        for tick in scale
    ]
    drawn.append(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(chance):.1f}" y2="{down(chance):.1f}" stroke="#63666c" '
        f'stroke-dasharray="3 3"/><text class="axis" x="{WIDTH - RIGHT}" y="{down(chance) - 5:.1f}" '
        'text-anchor="end">chance</text>'
    )
    drawn += [
        f'<text class="axis" x="{across(x):.1f}" y="{bottom + 20}" text-anchor="middle">{text(name)}</text>'
        for x, name in x_names.items()
    ]
    drawn.append(f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 14}" text-anchor="end">{text(x_label)}</text>')
    for number, curve in enumerate(curves):
        tone, dash = TONES[number % len(TONES)], DASHES[number // len(TONES) % len(DASHES)]
        shift = 3.0 * (number - (len(curves) - 1) / 2)  # whiskers of curves that meet stay apart
        steps = " ".join(f"{across(x) + shift:.1f},{down(y):.1f}" for x, y, _ in curve.points)
        drawn.append(
            f'<polyline points="{steps}" fill="none" stroke="{tone}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        for x, y, error in curve.points:
            centre = across(x) + shift
            drawn.append(f'<circle cx="{centre:.1f}" cy="{down(y):.1f}" r="3.5" fill="{tone}"/>')
            if error:
                drawn.append(
                    f'<line x1="{centre:.1f}" x2="{centre:.1f}" y1="{down(y - error):.1f}" '
                    f'y2="{down(y + error):.1f}" stroke="{tone}"/>'
                )
    height = HEIGHT + 20 * len(curves)
    for number, curve in enumerate(curves):
        tone, dash = TONES[number % len(TONES)], DASHES[number // len(TONES) % len(DASHES)]
        y = HEIGHT + 20 * number
        drawn.append(
            f'<line x1="{LEFT}" x2="{LEFT + 30}" y1="{y}" y2="{y}" stroke="{tone}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/><text x="{LEFT + 40}" y="{y + 4}">{text(curve.label)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img"><title>{text(title)}</title><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fbfaf7"/>{"".join(drawn)}</svg>\n'
    )


def write_curves(rows: Sequence[Mapping[str, Any]], folder: str | Path) -> list[Path]:
    """Draw every task that was asked with several numbers of examples, and every one asked of models of several sizes.

    Files are called TASK-examples.svg and TASK-sizes.svg.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        for name, x, group, drawn in (
            ("examples", "shots", "model", _by_examples),
            ("sizes", "parameters", "shots", _by_size),
        ):
            if len({row[x] for row in mine}) > 1:
                file = folder / f"{re.sub(r'[^0-9A-Za-z가-힣._-]', '_', task)}-{name}.svg"
                file.write_text(drawn(task, mine, _grouped(mine, x, group)), encoding="utf-8")
                files.append(file)
    return files


def _by_examples(task: str, rows: Sequence[Mapping[str, Any]], groups: Mapping[Any, Curve]) -> str:
    names = {float(row["shots"]): str(row["shots"]) for row in rows}
    return accuracy_curves(task, list(groups.values()), rows[0]["chance"], "examples before the item", names)


def _by_size(task: str, rows: Sequence[Mapping[str, Any]], groups: Mapping[Any, Curve]) -> str:
    names = {float(row["parameters"]): _count(row["parameters"]) for row in rows}
    curves = [Curve(f"{shots} examples", curve.points) for shots, curve in groups.items()]
    return accuracy_curves(task, curves, rows[0]["chance"], "parameters", names)


def _grouped(rows: Sequence[Mapping[str, Any]], x: str, by: str) -> dict[Any, Curve]:
    key: Callable[[Mapping[str, Any]], float] = lambda row: row[x]  # noqa: E731
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=key):
        groups.setdefault(row[by], []).append(row)
    return {
        name: Curve(str(name), [(float(row[x]), row["accuracy"], row["error"]) for row in mine])
        for name, mine in groups.items()
    }


def _count(number: int) -> str:
    """1,234,567 as 1.2M."""
    power = min(3, int(math.log10(max(number, 1))) // 3)
    return f"{number / 1000**power:.3g}{('', 'k', 'M', 'B')[power]}"
