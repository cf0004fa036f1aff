"""The demo web: what it holds, and that its pages are what `expected.yaml` says of them."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import urljoin

import pytest
import yaml

from corpuskit.demo import build
from corpuskit.demo.pages import DATA, pages, web
from corpuskit.demo.site import Answer, answers
from corpuskit.demo.template import posts_of
from corpuskit.errors import UsageError

BASE = "http://127.0.0.1:8000"
SITE = answers(BASE)
PAGES = {page.path: page for page in pages()}
EXPECTED = yaml.safe_load((DATA / "expected.yaml").read_text("utf-8"))


def _links(path: str, answer: Answer) -> set[str]:
    found = re.findall(r'<a [^>]*href="([^"#]+)"', answer.body.decode("utf-8", "replace"))
    return {urljoin(BASE + path, link).removeprefix(BASE) for link in found}


def test_the_site_is_as_large_as_a_small_corpus_needs() -> None:
    ours = [page for page in PAGES.values() if "private" not in page.path]
    assert len(ours) >= 80
    assert sum(len(page.body.encode()) for page in ours) >= 250_000
    korean = sum(len(page.body.encode()) for page in ours if page.site.startswith("ko/"))
    assert korean >= 80_000
    assert sum(path.startswith("/reference/") and path.endswith(".html") for path in SITE) >= 70


def test_every_link_leads_somewhere_except_those_that_should_not() -> None:
    html = {path: answer for path, answer in SITE.items() if answer.media_type.startswith("text/html")}
    linked = {link for path, answer in html.items() for link in _links(path, answer)}
    assert linked - SITE.keys() == set(EXPECTED["missing"])


def test_every_page_is_reached_from_the_front() -> None:
    seen, queue = set(), ["/"]
    while queue:
        path = queue.pop()
        if path in seen or path not in SITE or not SITE[path].media_type.startswith("text/html"):
            continue
        seen.add(path)
        queue += _links(path, SITE[path])
    assert PAGES.keys() <= seen


def test_what_is_expected_of_pages_names_pages_that_exist() -> None:
    groups = [*EXPECTED["near_duplicates"], *EXPECTED["exact_duplicates"]]
    lists = [EXPECTED[fate] for fate in ("kept", "toxic", "contaminated", "quality", "robots", "scrubbed")]
    for path in (path for group in [*groups, *lists] for path in group):
        assert path in SITE, path
    for path, target in EXPECTED["moved"].items():
        assert SITE[path].location == target
    for path in EXPECTED["robots"]:
        assert path.startswith(tuple(web().forbidden))


def test_exact_duplicates_have_the_same_bytes_and_near_ones_nearly_the_same_words() -> None:
    for first, second in EXPECTED["exact_duplicates"]:
        assert SITE[first].body == SITE[second].body
    for first, second in EXPECTED["near_duplicates"]:
        one, two = (_shingles(PAGES[path].body) for path in (first, second))
        assert 0.8 <= len(one & two) / len(one | two) < 1


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def test_invented_personal_data_stands_in_the_pages() -> None:
    for path, values in EXPECTED["scrubbed"].items():
        for value in values:
            assert value in PAGES[path].body


def test_the_leaked_benchmark_items_stand_in_the_page() -> None:
    items = [json.loads(line) for line in (DATA / "benchmark.jsonl").read_text("utf-8").splitlines()]
    body = PAGES[EXPECTED["contaminated"][0]].body
    leaked = [item["question"] for item in items if item["question"] in body]
    assert len(leaked) == 2
    for page in PAGES.values():
        if page.path not in EXPECTED["contaminated"]:
            assert not any(item["question"][:60] in page.body for item in items)


def test_benchmark_answers_are_right() -> None:
    for line in (DATA / "benchmark.jsonl").read_text("utf-8").splitlines():
        for sum_, result in re.findall(r"(\d[\d\s+*/.-]*[+*/-] \d[\d.]*) = (\d[\d.]*)", json.loads(line)["answer"]):
            value = 0.0
            for term in re.split(r" (?=[+-] )", sum_):
                sign = -1 if term.startswith("- ") else 1
                product = 1.0
                for operator, number in re.findall(r"([*/]?) ?(\d[\d.]*)", term.lstrip("+- ")):
                    product = product / float(number) if operator == "/" else product * float(number)
                value += sign * product
            assert value == pytest.approx(float(result.rstrip("."))), sum_


def test_korean_pages_in_euc_kr_with_and_without_their_declaration() -> None:
    declared, silent = SITE["/ko/news/hangul-signs.html"], SITE["/ko/news/winter-ducks.html"]
    assert declared.media_type == "text/html; charset=euc-kr"
    assert b'<meta charset="euc-kr">' in declared.body
    assert "할머니들이" in declared.body.decode("euc-kr")
    assert silent.media_type == "text/html"
    assert b"charset" not in silent.body
    assert "오리" in silent.body.decode("euc-kr")
    for answer in (declared, silent):
        with pytest.raises(UnicodeDecodeError):
            answer.body.decode("utf-8")


def test_feeds_and_sitemaps_list_the_open_pages_and_no_others() -> None:
    index = ET.fromstring(SITE["/sitemap.xml"].body)
    maps = [element.text or "" for element in index.iterfind(".//{*}loc")]
    listed = set()
    for url in maps:
        tree = ET.fromstring(gzip.decompress(SITE[url.removeprefix(BASE)].body))
        listed |= {(element.text or "").removeprefix(BASE) for element in tree.iterfind(".//{*}loc")}
    assert PAGES.keys() - listed == set(EXPECTED["robots"])
    assert listed <= SITE.keys()
    for site in web().sites:
        rss = ET.fromstring(SITE[f"/{site.folder}/feed.xml"].body)
        atom = ET.fromstring(SITE[f"/{site.folder}/atom.xml"].body)
        links = [element.text for element in rss.iter("link")][1:]
        assert links == [element.get("href") for element in atom.iterfind("{*}entry/{*}link")]
        assert all((link or "").removeprefix(BASE) in PAGES for link in links)


def test_threads_hold_all_their_posts_in_order() -> None:
    threads = [page for page in PAGES.values() if page.site.endswith("forum")]
    assert len(threads) >= 20
    for page in threads:
        times = [when for _, when, _ in posts_of(page)]
        assert times == sorted(times)
        assert all(text for _, _, text in posts_of(page))
        assert len(times) == page.body.count("\n@") + 1


def test_export_writes_every_path_and_refuses_to_overwrite_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert build(folder) == len(SITE)
    assert (folder / "news" / "harbour-ferry.html").read_bytes() == SITE["/news/harbour-ferry.html"].body
    assert (folder / "ko" / "blog" / "index.html").exists()
    (folder / "stale.html").write_text("old")
    build(folder)
    assert not (folder / "stale.html").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not delete")
    with pytest.raises(UsageError, match="holds other files"):
        build(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_pages_do_not_depend_on_where_the_site_is_served() -> None:
    elsewhere = answers("http://127.0.0.1:9999")
    for path in PAGES:
        assert elsewhere[path] == SITE[path]
