"""Every request and response as WARC/1.1 records (ISO 28500:2017), gzip a record, in files that are cut at 256 MB.

A file that is being written ends in `.open` and is renamed when it is full. The state notes how long each file is after
each response; on resuming, a file is cut there, so that it always ends with a whole record.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from corpuskit.errors import CorpuskitError, require
from corpuskit.sources.crawl.state import Earlier, Record, State

FOLDER = "warc"

SEGMENT_BYTES = 256 << 20

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Exchange:
    """A request that was answered."""

    url: str
    request_headers: Headers
    status: int
    protocol: str
    headers: Headers
    """As the server sent them, but for Transfer-Encoding and Connection, which the body no longer has."""
    body: bytes
    """Still in its Content-Encoding."""
    address: str | None
    """The IP address that answered."""
    when: str
    """ISO 8601, UTC, when the request was made."""
    truncated: str | None = None
    """WARC-Truncated: 'length' for a body cut at the limit, 'disconnect' for one that broke off."""
    revisits: Earlier | None = None
    """The answer that this one repeats: it is archived as a revisit record, without its body."""

    def header(self, name: str) -> str:
        """The value of a header, with several joined by commas; '' where it is absent."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


def segment_name(number: int) -> str:
    return f"crawl-{number:05d}.warc.gz"


class Archive:
    """The WARC files of one crawl folder, opened where an earlier call left them."""

    def __init__(self, folder: Path, state: State, information: dict[str, str]):
        self._folder = folder / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = state
        self._information = information
        self._stream: IO[bytes] | None = None
        self._writer: Any = None
        self._number = -1
        for number, length, closed in state.segments():
            self._number = number
            partial = self._folder / f"{segment_name(number)}.open"
            if closed:
                if partial.exists():
                    partial.rename(self._folder / segment_name(number))
            else:
                self._resume(number, length, partial)

    def _resume(self, number: int, length: int, partial: Path) -> None:
        if not partial.exists():
            partial.touch()
        size = partial.stat().st_size
        if size < length:
            length = _last_whole_member(partial)
            with self._state.transaction():
                self._state.lost(number, length)
                self._state.set_segment(number, length, closed=False)
        os.truncate(partial, length)
        self._open(number, partial)

    def _open(self, number: int, partial: Path) -> None:
        writer = require("warcio.warcwriter", "crawl").WARCWriter
        self._number = number
        self._stream = partial.open("ab")
        self._writer = writer(self._stream, gzip=True, warc_version="1.1")
        if self._stream.tell() == 0:
            self._writer.write_record(self._writer.create_warcinfo_record(segment_name(number), self._information))
            self._stream.flush()

    def write(self, exchange: Exchange) -> Record:
        """Append the response and its request. The record counts once the state has noted it, with `set_segment`."""
        if self._stream is not None and self._stream.tell() >= SEGMENT_BYTES:
            self.close()
        if self._stream is None:
            self._open(self._number + 1, self._folder / f"{segment_name(self._number + 1)}.open")
        assert self._stream is not None
        start = self._stream.tell()
        response = self._response(exchange) if exchange.revisits is None else self._revisit(exchange, exchange.revisits)
        self._writer.write_record(response)
        self._stream.flush()
        length = self._stream.tell() - start
        self._writer.write_record(self._request(exchange, response))
        self._stream.flush()
        return Record(self._number, start, length, self._stream.tell())

    def read(self, record: Record) -> tuple[bytes, Headers]:
        """Body (still in its Content-Encoding) and headers of a response."""
        path = self._folder / segment_name(record.segment)
        if not path.exists():
            path = path.with_name(f"{path.name}.open")
        with path.open("rb") as stream:
            stream.seek(record.offset)
            data = io.BytesIO(stream.read(record.length))
        found = next(iter(require("warcio.archiveiterator", "crawl").ArchiveIterator(data)))
        return found.raw_stream.read(), found.http_headers.headers

    def close(self) -> None:
        """Finish the file that is being written."""
        if self._stream is None:
            return
        self._stream.flush()
        os.fsync(self._stream.fileno())
        length = self._stream.tell()
        self._stream.close()
        self._stream = self._writer = None
        self._state.set_segment(self._number, length, closed=True)
        name = segment_name(self._number)
        (self._folder / f"{name}.open").rename(self._folder / name)

    def _response(self, exchange: Exchange) -> Any:
        headers = {"WARC-Date": exchange.when}
        if exchange.address:
            headers["WARC-IP-Address"] = exchange.address
        if exchange.truncated:
            headers["WARC-Truncated"] = exchange.truncated
        status = f"{exchange.status} {responses.get(exchange.status, '')}".rstrip()
        return self._writer.create_warc_record(
            exchange.url,
            "response",
            payload=io.BytesIO(exchange.body),
            length=len(exchange.body),
            http_headers=_http_headers(status, exchange.headers, exchange.protocol),
            warc_headers_dict=headers,
        )

    def _revisit(self, exchange: Exchange, earlier: Earlier) -> Any:
        """A revisit record (ISO 28500:2017, section 6.7): nothing has changed, or the server sent the same."""
        status = f"{exchange.status} {responses.get(exchange.status, '')}".rstrip()
        profile = "server-not-modified" if exchange.status == 304 else "identical-payload-digest"
        headers = {
            "WARC-Date": exchange.when,
            "WARC-Profile": f"http://netpreserve.org/warc/1.1/revisit/{profile}",
            "WARC-Refers-To-Target-URI": exchange.url,
            "WARC-Refers-To-Date": earlier.when,
        }
        return self._writer.create_warc_record(
            exchange.url,
            "revisit",
            http_headers=_http_headers(status, exchange.headers, exchange.protocol),
            warc_headers_dict=headers,
        )

    def _request(self, exchange: Exchange, response: Any) -> Any:
        parts = urlsplit(exchange.url)
        line = f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1"
        return self._writer.create_warc_record(
            exchange.url,
            "request",
            http_headers=_http_headers(line, [("Host", parts.netloc), *exchange.request_headers], ""),
            warc_headers_dict={
                "WARC-Date": exchange.when,
                "WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID"),
            },
        )


def _http_headers(line: str, headers: Headers, protocol: str) -> Any:
    kind = require("warcio.statusandheaders", "crawl").StatusAndHeaders
    return kind(line, headers, protocol=protocol, is_http_request=not protocol)


def _last_whole_member(path: Path) -> int:
    """Where the last whole gzip member of a file ends."""
    end = 0
    iterator = require("warcio.archiveiterator", "crawl").ArchiveIterator
    try:
        with path.open("rb") as stream:
            records = iterator(stream)
            for record in records:
                record.raw_stream.read()
                whole = records.get_record_offset() + records.get_record_length()
                if whole > path.stat().st_size:
                    break
                end = whole
    except (OSError, EOFError, ValueError, CorpuskitError):
        pass  # the rest is no whole record
    except Exception as error:  # warcio raises its own errors for a cut member
        if type(error).__module__.partition(".")[0] != "warcio":
            raise
    return end
