"""What a sitemap names: pages, and further sitemaps (sitemaps.org protocol 0.9; news extension; text sitemaps)."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from lxml import etree

from corpuskit.extract.evidence.dates import parse_date
from corpuskit.sources.archives.bodies import gunzipped
from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.feeds import FeedEntry, is_feed, parse_feed, plain_text

MAX_BYTES = 50 << 20
"""The protocol's limit for one sitemap, after decompression. What lies beyond is cut, a gzip bomb too."""

MAX_URLS = 50_000
"""The protocol's limit for the addresses in one sitemap."""


@dataclass(frozen=True)
class Sitemap:
    """The addresses in a sitemap, canonical and each once."""

    urls: list[str] = field(default_factory=list)
    """Pages."""
    sitemaps: list[str] = field(default_factory=list)
    """Further sitemaps, where this is an index."""
    entries: list[FeedEntry] = field(default_factory=list)
    """The pages with the dates and titles that a news sitemap or a feed tells of them, in the order of `urls`."""


def parse_sitemap(data: bytes, url: str) -> Sitemap:
    """Read a sitemap: XML (also ill-formed), an index, a feed, or a text with one address a line; gzip or plain.

    `url` is where it was fetched. Never fails: what cannot be read is left out. Only http(s) addresses are kept.
    """
    if data.startswith(b"\x1f\x8b"):
        data, _ = gunzipped(data, MAX_BYTES)
    data = data[:MAX_BYTES]
    if is_feed(data):
        return _sitemap(parse_feed(data, url), [])
    if not data.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return _text_sitemap(data)
    pages: list[FeedEntry] = []
    sitemaps: list[str] = []
    values: dict[str, str] = {}
    parser = etree.iterparse(
        io.BytesIO(data), events=("end",), recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        for _, element in parser:
            name = etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""
            if name in ("loc", "publication_date", "title"):
                values.setdefault(name, element.text or "")
            elif name in ("url", "sitemap"):
                address = urls.canonical(values.get("loc", "").strip(), url) if values.get("loc") else None
                if address and name == "sitemap":
                    sitemaps.append(address)
                elif address:
                    when, title = parse_date(values.get("publication_date")), plain_text(values.get("title"))
                    pages.append(FeedEntry(address, when, title))
                values = {}
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
                if len(pages) + len(sitemaps) >= MAX_URLS:
                    break
    except (etree.XMLSyntaxError, ValueError, AssertionError):
        pass  # what was read until here counts
    return _sitemap(pages, sitemaps)


def _text_sitemap(data: bytes) -> Sitemap:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = data.decode(encoding, "replace").splitlines()
    found = [urls.canonical(line) for line in lines if line.lstrip().lower().startswith(("http://", "https://"))]
    return _sitemap([FeedEntry(address) for address in found if address], [])


def _sitemap(pages: list[FeedEntry], sitemaps: list[str]) -> Sitemap:
    once = {entry.url: entry for entry in reversed(pages[:MAX_URLS])}
    entries = list(reversed(once.values()))
    return Sitemap([entry.url for entry in entries], list(dict.fromkeys(sitemaps)), entries)
