"""The demo server, as a crawler meets it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from corpuskit.demo import serve
from corpuskit.errors import UsageError


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve() as url:
        yield url


def _ask(base: str, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_pages_come_with_their_type_and_marks_of_age(base: str) -> None:
    response, body = _ask(base, "/news/harbour-ferry.html")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Last-Modified"] == "Mon, 12 Jan 2026 07:30:00 GMT"
    assert b"Gull Island" in body
    assert _ask(base, "/ko/news/feed.xml")[0].headers["Content-Type"].startswith("application/rss+xml")
    assert _ask(base, "/news/sitemap.xml.gz")[1][:2] == b"\x1f\x8b"
    assert _ask(base, "/robots.txt")[1].decode().endswith(f"Sitemap: {base}/sitemap.xml\n")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": "ETAG"}, 304),
        ({"If_None_Match": '"other", ETAG'}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_Modified_Since": "Mon, 12 Jan 2026 07:30:00 GMT"}, 304),
        ({"If_Modified_Since": "Sun, 11 Jan 2026 07:30:00 GMT"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_Modified_Since": "Mon, 12 Jan 2026 07:30:00"}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": "Mon, 12 Jan 2026 07:30:00 GMT"}, 200),
    ],
)
def test_a_client_with_a_good_copy_gets_no_second_one(base: str, headers: dict[str, str], status: int) -> None:
    etag = _ask(base, "/news/harbour-ferry.html")[0].headers["ETag"]
    response, body = _ask(
        base, "/news/harbour-ferry.html", **{name: value.replace("ETAG", etag) for name, value in headers.items()}
    )
    assert response.status == status
    assert bool(body) == (status == 200)


def test_moved_missing_and_head(base: str) -> None:
    response, _ = _ask(base, "/news/2025/harbour-ferry")
    assert (response.status, response.headers["Location"]) == (301, "/news/harbour-ferry.html")
    assert _ask(base, "/news/gone.html")[0].status == 404
    assert _ask(base, "/../../etc/passwd")[0].status == 404
    response, body = _ask(base, "/blog/sleep-log.html", method="HEAD")
    assert (response.status, body) == (200, b"")
    assert int(response.headers["Content-Length"]) > 1000


def test_a_query_does_not_change_the_page(base: str) -> None:
    assert _ask(base, "/blog/sleep-log.html?ref=front")[1] == _ask(base, "/blog/sleep-log.html")[1]


def test_a_taken_port_is_said_plainly(base: str) -> None:
    port = urlsplit(base).port
    assert port is not None
    with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1"), serve(port):
        pass
