"""What the content of a response is, and which addresses it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.bodies import decoded
from corpuskit.sources.crawl.feeds import FeedEntry, is_feed, parse_feed
from corpuskit.sources.crawl.links import read_links
from corpuskit.sources.crawl.sitemaps import MAX_BYTES, parse_sitemap
from corpuskit.sources.crawl.state import Fetch
from corpuskit.sources.warc import TEXT_TYPES


@dataclass(frozen=True)
class Content:
    """A response as far as finding further addresses needs it."""

    body: bytes
    """Content-Encoding undone, cut at the limit."""
    whole: bool
    content_type: str
    robots_tags: list[str]

    @classmethod
    def of(cls, body: bytes, headers: list[tuple[str, str]], limit: int) -> Content:
        """From a body as it came over the wire. Raises ValueError for a content encoding that is not known."""
        values = {name.lower(): value for name, value in headers}
        encodings = ",".join(value for name, value in headers if name.lower() == "content-encoding")
        text, whole = decoded(body, encodings, limit)
        tags = [value for name, value in headers if name.lower() == "x-robots-tag"]
        return cls(text, whole, values.get("content-type", ""), tags)

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
        links = read_links(self.body, fetch.url, self.content_type, self.robots_tags)
        if fetch.role == "feed":  # a page was given in place of the feed that it declares
            return [Fetch(url, "feed", fetch.depth, fetch.steps + 1, referrer=fetch.url) for url in links.feeds]
        below = fetch.depth + 1
        return [
            *(Fetch(url, "feed", below, referrer=fetch.url) for url in links.feeds),
            *(Fetch(url, "page", below, referrer=fetch.url) for url in links.pages if url != fetch.url),
        ]


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
        fetch.url,
        fetch.published,
        fetch.title,
    )
