"""What a page says to a crawler: its links, its feeds, and whether its links are to be followed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from corpuskit.extract.evidence.charset import decode
from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.robots import PRODUCT

_FEED_TYPES = frozenset(
    ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "application/json")
)
_REFRESH = re.compile(r"\s*[\d.]*\s*[;,]\s*(?:url\s*=\s*)?['\"]?([^'\"]+)", re.IGNORECASE)
_UNAVAILABLE = re.compile(r"unavailable_after\b.*", re.IGNORECASE)


@dataclass(frozen=True)
class PageLinks:
    """The addresses on a page, canonical, in its order, each once."""

    pages: list[str]
    feeds: list[str]
    canonical: str | None
    """The address that the page says is its own (`<link rel=canonical>`)."""
    nofollow: bool
    """The page, or its server, asks that none of its links be followed; `pages` is empty then."""


def read_links(body: bytes, url: str, content_type: str = "", robots_tags: Iterable[str] = ()) -> PageLinks:
    """Links of an HTML page: `a`, `area`, `frame`, `iframe`, `link rel=next`, an immediate refresh, and its feeds.

    `robots_tags` are its X-Robots-Tag headers. Links with rel=nofollow are left out. Never fails.
    """
    text, encoding = decode(body, content_type)
    parser = etree.HTMLParser(encoding="utf-8", recover=True, huge_tree=True, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(text.replace("\0", " ").encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return PageLinks([], [], None, False)
    base = url
    pages: dict[str, None] = {}
    feeds: dict[str, None] = {}
    own: dict[str, None] = {}
    nofollow = says_nofollow(robots_tags)
    for element in root.iter("base", "meta", "link", "a", "area", "frame", "iframe"):
        rel = (element.get("rel") or "").lower().split()
        if element.tag == "base":
            base = urls.canonical(element.get("href") or "", url) or base
        elif element.tag == "meta":
            content = element.get("content") or ""
            if (element.get("name") or "").strip().lower() in ("robots", PRODUCT):
                nofollow = nofollow or says_nofollow([content])
            elif (element.get("http-equiv") or "").strip().lower() == "refresh":
                _add(pages, _refresh_target(content), base, encoding)
        elif element.tag == "link":
            kind = (element.get("type") or "").partition(";")[0].strip().lower()
            if "alternate" in rel and kind in _FEED_TYPES:
                _add(feeds, element.get("href"), base, encoding)
            elif "canonical" in rel:
                _add(own, element.get("href"), base, encoding)
            elif "next" in rel:
                _add(pages, element.get("href"), base, encoding)
        elif "nofollow" not in rel:
            _add(pages, element.get("src" if element.tag in ("frame", "iframe") else "href"), base, encoding)
    canonical = next(iter(own), None)
    return PageLinks([] if nofollow else list(pages), [] if nofollow else list(feeds), canonical, nofollow)


def _add(found: dict[str, None], link: str | None, base: str, encoding: str) -> None:
    if link is not None and not link.startswith("#"):
        address = urls.canonical(link, base, encoding)
        if address:
            found.setdefault(address)


def _refresh_target(content: str) -> str | None:
    match = _REFRESH.match(content)
    return match[1].strip() if match else None


def says_nofollow(values: Iterable[str]) -> bool:
    """Whether robots directives (of a meta element, or X-Robots-Tag headers) ask us not to follow links.

    A header may address one crawler by name (`otherbot: nofollow`); such a one counts when the name is ours.
    """
    for value in values:
        agent, colon, rest = _UNAVAILABLE.sub("", value).partition(":")
        if colon and agent.strip().lower() != PRODUCT:
            continue
        directives = {word.strip().lower() for word in (rest if colon else agent).split(",")}
        if directives & {"nofollow", "none"}:
            return True
    return False
