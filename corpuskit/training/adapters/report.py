"""The comparison of ways to fine-tune: in a run's report, as Markdown, and as a picture of gain, forgetting, cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpuskit.drawing import html
from corpuskit.drawing.html import Markup, Section, count, text
from corpuskit.drawing.run import RunFacts
from corpuskit.drawing.svg import Axes, ticks
from corpuskit.engine.files import replacing
from corpuskit.training.adapters.config import COMPARISON

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP = 680, 300, 64, 150, 34
_BAR = 300


def write_comparison(value: dict[str, Any], folder: Path) -> None:
    """Write comparison.md and comparison.svg from what comparison.json holds."""
    for name, content in (("comparison.md", tables(value)), ("comparison.svg", drawing(value))):
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")


def tables(value: dict[str, Any]) -> str:
    """Markdown: what each way gains and forgets, and what it takes."""
    rows = [row for row in value["rows"] if "refused" not in row]
    refused = [f"- {row['name']}: {row['refused']}" for row in value["rows"] if "refused" in row]
    batches = list(value["base"]["pace"])
    quality = [
        [
            row["name"],
            f"{row['trainable']:,}",
            f"{100 * row['share']:.2f} %",
            f"{row['target']:.3f}",
            _estimate(row["change"]["gain"]),
            _estimate(row["change"]["forgetting"]),
            "–" if row["change"]["probes"] is None else f"{100 * row['change']['probes']:+.1f}",
            _bytes(row["size"]),
            _bytes(row["memory"]),
            f"{row['seconds']:.0f} s",
        ]
        for row in rows
    ]
    heads = ["", "trained", "share", "target", "gain", "forgetting", "probes", "on disk", "memory", "training"]
    parts = [
        f"Bits a byte of held-out text: of the target ('{value['target']}') after, saved there (gain) and lost on all "
        "other text (forgetting), with standard errors; probes in points of accuracy.",
        _table(heads, quality),
        f"Time in use for {value['prompt']} tokens read (prefill) and each token written (decode), and over the base; "
        f"medians, with the middle half of the rounds ({value['clock']} clock).",
        _table(["", *(head for batch in batches for head in (f"prefill, {batch}", f"decode, {batch}"))], _paces(value)),
    ]
    if refused:
        parts.append("Not possible here:\n\n" + "\n".join(refused))
    if value.get("smollm2"):
        parts.append(_smollm2(value["smollm2"]))
    return "\n\n".join(parts) + "\n"


def adapters(facts: RunFacts) -> Section | None:
    """Ways to fine-tune, side by side."""
    comparison = facts.read_object(f"{COMPARISON}/comparison.json") if facts.made(COMPARISON) else None
    if not comparison:
        return None
    rows = [
        [
            row["name"],
            count(row["trainable"]),
            f"{100 * row['share']:.2f} %",
            _change(row["change"]["gain"]),
            _change(row["change"]["forgetting"]),
            f"{row['seconds']:.0f} s",
        ]
        for row in comparison["rows"]
        if "refused" not in row
    ]
    table = html.table(
        "Ways to fine-tune",
        ["method", "trained", "of the base", "gain, bits a byte", "forgetting, bits a byte", "training"],
        rows,
        numbers=range(1, 6),
    )
    lead = html.inline(
        "What each way to fine-tune on <b>{}</b> saves there, and what it loses on all other text that was held out.",
        comparison["target"],
    )
    return Section("adapters", "Ways to fine-tune", lead, drawing(comparison) + table)


def _change(estimate: dict[str, Any] | None) -> str:
    return (
        "–"
        if estimate is None
        else f"{estimate['value']:+.3f}" + (f" ± {estimate['error']:.3f}" if estimate["error"] else "")
    )


def drawing(value: dict[str, Any]) -> Markup:
    """SVG: each way at its forgetting (across) and gain (up), larger the more it trains; below, its cost in use."""
    rows = [row for row in value["rows"] if "refused" not in row]
    across = [(row["change"]["forgetting"] or {"value": 0.0})["value"] for row in rows]
    up = [row["change"]["gain"]["value"] for row in rows]
    x_scale, y_scale = ticks(min([0.0, *across]), max([0.0, *across])), ticks(min([0.0, *up]), max([0.0, *up]))
    right, foot = _WIDTH - _RIGHT, _TOP + _HEIGHT
    axes = Axes(x_scale, y_scale, _LEFT, right, _TOP, foot, "", "soft")
    parts = [
        '<text class="head" x="0" y="14">Bits a byte saved on the target, against bits a byte lost on all else</text>',
        axes.grid([f"{tick:g}" for tick in y_scale], gap=8),
        axes.foot([f"{tick:g}" for tick in x_scale], "forgetting, bits a byte", end=str(right)),
        f'<text class="soft" x="{_LEFT}" y="{_TOP - 6}">gain, bits a byte</text>',
    ]
    taken: list[float] = []
    for row, x, y in sorted(zip(rows, across, up, strict=True), key=lambda point: -point[2]):
        size = 3 + 2 * max(0.0, math.log10(row["trainable"] / 100))
        tone = "second" if row["replay"] else "first"
        label = axes.down(y) + 4
        while any(abs(label - other) < 14 for other in taken):
            label += 2
        taken.append(label)
        left = f"{axes.across(x):.1f}"
        parts.append(
            f'<circle class="{tone}" cx="{left}" cy="{axes.down(y):.1f}" r="{size:.1f}"/>'
            f'<line class="lead" x1="{left}" y1="{axes.down(y):.1f}" x2="{right + 8}" y2="{label - 4:.1f}"/>'
            f'<text x="{right + 12}" y="{label:.1f}">{text(row["name"])}</text>'
        )
    top = foot + 64
    bars, height = _overhead(value, top)
    caption = "; ".join(
        f"{row['name']}: gain {y:.3f}, forgetting {x:.3f}" for row, x, y in zip(rows, across, up, strict=True)
    )
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ways" role="img" viewBox="0 0 {_WIDTH} {top + height}" '
        f'width="100%" style="max-width:{_WIDTH}px"><title>Ways to fine-tune, compared</title>'
        f"<desc>{text(caption)}</desc><style>{_STYLE}</style>{''.join(parts)}{bars}</svg>\n"
    )


_STYLE = (
    ".ways text{font:12px system-ui,'Noto Sans KR',sans-serif;fill:#1c1d1f}.ways .soft{fill:#63666c}"
    ".ways .head{font-weight:600;font-size:13px}.ways .grid{stroke:#dedbd2}.ways .lead{stroke:#b9b6ad;stroke-width:.7}"
    ".ways .first{fill:#0c6b63;fill-opacity:.75}.ways .second{fill:#c2410c;fill-opacity:.75}.ways .track{fill:#efece4}"
    ".ways .noise{stroke:#1c1d1f}"
    "@media(prefers-color-scheme:dark){.ways text{fill:#e9e7e2}.ways .soft{fill:#9fa3a8}.ways .grid{stroke:#33373b}"
    ".ways .lead{stroke:#55595e}.ways .first{fill:#5fc7b9}.ways .second{fill:#fb923c}.ways .track{fill:#24282b}"
    ".ways .noise{stroke:#e9e7e2}}"
)


def _overhead(value: dict[str, Any], top: float) -> tuple[str, float]:
    """Bars of the time over the base for the smallest batch: decoding, or reading where nothing is decoded."""
    batch = next(iter(value["base"]["pace"]))
    kind = "prefill" if value["base"]["pace"][batch]["decode_ms"] is None else "decode"
    rows = [(name, pace[batch]) for name, pace in _named_paces(value) if name != "base"]
    if not rows:
        return "", 0
    most = max([0.05, *(max(pace[f"{kind}_noise"][1], pace[f"{kind}_overhead"]) for _, pace in rows)])
    what = "a token written" if kind == "decode" else "a prompt read"
    parts = [f'<text class="head" x="0" y="{top}">Time of {what} over the base, batch of {text(batch)}</text>']
    left = _LEFT + 104
    for place, (name, pace) in enumerate(rows):
        y, middle = top + 16 + place * 24, pace[f"{kind}_overhead"]
        low, high = (_BAR * min(max(edge, 0.0) / most, 1) for edge in pace[f"{kind}_noise"])
        parts.append(
            f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{text(name)}</text>'
            f'<rect class="track" x="{left}" y="{y}" width="{_BAR}" height="14"/>'
            f'<rect class="first" x="{left}" y="{y}" width="{_BAR * max(middle, 0) / most:.1f}" height="14"/>'
            f'<line class="noise" x1="{left + low:.1f}" x2="{left + high:.1f}" y1="{y + 7}" y2="{y + 7}"/>'
            f'<text class="soft" x="{left + 8 + _BAR}" y="{y + 11}">{100 * middle:+.1f} %</text>'
        )
    return "".join(parts), 24 * len(rows) + 30


def _named_paces(value: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    rows = [("base", value["base"]["pace"])]
    for row in value["rows"]:
        if row["pace"]:
            rows.append((row["name"], row["pace"]))
            if row["method"] == "lora" and value["merged"]:
                rows.append(("lora, merged", value["merged"]))
    return rows


def _paces(value: dict[str, Any]) -> list[list[str]]:
    return [
        [name, *(_pace(pace, kind, name == "base") for pace in of.values() for kind in ("prefill", "decode"))]
        for name, of in _named_paces(value)
    ]


def _pace(pace: dict[str, Any], kind: str, base: bool = False) -> str:
    spent = pace[f"{kind}_ms"]
    if spent is None:
        return "–"
    if base:
        return f"{spent:.2f} ms"
    low, high = pace[f"{kind}_noise"]
    return f"{spent:.2f} ms, {100 * pace[f'{kind}_overhead']:+.1f} % ({100 * low:+.1f} to {100 * high:+.1f})"


def _smollm2(smollm2: dict[str, Any]) -> str:
    rows = [
        [
            "base",
            f"{smollm2['parameters']:,}",
            "",
            _pace(smollm2["pace"], "prefill", True),
            _pace(smollm2["pace"], "decode", True),
        ]
    ]
    rows += [
        [name, f"{row['trainable']:,}", f"{100 * row['share']:.2f} %"]
        + [_pace(row["pace"], kind) for kind in ("prefill", "decode")]
        for name, row in smollm2["methods"].items()
    ]
    return "The same adapters on SmolLM2-135M, batch of 1:\n\n" + _table(
        ["", "trained", "share", "prefill", "decode"], rows
    )


def _estimate(estimate: dict[str, Any] | None) -> str:
    if estimate is None:
        return "–"
    return f"{estimate['value']:+.3f}" + ("" if estimate["error"] is None else f" ± {estimate['error']:.3f}")


def _bytes(size: int | None) -> str:
    if size is None:
        return "–"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *("--:" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
