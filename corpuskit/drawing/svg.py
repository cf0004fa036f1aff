"""Charts as inline SVG: bars, shares, lines and intervals. Colours come from the page's style sheet by class.

Positions along the width are percentages and text keeps its size, so that one drawing serves a phone and a wide screen.
Each drawing bears a title and a description for those who do not see it; the numbers stand in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from corpuskit.drawing.html import text

_LEFT, _RIGHT = 11.0, 98.0
"""The plotting area of line and interval charts, in percent of the width."""
_TICK_GAP = 0.01
_BINS = 300


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    note: str
    """What stands at the row's right end: the value in words."""
    second: float | None = None
    """A thinner bar beneath, on its own scale."""


@dataclass(frozen=True)
class Interval:
    label: str
    value: float
    low: float
    high: float
    note: str
    accent: bool = True


@dataclass(frozen=True)
class Line:
    label: str
    points: Sequence[tuple[float, float]]
    accent: bool
    dots: bool = False


@dataclass(frozen=True)
class Dot:
    x: float
    row: int
    label: str


def bars(title: str, description: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars, each beneath its label; the longest fills the width."""
    longest = max((row.value for row in rows), default=0) or 1
    second = max((row.second or 0 for row in rows), default=0) or 1
    height = 46 if any(row.second is not None for row in rows) else 38
    parts = []
    for place, row in enumerate(rows):
        top = place * height
        parts.append(
            f'<text class="label" x="0" y="{top + 14}">{text(row.label)}</text>'
            f'<text class="value" x="100%" y="{top + 14}" text-anchor="end">{text(row.note)}</text>'
            f'<rect class="track" x="0" y="{top + 20}" width="100%" height="10"/>'
            f'<rect class="bar" x="0" y="{top + 20}" width="{100 * row.value / longest:.2f}%" height="10"/>'
        )
        if row.second is not None:
            width = 100 * row.second / second
            parts.append(f'<rect class="quiet" x="0" y="{top + 32}" width="{width:.2f}%" height="3"/>')
    return _svg(title, description, len(rows) * height, "".join(parts))


def shares(title: str, description: str, parts: Sequence[tuple[str, float]]) -> str:
    """One bar cut into shares of a whole, in tones of the accent colour, with a legend beneath."""
    whole = sum(value for _, value in parts) or 1
    drawn, legend, start = [], [], 0.0
    for place, (label, value) in enumerate(parts):
        width = 100 * value / whole
        tone = f"tone{min(place, 5)}"
        drawn.append(f'<rect class="{tone}" x="{start:.2f}%" y="0" width="{width:.2f}%" height="26"/>')
        legend.append(f'<li><i class="{tone}"></i>{text(label)} <b>{width:.1f} %</b></li>')
        start += width
    return _svg(title, description, 26, "".join(drawn)) + f'<ul class="legend">{"".join(legend)}</ul>'


def lines(title: str, description: str, series: Sequence[Line], x_label: str, y_label: str) -> str:
    """Lines over a common pair of axes, thinned to what a screen can show. Series without points are left out."""
    series = [line for line in series if line.points]
    if not series:
        return ""
    points = [point for line in series for point in line.points]
    x_ticks = ticks(min(x for x, _ in points), max(x for x, _ in points))
    y_ticks = ticks(min(y for _, y in points), max(y for _, y in points))
    top, height = 22, 240

    def across(x: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * _place(x, x_ticks)

    def down(y: float) -> float:
        return top + height * (1 - _place(y, y_ticks))

    drawn = [f'<text class="axis" x="0" y="11">{text(y_label)}</text>']
    drawn += [
        f'<line class="grid" x1="{_LEFT}%" x2="{_RIGHT}%" y1="{down(tick):.1f}" y2="{down(tick):.1f}"/>'
        f'<text class="axis" x="{_LEFT - 1.5}%" y="{down(tick) + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        for tick in y_ticks
    ]
    foot = top + height + 18
    drawn += [
        f'<text class="axis" x="{across(tick):.2f}%" y="{foot}" text-anchor="middle">{_number(tick)}</text>'
        for tick in x_ticks
    ]
    drawn.append(f'<text class="axis" x="100%" y="{foot + 16}" text-anchor="end">{text(x_label)}</text>')
    for line in series:
        thinned = thin(line.points)
        steps = " ".join(f"{1000 * _place(x, x_ticks):.1f},{1000 * (1 - _place(y, y_ticks)):.1f}" for x, y in thinned)
        tone = "accent" if line.accent else "muted"
        drawn.append(
            f'<svg x="{_LEFT}%" y="{top}" width="{_RIGHT - _LEFT}%" height="{height}" viewBox="0 0 1000 1000" '
            f'preserveAspectRatio="none"><polyline class="line {tone}" points="{steps}"/></svg>'
        )
        if line.dots:
            drawn += [
                f'<circle class="dot {tone}" cx="{across(x):.2f}%" cy="{down(y):.1f}" r="3.5"/>' for x, y in thinned
            ]
    legend = "".join(
        f'<li><i class="{"tone0" if line.accent else "quiet"}"></i>{text(line.label)}</li>' for line in series
    )
    return _svg(title, description, top + height + 40, "".join(drawn)) + f'<ul class="legend">{legend}</ul>'


def intervals(title: str, description: str, rows: Sequence[Interval]) -> str:
    """Rates in percent as bars with whiskers over their confidence intervals."""
    scale = ticks(0, max((row.high for row in rows), default=0) or 1)
    height, top = 50, 4
    drawn = []
    for place, row in enumerate(rows):
        y = top + place * height
        value, low, high = (100 * _place(number, scale) for number in (row.value, row.low, row.high))
        tone = "bar" if row.accent else "quiet"
        drawn.append(
            f'<text class="label" x="0" y="{y + 12}">{text(row.label)}</text>'
            f'<text class="value" x="100%" y="{y + 12}" text-anchor="end">{text(row.note)}</text>'
            f'<rect class="track" x="0" y="{y + 18}" width="100%" height="14"/>'
            f'<rect class="{tone}" x="0" y="{y + 18}" width="{value:.2f}%" height="14"/>'
            f'<line class="whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="{y + 25}" y2="{y + 25}"/>'
            f'<line class="whisker" x1="{low:.2f}%" x2="{low:.2f}%" y1="{y + 20}" y2="{y + 30}"/>'
            f'<line class="whisker" x1="{high:.2f}%" x2="{high:.2f}%" y1="{y + 20}" y2="{y + 30}"/>'
        )
    foot = top + len(rows) * height + 8
    for tick in scale:
        place_ = _place(tick, scale)
        anchor = "start" if place_ == 0 else "end" if place_ == 1 else "middle"
        drawn.append(
            f'<text class="axis" x="{100 * place_:.2f}%" y="{foot}" text-anchor="{anchor}">{_number(tick)} %</text>'
        )
    return _svg(title, description, foot + 6, "".join(drawn))


def dots(title: str, description: str, rows: Sequence[str], marks: Sequence[Dot], limit: float, x_label: str) -> str:
    """Marks along rows: what value each member of a group has. A line stands at `limit`."""
    scale = ticks(0, max([limit, *(mark.x for mark in marks)], default=1) or 1)
    height = 34

    def across(x: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * _place(x, scale)

    drawn = []
    bottom = len(rows) * height
    for place, label in enumerate(rows):
        y = place * height + height / 2
        drawn.append(
            f'<text class="label" x="0" y="{y + 4}">{text(label)}</text>'
            f'<line class="grid" x1="{_LEFT}%" x2="{_RIGHT}%" y1="{y}" y2="{y}"/>'
        )
    drawn.append(f'<line class="limit" x1="{across(limit):.2f}%" x2="{across(limit):.2f}%" y1="0" y2="{bottom}"/>')
    drawn += [
        f'<circle class="dot accent see-through" r="5" cx="{across(mark.x):.2f}%" cy="{(mark.row + 0.5) * height}">'
        f"<title>{text(mark.label)}</title></circle>"
        for mark in marks
    ]
    drawn += [
        f'<text class="axis" x="{across(tick):.2f}%" y="{bottom + 14}" text-anchor="middle">{_number(tick)}</text>'
        for tick in scale
    ]
    drawn.append(f'<text class="axis" x="100%" y="{bottom + 30}" text-anchor="end">{text(x_label)}</text>')
    return _svg(title, description, bottom + 36, "".join(drawn))


def ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers, evenly spaced, that enclose both ends."""
    if high <= low:
        high = low + (abs(low) or 1)
    rough = (high - low) / 4
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * (1 - _TICK_GAP))
    first = math.floor(low / step + _TICK_GAP)
    last = math.ceil(high / step - _TICK_GAP)
    return [round(place * step, 12) for place in range(first, last + 1)]


def thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most 600 of the points: of each run of neighbours the lowest and the highest, so that no spike is lost."""
    if len(points) <= 2 * _BINS:
        return list(points)
    kept: list[tuple[float, float]] = []
    for place in range(_BINS):
        run = points[place * len(points) // _BINS : (place + 1) * len(points) // _BINS]
        kept += sorted({min(run, key=lambda point: point[1]), max(run, key=lambda point: point[1])})
    return kept


def _place(value: float, scale: Sequence[float]) -> float:
    return min(1.0, max(0.0, (value - scale[0]) / (scale[-1] - scale[0])))


def _number(value: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


def _svg(title: str, description: str, height: float, inside: str) -> str:
    told = f"{title} {description}".encode("utf-8", "replace")
    name = f"{crc32(told):08x}"  # the same chart has the same name in every report
    return (
        f'<svg role="img" width="100%" height="{height:g}" aria-labelledby="chart-{name} about-{name}">'
        f'<title id="chart-{name}">{text(title)}</title><desc id="about-{name}">{text(description)}</desc>'
        f"{inside}</svg>"
    )
