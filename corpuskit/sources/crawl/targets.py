"""What the content of a response is, and which addresses it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from corpuskit.sources.archives.bodies import decoded
from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.feeds import FeedEntry, is_feed, parse_feed
from corpuskit.sources.crawl.links import PageLinks, read_links
from corpuskit.sources.crawl.sitemaps import MAX_BYTES, parse_sitemap
from corpuskit.sources.crawl.state import Fetch
from corpuskit.sources.warc import TEXT_TYPES

_CANONICAL = re.compile(r"<([^<>]+)>\s*;[^,]*\brel\s*=\s*[\"']?canonical\b", re.IGNORECASE)
_PAGE = re.compile(r"(?<=[?&])(page|paged|pg|p|offset|start|from|cursor)=\w*&?|/page/\d+/?", re.IGNORECASE)


@dataclass(frozen=True)
class Content:
    """A response as far as finding further addresses needs it."""

    body: bytes
    """Content-Encoding undone, cut at the limit."""
    whole: bool
    content_type: str
    robots_tags: tuple[str, ...]
    canonical_link: str = ""
    """The target of a `Link` header with rel=canonical, as written."""

    @classmethod
    def of(cls, body: bytes, headers: list[tuple[str, str]], limit: int) -> Content:
        """From a body as it came over the wire. Raises ValueError for a content encoding that is not known."""
        values = {name.lower(): value for name, value in headers}
        encodings = ",".join(value for name, value in headers if name.lower() == "content-encoding")
        text, whole = decoded(body, encodings, limit)
        tags = tuple(value for name, value in headers if name.lower() == "x-robots-tag")
        link = next((match[1] for match in map(_CANONICAL.search, _links(headers)) if match), "")
        return cls(text, whole, values.get("content-type", ""), tags, link)

    @property
    def media_type(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_page(self) -> bool:
        """Whether this is a text that may become a document."""
        if is_feed(self.body):
            return False
        if self.media_type:
            return self.media_type in TEXT_TYPES
        return b"\0" not in self.body[:1024] and self.body.lstrip()[:1] == b"<"

    def canonical(self, url: str) -> str | None:
        """The address that a page, or its server, says is its own: `<link rel=canonical>` or a `Link` header.

        An address that differs in a page number alone is no other spelling, whatever the page says.
        """
        target = urls.canonical(self.canonical_link, url) if self.canonical_link else None
        if target is None:
            target = links_in(self.body, url, self.content_type, self.robots_tags).canonical
        return None if target is None or _differ_in_page(target, url) else target

    def leads_to(self, fetch: Fetch, depth: int) -> list[Fetch]:
        """The addresses that this content names, where `fetch` is what was asked for; none deeper than `depth`.

        A page's links lie one deeper; the entries of a feed or sitemap lie where it does itself.
        """
        if fetch.role == "sitemap":
            sitemap = parse_sitemap(self.body, fetch.url)
            return [
                *(Fetch(url, "sitemap", fetch.depth, fetch.steps + 1, referrer=fetch.url) for url in sitemap.sitemaps),
                *_entries(fetch, sitemap.entries),
            ]
        is_html = self.media_type in ("", *TEXT_TYPES[:2])
        if is_feed(self.body) or (fetch.role == "feed" and not is_html):
            return list(_entries(fetch, parse_feed(self.body, fetch.url)))
        if not is_html or (fetch.role == "page" and fetch.depth >= depth):
            return []
        links = links_in(self.body, fetch.url, self.content_type, self.robots_tags)
        if fetch.role == "feed":  # a page was given in place of the feed that it declares
            return [Fetch(url, "feed", fetch.depth, fetch.steps + 1, referrer=fetch.url) for url in links.feeds]
        below = fetch.depth + 1
        return [
            *(Fetch(url, "feed", below, referrer=fetch.url) for url in links.feeds),
            *(Fetch(url, "page", below, referrer=fetch.url) for url in links.pages if url != fetch.url),
        ]


@lru_cache(maxsize=2)
def links_in(body: bytes, url: str, content_type: str, robots_tags: tuple[str, ...]) -> PageLinks:
    """`read_links`, parsed once for a page that is asked for its links and for its canonical address."""
    return read_links(body, url, content_type, robots_tags)


def _links(headers: list[tuple[str, str]]) -> list[str]:
    return [part for name, value in headers if name.lower() == "link" for part in re.split(r",\s*(?=<)", value)]


def _differ_in_page(one: str, other: str) -> bool:
    return one != other and _PAGE.sub("", one).rstrip("?&/") == _PAGE.sub("", other).rstrip("?&/")


def limit_for(fetch: Fetch, max_bytes: int) -> int:
    """Bytes that a body may have after decompression: sitemaps are allowed the size that their protocol grants."""
    return max(max_bytes, MAX_BYTES) if fetch.role == "sitemap" else max_bytes


def _entries(fetch: Fetch, entries: list[FeedEntry]) -> Iterator[Fetch]:
    for entry in entries:
        if entry.url != fetch.url:
            yield Fetch(
                entry.url,
                "page",
                fetch.depth,
                admitted=fetch.given,
                referrer=fetch.url,
                published=entry.published,
                title=entry.title,
            )


def redirected(fetch: Fetch, location: str) -> Fetch | None:
    """Where a redirect leads, in the place of what was asked for; None where that is no http(s) URL."""
    target = urls.canonical(location, fetch.url)
    if target is None:
        return None
    return Fetch(
        target,
        fetch.role,
        fetch.depth,
        fetch.steps + 1,
        fetch.given,
        fetch.admitted and not (fetch.given and fetch.role == "page"),
        fetch.url,
        fetch.published,
        fetch.title,
    )
