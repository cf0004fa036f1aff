"""Arms side by side: what each gives out, by copies, and what it costs on held-out text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.engine.files import replacing
from corpuskit.report.panels import Panel, Series, panels


def write_arms(value: dict[str, Any], output: Path) -> None:
    """Draw what arms.json holds as SVG."""
    with replacing(Path(output)) as temporary:
        temporary.write_text(draw_arms(value), encoding="utf-8")


def draw_arms(value: dict[str, Any]) -> str:
    """Two panels: extraction by copies, and the held-out loss of each arm."""
    arms = value["arms"]
    copies = sorted({row["copies"] for arm in arms for row in arm["by_copies"]})
    series = []
    for arm in arms:
        rows = {row["copies"]: row for row in arm["by_copies"]}
        columns = ([rows[number][key] if number in rows else None for number in copies] for key in _RATE)
        series.append(Series(arm["arm"], *columns))
    top = min(1.0, 1.1 * max((row["high"] for arm in arms for row in arm["by_copies"]), default=1.0))
    bits = [arm["held_out"]["bits"] for arm in arms]
    cost = [
        Series(arm["arm"], [arm["held_out"]["bits"] if place == number else None for place in range(len(arms))])
        for number, arm in enumerate(arms)
    ]
    low, high = min(bits), max(bits)
    room = max(0.25 * (high - low), 0.05)
    shown = [
        Panel("Completed verbatim", [str(number) for number in copies], "copies, from", series, top, percent=True),
        Panel(
            "Bits a token on held-out text",
            [arm["arm"] for arm in arms],
            "the lower the better the model",
            cost,
            round(high + room, 2),
            round(low - room, 2),
        ),
    ]
    told = "; ".join(f"{arm['arm']}: {arm['extracted']} of {arm['windows']} windows" for arm in arms)
    return panels("What each arm gives out, and what it costs", told, shown)


_RATE = ("rate", "low", "high")
