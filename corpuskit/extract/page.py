"""From the bytes of a page to its text and what it says of itself."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from typing import Any, Literal, get_args

import numpy as np

from corpuskit.errors import UsageError, nearest
from corpuskit.extract.documents import document_format, read_document
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.result import Extracted

Engine = Literal["learned", "fast", "accurate"]
"""`learned`. The names of the engines that it replaced, `fast` and `accurate`, mean the same."""
Format = Literal["text", "markdown"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_SPACES = re.compile(r"[ \t\xa0\u2000-\u200a\u202f\u3000]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = re.compile(r"[\u200b\u2060\ufeff\xad]")
_LOOKS_LIKE_HTML = re.compile(rb"<(?:!doctype|html|head|body|div|p|span|article|title|meta|table|h\d)\b", re.I)
_CERTAIN = 0.7


def extract(
    html: bytes | str,
    url: str | None = None,
    media_type: str | None = None,
    kind: str = "other",
    engine: Engine = "learned",
    format: Format = "text",
    fetched: str | None = None,
) -> Extracted:
    """The text, title, author, dates and rights of a page or document.

    `media_type` is the HTTP Content-Type, which may name the encoding; text/plain passes through, and PDF, office
    files, books and mail are read by their format (see `corpuskit.extract.documents`). `kind` is a hint of the source
    ('community' for threads). `format` 'markdown' keeps headings, lists, tables and code fences. `fetched` (ISO 8601)
    is the day after which no date of the page can lie. A page without text has the text ''. Runs in this process: a
    page that hangs or crashes a parser takes the caller along (`corpuskit.extract.Sandbox` does not).

    Raises Unreadable for binary data and damaged documents, UsageError for an unknown engine or format.
    """
    for value, known in ((engine, get_args(Engine)), (format, get_args(Format))):
        if value not in known:
            what = "engine" if known == get_args(Engine) else "format"
            raise UsageError(f"unknown extraction {what} '{value}'{nearest(value, known)}")
    if isinstance(html, bytes):
        found = document_format(html, media_type, url)
        if found:
            return read_document(html, found, url)
        if _is_binary(html):
            raise Unreadable("binary data, no page")
        text, charset = decode(html, media_type)
    else:
        text, charset = html.encode("utf-8", "replace").decode(), "str"
    if _is_plain(text, media_type):
        return Extracted(clean(text), None, None, None, None, None, charset, "plain")
    return _from_html(text, url, media_type, kind, format, charset, _latest(fetched))


def _from_html(
    html: str, url: str | None, media_type: str | None, kind: str, format: Format, charset: str, latest: date | None
) -> Extracted:
    from corpuskit.extract import embedded, learned, markdown
    from corpuskit.extract.blocks import blocks
    from corpuskit.extract.evidence import page as evidence
    from corpuskit.extract.parse import parse

    is_xml = "xhtml" in (media_type or "").lower() or html[:200].lstrip().startswith("<?xml")
    page = blocks(parse(html.encode("utf-8", "replace"), is_xml))
    nodes = embedded.json_ld(page.tree)
    choice = learned.choose(page, url, kind, nodes)
    facts = evidence.read(page, url, choice.keep, latest, nodes)
    text = choice.text
    if format == "markdown" and choice.keep is not None:
        text = markdown.markdown(page, choice.keep)
    published = facts.best("published")
    return Extracted(
        text=composed(text),
        title=_short(facts.value("title")),
        author=_short(facts.value("author")),
        published=published.value if published else None,
        language_hint=facts.value("language"),
        rights=_short(facts.rights),
        charset=charset,
        method=choice.method,
        posts=choice.posts,
        modified=facts.value("modified"),
        canonical=facts.value("canonical"),
        license=_short(facts.value("license")),
        page_type=choice.page_type,
        type_probability=choice.type_probability,
        expected_f1=choice.expected_f1,
        is_dated_by_page=published is not None and published.confidence >= _CERTAIN,
        evidence=[
            {"field": name, "value": found.value[:300], "source": found.source, "confidence": found.confidence}
            for name, values in facts.candidates.items()
            for found in values[:8]
        ],
    )


def warm_up() -> None:
    """Load the models and compile every kernel, so that no page's time is spent on it: the first run of a new
    installation compiles for half a minute or more."""
    page = (
        '<html lang="ko"><head><meta charset="utf-8"><title>항구 &amp; 등대</title>'
        '<script type="application/ld+json">{"@type": "Article", "articleBody": "A sentence about a harbour."}</script>'
        '</head><body><nav><a href="/">Home</a></nav><article class="post"><h1>등대</h1><p>배는 <em>아홉</em> 시</p>'
        "<ul><li>one</li><li>two</li></ul><table><tr><th>a</th><td>1</td></tr></table><pre>x = 1\n  y</pre><br>"
        '<p hidden>no</p><ruby>漢<rt>han</rt></ruby><time datetime="2026-03-02">2 March</time></article></body></html>'
    )
    for data, media_type in (
        (page.encode(), "text/html"),
        (page.encode("cp949", "ignore"), None),
        (b"plain text", None),
    ):
        for format_ in get_args(Format):
            extract(data, "https://example.org/a", media_type, format=format_)


def composed(text: str) -> str:
    """Text in NFC without control characters; its white space stays, so that code keeps its lines."""
    return unicodedata.normalize("NFC", _CONTROL.sub("", text)).strip("\n")


def clean(text: str) -> str:
    """Text in NFC without control and invisible characters; runs of spaces and of blank lines become one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SPACES.sub(" ", _INVISIBLE.sub("", _CONTROL.sub("", text)))
    text = "\n".join(line.strip() for line in text.split("\n"))
    return unicodedata.normalize("NFC", _BLANK_LINES.sub("\n\n", text).strip())


def _short(value: str | None) -> str | None:
    return (clean(value)[:1000] or None) if value else None


def _latest(fetched: str | None) -> date | None:
    """Two days after the fetch: a page may be written where it is tomorrow already."""
    try:
        return date.fromisoformat((fetched or "")[:10]) + timedelta(days=2)
    except ValueError:
        return None


def _is_binary(data: bytes) -> bool:
    """True for images, archives and the like: control bytes, in no pattern of UTF-16 or UTF-32."""
    head = data[:1024]
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return False
    counts: Any = np.bincount(np.frombuffer(head, np.uint8), minlength=256)
    odd = int(counts[:9].sum() + counts[14:27].sum() + counts[28:32].sum())
    return (odd > 0.05 * len(head) and counts[0] < 0.2 * len(head)) or head.startswith(
        (b"%PDF-", b"PK\x03\x04", b"\x89PNG")
    )


def _is_plain(text: str, media_type: str | None) -> bool:
    kind = (media_type or "").split(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        return False
    head = text[:4096].encode("utf-8", "replace")
    if kind.startswith("text/"):
        return not head.lstrip().lower().startswith((b"<!doctype html", b"<html"))
    return not _LOOKS_LIKE_HTML.search(head) and "</" not in text
