"""The audit's own page, its Markdown, and drawings that stand alone."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from corpuskit.drawing.panels import Panel, Series, panels
from corpuskit.memorization.report import markdown, section, write_audit


def rates(name: str, values: list[Any]) -> list[dict[str, Any]]:
    return [
        {name: value, "windows": 100, "extracted": place, "rate": place / 100, "low": 0.0, "high": 0.05 * (place + 1)}
        for place, value in enumerate(values)
    ]


@pytest.fixture
def audit() -> dict[str, Any]:
    train = {
        "windows": 400,
        "extracted": 8,
        "rate": 0.02,
        "low": 0.009,
        "high": 0.039,
        "detectable": 0.0075,
        "documents": 398,
    }
    held = {"windows": 400, "extracted": 0, "rate": 0.0, "low": 0.0, "high": 0.009, "detectable": 0.0075}
    return {
        "extraction": {"prefix": 32, "suffix": 32, "train": train, "held_out": held},
        "by_copies": rates("copies", [1, 2, 4]),
        "by_context": rates("prefix", [8, 16, 32]),
        "by_source": rates("source", ["뉴스 <b>", "blog|forum"]),
        "law": {"cap": 8, "removed_by_cap": {"value": 0.91, "low": 0.87, "high": 0.94}},
        "exposure": [
            {"copies": copies, "canaries": 6, "mean": 1.5 * copies + 1, "standard_error": 0.4, "most": 13.3}
            for copies in (0, 4)
        ],
        "canaries": [],
        "coins": {"secrets": 64, "right": 20, "guesses": 32, "epsilon": 0.31, "most": 2.4},
        "membership": {
            "blind": {"auc": 0.52},
            "withheld": None,
            "scores": {"loss": {"auc": 0.61, "low": 0.55, "high": 0.66, "tpr_at_1_percent_fpr": 0.04}},
        },
        "personal": {
            "null": 1.44,
            "groups": [
                {
                    "split": "train",
                    "type": "phone",
                    "source": "forum",
                    "documents": "8+",
                    "values": 24,
                    "extractable": 3,
                    "rate": 0.125,
                    "low": 0.027,
                    "high": 0.324,
                    "attributable": 2,
                    "mean": 4.21,
                }
            ],
        },
        "generations": {
            "tokens": 2000,
            "share": 0.1,
            "low": 0.05,
            "high": 0.15,
            "shortest": 50,
            "longest": 81,
            "held_out_share": 0.002,
        },
        "training_frame": {"extracted": 9, "windows": 250, "low": 0.01, "high": 0.07, "by_prompt": 7},
        "decisions": {"keep": 390, "cap_copies": 8},
        "hits": [],
    }


def test_markdown_holds_every_table_with_its_interval(audit: dict[str, Any]) -> None:
    told = markdown(audit)
    assert "verbatim in 8 of 400 cases, and in 0 of 400 on documents that it never saw" in told
    assert "Had 0.75 % of such documents been memorised, one at least of the 398 tested documents" in told
    for line in (
        "| 4 | 100 | 2 | 2.00 % | 0.00 % to 15.00 % |",
        "| blog\\|forum | 100 | 1 | 1.00 % | 0.00 % to 10.00 % |",
        "| loss | 0.610 | 0.550 to 0.660 | 4.00 % |",
        "| cap_copies | 8 |",
        "| phone, forum, in 8+ documents | 24 | 3 | 2 | 2.70 % to 32.40 % | 4.21 |",
    ):
        assert line in told
    assert "would remove 91.00 % of the places that come out (87.00 % to 94.00 %)" in told
    assert "Of 2,000 tokens that the model wrote from nothing, 10.00 % (5.00 % to 15.00 %)" in told
    assert "9 of 250 windows are completed (1.00 % to 7.00 %); after the prefix alone 7." in told
    assert "not more private than epsilon 0.31 a record" in told


def test_withheld_membership_says_why(audit: dict[str, Any]) -> None:
    audit["membership"] = {"blind": None, "scores": {}, "withheld": "fewer than 20 documents on one of the sides"}
    told = markdown(audit)
    assert "No figure is given: fewer than 20 documents" in told
    assert "AUC" not in told


def test_the_page_escapes_and_asks_for_nothing(audit: dict[str, Any], tmp_path: Path) -> None:
    write_audit(audit, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "뉴스 &lt;b&gt;" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="http', page)
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == markdown(audit)


def test_figures_that_an_audit_lacks_are_left_out() -> None:
    assert "Coins" not in section({"canaries": []}).inside
    assert "panels" not in section({"canaries": []}).inside


def drawing(**changes: Any) -> ElementTree.Element:
    series = [Series("raw", [0.1, None, 0.9], [0.0, None, 0.8], [0.2, None, 1.0]), Series("other <x>", [0.5, 0.5, 0.5])]
    given = {"title": "Completed", "steps": ["1", "8", "64"], "axis": "copies", "series": series, "top": 1.0} | changes
    return ElementTree.fromstring(panels("A drawing", "told", [Panel(**given)] * 3))


def test_a_drawing_is_xml_of_its_own_with_a_legend_and_marks() -> None:
    found = drawing()
    name = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in found.iter(f"{name}text")]
    assert texts.count("raw") == texts.count("other <x>") == 1
    assert texts.count("64") == 3
    assert len(list(found.iter(f"{name}g"))) == 3
    assert len(list(found.iter(f"{name}circle"))) == 1 + 3 * 2, "one in the legend, one a known value"
    assert "prefers-color-scheme" in "".join(element.text or "" for element in found.iter(f"{name}style"))


def test_values_lie_where_their_axis_says() -> None:
    name = "{http://www.w3.org/2000/svg}"
    curves = [line for line in drawing().iter(f"{name}polyline") if "s0" in line.get("class", "")]
    (first, last) = (tuple(map(float, point.split(","))) for point in curves[0].get("points", "").split())
    assert first[0] < last[0]
    assert first[1] - last[1] == pytest.approx(190 * 0.8, abs=0.2), "0.8 of the height lies between 0.1 and 0.9"
    ticks = [text.text for text in drawing(bottom=0.3).iter(f"{name}text") if text.get("text-anchor") == "end"]
    assert "0.2" not in ticks, "no tick stands below the axis"
    assert "0.4" in ticks
    beyond = [line for line in drawing(top=0.5).iter(f"{name}polyline") if "s0" in line.get("class", "")]
    assert float(beyond[0].get("points", "").split()[-1].split(",")[1]) == 0, "and what is beyond is held at the edge"
