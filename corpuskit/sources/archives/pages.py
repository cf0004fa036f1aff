"""The page that a record holds, or why it holds none. Every record is one of: a page, a skip, or damage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from corpuskit.extract.documents.formats import MEDIA_TYPES
from corpuskit.sources.archives.bodies import dechunked, decoded
from corpuskit.sources.archives.records import Damage, Record
from corpuskit.sources.files import RECORD_BYTES

TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain", *MEDIA_TYPES)
"""Media types of the pages and documents that are read; a response that names none is taken when its bytes look like
one of them."""

STATUSES = (200, 203, 206)
"""HTTP statuses of pages: OK, changed on the way by a proxy, and a part (marked as cut unless it is all)."""

_UNTYPED = ("", "application/octet-stream", "binary/octet-stream", "application/unknown", "unknown/unknown")
_XML = ("application/xml", "text/xml")
_STATUS_LINE = re.compile(rb"HTTP/\S*[ \t]+(\d{3})[^\r\n]*(\r?\n|$)|ICY[ \t]+(\d{3})[^\r\n]*(\r?\n|$)")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_HTML_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!doctype\s+html\b|<html\b)", re.I | re.S
)
_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+)")


@dataclass
class Page:
    """One archived page: its bytes, transfer and content coding undone, and what the archive says of it."""

    url: str | None
    content: bytes
    media_type: str | None
    fetched: str | None
    rights: str | None
    offset: int
    """Where its record begins in the archive."""
    length: int | None = None
    """Bytes of the record as stored, where the archive tells."""
    truncated: str | None = None
    """Why this is not the whole page (WARC-Truncated, a body that breaks off, a missing segment); None where it is."""


@dataclass(frozen=True)
class Skip:
    """A record that is no page, and is not meant to be one."""

    reason: str


Outcome = Page | Skip | Damage
_Http = tuple[int, list[tuple[str, str]], bytes]


def outcomes(found: Iterable[Record | Damage]) -> Iterator[Outcome]:
    """What becomes of each record of an archive, in order; segments that follow each other are joined first."""
    for record in _joined(found):
        yield page_of(record) if isinstance(record, Record) else record


def _joined(found: Iterable[Record | Damage]) -> Iterator[Record | Damage | Skip]:
    """Records with the continuation records (ISO 28500:2017, section 6.9) behind them joined to them."""
    held: Record | None = None
    segment = 1
    for record in found:
        if held is not None:
            if isinstance(record, Record) and _continues(held, record, segment):
                segment += 1
                held.block += record.block
                held.length = None
                total = record.headers.get("warc-segment-total-length")
                if total is not None and total.isdecimal() and int(total) == len(held.block):
                    held.problem = None
                    yield held
                    held = None
                yield Skip("continuation: joined to its first segment")
                continue
            yield held
            held = None
        if isinstance(record, Record) and record.headers.get("warc-segment-number") == "1":
            held, segment = record, 1
            held.problem = "segments are missing"
            continue
        yield record
    if held is not None:
        yield held


def _continues(first: Record, record: Record, segment: int) -> bool:
    if record.type != "continuation" or record.headers.get("warc-segment-number") != str(segment + 1):
        return False
    if len(first.block) + len(record.block) > RECORD_BYTES:
        return False
    origin = record.headers.get("warc-segment-origin-id")
    same_page = record.headers.get("warc-target-uri") == first.headers.get("warc-target-uri") is not None
    return origin == first.headers.get("warc-record-id") or same_page


def page_of(record: Record) -> Outcome:
    """The page in a record."""
    url = _url(record.headers.get("warc-target-uri"))
    if record.type == "response":
        return _response(record, url)
    if record.type in ("resource", "conversion"):
        return _resource(record, url)
    if record.type == "continuation":
        return Damage(
            "continuation of a record that does not lie before it", record.offset, url, record.block[: 1 << 16]
        )
    if record.type == "revisit":
        return Skip("revisit: the same as an earlier record")
    if not record.type:
        return Damage("record without WARC-Type", record.offset, url, record.block[: 1 << 16])
    return Skip(f"{record.type} record")


def _resource(record: Record, url: str | None) -> Outcome:
    if url and url.startswith("urn:text:"):  # browsertrix: the text of a page as its browser showed it
        url = url.removeprefix("urn:text:")
    elif url and not url.startswith(("http://", "https://", "file:")):
        return Skip(f"{record.type} of {url.partition(':')[0]}:")
    declared = record.headers.get("content-type")
    media_type = _page_type(declared, record.headers.get("warc-identified-payload-type"), record.block)
    if media_type is _NO_PAGE:
        return Skip(f"media type {_base(declared) or 'unknown'}")
    if not record.block:
        return Skip("empty page")
    return Page(
        url, record.block, media_type, record.headers.get("warc-date"), None, record.offset, record.length, _cut(record)
    )


def _response(record: Record, url: str | None) -> Outcome:
    def damage(reason: str) -> Damage:
        return Damage(reason, record.offset, url, record.block[: 1 << 16])

    http = _http(record.block)
    if http is None:
        if url and not url.startswith(("http://", "https://")):
            return Skip(f"response of {url.partition(':')[0]}:")
        return damage("response without an HTTP status line")
    status, headers, payload = http
    if status not in STATUSES:
        return Skip(f"HTTP status {status}")
    values: dict[str, str] = {}
    for name, value in headers:
        values[name] = f"{values[name]}, {value}" if name in values else value
    declared = values.get("content-type")
    identified = record.headers.get("warc-identified-payload-type")
    if _page_type(declared, identified, b"") is _NO_PAGE and _base(declared) not in (*_UNTYPED, *_XML):
        return Skip(f"media type {_base(declared)}")
    truncated = _cut(record)
    content, whole = dechunked(payload) if "chunked" in values.get("transfer-encoding", "").lower() else (payload, True)
    if not whole:
        truncated = truncated or "the last chunk is missing"
    encodings = values.get("content-encoding", "")
    try:
        content, complete = decoded(content, encodings, RECORD_BYTES)
    except ValueError as error:
        return damage(f"HTTP response cannot be decoded: {error}")
    if len(content) >= RECORD_BYTES and not complete:
        return damage(f"page decodes to more than {RECORD_BYTES} bytes")
    if not complete:
        truncated = truncated or f"the {encodings or 'compressed'} data breaks off"
    stated = values.get("content-length", "")
    if not encodings and "transfer-encoding" not in values and stated.isdecimal() and len(payload) < int(stated):
        truncated = truncated or f"{len(payload)} of {stated} bytes"
    if status == 206:
        part = _RANGE.match(values.get("content-range", ""))
        if part is None or int(part[1]) > 0 or int(part[2]) + 1 < int(part[3]):
            truncated = truncated or f"partial content: {values.get('content-range', 'of no stated range')}"
    if not content:
        return Skip("empty page") if truncated is None else damage(f"page cut to nothing: {truncated}")
    media_type = _page_type(declared, identified, content)
    if media_type is _NO_PAGE:
        return Skip(f"media type {_base(declared) or 'unknown'}")
    when = record.headers.get("warc-date")
    return Page(url, content, media_type, when, rights_of(headers), record.offset, record.length, truncated)


def _cut(record: Record) -> str | None:
    """Why a record does not hold the whole page, by the archive's own word."""
    if record.problem == "segments are missing":
        return record.problem
    return record.headers.get("warc-truncated")


def _http(block: bytes) -> _Http | None:
    """(status, headers with names in lower case, payload) of an HTTP response; None where it is none."""
    line = _STATUS_LINE.match(block)
    if line is None:
        return None
    if block[line.end() :].startswith((b"\r\n", b"\n")):
        end = _END_OF_HEADER.match(block, block.index(b"\n") - (block[line.end() - 2 : line.end() - 1] == b"\r"))
    else:
        end = _END_OF_HEADER.search(block, line.end())
    stop, begin = (end.start(), end.end()) if end else (len(block), len(block))
    headers: list[tuple[str, str]] = []
    for text in block[line.end() : max(stop, line.end())].decode("latin-1").split("\n"):
        if text[:1] in (" ", "\t") and headers:
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    return int(line[1] or line[3]), headers, block[begin:]


def _url(value: str | None) -> str | None:
    """The target without the angle brackets that wget writes around it."""
    return value.strip().removeprefix("<").removesuffix(">") if value else None


_NO_PAGE = "none"


def _base(media_type: str | None) -> str:
    return (media_type or "").partition(",")[0].partition(";")[0].strip().lower()


def _page_type(declared: str | None, identified: str | None, content: bytes) -> str | None:
    """The media type of a page, or _NO_PAGE. Without content, types that only the bytes can tell are no page.

    Several types in one header (`text/html,text/html; charset=utf-8`) are read as the one with a charset.
    """
    base = _base(declared)
    if base in TEXT_TYPES:
        parts = [part.strip() for part in (declared or "").split(",") if _base(part) in TEXT_TYPES]
        return next((part for part in parts if "charset" in part.lower()), parts[0])
    if base in _XML:
        return "application/xhtml+xml" if _HTML_ROOT.match(content[:4096]) else _NO_PAGE
    if base not in _UNTYPED:
        return _NO_PAGE
    if _base(identified) in TEXT_TYPES:
        return identified
    if not content:
        return _NO_PAGE
    if base:  # said to be bytes: only what is clearly a page is one
        return "text/html" if _HTML_ROOT.match(content[:4096]) else _NO_PAGE
    from resiliparse.parse.encoding import detect_mime

    sniffed = detect_mime(content[:4096]).split(";")[0]
    return None if sniffed in TEXT_TYPES else _NO_PAGE


def rights_of(headers: Iterable[tuple[str, str]]) -> str | None:
    """What the response says about use of the page: X-Robots-Tag directives and the TDM reservation protocol."""
    found = []
    for name, value in headers:
        name, value = name.lower(), value.strip().lower()
        if name == "x-robots-tag":
            found += [part.strip() for part in value.split(",")]
        elif name in ("tdm-reservation", "tdm-policy"):
            found.append(f"{name}: {value}")
    return "; ".join(part for part in dict.fromkeys(found) if part) or None
