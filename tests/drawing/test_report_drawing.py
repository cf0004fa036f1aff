"""Numbers, words and drawings of the report."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from corpuskit.drawing import html, svg

numbers = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-9)


@given(numbers, numbers)
def test_ticks_are_few_evenly_spaced_and_enclose_the_range(one: float, two: float) -> None:
    low, high = sorted((one, two))
    marks = svg.ticks(low, high)
    gap = marks[1] - marks[0]
    assert 2 <= len(marks) <= 8
    assert marks[0] <= low + 0.02 * gap
    assert marks[-1] >= high - 0.02 * gap
    assert all(abs((b - a) - gap) <= 1e-6 * max(abs(gap), 1e-9) for a, b in pairwise(marks))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=3000))
def test_thinning_keeps_order_and_extremes(values: list[float]) -> None:
    points = [(float(place), value) for place, value in enumerate(values)]
    kept = svg.thin(points)
    assert len(kept) <= 600
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert min(value for _, value in kept) == min(values)
    assert max(value for _, value in kept) == max(values)


@given(st.text())
def test_any_text_comes_back_from_the_page_and_is_only_text(value: str) -> None:
    element = lxml_html.fragment_fromstring(f'<p title="{html.text(value)}">{html.text(value)}</p>')
    assert len(element) == 0
    shown = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", value)
    assert _lines(element.text or "") == _lines(shown)
    element.text_content().encode("utf-8")


def _lines(value: str) -> str:
    """HTML reads every sort of line end as one."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd",
     "//host/x", "http:///x", "http://[::1", "vbscript:x", "", None],
)  # fmt: skip
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert "<a " not in html.link(url, "label")


def test_a_web_address_becomes_a_link_that_tells_the_site_nothing() -> None:
    assert html.link('http://a.example/"><b>') == (
        '<a href="http://a.example/&#34;&gt;&lt;b&gt;" rel="noreferrer nofollow">'
        "<bdi>http://a.example/&#34;&gt;&lt;b&gt;</bdi></a>"
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (html.size(0), "0 bytes"), (html.size(999), "999 bytes"), (html.size(1500), "1.5 kB"),
        (html.size(741_000), "741 kB"), (html.size(2_400_000), "2.4 MB"), (html.size(3e12), "3.0 TB"),
        (html.duration(0.25), "0.2 s"), (html.duration(252.3), "4 min 12 s"), (html.duration(7260), "2 h 01 min"),
        (html.share(1, 0), "0 %"), (html.share(1, 8), "12.5 %"), (html.plural(1, "copy", "copies"), "1 copy"),
        (html.plural(1200, "page"), "1,200 pages"), (html.language("ko"), "Korean"), (html.language("xx"), "xx"),
    ],
)  # fmt: skip
def test_figures_are_written_as_people_read_them(said: str, expected: str) -> None:
    assert said == expected


def _widths(drawing: str, class_: str) -> list[float]:
    tree = etree.fromstring(f"<div>{drawing}</div>")
    return [float(rect.get("width").rstrip("%")) for rect in tree.iter("rect") if rect.get("class") == class_]


def test_bars_are_as_long_as_their_values() -> None:
    drawing = svg.bars("t", "d", [svg.Bar("a", 8, "8", 5.0), svg.Bar("<b>", 2, "2", 10.0)])
    assert _widths(drawing, "bar") == [100.0, 25.0]
    assert _widths(drawing, "quiet") == [50.0, 100.0]
    assert "&lt;b&gt;" in drawing
    assert _widths(svg.bars("t", "d", [svg.Bar("none", 0, "0")]), "bar") == [0.0]


def test_shares_fill_the_bar() -> None:
    drawing = svg.shares("t", "d", [("a", 3), ("b", 1)])
    assert [_widths(drawing, f"tone{place}") for place in (0, 1)] == [[75.0], [25.0]]


def test_a_line_starts_and_ends_where_its_values_do() -> None:
    drawing = svg.lines("t", "d", [svg.Line("l", [(0, 2), (50, 4), (100, 0)], accent=True)], "x", "y")
    points = re.search(r'points="([^"]+)"', drawing)
    assert points is not None
    assert points[1].split() == ["0.0,500.0", "500.0,0.0", "1000.0,1000.0"]
    assert svg.lines("t", "d", [svg.Line("l", [], accent=True)], "x", "y") == ""


def test_a_single_point_and_a_flat_line_can_be_drawn() -> None:
    for points in ([(5.0, 3.0)], [(0.0, 1.0), (9.0, 1.0)], [(0.0, 0.0)]):
        etree.fromstring(f"<div>{svg.lines('t', 'd', [svg.Line('l', points, True, dots=True)], 'x', 'y')}</div>")


def test_whiskers_span_the_interval() -> None:
    drawing = svg.intervals("t", "d", [svg.Interval("a", 2.0, 1.0, 4.0, "2 %")])
    assert _widths(drawing, "bar") == [50.0]
    assert 'x1="25.00%" x2="100.00%"' in drawing
    etree.fromstring(f"<div>{svg.intervals('t', 'd', [svg.Interval('a', 0, 0, 0, '0 %')])}</div>")


def test_plain_strings_are_escaped_in_every_part_of_a_page() -> None:
    hostile = "<script>\x00</script>"
    section = html.Section("a", hostile, hostile, html.table(hostile, [hostile], [[hostile, hostile]], {1}))
    header = html.Header(hostile, hostile, hostile, [html.Figure(hostile, hostile, hostile)])
    parts = [
        html.page(hostile, [section], header, hostile),
        html.folded(hostile, html.paragraph(hostile)),
        html.sample(hostile, hostile, html.heading(hostile)),
        html.link("https://a.example", hostile),
        html.inline("<p>{}</p>", hostile),
        html.join([hostile]),
    ]
    for part in parts:
        assert "<script" not in part
        assert "\x00" not in part
        assert "&lt;script&gt;\ufffd" in part
