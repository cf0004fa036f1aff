"""Charts as inline SVG: bars, shares, lines and intervals, and the axes of every chart. Colours come by class from the
page's style sheet.

Positions along the width are percentages and text keeps its size, so that one drawing serves a phone and a wide screen.
Each drawing has a title and a description for screen readers; a table next to it holds the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

from corpuskit.drawing.html import Markup, text

_LEFT, _RIGHT = 11.0, 98.0
"""The plotting area of line and interval charts, in percent of the width."""
_TICK_GAP = 0.01
_BINS = 300


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    note: str
    """The value in words, at the row's right end."""
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


@dataclass(frozen=True)
class Axes:
    """The plotting area of a chart, and the labels around it.

    Values from the first to the last of the ticks fill the area; values beyond are drawn at its edge.
    """

    x: Sequence[float]
    y: Sequence[float]
    left: float
    right: float
    top: float
    bottom: float
    unit: Literal["%", ""] = "%"
    """Unit of `left` and `right`: percent of the width, or pixels. `top` and `bottom` are pixels."""
    label: str = "axis"
    """Class of the labels."""

    def across(self, value: float) -> float:
        return self.left + (self.right - self.left) * position(value, self.x)

    def down(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * position(value, self.y)

    def grid(self, labels: Sequence[str], ticks: Sequence[float] | None = None, gap: float = 1.5) -> str:
        """A line across and a label for each tick of the y axis."""
        return "".join(
            f'<line class="grid" x1="{self.left:g}{self.unit}" x2="{self.right:g}{self.unit}" '
            f'y1="{self.down(tick):.1f}" y2="{self.down(tick):.1f}"/>'
            f'<text class="{self.label}" x="{self.left - gap:g}{self.unit}" y="{self.down(tick) + 4:.1f}" '
            f'text-anchor="end">{text(label)}</text>'
            for tick, label in zip(self.y if ticks is None else ticks, labels, strict=True)
        )

    def foot(self, labels: Sequence[str], title: str, ticks: Sequence[float] | None = None, end: str = "100%") -> str:
        """A label for each tick below the area, and the title of the x axis below them, ending at `end`."""
        drawn = [
            f'<text class="{self.label}" x="{self.across(tick):.2f}{self.unit}" y="{self.bottom + 18:g}" '
            f'text-anchor="middle">{text(label)}</text>'
            for tick, label in zip(self.x if ticks is None else ticks, labels, strict=True)
        ]
        drawn.append(
            f'<text class="{self.label}" x="{end}" y="{self.bottom + 34:g}" text-anchor="end">{text(title)}</text>'
        )
        return "".join(drawn)

    def level(self, value: float, kind: str) -> str:
        """A line across at a value."""
        y = f"{self.down(value):.1f}"
        return f'<line class="{kind}" x1="{self.left:g}{self.unit}" x2="{self.right:g}{self.unit}" y1="{y}" y2="{y}"/>'


def bars(title: str, description: str, rows: Sequence[Bar]) -> Markup:
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


def shares(title: str, description: str, parts: Sequence[tuple[str, float]]) -> Markup:
    """One bar cut into shares of a whole, in tones of the accent colour, with a legend beneath."""
    whole = sum(value for _, value in parts) or 1
    drawn, legend, start = [], [], 0.0
    for place, (label, value) in enumerate(parts):
        width = 100 * value / whole
        tone = f"tone{min(place, 5)}"
        drawn.append(f'<rect class="{tone}" x="{start:.2f}%" y="0" width="{width:.2f}%" height="26"/>')
        legend.append(f'<li><i class="{tone}"></i>{text(label)} <b>{width:.1f} %</b></li>')
        start += width
    return _svg(title, description, 26, "".join(drawn)) + Markup(f'<ul class="legend">{"".join(legend)}</ul>')


def lines(title: str, description: str, series: Sequence[Line], x_label: str, y_label: str) -> Markup:
    """Lines over a common pair of axes, thinned to what a screen can show. Series without points are left out."""
    series = [line for line in series if line.points]
    if not series:
        return Markup()
    points = [point for line in series for point in line.points]
    x_ticks = ticks(min(x for x, _ in points), max(x for x, _ in points))
    y_ticks = ticks(min(y for _, y in points), max(y for _, y in points))
    top, height = 22, 240
    axes = Axes(x_ticks, y_ticks, _LEFT, _RIGHT, top, top + height)
    drawn = [
        f'<text class="axis" x="0" y="11">{text(y_label)}</text>',
        axes.grid(list(map(_number, y_ticks))),
        axes.foot(list(map(_number, x_ticks)), x_label),
    ]
    for line in series:
        thinned = thin(line.points)
        steps = " ".join(
            f"{1000 * position(x, x_ticks):.1f},{1000 * (1 - position(y, y_ticks)):.1f}" for x, y in thinned
        )
        tone = "accent" if line.accent else "muted"
        drawn.append(
            f'<svg x="{_LEFT}%" y="{top}" width="{_RIGHT - _LEFT}%" height="{height}" viewBox="0 0 1000 1000" '
            f'preserveAspectRatio="none"><polyline class="line {tone}" points="{steps}"/></svg>'
        )
        if line.dots:
            drawn += [
                f'<circle class="dot {tone}" cx="{axes.across(x):.2f}%" cy="{axes.down(y):.1f}" r="3.5"/>'
                for x, y in thinned
            ]
    legend = "".join(
        f'<li><i class="{"tone0" if line.accent else "quiet"}"></i>{text(line.label)}</li>' for line in series
    )
    return _svg(title, description, top + height + 40, "".join(drawn)) + Markup(f'<ul class="legend">{legend}</ul>')


def intervals(title: str, description: str, rows: Sequence[Interval]) -> Markup:
    """Rates in percent as bars with whiskers over their confidence intervals."""
    scale = ticks(0, max((row.high for row in rows), default=0) or 1)
    height, top = 50, 4
    drawn = []
    for place, row in enumerate(rows):
        y = top + place * height
        value, low, high = (100 * position(number, scale) for number in (row.value, row.low, row.high))
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
        place_ = position(tick, scale)
        anchor = "start" if place_ == 0 else "end" if place_ == 1 else "middle"
        drawn.append(
            f'<text class="axis" x="{100 * place_:.2f}%" y="{foot}" text-anchor="{anchor}">{_number(tick)} %</text>'
        )
    return _svg(title, description, foot + 6, "".join(drawn))


def dots(title: str, description: str, rows: Sequence[str], marks: Sequence[Dot], limit: float, x_label: str) -> Markup:
    """Marks along rows: what value each member of a group has. A dashed line marks `limit`."""
    scale = ticks(0, max([limit, *(mark.x for mark in marks)], default=1) or 1)
    height = 34
    bottom = len(rows) * height
    axes = Axes(scale, [len(rows) - 0.5, -0.5], _LEFT, _RIGHT, 0, bottom)
    drawn = [
        f'<text class="label" x="0" y="{axes.down(row) + 4:.1f}">{text(label)}</text>{axes.level(row, "grid")}'
        for row, label in enumerate(rows)
    ]
    at = f"{axes.across(limit):.2f}%"
    drawn.append(f'<line class="limit" x1="{at}" x2="{at}" y1="0" y2="{bottom}"/>')
    drawn += [
        f'<circle class="dot accent see-through" r="5" cx="{axes.across(mark.x):.2f}%" cy="{axes.down(mark.row):.1f}">'
        f"<title>{text(mark.label)}</title></circle>"
        for mark in marks
    ]
    drawn.append(axes.foot(list(map(_number, scale)), x_label))
    return _svg(title, description, bottom + 40, "".join(drawn))


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


def position(value: float, scale: Sequence[float]) -> float:
    """Where a value lies between the first and the last tick, from 0 to 1."""
    return min(1.0, max(0.0, (value - scale[0]) / (scale[-1] - scale[0])))


def _number(value: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


def _svg(title: str, description: str, height: float, inside: str) -> Markup:
    words = f"{title} {description}".encode("utf-8", "replace")
    name = f"{crc32(words):08x}"  # the same chart has the same name in every report
    return Markup(
        f'<svg role="img" width="100%" height="{height:g}" aria-labelledby="chart-{name} about-{name}">'
        f'<title id="chart-{name}">{text(title)}</title><desc id="about-{name}">{text(description)}</desc>'
        f"{inside}</svg>"
    )
