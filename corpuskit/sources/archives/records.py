"""The records of an archive, one after another, with exactly the bytes that belong to each.

A record's length is what its header says, unless what follows shows that it is wrong: a record ends at the latest where
the next one begins (a member that opens with a record's head, or a head after a length that leads nowhere).
Every stored byte is part of a record, blank, or reported as damage.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from corpuskit.sources.archives.members import ARC_HEAD, WARC_HEAD, record_start
from corpuskit.sources.files import RECORD_BYTES
from corpuskit.sources.files.compression import Compression, Damaged, compression_of, pieces

_HEADER_BYTES = 1 << 20
"""A record's header is no longer than this."""

_BLANK = re.compile(rb"[\r\n\t \x00]*")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_NEXT = re.compile(rb"(?<=\n)WARC/\d+\.\d+\s*?\r?\n[A-Za-z][\w-]*[ \t]*:")
_NEXT_ARC = re.compile(rb"(?<=\n)" + ARC_HEAD.pattern)
_SEARCH = 1 << 20


@dataclass(slots=True)
class Record:
    """A record as stored: its header, and the bytes of its block."""

    type: str
    """WARC-Type in lower case; 'response' for the records of an ARC file."""
    headers: Mapping[str, str]
    """Names in lower case; the first of several with one name."""
    block: bytes
    offset: int
    """Where it begins in the archive: the byte, or that of the member in which it lies."""
    length: int | None = None
    """Bytes of the record as stored, where the archive tells."""
    problem: str | None = None
    """Why the block is not what it should be, where that is so."""


@dataclass(slots=True)
class Damage:
    """Bytes of the archive that are no readable record."""

    reason: str
    offset: int
    url: str | None = None
    content: bytes = b""


def records(stream: IO[bytes], start: int, stop: int) -> Iterator[Record | Damage]:
    """All records between two offsets at which records begin, and what lies between them that is none."""
    stream.seek(start)
    compression = compression_of(stream.read(8))
    while start < stop:
        walk = _Walk(stream, start, stop, compression)
        yield from walk.records()
        if walk.damage is None:
            return
        if not compression or compression in ("bz2", "xz"):
            return
        start = record_start(stream, walk.damage.offset + 1, stop, compression)


class _Walk:
    """One pass over the decoded bytes, up to the end or to the first member that cannot be decoded."""

    def __init__(self, stream: IO[bytes], start: int, stop: int, compression: Compression) -> None:
        self._pieces = pieces(stream, start, stop, compression)
        self._start, self._stop, self._compression = start, stop, compression
        self._data = bytearray()
        self._base = 0  # decoded bytes before those in _data
        self._members: deque[tuple[int, int]] = deque()  # (decoded position, stored offset) of members
        self._offset = start
        self._ended = False
        self._reported = -1
        self.damage: Damaged | None = None

    def records(self) -> Iterator[Record | Damage]:
        found = False
        arc = False
        while self._skip_blank():
            offset = self._here()
            if not found:
                arc = ARC_HEAD.match(self._data) is not None
            if not (ARC_HEAD if arc else WARC_HEAD).match(self._data):
                size = self._next_head(0, arc)
                content = bytes(self._data[: 1 << 16])
                self._take(size)
                if found:
                    yield Damage("bytes that are no record", offset, content=content)
                elif self._ended and not self._data:
                    yield Damage("no WARC record in it", offset, content=content)
                    return
                else:
                    yield Damage("bytes before the first record", offset, content=content)
                continue
            found = True
            yield self._arc_record(offset) if arc else self._record(offset)
        if self.damage is not None and self._reported != self.damage.offset:
            yield Damage(f"cannot read the archive here: {self.damage}", self.damage.offset)
        elif not found and self.damage is None and self._base == 0 and self._stop > self._start:
            yield Damage("no WARC record in it", self._start)

    # --- one record ---

    def _record(self, offset: int) -> Record | Damage:
        end = self._header_end()
        if end is None:
            return self._unfinished("record cut off in its header", offset, None)
        headers = _fields(bytes(self._data[:end]))
        stated = headers.get("content-length", "")
        length = int(stated) if stated.isdecimal() and len(stated) < 19 else None
        return self._block(offset, headers.get("warc-type", "").lower(), headers, end, length, arc=False)

    def _arc_record(self, offset: int) -> Record | Damage:
        match = ARC_HEAD.match(self._data)
        assert match is not None
        line = bytes(self._data[: match.end()]).decode("utf-8", "replace").split()
        kind = "warcinfo" if line[0].startswith("filedesc:") else "response"
        # version 2 has 10 fields: address, IP, time, type, status, checksum, location, place, file, length
        tail = 9 if len(line) >= 10 and line[-9 + 1].isdecimal() and len(line[-8]) == 14 else 4
        url = "%20".join(line[:-tail]) if len(line) > tail else line[0]
        when = next((part for part in line[-tail:] if part.isdecimal() and 8 <= len(part) <= 14), "")
        headers = {"warc-target-uri": url, "content-type": "application/http", "content-length": match[1].decode()}
        if len(when) == 14:
            headers["warc-date"] = f"{when[:4]}-{when[4:6]}-{when[6:8]}T{when[8:10]}:{when[10:12]}:{when[12:]}Z"
        length = int(match[1])
        return self._block(offset, kind, headers, match.end(), length if length >= 0 else None, arc=True)

    def _block(
        self, offset: int, kind: str, headers: dict[str, str], begin: int, length: int | None, *, arc: bool
    ) -> Record | Damage:
        """The record whose block begins at `begin` of the decoded bytes; they are taken."""
        url = headers.get("warc-target-uri")
        if length is not None and length > RECORD_BYTES:
            self._take(begin)
            self._drop(length)
            return Damage(f"record of {length} bytes, more than {RECORD_BYTES}", offset, url)
        problem = None
        end = begin + (length or 0)
        if length is not None:
            self._fill(end + 32)
        if length is None or not self._ends_at(begin, end, arc):
            true_end, why = self._true_end(begin, end if length is not None else None, arc)
            if why is None:
                return self._unfinished(
                    f"record cut off: {max(len(self._data) - begin, 0)} of {length} bytes", offset, url
                )
            if true_end - begin > RECORD_BYTES:
                self._take(true_end)
                return Damage(f"record of more than {RECORD_BYTES} bytes", offset, url)
            end, problem = true_end, why or None
        block = bytes(self._data[begin:end])
        self._take(end)
        self._skip_blank()
        return Record(kind, headers, block, offset, self._stored_length(offset), problem)

    def _ends_at(self, begin: int, end: int, arc: bool) -> bool:
        """Whether a record may end here: behind it lie blank bytes and then another, a member's end or the file's."""
        available = len(self._data)
        if end > available:
            return False
        inner = [self._base + begin < place <= self._base + end for place, _ in self._members]
        for (place, _), inside in zip(self._members, inner, strict=True):
            at = place - self._base
            if inside and at < end and (ARC_HEAD if arc else WARC_HEAD).match(self._data, at):
                return False  # a record lies inside what the length claims
        blank = _BLANK.match(self._data, end)
        after = blank.end() if blank else end
        if after >= available and self._ended:
            return True
        if any(place - self._base == after for place, _ in self._members):
            return True
        if after - end > 30:
            self._fill(after + 1024)
        if arc:
            self._fill(after + 2048)
            return ARC_HEAD.match(self._data, after) is not None
        return self._data[after : after + 5] == b"WARC/"

    def _true_end(self, begin: int, stated: int | None, arc: bool) -> tuple[int, str | None]:
        """(where the block ends, why that is not where it should; None where the file ends first)."""
        stop = self._next_head(begin, arc)
        found_next = stop < len(self._data) or any(place - self._base == stop for place, _ in self._members)
        if stated is not None and stated > len(self._data) and not found_next and not self._member_is_whole(stop):
            return stop, None
        content = bytes(self._data[begin:stop])
        end = begin + len(content.rstrip(b"\r\n"))
        if stated is None:
            return end, "no Content-Length"
        if stated <= stop and re.match(rb"\r?\n\r?\n" if not arc else rb"\n", self._data[stated : stated + 4]):
            return stated, ""  # it ends as it says; what follows is no record
        said = stated - begin
        return end, f"Content-Length is {said}, and the record holds {end - begin} bytes"

    def _member_is_whole(self, stop: int) -> bool:
        """Whether the bytes end because the last member does, and not because the file was cut in it."""
        return bool(self._compression) and self.damage is None and self._ended and stop == len(self._data)

    def _unfinished(self, reason: str, offset: int, url: str | None) -> Damage:
        content = bytes(self._data[: 1 << 16])
        if self.damage is not None:
            self._reported = self.damage.offset
            if "breaks off" not in str(self.damage):
                reason = f"cannot read the archive here: {self.damage}"
        self._take(len(self._data))
        return Damage(reason, offset, url, content)

    def _header_end(self) -> int | None:
        searched = 0
        while True:
            match = _END_OF_HEADER.search(self._data, searched)
            if match:
                return match.end()
            if len(self._data) > _HEADER_BYTES or not self._fill(len(self._data) + 4096):
                return None
            searched = max(0, len(self._data) - 8192)

    def _next_head(self, begin: int, arc: bool) -> int:
        """Where the next record begins, from `begin` on; the end of the bytes where there is none."""
        pattern, opens = (_NEXT_ARC, ARC_HEAD) if arc else (_NEXT, WARC_HEAD)
        searched = begin
        while True:
            match = pattern.search(self._data, max(searched - 4096, begin))
            limit = match.start() if match else len(self._data)
            for place, _ in self._members:
                at = place - self._base
                if begin < at <= limit and opens.match(self._data, at):
                    return at
            if match:
                return match.start()
            searched = len(self._data)
            if searched - begin > RECORD_BYTES or not self._fill(searched + _SEARCH):
                return len(self._data)

    # --- the decoded bytes ---

    def _fill(self, size: int) -> bool:
        """Hold at least `size` bytes if there are so many; whether there are."""
        while len(self._data) < size and not self._ended:
            try:
                piece = next(self._pieces, None)
            except Damaged as error:
                self.damage, piece = error, None
            if piece is None:
                self._ended = True
                break
            if piece.first:
                self._members.append((self._base + len(self._data), piece.offset))
            self._data += piece.data
        return len(self._data) >= size

    def _take(self, size: int) -> None:
        del self._data[:size]
        self._base += size
        while self._members and self._members[0][0] <= self._base:
            self._offset = self._members.popleft()[1]

    def _drop(self, size: int) -> None:
        while size > 0 and (self._data or self._fill(1)):
            taken = min(size, len(self._data))
            self._take(taken)
            size -= taken

    def _skip_blank(self) -> bool:
        """Pass over blank bytes and a byte order mark; whether anything is left."""
        while self._fill(64) or self._data:
            match = _BLANK.match(self._data)
            size = match.end() if match else 0
            if self._base == 0 and self._data.startswith(b"\xef\xbb\xbf"):
                size = 3
            if not size:
                break
            self._take(size)
        if self._data:
            self._take(0)
            self._fill(4096)
        return bool(self._data)

    def _here(self) -> int:
        self._take(0)
        return self._offset if self._compression else self._start + self._base

    def _stored_length(self, offset: int) -> int | None:
        """Stored bytes from a record's beginning to here, where that is the end of a member."""
        if not self._data and self._ended:
            return self._stop - offset if self.damage is None else None
        return self._here() - offset or None


def _fields(header: bytes) -> dict[str, str]:
    """The fields of a header by name in lower case; of several with one name, the first; folded lines joined."""
    found: dict[str, str] = {}
    name = ""
    for line in header.decode("utf-8", "replace").split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:
            found[name] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon and name not in found:
            found[name] = value.strip()
        else:
            name = ""
    return found
