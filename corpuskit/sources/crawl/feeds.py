"""What a feed announces: RSS, Atom and RDF by feedparser, JSON Feed (jsonfeed.org, 1.1) here."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from corpuskit.errors import require
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.sources.crawl import urls

MAX_BYTES = 10 << 20
"""What is read of a feed."""

_TAG = re.compile(r"<[^<>]{0,1000}>")
_XML_FEED = re.compile(
    rb"(?:\s++|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*+(?:\[.*?\]\s*)?>)*+<(?:\w+:)?(?:rss|feed|RDF)[\s>]", re.S | re.I
)
"""The root element of a feed, behind what may come before it in XML."""
_DECLARED = re.compile(r"\A\s*<\?xml[^>]{0,300}\?>")
_DATES = ("published", "updated", "created")


@dataclass(frozen=True)
class FeedEntry:
    """A page that a feed or sitemap names."""

    url: str
    """Canonical http(s) URL."""
    published: str | None = None
    """ISO 8601 date or date-time, with the offset that the feed tells."""
    title: str | None = None
    """Plain text, NFC."""


def is_feed(data: bytes) -> bool:
    """Whether bytes begin as a feed does."""
    start = data[:2048].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"{"):
        return b"jsonfeed.org/version" in start
    return _XML_FEED.match(start) is not None


def parse_feed(data: bytes, url: str) -> list[FeedEntry]:
    """The pages that a feed names, in its order, each once. `url` is where it was fetched, and resolves its links.

    Never fails: what cannot be read is left out, and what is no feed has no entries. Only http(s) links are kept.
    """
    data = data[:MAX_BYTES]
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        found = _json_entries(data, url)
    else:
        found = _xml_entries(data, url)
    once: dict[str, FeedEntry] = {}
    for entry in found:
        once.setdefault(entry.url, entry)
    return list(once.values())


def _xml_entries(data: bytes, url: str) -> list[FeedEntry]:
    feedparser = require("feedparser", "crawl")
    text, _ = decode(data)
    data = _DECLARED.sub("", text, count=1).encode("utf-8", "replace")
    try:
        # BytesIO, because feedparser takes plain bytes for the name of a file to open
        parsed = feedparser.parse(
            io.BytesIO(data),
            response_headers={"content-location": url, "content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except Exception:  # its parsers raise whatever an ill-formed feed makes them stumble over
        return []
    entries = []
    for entry in parsed.entries:
        link = _first_link(entry)
        address = urls.canonical(link, url) if link else None
        if address:
            when = next((day for key in _DATES if (day := parse_date(entry.get(key)))), None)
            entries.append(FeedEntry(address, when, plain_text(entry.get("title"))))
    return entries


def _first_link(entry: Mapping[str, Any]) -> str | None:
    candidates = [entry.get("feedburner_origlink"), entry.get("link")]
    candidates += [link.get("href") for link in entry.get("links", []) if link.get("rel", "alternate") == "alternate"]
    return next((link for link in candidates if isinstance(link, str) and link.strip()), None)


def _json_entries(data: bytes, url: str) -> list[FeedEntry]:
    try:
        feed = json.loads(decode(data)[0])
    except (ValueError, RecursionError):
        return []
    items = feed.get("items") if isinstance(feed, dict) else None
    entries = []
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        link = next((item[key] for key in ("url", "external_url", "id") if isinstance(item.get(key), str)), None)
        address = urls.canonical(link, url) if link else None
        if address:
            when = item.get("date_published") or item.get("date_modified")
            entries.append(FeedEntry(address, parse_date(when), plain_text(item.get("title"))))
    return entries


def plain_text(value: object) -> str | None:
    """A title without tags, entities, control characters and runs of space, NFC; None where nothing is left."""
    if not isinstance(value, str):
        return None
    text = unescape(_TAG.sub("", value[:4000])).encode("utf-8", "replace").decode("utf-8")
    text = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
    return unicodedata.normalize("NFC", text) or None
