"""Arms compared, among them before and after the loop: what each completes verbatim, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.drawing import html
from corpuskit.drawing.html import Markup, Section, count
from corpuskit.drawing.panels import Panel, Series, panels
from corpuskit.drawing.run import RunFacts
from corpuskit.engine.files import replacing


def write_arms(value: dict[str, Any], output: Path) -> None:
    """Draw what arms.json holds as SVG."""
    with replacing(Path(output)) as temporary:
        temporary.write_text(draw_arms(value), encoding="utf-8")


def before_and_after(facts: RunFacts) -> Section | None:
    """The section of a run that carried an earlier run's decisions out."""
    loop = facts.read_object("loop/loop.json")
    if not loop:
        return None
    before, after = loop["arms"]
    against = after["against_first"]
    lead = html.inline(
        "The audit of an earlier run decided what to do about its documents, and this run did it. Of the same "
        "<b>{}</b> windows, <b>{}</b> were completed verbatim before and <b>{}</b> after (p = {}). Held-out text costs "
        "{} bits a token.",
        count(before["windows"]),
        count(before["extracted"]),
        count(after["extracted"]),
        f"{against['p']:.2g}",
        f"{against['cost_bits']:+.3f} ± {against['cost_error']:.3f}",
    )
    rows = [
        [
            arm["arm"],
            count(arm["extracted"]),
            f"{100 * arm['low']:.2f} to {100 * arm['high']:.2f} %",
            f"{100 * arm['weighted']['rate']:.3f} %",
            f"{arm['held_out']['bits']:.3f}",
        ]
        for arm in loop["arms"]
    ]
    head = ["model", "verbatim", "interval", "of all places", "bits a token, held out"]
    table = html.table("Before and after, on the same windows", head, rows, numbers=range(1, 5))
    done = ", ".join(f"{count(number)} {name}" for name, number in loop["decisions"].items() if name != "keep")
    decided = html.paragraph(f"Decisions other than keep: {done or 'none'}.")
    return Section("loop", "Before and after", lead, draw_arms(loop) + table + decided)


def draw_arms(value: dict[str, Any]) -> Markup:
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
    description = "; ".join(f"{arm['arm']}: {arm['extracted']} of {arm['windows']} windows" for arm in arms)
    return panels("What each arm completes verbatim, and what it costs", description, shown)


_RATE = ("rate", "low", "high")
