"""Small multiples as one SVG file: lines over named steps with bands of uncertainty, one panel next to the other.

The drawing contains its style (light and dark), so that it can be shown alone in a README as well as in a page. Each
series has a colour, a dash and a mark of its own: it can be read without colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from corpuskit.drawing.html import Markup, text
from corpuskit.drawing.svg import Axes, ticks

_PANEL, _HEIGHT, _GAP, _LEFT, _HEAD, _FOOT = 300, 190, 28, 44, 40, 46
_COLOURS = ("#c2410c", "#0c6b63", "#4a6fa5", "#8a6d1f", "#7a4fa0", "#63666c")
_DARK = ("#fb923c", "#5fc7b9", "#8fb3e8", "#d8b84e", "#bf9be0", "#a5a9ae")
_DASHES = ("", "6 3", "2 3", "9 3 2 3", "4 2", "1 3")


@dataclass(frozen=True)
class Series:
    label: str
    values: Sequence[float | None]
    """One for each step of the panel."""
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


@dataclass(frozen=True)
class Panel:
    title: str
    steps: Sequence[str]
    """Labels below the axis, evenly spaced."""
    axis: str
    """What the steps are."""
    series: Sequence[Series]
    top: float
    bottom: float = 0.0
    percent: bool = False
    limits: Sequence[float] = field(default=())
    """Dashed lines: what chance gives, the most there can be."""


def panels(title: str, description: str, shown: Sequence[Panel], columns: int = 2) -> Markup:
    """The drawing of some panels with a common legend; a series looks the same in every panel."""
    columns = min(columns, len(shown)) or 1
    rows = -(-len(shown) // columns)
    labels = list(dict.fromkeys(series.label for panel in shown for series in panel.series))
    width = columns * (_LEFT + _PANEL + _GAP)
    legend, legend_height = _legend(labels, width)
    height = legend_height + rows * (_HEAD + _HEIGHT + _FOOT)
    drawn = []
    for place, panel in enumerate(shown):
        x = (place % columns) * (_LEFT + _PANEL + _GAP) + _LEFT
        y = legend_height + (place // columns) * (_HEAD + _HEIGHT + _FOOT) + _HEAD
        drawn.append(f'<g transform="translate({x} {y})">{_panel(panel, labels)}</g>')
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="panels" role="img" viewBox="0 0 {width} {height}" '
        f'width="100%" style="max-width:{width}px"><title>{text(title)}</title><desc>{text(description)}</desc>'
        f"<style>{_style(len(labels))}</style>{legend}{''.join(drawn)}</svg>\n"
    )


def _style(series: int) -> str:
    """Rules that hold inside this drawing alone."""
    plain = "".join(_of(number, _COLOURS) for number in range(series))
    dark = "".join(_of(number, _DARK) for number in range(series))
    return (
        ".panels text{font:12px system-ui,'Noto Sans KR',sans-serif;fill:#1c1d1f}.panels .soft{fill:#63666c}"
        ".panels .head{font-weight:600;font-size:13px}.panels .grid{stroke:#dedbd2}"
        ".panels .mark{stroke:#63666c;stroke-dasharray:3 3}.panels .curve{fill:none;stroke-width:2}"
        f".panels .band{{fill-opacity:.13}}{plain}"
        "@media(prefers-color-scheme:dark){.panels text{fill:#e9e7e2}.panels .soft{fill:#9fa3a8}"
        f".panels .grid{{stroke:#33373b}}{dark}}}"
    )


def _of(number: int, colours: Sequence[str]) -> str:
    colour, dash = colours[number % len(colours)], _DASHES[number % len(_DASHES)]
    return (
        f".panels .s{number}{{stroke:{colour};stroke-dasharray:{dash or 'none'}}}"
        f".panels .f{number}{{fill:{colour};stroke:none}}"
    )


def _legend(labels: Sequence[str], width: int) -> tuple[str, int]:
    drawn, x, y = [], _LEFT, 16
    for number, label in enumerate(labels):
        room = 46 + 8 * len(label)
        if x + room > width and x > _LEFT:
            x, y = _LEFT, y + 20
        drawn.append(
            f'<line class="curve s{number}" x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}"/>{_mark(number, x + 13, y)}'
            f'<text x="{x + 32}" y="{y + 4}">{text(label)}</text>'
        )
        x += room
    return "".join(drawn), y + 6


def _panel(panel: Panel, labels: Sequence[str]) -> str:
    scale = [tick for tick in ticks(panel.bottom, panel.top) if panel.bottom - 1e-9 <= tick <= panel.top + 1e-9]
    places = range(len(panel.steps))
    room = 12 * max(len(panel.steps) - 1, 1) / (_PANEL - 24)  # free space left and right of the first and last step
    axes = Axes(
        [-room, max(len(panel.steps) - 1, 1) + room], [panel.bottom, panel.top], 0, _PANEL, 0, _HEIGHT, "", "soft"
    )
    across, down = axes.across, axes.down
    drawn = [
        f'<text class="head" x="-{_LEFT - 4}" y="-14">{text(panel.title)}</text>',
        axes.grid([f"{100 * tick:g} %" if panel.percent else f"{tick:g}" for tick in scale], scale, gap=5),
        *(axes.level(limit, "mark") for limit in panel.limits),
        axes.foot(panel.steps, panel.axis, places, end=str(_PANEL)),
    ]
    curves = []
    for series in panel.series:
        number = labels.index(series.label)
        known = [(across(place), value) for place, value in enumerate(series.values) if value is not None]
        bounds = [
            (across(place), down(low), down(high))
            for place, (low, high) in enumerate(zip(series.low, series.high, strict=True))
            if low is not None and high is not None
        ]
        if bounds:
            edge = [(x, high) for x, _, high in bounds] + [(x, low) for x, low, _ in reversed(bounds)]
            drawn.append(f'<polygon class="band f{number}" points="{_points(edge)}"/>')
        curve = [(x, down(value)) for x, value in known]
        curves.append(f'<polyline class="curve s{number}" points="{_points(curve)}"/>')
        curves += [_mark(number, x, y) for x, y in curve]
    return "".join(drawn + curves)


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _mark(number: int, x: float, y: float) -> str:
    """A circle, a square, a triangle or a diamond, by the series."""
    shape = number % 4
    if shape == 0:
        return f'<circle class="f{number}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    if shape == 1:
        return f'<rect class="f{number}" x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    corners = [(x, y - 4), (x + 4, y + 3), (x - 4, y + 3)]
    if shape == 3:
        corners = [(x, y - 4), (x + 4, y), (x, y + 4), (x - 4, y)]
    return f'<polygon class="f{number}" points="{_points(corners)}"/>'
