"""From the bytes of a page to its text and what it says of itself."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, get_args

from corpuskit.errors import UsageError, nearest
from corpuskit.extract import accurate, fast, metadata, threads
from corpuskit.extract.charset import decode
from corpuskit.extract.result import Extracted, Metadata

Engine = Literal["accurate", "fast"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_SPACES = re.compile(r"[ \t\xa0\u2000-\u200a\u202f\u3000]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = re.compile(r"[\u200b\u2060\ufeff\xad]")
_LOOKS_LIKE_HTML = re.compile(rb"<(?:!doctype|html|head|body|div|p|span|article|title|meta|table|h\d)\b", re.I)
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b")


class Unreadable(ValueError):
    """The page is none that a parser could read; the message says why."""


def extract(
    html: bytes | str,
    url: str | None = None,
    media_type: str | None = None,
    kind: str = "other",
    engine: Engine = "accurate",
) -> Extracted:
    """The text, title, author, date and rights of a page.

    `media_type` is the HTTP Content-Type, which may name the encoding; text/plain passes through. `kind` 'community'
    keeps the posts of a thread in order. A page without text has the text ''. Runs in this process: a page that
    hangs or crashes a parser takes the caller along (`corpuskit.extract.Sandbox` does not).

    Raises Unreadable for binary data, UsageError for an unknown engine.
    """
    if engine not in get_args(Engine):
        raise UsageError(f"unknown extraction engine '{engine}'{nearest(engine, get_args(Engine))}")
    if isinstance(html, bytes):
        if _is_binary(html):
            raise Unreadable("binary data, no page")
        text, charset = decode(html, media_type)
    else:
        text, charset = html.encode("utf-8", "replace").decode(), "str"
    if _is_plain(text, media_type):
        return Extracted(clean(text), None, None, None, None, None, charset, "plain")
    return _from_html(text, url, kind, engine, charset)


def _from_html(html: str, url: str | None, kind: str, engine: Engine, charset: str) -> Extracted:
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(html.replace("\0", ""))
    told = metadata.read(tree)
    comments = kind == "community"
    if comments and (posts := threads.keep_posts(tree)):
        text = clean(fast.text_of(tree))
        if text:
            found = accurate.facts(html, url) if engine == "accurate" else Metadata()
            return _merge(text, found, told, charset, "posts", posts)
    fast.prune(tree)
    text, found = clean(fast.main_text(tree, comments)), Metadata()
    if engine == "accurate":
        text, found = accurate.article(html, url, comments, text)
        text = clean(text)
    return _merge(text, found, told, charset, engine, 0)


def _merge(text: str, found: Metadata, told: Metadata, charset: str, method: str, posts: int) -> Extracted:
    return Extracted(
        text=text,
        title=_short(found.title or told.title),
        author=_short(found.author or told.author),
        published=told.published or found.published,
        language_hint=told.language,
        rights=_short(told.rights),
        charset=charset,
        method=method,
        posts=posts,
    )


def clean(text: str) -> str:
    """Text in NFC without control and invisible characters; runs of spaces and of blank lines become one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SPACES.sub(" ", _INVISIBLE.sub("", _CONTROL.sub("", text)))
    text = "\n".join(line.strip() for line in text.split("\n"))
    return unicodedata.normalize("NFC", _BLANK_LINES.sub("\n\n", text).strip())


def _short(value: str | None) -> str | None:
    return (clean(value)[:1000] or None) if value else None


def _is_binary(data: bytes) -> bool:
    """True for images, archives and the like: control bytes, in no pattern of UTF-16 or UTF-32."""
    head = data[:1024]
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return False
    odd = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    zeros = head.count(0)
    return (odd > 0.05 * len(head) and zeros < 0.2 * len(head)) or head.startswith(
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
