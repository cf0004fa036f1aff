"""Whole crawls of sites on localhost: what is fetched, what is not and why, and what survives a kill."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crawl_site import Answer, Site, page
from fastwarc.warc import ArchiveIterator, WarcRecordType

from corpuskit.engine.sizes import parse_duration
from corpuskit.engine.source import BadRecord
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.sources.crawl import CrawlSource, fate, state
from corpuskit.sources.crawl.learned import Learned
from corpuskit.sources.crawl.refresh import next_gap


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    found.pages["/robots.txt"] = Answer(status=404)
    yield found
    found.close()


def source(site: Site, **fields: Any) -> CrawlSource:
    told: dict[str, Any] = {
        "contact": "owner@example.org",
        "delay": 0,
        "allow_private": True,
        "timeout": 5,
        "retry_delay": 0.05,
    }
    if not fields.keys() & {"start", "feeds", "sitemaps"}:
        told["start"] = [f"{site.url}/"]
    return CrawlSource(**(told | fields))


def collect(crawl: CrawlSource, folder: Path) -> list[str]:
    said: list[str] = []
    crawl.collect(folder, lambda message, done, total: said.append(message))
    return said


def read(crawl: CrawlSource, folder: Path) -> list[dict[str, Any]]:
    bad: list[BadRecord] = []
    rows = [
        row for split in crawl.splits(folder) for batch in crawl.read(split, bad.append) for row in batch.to_pylist()
    ]
    assert not bad
    return rows


def outcome(folder: Path, site: Site, path: str) -> str:
    found = fate(folder, site.url + path)
    assert found, path
    return str(found["outcome"])


def test_a_site_becomes_documents_in_the_order_of_their_addresses(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/robots.txt": Answer(b"User-agent: *\nDisallow: /private/\nContent-Signal: ai-train=no\n", "text/plain"),
        "/": page(
            "/z", "/a?utm_source=x", "/a", "/private/x", "/packed", "http://elsewhere.example/", "file:///etc/passwd"
        ),
        "/z": page("/deep", "/"),
        "/a": Answer("<meta charset=euc-kr><p>한국어 문서</p>".encode("euc-kr"), "text/html; charset=euc-kr"),
        "/packed": Answer(gzip.compress(page("/z").body), headers={"Content-Encoding": "gzip"}),
        "/deep": page("/deeper"),
        "/deeper": page(),
    }
    crawl = source(site, kind="blog", license="CC0-1.0", name="mine")
    collect(crawl, tmp_path)
    rows = read(crawl, tmp_path)
    assert [row["url"].removeprefix(site.url) for row in rows] == ["/", "/a", "/deep", "/packed", "/z"]
    assert Counter(site.paths()).most_common(1)[0][1] == 1
    assert site.agents == {"corpuskit/0.1.0 (+owner@example.org)"}
    packed, korean = rows[3], rows[1]
    assert packed["content"] == page("/z").body
    assert korean["content"].decode("euc-kr").endswith("한국어 문서</p>")
    assert korean["media_type"] == "text/html; charset=euc-kr"
    assert {(row["source"], row["kind"], row["license"], row["rights"]) for row in rows} == {
        ("mine", "blog", "CC0-1.0", "content-signal: ai-train=no")
    }
    forbidden = fate(tmp_path, f"{site.url}/private/x")
    assert forbidden
    assert forbidden["reason"] == "robots.txt line 2: Disallow: /private/"
    assert forbidden["referrer"] == f"{site.url}/"
    assert "/private/x" not in site.paths()
    assert outcome(tmp_path, site, "/a?utm_source=y") == "fetched"
    assert fate(tmp_path, "http://elsewhere.example/")["outcome"] == "scope"  # type: ignore[index]
    assert fate(tmp_path, "http://never.seen/") is None
    log = [json.loads(line) for line in (tmp_path / "crawl-log.jsonl").read_text().splitlines()]
    assert {"url", "outcome", "status", "referrer", "depth", "when"} <= log[0].keys()
    assert len(log) == 7


def test_a_finished_crawl_is_replayed_without_the_network(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = page("/a")
    site.pages["/a"] = page()
    crawl = source(site)
    collect(crawl, tmp_path)
    print_before, rows = crawl.fingerprint(tmp_path), read(crawl, tmp_path)
    site.close()
    asked = len(site.asked)
    collect(crawl, tmp_path)
    assert (crawl.fingerprint(tmp_path), read(crawl, tmp_path), len(site.asked)) == (print_before, rows, asked)


def test_every_exchange_is_archived_with_sound_digests(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/": page("/gone", "/moved", "/big"), "/moved": Answer(status=301, headers={"Location": "/"})}
    site.pages["/big"] = Answer(b"<p>" + b"x" * 300_000)
    collect(source(site, max_bytes=100_000), tmp_path)
    kinds: Counter[str] = Counter()
    truncated = {}
    (segment,) = (tmp_path / "warc").iterdir()
    assert segment.name == "crawl-00000.warc.gz"
    with segment.open("rb") as stream:
        for record in ArchiveIterator(stream, parse_http=False):
            kinds[record.headers["WARC-Type"]] += 1
            if record.record_type == WarcRecordType.response:
                assert record.verify_block_digest()
                truncated[record.headers["WARC-Target-URI"].removeprefix(site.url)] = record.headers.get(
                    "WARC-Truncated"
                )
    assert kinds == {"warcinfo": 1, "response": 7, "request": 7}
    whole = dict.fromkeys(("/robots.txt", "/", "/gone", "/moved", "/.well-known/tdmrep.json", "/ai.txt"))
    assert truncated == whole | {"/big": "length"}
    assert outcome(tmp_path, site, "/big") == "too_large"
    assert outcome(tmp_path, site, "/gone") == "gone"
    assert outcome(tmp_path, site, "/moved") == "redirected"


def test_redirects_loops_and_traps_come_to_an_end(site: Site, tmp_path: Path) -> None:
    def moved(to: str) -> Answer:
        return Answer(status=302, headers={"Location": to})

    def calendar(path: str) -> Answer:
        if path.startswith("/cal/"):
            return page(f"/cal/{int(path.rpartition('/')[2]) + 1}")
        if path.startswith("/run/"):
            return moved(f"/run/{int(path.rpartition('/')[2]) + 1}")
        return page("more/again/")

    site.otherwise = calendar
    site.pages |= {
        "/": page("/loop", "/out", "/cal/1", "/run/1", "/m/", "/nofollow"),
        "/loop": moved("/loop2"),
        "/loop2": moved("/loop"),
        "/out": moved("http://elsewhere.example/x"),
        "/nofollow": page("/secret", head='<meta name="robots" content="nofollow">'),
    }
    collect(source(site, depth=6, max_pages_per_host=30), tmp_path)
    paths = site.paths()
    assert "/cal/6" in paths
    assert "/cal/7" not in paths
    assert len([path for path in paths if path.startswith("/run/")]) <= 12
    assert len([path for path in paths if path.startswith("/m/")]) <= 5
    assert "/secret" not in paths
    assert fate(tmp_path, "http://elsewhere.example/x")["outcome"] == "scope"  # type: ignore[index]


def test_the_page_budget_is_kept_and_a_larger_one_goes_on(site: Site, tmp_path: Path) -> None:
    site.otherwise = lambda path: page(*(f"{path.rstrip('/')}/{name}" for name in "abc"))
    collect(source(site, max_pages=5, concurrency_per_host=4), tmp_path)
    assert len(read(source(site), tmp_path)) == 5
    outcomes = Counter(json.loads(line)["outcome"] for line in (tmp_path / "crawl-log.jsonl").open())
    assert outcomes["budget"] >= 1
    collect(source(site, max_pages=9, depth=1), tmp_path)
    assert len(read(source(site, max_pages=9), tmp_path)) >= 5
    collect(source(site, max_pages=40, depth=3), tmp_path)
    assert len(read(source(site), tmp_path)) == 40
    assert Counter(site.paths()).most_common(1)[0][1] <= 2


def test_a_page_budget_is_not_spent_by_errors(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = page(*(f"/missing{number}" for number in range(5)), "/there")
    site.pages["/there"] = page()
    collect(source(site, max_pages=2), tmp_path)
    assert outcome(tmp_path, site, "/there") == "fetched"


def test_crawl_delay_and_retry_after_are_waited_for(site: Site, tmp_path: Path) -> None:
    busy = [Answer(status=429, headers={"Retry-After": "2"})]
    site.pages |= {
        "/robots.txt": Answer(b"User-agent: corpuskit\nCrawl-delay: 0.7\n", "text/plain"),
        "/": page("/a", "/b"),
        "/a": lambda path: busy.pop() if busy else page(),
        "/b": page(),
    }
    collect(source(site, concurrency_per_host=4), tmp_path)
    times = [when for when, path in site.asked if path != "/robots.txt"]
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) > 0.6
    refused = site.paths().index("/a")
    assert site.asked[refused + 1][0] - site.asked[refused][0] > 1.9
    assert Counter(site.paths())["/a"] == 2
    assert len(read(source(site), tmp_path)) == 3


def test_slow_and_broken_pages_are_errors_and_the_crawl_goes_on(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/": page("/slow", "/short", "/picture", "/nonsense", "/good"),
        "/slow": Answer(b"late", seconds=3),
        "/short": Answer(b"<p>half", headers={"Content-Length": "5000", "Connection": "close"}),
        "/picture": Answer(b"\x89PNG" + b"\0" * 5000, "image/png"),
        "/nonsense": Answer(b"\x01\x02\x00x", headers={"Content-Encoding": "br"}),
        "/good": Answer(b"\0<a href='/\xff'>\x00</a>"),
    }
    collect(source(site, timeout=0.5, concurrency_per_host=4, depth=1), tmp_path)
    told = {path: outcome(tmp_path, site, path) for path in ("/slow", "/short", "/picture", "/nonsense", "/good")}
    assert told == {
        "/slow": "transient",
        "/short": "transient",
        "/picture": "not_text",
        "/nonsense": "damaged",
        "/good": "fetched",
    }
    assert "attempts" in fate(tmp_path, f"{site.url}/short")["reason"]  # type: ignore[index]


@pytest.mark.parametrize(("status", "fetched"), [(404, True), (403, True), (503, False)])
def test_what_a_robots_txt_status_means(site: Site, tmp_path: Path, status: int, fetched: bool) -> None:
    site.pages |= {"/robots.txt": Answer(b"User-agent: *\nDisallow: /", status=status), "/": page()}
    if fetched:
        collect(source(site), tmp_path)
    else:
        with pytest.raises(CorpuskitError, match=r"robots\.txt could not be read"):
            collect(source(site), tmp_path)
        assert set(site.paths()) == {"/robots.txt"}


def test_a_robots_txt_is_followed_through_redirects(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/robots.txt": Answer(status=301, headers={"Location": "/elsewhere.txt"}),
        "/elsewhere.txt": Answer(b"User-agent: *\nDisallow: /no", "text/plain"),
        "/": page("/no", "/yes"),
        "/yes": page(),
    }
    collect(source(site), tmp_path)
    assert outcome(tmp_path, site, "/no") == "robots"
    assert outcome(tmp_path, site, "/yes") == "fetched"


def test_feeds_and_sitemaps_lead_to_pages_with_their_dates(site: Site, tmp_path: Path) -> None:
    rss = f"""<rss version="2.0"><channel><item><title>첫 글</title><link>{site.url}/post</link>
    <pubDate>Mon, 06 May 2024 07:08:09 GMT</pubDate></item></channel></rss>"""
    index = f"<sitemapindex><sitemap><loc>{site.url}/more.xml.gz</loc></sitemap></sitemapindex>"
    more = gzip.compress(f"<urlset><url><loc>{site.url}/mapped</loc></url></urlset>".encode())
    head = '<link rel="alternate" type="application/atom+xml" href="/found.xml">'
    site.pages |= {
        "/feed": Answer(rss.encode(), "application/rss+xml"),
        "/sitemap.xml": Answer(index.encode(), "application/xml"),
        "/more.xml.gz": Answer(more, "application/gzip"),
        "/post": page("/deeper", head=head),
        "/mapped": page(),
        "/deeper": page(),
        "/found.xml": Answer(f'<feed><entry><link href="{site.url}/late"/></entry></feed>'.encode(), "text/xml"),
        "/late": page(),
        "/empty": Answer(b"<rss><channel></channel></rss>", "text/xml"),
    }
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"# mine\n{site.url}/feed\n\n{site.url}/empty # nothing there yet\n")
    crawl = source(site, feeds=str(feeds), sitemaps=f"{site.url}/sitemap.xml", depth=0)
    said = collect(crawl, tmp_path / "shallow")
    rows = {row["url"].removeprefix(site.url): row for row in read(crawl, tmp_path / "shallow")}
    assert rows.keys() == {"/post", "/mapped"}
    assert (rows["/post"]["published"], rows["/post"]["title"]) == ("2024-05-06T07:08:09Z", "첫 글")
    assert f"{site.url}/empty: names no pages: is this a feed?" in said
    deeper = source(site, feeds=str(feeds), depth=1)
    collect(deeper, tmp_path / "deep")
    found = [row["url"].removeprefix(site.url) for row in read(deeper, tmp_path / "deep")]
    assert found == ["/deeper", "/late", "/post"]


def test_addresses_that_are_none_are_named_with_file_and_line(site: Site, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("http://example.com/feed\n\nhtp://example.com/\n")
    with pytest.raises(UsageError, match=r"feeds\.txt line 3: 'htp://example\.com/' is not an http\(s\) URL"):
        collect(source(site, feeds=str(feeds)), tmp_path)
    with pytest.raises(UsageError, match="cannot read the file of feeds"):
        collect(source(site, feeds=str(tmp_path / "absent.txt")), tmp_path)
    with pytest.raises(UsageError, match="nothing to begin with"):
        collect(source(site, start=[]), tmp_path)
    with pytest.raises(ValueError, match="neither an e-mail address nor"):
        source(site, contact="me")


def test_a_crawl_that_fetches_nothing_fails_and_says_why(site: Site, tmp_path: Path) -> None:
    with pytest.raises(CorpuskitError, match=r"not one page was fetched.*\n.*/: HTTP status 404"):
        collect(source(site), tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_connected_to(site: Site, tmp_path: Path, host: str) -> None:
    site.pages["/"] = page()
    url = f"http://{host}:{site.url.rpartition(':')[2]}/"
    with pytest.raises(CorpuskitError, match="not an address of the open internet"):
        collect(source(site, start=[url], allow_private=False), tmp_path)
    assert site.asked == []
    found = fate(tmp_path, url)
    assert found
    assert found["outcome"] == "private"


CHILD = """
import sys
from pathlib import Path
from corpuskit.sources.crawl import CrawlSource
CrawlSource.model_validate_json(sys.argv[1]).collect(Path(sys.argv[2]), lambda *said: None)
"""


def test_a_killed_crawl_goes_on_and_fetches_nothing_twice_but_what_was_under_way(site: Site, tmp_path: Path) -> None:
    names = [f"/{number}" for number in range(60)]
    for number, name in enumerate(names):
        site.pages[name] = page(*names[number : number + 4], text=f"text {number} " * 50)
        site.pages[name].seconds = 0.02
    site.pages["/"] = page(*names[:3])
    crawl = source(site, depth=60, concurrency_per_host=3)
    kills = 0
    for wanted in (5, 20, 40):
        process = subprocess.Popen([sys.executable, "-c", CHILD, crawl.model_dump_json(), str(tmp_path)])
        while len(site.asked) < wanted and process.poll() is None:
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills == 3
    # whatever a kill may leave behind the last whole record
    partial = next((tmp_path / "warc").glob("*.open"))
    time.sleep(0.5)
    with partial.open("ab") as stream:
        stream.write(b"\x1f\x8b half a record")
    collect(crawl, tmp_path)
    rows = read(crawl, tmp_path)
    assert len(rows) == 61
    again = {path: count - 1 for path, count in Counter(site.paths()).items() if count > 1 and path != "/robots.txt"}
    assert sum(again.values()) <= 3 * kills
    responses = 0
    for segment in (tmp_path / "warc").iterdir():
        with segment.open("rb") as stream:
            responses += sum(1 for record in ArchiveIterator(stream, record_types=WarcRecordType.response))
    assert responses >= 62


def test_an_archive_that_lost_its_end_is_fetched_again(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/": page("/a", "/b"), "/a": page(), "/b": page(), "/more": page()}
    collect(source(site), tmp_path)
    segment = tmp_path / "warc" / "crawl-00000.warc.gz"
    with sqlite3.connect(tmp_path / "crawl.sqlite") as db:
        db.execute("UPDATE segments SET closed = 0")
        db.execute("UPDATE facts SET value = '' WHERE name = 'finished'")
    db.close()
    os.truncate(segment, segment.stat().st_size - 900)
    segment.rename(segment.with_name(f"{segment.name}.open"))
    collect(source(site), tmp_path)
    assert [row["url"].removeprefix(site.url) for row in read(source(site), tmp_path)] == ["/", "/a", "/b"]


def test_a_damaged_state_says_how_to_go_on(site: Site, tmp_path: Path) -> None:
    (tmp_path / "crawl.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(CorpuskitError, match="to crawl anew"):
        collect(source(site), tmp_path)
    assert fate(tmp_path, site.url) is None


def test_the_same_site_gives_the_same_documents_in_the_same_order(site: Site, tmp_path: Path) -> None:
    """A page that a slow path reaches first, and a short one later, has its links followed as from the short one."""
    site.pages |= {
        "/": page("/long", "/slow"),
        "/long": page("/target"),
        "/slow": Answer(status=302, headers={"Location": "/target"}, seconds=0.6),
        "/target": page("/end"),
        "/end": page(),
    }
    found = []
    for number in (1, 4):
        crawl = source(site, concurrency_per_host=number, depth=2)
        collect(crawl, tmp_path / str(number))
        found.append([(row["url"], row["id"]) for row in read(crawl, tmp_path / str(number))])
    assert found[0] == found[1]
    assert [url.removeprefix(site.url) for url, _ in found[0]] == ["/", "/end", "/long", "/target"]


def test_a_crawler_that_fails_says_so(site: Site, tmp_path: Path) -> None:
    (tmp_path / "warc").write_text("a file where a folder should be")
    with pytest.raises(CorpuskitError, match=r"(?s)stopped with code .*crawler\.log ends with:.*FileExistsError"):
        collect(source(site), tmp_path)


class Outage:
    """Pages of a site that at some moments of a crawl closes connections, answers 503, or answers nothing in time."""

    def __init__(self, site: Site, count: int, *, moments: set[int], length: int, how: str) -> None:
        self.requests = 0
        self.over = False
        site.pages["/"] = lambda path: self.answer(page(*(f"/p/{number}" for number in range(count)), text="start"))
        site.otherwise = lambda path: self.answer(page(text=f"Page {path}."))
        self.moments = {moment + after for moment in moments for after in range(length)}
        self.how = how

    def answer(self, content: Answer) -> Answer:
        self.requests += 1
        if self.over or self.requests not in self.moments:
            return content
        if self.how == "closes":
            return Answer(b"<p>cut", headers={"Content-Length": "900", "Connection": "close"})
        return Answer(b"busy", status=503) if self.how == "refuses" else Answer(b"late", seconds=1.0)


@pytest.mark.parametrize("how", ["closes", "refuses", "hangs"])
def test_no_page_is_lost_to_an_outage(site: Site, tmp_path: Path, how: str) -> None:
    moments = set(random.Random(how).sample(range(2, 60), 4 if how == "hangs" else 10))
    outage = Outage(site, 40, moments=moments, length=2, how=how)
    crawl = source(site, depth=1, timeout=0.4, concurrency_per_host=4)
    crawl.collect(tmp_path)
    outage.over = True
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    assert len(read(crawl, tmp_path)) == 41
    asked = len(site.asked)
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    assert len(site.asked) == asked


def test_what_could_not_be_fetched_stays_open_for_the_next_run(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/": page("/down", "/missing"), "/down": Answer(b"busy", status=503)}
    crawl = source(site, depth=1)
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 1
    assert outcome(tmp_path, site, "/down") == "transient"
    assert outcome(tmp_path, site, "/missing") == "gone"
    asked = Counter(site.paths())
    assert asked["/down"] == 5
    site.pages["/down"] = page()
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    assert outcome(tmp_path, site, "/down") == "fetched"
    assert Counter(site.paths()) - asked == Counter({"/down": 1})


def test_a_robots_txt_that_could_not_be_read_is_asked_for_by_the_next_run(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/robots.txt": Answer(b"busy", status=503), "/": page("/a"), "/a": page()}
    crawl = source(site)
    with pytest.raises(CorpuskitError, match="the next run asks"):
        crawl.collect(tmp_path)
    site.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /a", "text/plain")
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    assert outcome(tmp_path, site, "/") == "fetched"
    assert outcome(tmp_path, site, "/a") == "robots"


def test_an_address_that_never_answers_is_gone_after_many_runs_over_a_week(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/": page("/down"), "/down": Answer(b"busy", status=503)}
    crawl = source(site, depth=1)
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 1
    with sqlite3.connect(tmp_path / "crawl.sqlite") as db:
        earlier = (state.PERSISTENT_RUNS - 1, state.PERSISTENT_SECONDS)
        db.execute("UPDATE urls SET failed_runs = ?, first_failed = first_failed - ? WHERE failed_runs > 0", earlier)
    db.close()
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    assert outcome(tmp_path, site, "/down") == "gone"


def test_a_crawl_of_the_previous_version_has_its_failures_open(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/": page("/down", "/missing"), "/down": Answer(b"busy", status=503)}
    crawl = source(site, depth=1)
    crawl.collect(tmp_path)
    with sqlite3.connect(tmp_path / "crawl.sqlite") as db:
        db.execute("UPDATE urls SET outcome = 'error' WHERE outcome IN ('gone', 'transient')")
        columns = ["failed_runs", "first_failed", "admitted", "text", "canonical", "etag", "modified", "body"]
        for column in (*columns, "first_fetched", "checked", "checks", "changes", "gap"):
            db.execute(f"ALTER TABLE urls DROP COLUMN {column}")
    db.close()
    site.pages["/down"] = page()
    crawl.collect(tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    assert outcome(tmp_path, site, "/down") == "fetched"
    assert outcome(tmp_path, site, "/missing") == "gone"


def article(name: str, *links: str, head: str = "") -> Answer:
    """A page whose text is its own: three sentences about what it is called."""
    sentences = "".join(
        f"<p>The {part} of the story called {name} is told here.</p>" for part in ("first", "second", "third")
    )
    anchors = "".join(f'<a href="{link}">more</a>' for link in links)
    return Answer(f"<html><head><title>{name}</title>{head}</head><body>{sentences}{anchors}</body></html>".encode())


def test_session_ids_cost_a_few_pages_and_page_numbers_are_kept(site: Site, tmp_path: Path) -> None:
    counter = iter(range(10**6))

    def any_page(path: str) -> Answer:
        name = path.partition("?")[0]
        number = path.partition("page=")[2].partition("&")[0]
        links = [f"{name}?sid={next(counter)}" for name in ("/a", "/b", "/c")]
        links += [f"/list?page={after}&sid={next(counter)}" for after in range(1, 9)]
        return article(name + number, *links)

    site.otherwise = any_page
    crawl = source(site, depth=30, max_pages=300)
    collect(crawl, tmp_path)
    addresses = {row["url"].removeprefix(site.url) for row in read(crawl, tmp_path)}
    assert {address.partition("sid")[0].rstrip("?&") for address in addresses} >= {
        *("/", "/a", "/b", "/c"),
        *(f"/list?page={number}" for number in range(1, 9)),
    }
    assert len(site.paths()) <= 17
    assert len(addresses) == 12
    assert outcome(tmp_path, site, "/a?sid=0") in ("fetched", "same")


def test_a_calendar_without_end_is_left(site: Site, tmp_path: Path) -> None:
    def calendar(path: str) -> Answer:
        year, month = (int(part) for part in path.split("/")[2:])
        after = f"/calendar/{year + month // 12}/{month % 12 + 1}"
        days = "".join(f"<td>There is no event on day {day} of this month.</td>" for day in range(1, 29))
        return Answer(f"<h1>{year}-{month}</h1>{days}<a href='{after}'>next</a>".encode())

    site.otherwise = lambda path: calendar(path) if path.startswith("/calendar") else Answer(status=404)
    site.pages["/"] = article("start", "/calendar/2026/1", *(f"/story-{letter}" for letter in "abcdefgh"))
    for letter in "abcdefgh":
        site.pages[f"/story-{letter}"] = article(letter * 3)
    crawl = source(site, depth=500, max_pages=200)
    collect(crawl, tmp_path)
    seen = Counter(path.split("/")[1] for path in site.paths())
    assert seen["calendar"] <= 10
    assert sum(count for name, count in seen.items() if name.startswith("story")) == 8


def test_the_content_type_decides_what_an_ending_means(site: Site, tmp_path: Path) -> None:
    pictures = [f"/img/{number}.jpg" for number in range(8)]
    site.pages |= {"/": page("/wiki/Node.js", "/wiki/D3.js", "/@handle.ps", "/wiki/File:Photo.jpg", *pictures)}
    for path in ("/wiki/Node.js", "/wiki/D3.js", "/@handle.ps"):
        site.pages[path] = article(path)
    site.otherwise = lambda path: Answer(b"\xff\xd8" * 500, "image/jpeg")
    crawl = source(site, depth=1)
    collect(crawl, tmp_path)
    addresses = {row["url"].removeprefix(site.url) for row in read(crawl, tmp_path)}
    assert addresses == {"/", "/wiki/Node.js", "/wiki/D3.js", "/@handle.ps"}
    assert sum(path in pictures for path in site.paths()) <= 3
    assert "hold no pages" in fate(tmp_path, site.url + pictures[-1])["reason"]  # type: ignore[index]


def test_what_a_site_names_elsewhere_is_found(site: Site, tmp_path: Path) -> None:
    """A start address that redirects to another host, a feed on another host, a sitemap in robots.txt, rel=next."""
    feed, new = Site("127.0.0.2"), Site("127.0.0.3")
    try:
        site.pages |= {
            "/robots.txt": Answer(f"Sitemap: {site.url}/map.xml".encode(), "text/plain"),
            "/map.xml": Answer(f"<urlset><url><loc>{site.url}/mapped</loc></url></urlset>".encode(), "application/xml"),
            "/": article("start", head='<link rel="next" href="/second">'),
            "/second": article("second", f"{feed.url}/elsewhere"),
            "/mapped": article("mapped"),
            "/moved": Answer(status=301, headers={"Location": f"{new.url}/new"}),
        }
        rss = f"<rss version='2.0'><channel><item><link>{feed.url}/entry</link></item></channel></rss>"
        feed.pages |= {
            "/feed": Answer(rss.encode(), "application/rss+xml"),
            "/entry": article("entry", "/no-entry"),
            "/no-entry": article("no entry"),
        }
        new.pages |= {"/new": article("new", "/newer"), "/newer": article("newer")}
        crawl = source(site, start=[f"{site.url}/", f"{site.url}/moved"], feeds=[f"{feed.url}/feed"])
        collect(crawl, tmp_path)
        assert {row["url"] for row in read(crawl, tmp_path)} == {
            *(f"{site.url}{path}" for path in ("/", "/second", "/mapped")),
            *(f"{new.url}/new", f"{new.url}/newer", f"{feed.url}/entry", f"{feed.url}/no-entry"),
        }
        explicit = {"scope": {"hosts": ["127.0.0.1"]}, "start": [f"{site.url}/moved"], "feeds": [f"{feed.url}/feed"]}
        collect(source(site, **explicit), tmp_path / "explicit")
        assert outcome(tmp_path / "explicit", feed, "/entry") == "fetched"
        assert outcome(tmp_path / "explicit", feed, "/no-entry") == "scope"
        assert "scope.hosts" in fate(tmp_path / "explicit", f"{new.url}/new")["reason"]  # type: ignore[index]
    finally:
        feed.close()
        new.close()


def test_a_page_under_its_canonical_address_is_one_document(site: Site, tmp_path: Path) -> None:
    own = '<link rel="canonical" href="/story">'
    site.pages |= {
        "/": article("start", "/story", "/amp/story", "/print", "/list?page=2", "/missing-original"),
        "/story": article("story", head=own),
        "/amp/story": article("story, shorter", head=own),
        "/print": Answer(article("story").body, headers={"Link": '</story>; rel="canonical"'}),
        "/list?page=2": article("second list", head='<link rel="canonical" href="/list">'),
        "/list": article("list"),
        "/missing-original": article("orphan", head='<link rel="canonical" href="/nowhere">'),
    }
    crawl = source(site, depth=1)
    collect(crawl, tmp_path)
    addresses = {row["url"].removeprefix(site.url) for row in read(crawl, tmp_path)}
    assert addresses == {"/", "/story", "/list?page=2", "/missing-original"}
    assert outcome(tmp_path, site, "/amp/story") == "same"
    assert outcome(tmp_path, site, "/print") == "same"


def test_what_is_learned_of_addresses_is_taken_back_when_it_proves_wrong(tmp_path: Path) -> None:
    known = state.State(tmp_path)
    learned = Learned(known, 1000)

    def read_page(url: str, name: str) -> None:
        text, _ = learned.read(url, article(name).body, [], None)
        known.add([(state.Fetch(url, "page"), None)])
        known.read_page(url, text, None)

    for number in range(3):
        read_page(f"https://a.org/x?tag={number}", "one")
    assert learned.address("https://a.org/x?tag=9&y=1") == "https://a.org/x?y=1"
    read_page("https://a.org/z?tag=1", "two")
    read_page("https://a.org/z?tag=2", "three")
    assert learned.address("https://a.org/x?tag=9") == "https://a.org/x?tag=9"
    for number in range(2):
        read_page(f"https://www.b.org/{number}", str(number))
        read_page(f"http://b.org/{number}", str(number))
    assert learned.address("http://b.org/new?z=1") == "https://www.b.org/new?z=1"
    assert Learned(known, 1000).address("http://b.org/new") == "https://www.b.org/new"
    for number in range(3):
        read_page(f"https://c.org/{number}?x=1&a=2", f"c {number}")
        read_page(f"https://c.org/{number}?a=2&x=1", f"c {number}")
    assert learned.address("https://c.org/9?x=1&a=2") == "https://c.org/9?a=2&x=1"
    known.close()


class Versioned:
    """Pages that answer 304 to the validators of their present version."""

    def __init__(self, site: Site, names: list[str]) -> None:
        self.site = site
        self.versions = dict.fromkeys(names, 1)
        self.sent = 0
        site.conditional = self.answer

    def answer(self, path: str, headers: dict[str, str]) -> Answer | None:
        if path not in self.versions:
            return None
        tag = f'"{path}-{self.versions[path]}"'
        if headers.get("If-None-Match") == tag:
            return Answer(status=304, headers={"ETag": tag})
        links = [name for name in self.versions if name != path] if path == "/" else []
        content = article(f"{path} version {self.versions[path]}", *links)
        self.sent += len(content.body)
        content.headers["ETag"] = tag
        return content


def test_a_refresh_fetches_what_changed_and_notices_what_is_gone(site: Site, tmp_path: Path) -> None:
    names = ["/", *(f"/p/{number}" for number in range(100))]
    pages = Versioned(site, names)
    crawl = source(site, depth=1, refresh="7d", concurrency_per_host=4)
    collect(crawl, tmp_path)
    assert crawl.unfinished(tmp_path) == 0
    first, pages.sent = pages.sent, 0
    archived = sum(path.stat().st_size for path in (tmp_path / "warc").iterdir())
    before = {row["url"].removeprefix(site.url): row["id"] for row in read(crawl, tmp_path)}

    assert crawl.ask_again(tmp_path) == 101
    assert crawl.unfinished(tmp_path) == 101
    collect(crawl, tmp_path)
    assert pages.sent == 0
    assert {row["url"].removeprefix(site.url): row["id"] for row in read(crawl, tmp_path)} == before

    pages.versions["/p/7"] = 2
    del pages.versions["/p/8"]
    site.pages["/p/9"] = Answer(b"busy", status=503)
    del pages.versions["/p/9"]
    crawl.ask_again(tmp_path)
    collect(crawl, tmp_path)
    after = {row["url"].removeprefix(site.url): row["id"] for row in read(crawl, tmp_path)}
    assert before.keys() - after.keys() == {"/p/8"}
    assert {path for path in after if after[path] != before[path]} == {"/p/7"}
    assert pages.sent < 0.05 * first
    assert crawl.unfinished(tmp_path) == 1  # the page that answered 503 is still due
    assert "not checked again" in fate(tmp_path, f"{site.url}/p/9")["reason"]  # type: ignore[index]
    assert [url for url, _ in state.missing_pages(tmp_path)] == [f"{site.url}/p/8"]
    kinds: Counter[str] = Counter()
    for segment in sorted((tmp_path / "warc").iterdir()):
        with segment.open("rb") as stream:
            for record in ArchiveIterator(stream, parse_http=False):
                kinds[record.headers["WARC-Type"]] += 1
                if record.headers["WARC-Type"] == "revisit":
                    assert record.headers["WARC-Profile"].endswith("server-not-modified")
                    assert record.headers["WARC-Refers-To-Target-URI"].startswith(site.url)
    assert kinds["revisit"] == 101 + 98
    assert archived


def test_pages_are_asked_for_again_when_they_are_old_enough(site: Site, tmp_path: Path) -> None:
    Versioned(site, ["/", "/a"])
    crawl = source(site, depth=1, refresh="1h")
    collect(crawl, tmp_path)
    asked = len(site.asked)
    collect(crawl, tmp_path)
    assert len(site.asked) == asked
    with sqlite3.connect(tmp_path / "crawl.sqlite") as db:
        db.execute(
            "UPDATE urls SET checked = checked - 3700, first_fetched = first_fetched - 3700 WHERE url LIKE '%/a'"
        )
    db.close()
    assert crawl.unfinished(tmp_path) == 1
    collect(crawl, tmp_path)
    assert [path for path in site.paths()[asked:] if path != "/robots.txt"] == ["/a"]


def test_a_page_with_the_same_text_in_other_markup_has_not_changed(site: Site, tmp_path: Path) -> None:
    counter = iter(range(1000))
    site.otherwise = lambda path: article("the same", head=f"<meta name=nonce content={next(counter)}>")
    crawl = source(site, depth=0)
    collect(crawl, tmp_path)
    before = read(crawl, tmp_path)
    crawl.ask_again(tmp_path)
    collect(crawl, tmp_path)
    assert read(crawl, tmp_path) == before


def test_the_wait_follows_the_observed_changes() -> None:
    assert next_gap(0, 0, 1.0, 1.0) == 1.0
    assert next_gap(1, 0, 1.0, 1.0) == 2.0  # never changed: twice as long each time, up to eight times
    assert [next_gap(checks, 0, 4.0, last) for checks, last in ((2, 2.0), (3, 4.0), (4, 8.0))] == [4.0, 8.0, 8.0]
    assert next_gap(5, 5, 1.0, 1.0) == 1.0  # changed every time
    # 1 change in 10 checks, 1 apart: -ln(9.5/10.5) = 0.1001 changes each, so about 9.99; cut at 8
    assert next_gap(10, 1, 1.0, 8.0) == 8.0
    # 5 in 10: -ln(5.5/10.5) = 0.6466 each, so 1.5465
    assert next_gap(10, 5, 1.0, 8.0) == pytest.approx(1.5465, abs=1e-4)


@pytest.mark.parametrize(
    ("written", "seconds"), [("7d", 604800.0), ("12h", 43200.0), ("1.5m", 90.0), ("2w", 1209600.0)]
)
def test_durations_are_written_with_their_unit(written: str, seconds: float) -> None:
    assert parse_duration(written) == seconds
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration("a week")


def test_what_a_site_reserves_is_with_its_pages(site: Site, tmp_path: Path) -> None:
    reserved = b'[{"location": "/story/*", "tdm-reservation": 1}]'
    site.pages |= {
        "/robots.txt": Answer(b"User-agent: GPTBot\nDisallow: /story/b\n\nUser-agent: *\nAllow: /\n", "text/plain"),
        "/.well-known/tdmrep.json": Answer(reserved, "application/json"),
        "/": article("start", "/story/a", "/story/b"),
        "/story/a": article("a"),
        "/story/b": article("b"),
    }
    crawl = source(site)
    collect(crawl, tmp_path)
    rights = {row["url"].removeprefix(site.url): row["rights"] for row in read(crawl, tmp_path)}
    assert rights == {
        "/": None,
        "/story/a": "tdmrep.json: reserves /story/*",
        "/story/b": "robots.txt: forbids gptbot; tdmrep.json: reserves /story/*",
    }
    assert Counter(site.paths())["/ai.txt"] == 1
