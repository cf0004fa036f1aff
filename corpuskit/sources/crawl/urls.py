"""One spelling for each URL, so that the same page is asked for once.

The normalisations are those of RFC 3986 section 6.2.2 and 6.2.3 (case, escapes, dot segments, default port) and keep
the resource the same, but for one: parameters that only name the campaign a reader came from are left out.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

MAX_LENGTH = 2048
"""A URL longer than this is refused: no page that people read has one, traps for crawlers do."""

_CAMPAIGN = re.compile(r"(utm_\w+|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|igshid|yclid)(=|$)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\]")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_BARE_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT = {"http": 80, "https": 443}


def canonical(url: str, base: str | None = None, encoding: str = "utf-8") -> str | None:
    """The one spelling of an http(s) URL, ASCII, without fragment; None for what is no such URL.

    `base` resolves a relative reference; `encoding` is that of the page, in which browsers write queries.
    """
    url = _CONTROL.sub("", url).strip()
    try:
        if base is not None:
            url = urljoin(base, url)
        parts = urlsplit(url.replace("\\", "/") if "?" not in url else url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return None
    scheme = parts.scheme.lower()
    bracketed = f"[{host}]" if ":" in host else host
    if scheme not in _DEFAULT_PORT or not _HOST.fullmatch(bracketed):
        return None
    netloc = bracketed if port in (None, _DEFAULT_PORT[scheme]) else f"{bracketed}:{port}"
    path = _without_dots(_escaped(parts.path, "!$&'()*+,;=:@/", "utf-8")) or "/"
    kept = [field for field in parts.query.split("&") if not _CAMPAIGN.match(field)]
    query = _escaped("&".join(kept), "!$&'()*+,;=:@/?", encoding)
    found = urlunsplit((scheme, netloc, path, query, ""))
    return found if len(found) <= MAX_LENGTH else None


def _escaped(part: str, safe: str, encoding: str) -> str:
    part = _BARE_PERCENT.sub("%25", part)
    part = _ESCAPE.sub(_escape, part)
    try:
        return quote(part, safe=safe + "%", encoding=encoding, errors="replace")
    except LookupError:
        return quote(part, safe=safe + "%", errors="replace")


def _escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def origin(url: str) -> str:
    """Scheme, host and port of a canonical URL: what one robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host(url: str) -> str:
    """The host name of a canonical URL, without port: what politeness counts by."""
    return urlsplit(url).hostname or ""
