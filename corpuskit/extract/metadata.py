"""What a page says of itself: title, author, date, language, and what may be done with it.

Read from the parsed page alone (resiliparse tree): Open Graph, schema.org in JSON-LD and in attributes, HTML's own
`time`, and the robots and TDM reservation meta elements (W3C TDM Reservation Protocol, 2024).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from corpuskit.extract.result import Metadata

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-./년]\s?(\d{1,2})[-./월]\s?(\d{1,2})(?!\d)")
_STAMP = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?")
_TITLE_META = ("og:title", "twitter:title", "dc.title", "title")
_AUTHOR_META = ("author", "article:author", "dc.creator", "parsely-author", "sailthru.author", "byl", "twitter:creator")
_DATE_META = (
    "article:published_time",
    "og:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publish-date",
    "article.published",
)
_ROBOTS = ("robots", "googlebot", "googlebot-news", "gptbot", "ccbot", "ai")
_OPEN = ("all", "index", "follow")
_SITE = re.compile(r"\s+[|–—·:»-]\s+[^|–—·»]{1,40}$")
_PEOPLE = "[itemprop=author] [itemprop=name], [itemprop=author], a[rel=author], .byline-name, .author-name"


def read(tree: Any) -> Metadata:
    """Metadata of a parsed page (resiliparse HTMLTree). What it does not tell is None."""
    meta = _metas(tree)
    facts = list(_json_ld(tree))
    title = _title(tree, meta)
    published = next((date for key in _DATE_META if (date := _date(meta.get(key)))), None)
    published = published or next((date for fact in facts if (date := _date(fact.get("datePublished")))), None)
    author = next((name for fact in facts if (name := _person(fact.get("author")))), None)
    author = author or next((name for key in _AUTHOR_META if (name := _name(meta.get(key)))), None)
    if tree.body is not None:
        if not author:
            found = tree.body.query_selector(_PEOPLE)
            author = _name(found.text) if found is not None else None
        if not published:
            found = tree.body.query_selector("[itemprop=datePublished], time[pubdate], article time, time[datetime]")
            if found is not None:
                published = _date(found.getattr("datetime") or found.getattr("content") or found.text)
    return Metadata(title, author, published, _language(tree), _rights(meta))


def _metas(tree: Any) -> dict[str, str]:
    """name or property → content of the page's meta elements; the first of a name counts, robots are joined."""
    found: dict[str, str] = {}
    document = tree.document
    if document is None:
        return found
    for element in document.get_elements_by_tag_name("meta").values():
        content = (element.getattr("content") or "").strip()
        for attribute in ("name", "property", "itemprop"):
            key = (element.getattr(attribute) or "").strip().lower()
            if key and content:
                if key in _ROBOTS and key in found:
                    found[key] += "," + content
                found.setdefault(key, content)
    return found


def _json_ld(tree: Any) -> Iterator[dict[str, Any]]:
    """The schema.org objects of a page that say who wrote it or when, the outermost first."""
    if tree.document is None:
        return
    for script in tree.document.query_selector_all("script[type='application/ld+json']").values():
        try:
            waiting = [json.loads(script.text, strict=False)]
        except (ValueError, RecursionError):
            continue
        seen = 0
        while waiting and seen < 500:
            node = waiting.pop(0)
            seen += 1
            if isinstance(node, list):
                waiting.extend(node)
            elif isinstance(node, dict):
                if "datePublished" in node or "author" in node:
                    yield node
                waiting.extend(node[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if key in node)


def _title(tree: Any, meta: dict[str, str]) -> str | None:
    for key in _TITLE_META:
        if title := _line(meta.get(key)):
            return title
    if tree.body is not None:
        heads = [text for head in tree.body.get_elements_by_tag_name("h1").values() if (text := _line(head.text))]
        if len(heads) == 1:
            return heads[0]
    title = _line(tree.title)
    return _SITE.sub("", title) if title else None


def _person(value: Any) -> str | None:
    """`author` of schema.org: a name, an object with one, or a list of either."""
    if isinstance(value, list):
        names = [name for item in value[:10] if (name := _person(item))]
        return "; ".join(dict.fromkeys(names)) or None
    if isinstance(value, dict):
        return _person(value.get("name"))
    return _name(value) if isinstance(value, str) else None


def _name(value: str | None) -> str | None:
    name = _line(value)
    if not name or name.startswith(("http://", "https://", "@", "www.")) or len(name) > 120:
        return None
    return re.sub(r"^(?:written\s+)?by\s+", "", name, flags=re.I) or None


def _date(value: Any) -> str | None:
    """ISO 8601 from a date as written, or None."""
    if not isinstance(value, str):
        return None
    match = _STAMP.search(value)
    if match:
        return match[0].replace(" ", "T")
    match = _DATE.search(value)
    if match and 1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31:
        return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"
    return None


def _line(value: str | None) -> str | None:
    return " ".join(value.split())[:1000] or None if value else None


def _language(tree: Any) -> str | None:
    root = tree.document.document_element if tree.document is not None else None
    tag = (root.getattr("lang") or root.getattr("xml:lang") or "") if root is not None else ""
    code = re.split(r"[-_]", tag.strip().lower())[0]
    return code if code.isalpha() and 2 <= len(code) <= 3 else None


def _rights(meta: dict[str, str]) -> str | None:
    """Directives against use, as the page writes them: 'noai; noindex; tdm-reservation: 1'."""
    found = []
    for name in _ROBOTS:
        for part in meta.get(name, "").lower().split(","):
            directive = part.strip()
            if directive and directive not in _OPEN and not directive.startswith("max-"):
                found.append(directive if name == "robots" else f"{name}: {directive}")
    found += [f"{name}: {meta[name]}" for name in ("tdm-reservation", "tdm-policy") if name in meta]
    return "; ".join(dict.fromkeys(found)) or None
