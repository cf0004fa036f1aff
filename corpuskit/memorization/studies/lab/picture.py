"""The lab's picture: what each arm extracts by copies and by context, and what membership and exposure make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.drawing.html import Markup
from corpuskit.drawing.panels import Panel, Series, panels
from corpuskit.engine.files import replacing

NULL_EXPOSURE = 1.44


def write_lab(value: dict[str, Any], output: Path) -> None:
    """Draw what lab.json holds."""
    with replacing(Path(output)) as temporary:
        temporary.write_text(draw_lab(value), encoding="utf-8")


def draw_lab(value: dict[str, Any]) -> Markup:
    """The picture as SVG: four panels of the widest model, and one of all sizes where there are several."""
    widths = sorted({group["width"] for group in value["pooled"]})
    arms = [group for group in value["pooled"] if group["width"] == widths[-1]]
    copies = [str(row["copies"]) for row in arms[0]["by_copies"]]
    most = arms[0]["by_copies"][-1]["copies"]
    shown = [
        Panel("Completed verbatim", copies, "copies in the corpus", _rates(arms, "by_copies"), 1.0, percent=True),
        Panel(
            f"… by context, at {most} copies",
            [str(row["prefix"]) for row in arms[0]["by_context"]],
            "tokens that the model is given",
            _rates(arms, "by_context"),
            1.0,
            percent=True,
        ),
        Panel(
            "Separated from documents never planted",
            copies,
            "copies; AUC, 0.5 is chance",
            [
                Series(
                    arm["arm"],
                    [row["auc"] for row in arm["by_copies"]],
                    [row["auc_low"] for row in arm["by_copies"]],
                    [row["auc_high"] for row in arm["by_copies"]],
                )
                for arm in arms
            ],
            1.0,
            0.3,
            limits=(0.5,),
        ),
        Panel(
            "Exposure of telephone numbers, bits",
            [str(row["copies"]) for row in arms[0]["exposure"]],
            "copies; 1.4 is chance",
            [
                Series(
                    arm["arm"],
                    [row["mean"] for row in arm["exposure"]],
                    [row["mean"] - 2 * row["standard_error"] for row in arm["exposure"]],
                    [row["mean"] + 2 * row["standard_error"] for row in arm["exposure"]],
                )
                for arm in arms
            ],
            1.05 * arms[0]["exposure"][0]["most"],
            limits=(NULL_EXPOSURE, arms[0]["exposure"][0]["most"]),
        ),
    ]
    if len(widths) > 1:
        shown.append(_sizes(value, widths, copies))
    description = "; ".join(check["says"] for check in value["checks"])
    return panels("What a model keeps of what is repeated, and what stops it", description, shown)


def _rates(arms: list[dict[str, Any]], key: str) -> list[Series]:
    return [
        Series(
            arm["arm"],
            [row["rate"] for row in arm[key]],
            [row["low"] for row in arm[key]],
            [row["high"] for row in arm[key]],
        )
        for arm in arms
    ]


def _sizes(value: dict[str, Any], widths: list[int], copies: list[str]) -> Panel:
    raw = {group["width"]: group for group in value["pooled"] if group["arm"] == "raw"}
    series = [
        Series(
            f"raw, {raw[width]['parameters'] / 1e6:.1f} M parameters",
            [row["rate"] for row in raw[width]["by_copies"]],
            [row["low"] for row in raw[width]["by_copies"]],
            [row["high"] for row in raw[width]["by_copies"]],
        )
        for width in widths
    ]
    return Panel("… by size of the model", copies, "copies in the corpus", series, 1.0, percent=True)
