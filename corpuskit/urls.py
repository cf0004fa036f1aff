"""Addresses of pages: one spelling to fetch a page by (`canonical`), and what tells pages apart (`identity`).

The normalisations are those of RFC 3986, sections 6.2.2 and 6.2.3: case, escapes of unreserved characters, dot
segments, default ports. An escape of a reserved character stays (`%2F` is not `/`), and so does the fragment where it
names a page (`#!`). Beyond the RFC, parameters of tracking are removed, and session ids of servers that write them in
one fixed way. A parameter that merely looks like one of those stays: to lose a page is worse than to see it twice.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

__all__ = ["MAX_LENGTH", "canonical", "host", "identity", "origin"]

MAX_LENGTH = 2048
"""A URL longer than this is refused: no page that people read has one, traps for crawlers do."""

_GOOGLE = "brand campaign cid content creative_format id marketing_tactic medium name place pubreferrer reader referrer"
_GOOGLE += " social source source_platform swu term viz_id"
_MATOMO = "campaign cid content cpn group keyword kwd medium placement source"
_HUBSPOT = "acc ad cam grp kw la mt net ol src tgt ver"
_OTHERS = """
_ga _gac _gl _hsenc _hsmi __hssc __hstc __hsfp _openstat dclid epik fbclid gbraid gclid gclsrc hsctatracking igsh igshid
li_fat_id mc_cid mc_eid mkt_tok msclkid napm oly_anon_id oly_enc_id ref_src s_kwcid srsltid ttclid twclid vero_id wbraid
wickedid yclid ysclid
"""
_TRACKING = frozenset(
    [f"utm_{name}" for name in _GOOGLE.split()]
    + [f"{tool}_{name}" for tool in ("pk", "mtm", "piwik") for name in _MATOMO.split()]
    + [f"hsa_{name}" for name in _HUBSPOT.split()]
    + _OTHERS.split()
)
"""Query parameters of advertising and statistics, in lower case: Google, Meta, Microsoft, Yandex, Naver, X, TikTok,
LinkedIn, Mailchimp, HubSpot, Marketo, Matomo."""

_SESSION = re.compile(r"(phpsessid|jsessionid|aspsessionid[a-z]{8}|cftoken|cfid|zenid|oscsid)", re.IGNORECASE)
"""Query parameters in which PHP, Java servlets, ASP, ColdFusion, Zen Cart and osCommerce put a session's id."""
_SESSION_IN_PATH = re.compile(r";jsessionid=[^/;]*|/\(S\([0-9a-z]{24}\)\)(?=/)", re.IGNORECASE)
"""The same of Java servlets and ASP.NET, in the path."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\]")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_BARE_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT = {"http": 80, "https": 443}


def canonical(url: str, base: str | None = None, encoding: str = "utf-8") -> str | None:
    """The one spelling of an http(s) URL, in ASCII; None for what is no such URL or is longer than MAX_LENGTH.

    `base` resolves a relative reference; `encoding` is that of the page, in which browsers write queries.
    """
    spelled = _spelled(url, base, encoding)
    return spelled if spelled is not None and len(spelled) <= MAX_LENGTH else None


def _spelled(url: str, base: str | None = None, encoding: str = "utf-8") -> str | None:
    url = _CONTROL.sub("", url).strip()
    try:
        if base is not None:
            url = urljoin(base, url)
        parts = urlsplit(url.replace("\\", "/") if "?" not in url else url)
        port = parts.port
        name = (parts.hostname or "").rstrip(".")
        if not name.isascii():
            name = name.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return None
    scheme = parts.scheme.lower()
    bracketed = f"[{name}]" if ":" in name else name
    if scheme not in _DEFAULT_PORT or not _HOST.fullmatch(bracketed):
        return None
    netloc = bracketed if port in (None, _DEFAULT_PORT[scheme]) else f"{bracketed}:{port}"
    path = _without_dots(_escaped(_SESSION_IN_PATH.sub("", parts.path), "!$&'()*+,;=:@/", "utf-8")) or "/"
    query = _escaped("&".join(_telling(parts.query)), "!$&'()*+,;=:@/?", encoding)
    fragment = _escaped(parts.fragment, "!$&'()*+,;=:@/?", "utf-8") if parts.fragment.startswith("!") else ""
    return urlunsplit((scheme, netloc, path, query, fragment))


def identity(url: str) -> str:
    """The same string for all addresses of one page, for comparing alone: it may be no address to fetch from.

    That is the canonical URL with https as http, without a final slash, and with its parameters sorted. They keep their
    order where it may matter: where a name is repeated or a parameter has no value. What is no http(s) URL is itself,
    without white space around it.
    """
    spelled = _spelled(url)
    if spelled is None:
        return url.strip()
    parts = urlsplit(spelled)
    query = parts.query
    fields = query.split("&")
    names = [field.partition("=")[0] for field in fields]
    if len(set(names)) == len(names) and all("=" in field for field in fields):
        query = "&".join(sorted(fields))
    return urlunsplit(("http", parts.netloc, parts.path.removesuffix("/"), query, parts.fragment))


def _telling(query: str) -> list[str]:
    """The parameters of a query without those of tracking and sessions."""
    kept = []
    for field in query.split("&"):
        name = field.partition("=")[0]
        if name.lower() not in _TRACKING and not _SESSION.fullmatch(name):
            kept.append(field)
    return kept


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
