"""What a page says of itself: candidates with their sources, one decision, and no day that is not certain."""

from __future__ import annotations

from datetime import date

import pytest

from corpuskit.extract import extract
from corpuskit.extract.blocks import blocks
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.evidence.page import Facts, read
from corpuskit.extract.parse import parse

PROSE = (
    "The harbour council met on Tuesday evening to decide whether the old ferry should be repaired or replaced. " * 6
)
LATEST = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-02T10:00:00+09:00", "2026-03-02T10:00:00+09:00"),
        ("2026-03-02T10:00:00.123+0900", "2026-03-02T10:00:00+09:00"),
        ("2026-03-02T10:00Z", "2026-03-02T10:00:00Z"),
        ("2026-03-02 15:00:00", "2026-03-02T15:00:00"),
        ("2026.03.02 15:00", "2026-03-02T15:00:00"),
        ("2026/03/02", "2026-03-02"),
        ("2026. 3. 2. 오후 3:12:00", "2026-03-02T15:12:00"),
        ("2026-03-02 오후 3:12", "2026-03-02T15:12:00"),
        ("2026년 3월 2일", "2026-03-02"),
        ("2026년 3월 2일 오후 3:00", "2026-03-02T15:00:00"),
        ("2026년 3월 2일 (월) 오전 12시 5분", "2026-03-02T00:05:00"),
        ("Mon, 02 Mar 2026 10:00:00 KST", "2026-03-02T10:00:00+09:00"),
        ("Mon, 02 Mar 2026 10:00:00 JST", "2026-03-02T10:00:00+09:00"),
        ("Mon, 02 Mar 2026 10:00:00 IST", "2026-03-02T10:00:00+05:30"),
        ("Mon, 02 Mar 2026 10:00:00 -0500", "2026-03-02T10:00:00-05:00"),
        ("Mon, 2 Mar 26 10:00 GMT", "2026-03-02T10:00:00Z"),
        ("Mon Mar 02 10:00:00 KST 2026", "2026-03-02T10:00:00+09:00"),
        ("Mar 2, 2026", "2026-03-02"),
        ("March 2nd, 2026 at 3:10 pm", "2026-03-02T15:10:00"),
        ("2 March 2026", "2026-03-02"),
        ("20260302150000", "2026-03-02T15:00:00"),
        ("1772445600", "2026-03-02T10:00:00Z"),
        ("31/12/2025", "2025-12-31"),
        ("12/31/2025", "2025-12-31"),
        ("02/02/2026", "2026-02-02"),
        ("2026-03-02T99:00:00", "2026-03-02"),
        ("05/06/2023", None),
        ("2026-13-45T99:00:00Z", None),
        ("2023-02-31", None),
        ("Sat, 31 Feb 2026 10:00:00 GMT", None),
        ("0000-00-00 00:00:00", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("2099-03-02", None),
        ("P3D", None),
        ("version 2024.1.2.3", None),
        ("2 hours ago", None),
        ("", None),
        (None, None),
        (20260302, None),
    ],
)
def test_a_date_is_what_was_written_or_none(written: object, day: str | None) -> None:
    assert parse_date(written, LATEST) == day


def facts(head: str = "", body: str = "", url: str = "http://a.example/p", title: str = "T") -> Facts:
    page = (
        f"<!doctype html><html><head><meta charset=utf-8><title>{title}</title>{head}</head><body><article><h1>{title}</h1>"
        f"{body}<p>{PROSE}</p></article><footer>Copyright 2024</footer></body></html>"
    )
    return read(blocks(parse(page.encode())), url, latest=LATEST)


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


GRAPH = (
    '{"@graph":[{"@type":"WebSite","datePublished":"2001-01-01"},{"@type":"Article","datePublished":"2023-05-06",'
    '"author":{"@id":"#p"}},{"@id":"#p","@type":"Person","name":"Ada Quill"}]}'
)


@pytest.mark.parametrize(
    ("head", "body", "published", "author"),
    [
        (ld(GRAPH), "", "2023-05-06", "Ada Quill"),
        (ld('/*<![CDATA[*/{"@type":"NewsArticle","datePublished":"2023-05-06"}/*]]>*/'), "", "2023-05-06", None),
        (ld('{"@type":"NewsArticle","dateModified":"2023-05-06"}'), "", None, None),
        (ld('{"@type":"Comment","datePublished":"2023-05-06","author":"x"}'), "", None, None),
        (ld('{"@type":["Thing","BlogPosting"],"author":["A B",{"name":"C D"}]}'), "", None, "A B; C D"),
        ("<meta property=article:modified_time content=2024-02-02T00:00:00Z>", "", None, None),
        ("<meta property=article:published_time content=2199-05-06>", "", None, None),
        ("<meta name=date content=2023-02-31>", "", None, None),
        ("<meta name=author content='https://a.example/me'>", "", None, None),
        ("<meta name=author content=admin>", "", None, None),
        ("<meta property=dd:author content=김가상><meta name=author content=섬신문>", "", None, "김가상"),
        ("", "<div class=info><span>입력 2023.05.06 오후 3:10</span> <span>수정 2023.05.09 오전 9:00</span> <span>김가상 기자</span></div>", "2023-05-06T15:10:00", "김가상"),
        ("", "<ul class=infomation><li>김가상 기자</li><li>승인 2023.05.06 15:10</li><li>댓글 0</li></ul>", "2023-05-06T15:10:00", "김가상"),
        ("", "<p>수정 2023.05.09 오전 9:00</p>", None, None),
        ("", "<p class=date>May 6, 2023</p><p class=by>By Jane Roe and John Q. Public</p>", "2023-05-06", "Jane Roe; John Q. Public"),
        ("", "<p class=date>05/06/2023</p>", None, None),
        ("", "<time datetime=P3D>3 days ago</time>", None, None),
        ("", "<div class=comments><time datetime=2025-12-31>x</time><p>By Some Reader</p></div>", None, None),
        ("", "<span itemprop=author itemscope><span itemprop=name>Ada Quill</span></span><meta itemprop=datePublished content=2023-05-06>", "2023-05-06", "Ada Quill"),
        ("", "<a rel=author href=/ada>Ada Quill</a><time pubdate datetime=2023-05-06>x</time>", "2023-05-06", "Ada Quill"),
    ],
)  # fmt: skip
def test_the_day_and_the_author_are_those_of_the_article(
    head: str, body: str, published: str | None, author: str | None
) -> None:
    found = facts(head, body)
    assert (found.value("published"), found.value("author")) == (published, author)


def test_a_modified_day_is_no_published_one() -> None:
    found = facts(body="<div class=info>입력 2023.05.06 수정 2023.05.09</div>")
    assert (found.value("published"), found.value("modified")) == ("2023-05-06", "2023-05-09")


def test_the_address_tells_a_day_where_nothing_else_does() -> None:
    assert facts(url="http://a.example/2023/05/06/ferry.html").value("published") == "2023-05-06"
    assert facts(ld(GRAPH), url="http://a.example/2020/01/01/x").value("published") == "2023-05-06"


def test_title_address_language_licence_and_rights() -> None:
    found = facts(
        "<meta property=og:site_name content='The Isle'><meta property=og:title content='Ferry repaired | The Isle'>"
        "<link rel=canonical href=/ferry><meta name=robots content='noai, index'><meta name=tdm-reservation content=1>"
        "<link rel=license href='https://creativecommons.org/licenses/by-sa/4.0/deed.ko'>"
    )
    assert found.value("title") == "Ferry repaired"
    assert found.value("canonical") == "http://a.example/ferry"
    assert found.value("license") == "CC-BY-SA-4.0"
    assert found.rights == "noai; tdm-reservation: 1"


def test_every_candidate_is_kept_with_its_source_and_confidence() -> None:
    found = facts(ld(GRAPH), "<p class=date>May 7, 2023</p>", "http://a.example/2020/01/02/x")
    sources = {one.source: one.value for one in found.candidates["published"]}
    assert sources["json-ld Article"] == "2023-05-06"
    assert sources["url"] == "2020-01-02"
    best = found.best("published")
    assert best is not None
    assert best.confidence == max(one.confidence for one in found.candidates["published"])


def test_johab_is_korean() -> None:
    page = "<p>항구 위원회는 화요일 저녁에 모여 낡은 여객선을 고칠지 새로 살지 논의했다.</p>"
    found = extract(page.encode("johab"), media_type="text/html")
    assert (found.charset, "여객선을" in found.text) == ("johab", True)
