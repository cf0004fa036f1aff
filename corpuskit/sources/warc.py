"""Web archives: WARC (gzip, zstd, lz4, plain) read by FastWARC, and the older ARC format read by warcio.

The pages of an archive are its `response` and `resource` records with a text media type, and the `conversion` records
of extracted text that Common Crawl calls WET. What a record's damage allows to read is read; the rest is quarantined.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import pyarrow as pa

from corpuskit.document import document_id
from corpuskit.engine.source import SPLIT_BYTES, BadRecord, Quarantine, Source, Split
from corpuskit.errors import require
from corpuskit.extract.documents.formats import MEDIA_TYPES
from corpuskit.sources import files
from corpuskit.sources.archive import Window, record_start

TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain", *MEDIA_TYPES)
"""Media types of the pages and documents that are read; a response that names none is taken when its bytes look like
one of them."""


class Warc(Source):
    """Web archives (WARC and ARC): gzip, zstd, lz4 or plain."""

    key: ClassVar[str] = "warc"
    version: ClassVar[int] = 1

    paths: str | list[str]
    """Files, folders or patterns, on any storage that fsspec knows: `CC-NEWS-*.warc.gz`, `s3://bucket/*.warc.gz`.
    Large archives that are compressed record by record (gzip) are read by several workers at once."""

    def libraries(self) -> tuple[str, ...]:
        return ("FastWARC", "resiliparse", "warcio")

    def fingerprint(self, folder: Path) -> str:
        return files.fingerprint(files.find(self.paths, self.key))

    def splits(self, folder: Path) -> list[Split]:
        found = []
        for file in files.find(self.paths, self.key):
            if file.path.endswith(".warc.gz") and file.size > SPLIT_BYTES:
                with files.open_file(file.path) as stream:
                    cuts = [0]
                    while cuts[-1] < file.size:
                        cuts.append(record_start(stream, cuts[-1] + SPLIT_BYTES, file.size))
                found += [Split(file.path, start, end) for start, end in pairwise(cuts)]
            else:
                found += files.whole([file])
        return found

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return read_warc(
            split.path,
            split.start,
            split.end,
            quarantine,
            source=self.label(),
            kind=self.kind,
            license=self.license,
        )


def read_warc(
    path: str,
    start: int,
    end: int | None,
    quarantine: Quarantine,
    *,
    source: str = "warc",
    kind: str = "other",
    license: str | None = None,
) -> Iterator[pa.RecordBatch]:
    """The pages of an archive between two byte offsets at which records begin, as document batches with `content`.

    `end` None means the end of the file. Pages are `response` records with HTTP status 200, `resource` and
    `conversion` records, with a media type of TEXT_TYPES; other records are passed over. Records that cannot be read
    go to `quarantine`, and reading goes on behind them where the format allows it.
    """
    return files.row_batches(
        {
            "id": document_id(page.url, page.content),
            "url": page.url,
            "source": source,
            "kind": kind,
            "license": license,
            "rights": page.rights,
            "fetched": page.fetched,
            "provenance": {"path": path, "offset": page.offset, "length": page.length},
            "content": page.content,
            "media_type": page.media_type,
        }
        for page in pages(path, start, end, quarantine)
    )


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


class _Damaged(ValueError):
    """The record cannot be read; the message says why."""


def pages(path: str, start: int, end: int | None, quarantine: Quarantine) -> Iterator[Page]:
    """The pages that `read_warc` reads, one by one."""
    if path.endswith((".arc", ".arc.gz")):
        yield from _arc_pages(path, quarantine)
        return
    with files.open_file(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        stop = size if end is None else min(end, size)
        begin = start
        while begin < stop:
            walk = _Walk(path, quarantine)
            yield from walk.pages(stream, begin, stop)
            if walk.error is None:
                if not walk.records:
                    quarantine(BadRecord("no WARC record in it", path, begin))
                return
            quarantine(BadRecord(walk.error, path, walk.offset))
            begin = record_start(stream, walk.offset + 1, size) if path.endswith(".gz") else stop


class _Walk:
    """One pass over the records of a window, up to its end or to the first damage that stops the reader."""

    def __init__(self, path: str, quarantine: Quarantine) -> None:
        self.path, self.quarantine = path, quarantine
        self.records = 0
        self.offset = 0
        self.error: str | None = None

    def pages(self, stream: IO[bytes], begin: int, stop: int) -> Iterator[Page]:
        from fastwarc.warc import ArchiveIterator

        self.offset = begin
        held: Page | None = None
        try:
            archive = ArchiveIterator(
                io.BufferedReader(Window(stream, begin, stop), 1 << 20),
                parse_http=False,
                quirks_mode=True,
                strict_mode=False,
            )
            for record in archive:
                self.records += 1
                position = begin + record.stream_pos
                # a reader that has run ahead of the record (several records in one gzip member) knows no offset
                if position < stop:
                    self.offset = max(self.offset, position)
                if held:
                    held.length = self.offset - held.offset or None
                    yield held
                    held = None
                try:
                    held = _page(record, self.offset)
                except _Damaged as damage:
                    url = _url(record.headers.get("WARC-Target-URI"))
                    self.quarantine(BadRecord(str(damage), self.path, self.offset, url))
        except Exception as error:  # FastWARC raises whatever the decompressor and the parser raise
            self.error = f"cannot read the archive here: {error}"
        if held:
            held.length = None if self.error else stop - held.offset
            yield held


def _page(record: Any, offset: int) -> Page | None:
    """The page that a record holds, or None where it holds none. Raises _Damaged, or what the decompressor raises."""
    from fastwarc.warc import WarcRecordType

    is_response = record.record_type == WarcRecordType.response
    if not is_response and record.record_type not in (WarcRecordType.resource, WarcRecordType.conversion):
        return None
    headers = record.headers
    url = _url(headers.get("WARC-Target-URI"))
    if record.content_length > files.RECORD_BYTES:
        raise _Damaged(f"record of {record.content_length} bytes, more than {files.RECORD_BYTES}")
    block = record.reader.read()
    if len(block) < record.content_length:
        raise _Damaged(f"record cut off: {len(block)} of {record.content_length} bytes")
    fetched = headers.get("WARC-Date")
    if not is_response:
        if url and not url.startswith(("http://", "https://", "file:")):
            return None
        media_type = headers.get("Content-Type")
        return Page(url, block, media_type, fetched, None, offset) if _is_text(media_type, block) else None
    if not block.startswith(b"HTTP/"):
        if url and not url.startswith(("http://", "https://")):
            return None  # a DNS or FTP response
        raise _Damaged("response without an HTTP status line")
    try:
        response = _http(block, "none")
        media_type = response.http_headers.get("Content-Type")
        if response.http_headers.status_code != 200 or (media_type and not _is_text(media_type, b"")):
            return None
        content = _body(block)
    except Exception as error:  # as above
        raise _Damaged(f"HTTP response cannot be decoded: {error}") from error
    if len(content) > files.RECORD_BYTES:
        raise _Damaged(f"page decodes to more than {files.RECORD_BYTES} bytes")
    if not _is_text(media_type, content):
        return None
    return Page(url, content, media_type, fetched, _rights(response.http_headers.to_tuples()), offset)


def _http(block: bytes, decode: Literal["none", "transfer", "all"]) -> Any:
    """An archived HTTP response, parsed; its reader undoes the codings that `decode` names."""
    from fastwarc.warc import WarcRecord, WarcRecordType

    response = WarcRecord()
    response.init_headers(WarcRecordType.response)
    response.is_http = True
    response.set_bytes_content(block)
    response.parse_http(auto_decode=decode, quirks_mode=True, strict_mode=False)
    return response


def _body(block: bytes) -> bytes:
    """The page in a response. Some archives (ClueWeb) store it decoded under headers that still claim a coding."""
    try:
        return bytes(_http(block, "all").reader.read(files.RECORD_BYTES + 1))
    except Exception:  # as above
        content = bytes(_http(block, "transfer").reader.read(files.RECORD_BYTES + 1))
        if not content.lstrip()[:1] == b"<":
            raise
        return content


def _arc_pages(path: str, quarantine: Quarantine) -> Iterator[Page]:
    """Pages of an ARC file, the format before WARC. Needs warcio."""
    archiveiterator = require("warcio.archiveiterator", "crawl")
    offset = 0
    with files.open_file(path) as stream:
        try:
            archive = archiveiterator.ArchiveIterator(stream, arc2warc=True)
            for record in archive:
                content = record.content_stream().read(files.RECORD_BYTES)
                offset = archive.get_record_offset()
                http = record.http_headers
                if record.rec_type != "response" or http is None or http.get_statuscode() != "200":
                    continue
                media_type = http.get_header("Content-Type")
                if _is_text(media_type, content):
                    yield Page(
                        _url(record.rec_headers.get_header("WARC-Target-URI")),
                        content,
                        media_type,
                        record.rec_headers.get_header("WARC-Date"),
                        _rights(http.headers),
                        offset,
                    )
        except Exception as error:  # warcio raises its own errors and those of zlib
            quarantine(BadRecord(f"cannot read the archive here: {error}", path, offset))


def _url(value: str | None) -> str | None:
    """The target without the angle brackets that wget writes around it."""
    return value.strip().removeprefix("<").removesuffix(">") if value else None


def _is_text(media_type: str | None, content: bytes) -> bool:
    if media_type:
        return media_type.split(";")[0].strip().lower() in TEXT_TYPES
    from resiliparse.parse.encoding import detect_mime

    return bool(content) and detect_mime(content[:4096]).split(";")[0] in TEXT_TYPES


def _rights(headers: Any) -> str | None:
    """What the response says about use of the page: X-Robots-Tag directives and the TDM reservation protocol."""
    found = []
    for name, value in headers:
        name, value = name.lower(), value.strip().lower()
        if name == "x-robots-tag":
            found += [part.strip() for part in value.split(",")]
        elif name in ("tdm-reservation", "tdm-policy", "content-usage"):
            found.append(f"{name}: {value}")
    return "; ".join(part for part in dict.fromkeys(found) if part) or None
