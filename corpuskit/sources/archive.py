"""Records of a web archive by their place in the file: where gzip members begin, and a window that holds readers.

A WARC file (ISO 28500:2017) compressed record by record is a row of gzip members (annex A). A place to cut is found
by looking for the first member at or after a byte that decodes to the head of a record. Both ends of a split are such
places, found by the same function, so that whatever it finds no record is lost and none is read twice. (Where a page is
itself a WARC file, packed so that its members stand literally in the archive, a cut can fall into it: that page is then
quarantined as cut off, and the records inside it are read.)
"""

from __future__ import annotations

import io
import zlib
from typing import IO

from typing_extensions import Buffer

_MEMBER = b"\x1f\x8b\x08"
_WINDOW = 1 << 20
_HEAD = 4096
"""Compressed bytes that are enough to decode the first bytes of any member."""


def record_start(stream: IO[bytes], position: int, size: int) -> int:
    """Offset of the first gzip member at or after `position` that holds a WARC record; `size` where there is none."""
    if position <= 0:
        return 0
    stream.seek(position)
    window = stream.read(_WINDOW + _HEAD)
    while window:
        found = window.find(_MEMBER)
        while 0 <= found < _WINDOW:
            if _opens_record(window[found : found + _HEAD]):
                return position + found
            found = window.find(_MEMBER, found + 1)
        position += _WINDOW
        window = window[_WINDOW:]
        window += stream.read(_WINDOW + _HEAD - len(window)) if len(window) == _HEAD else b""
    return size


def _opens_record(member: bytes) -> bool:
    try:
        return zlib.decompressobj(wbits=31).decompress(member, 5) == b"WARC/"
    except zlib.error:
        return False


class Window(io.RawIOBase):
    """Bytes `start` to `end` of a stream as a stream of their own."""

    def __init__(self, stream: IO[bytes], start: int, end: int) -> None:
        super().__init__()
        self._stream, self._start, self._size, self._position = stream, start, end - start, 0
        stream.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = min(max(base + offset, 0), self._size)
        self._stream.seek(self._start + self._position)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        data = self._stream.read(min(len(target), self._size - self._position))
        target[: len(data)] = data
        self._position += len(data)
        return len(data)
