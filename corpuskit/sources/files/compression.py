"""Compressed bytes, recognised by how they begin and never by a file's name: gzip, zstd, lz4, bz2, xz, or none.

A compressed file is a row of *members* (gzip, bz2), *frames* (zstd, lz4) or *streams* (xz), all called members here.
zstd windows of up to 2 GiB are read, and the dictionary that a WARC file may carry in its first frame
(https://iipc.github.io/warc-specifications/specifications/warc-zstd/).
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Iterator
from typing import IO, Any, Literal, NamedTuple, cast

import lz4.frame
import zstandard
from isal import isal_zlib
from typing_extensions import Buffer

Compression = Literal["", "gzip", "zstd", "lz4", "bz2", "xz"]

MAGIC: dict[Compression, bytes] = {
    "gzip": b"\x1f\x8b\x08",
    "zstd": b"\x28\xb5\x2f\xfd",
    "lz4": b"\x04\x22\x4d\x18",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
}
"""How a member of each compression begins."""

_SKIPPABLE = tuple(bytes([low, 0x2A, 0x4D, 0x18]) for low in range(0x50, 0x60))
"""How frames of zstd and lz4 begin that hold no data."""
_DICTIONARY = b"\x5d\x2a\x4d\x18"

_READ = 1 << 20
_FEED = {"zstd": 4 << 10}
"""Stored bytes that are decoded at once: zstd has no limit for its output; 4 KiB of it decode to 128 MiB at most."""
_FED = 64 << 10
_OUTPUT = 1 << 20
_WINDOW = 1 << 31

_ERRORS: tuple[type[Exception], ...] = (
    cast("type[Exception]", isal_zlib.error),
    zlib.error,
    zstandard.ZstdError,
    lzma.LZMAError,
    OSError,
    RuntimeError,
    EOFError,
)
"""What the decoders raise for damaged data."""


class Damaged(Exception):
    """The stored bytes cannot be decompressed from `offset` on, where a member begins."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class BrokenOff(Damaged):
    """The stored bytes end in the middle of the member that begins at `offset`."""


class Piece(NamedTuple):
    """Decompressed bytes of one member."""

    offset: int
    """Where its member begins in the stored bytes."""
    data: bytes
    first: bool
    """Whether these are the first bytes of the member."""


def compression_of(head: bytes) -> Compression:
    """The compression of data that begins with these bytes (at least six); '' for none that is known."""
    for name, magic in MAGIC.items():
        if head.startswith(magic):
            if name == "bz2" and not head[3:4].isdigit():
                continue
            return name
    return "zstd" if head.startswith(_SKIPPABLE) else ""


def zstd_dictionary(stream: IO[bytes]) -> bytes | None:
    """The dictionary in the first frame of a zstd file, itself compressed or not; None where there is none."""
    stream.seek(0)
    head = stream.read(8)
    if not head.startswith(_DICTIONARY):
        return None
    data = stream.read(int.from_bytes(head[4:8], "little"))
    if data.startswith(MAGIC["zstd"]):
        data = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj().decompress(data)
    return data


def pieces(stream: IO[bytes], start: int, stop: int, compression: Compression) -> Iterator[Piece]:
    """The decompressed bytes of what is stored between two offsets, at which members begin.

    Raises Damaged at the member that cannot be read, BrokenOff where the last one is not whole. Zero bytes between
    members (tapes and some downloads pad with them) are passed over.
    """
    dictionary = zstd_dictionary(stream) if compression == "zstd" else None
    stored = _Stored(stream, start, stop)
    if not compression:
        first = True
        while data := stored.take(_READ):
            yield Piece(start, data, first)
            first = False
        return
    while stored.skip_zeros():
        offset, first = stored.position, True
        head = stored.peek(8)
        if compression in ("zstd", "lz4") and head.startswith(_SKIPPABLE):
            stored.skip(8 + int.from_bytes(head[4:8], "little"))
            continue
        if not head.startswith(MAGIC[compression]):
            raise Damaged(f"no {compression} data begins here", offset)
        member = _decoder(compression, dictionary)
        while not member.eof:
            data = b"" if member.pending else stored.take(_FEED.get(compression, _FED))
            if not data and not member.pending:
                raise BrokenOff(f"the {compression} data breaks off", offset)
            try:
                decoded = member.feed(data)
            except _ERRORS as error:
                raise Damaged(f"damaged {compression} data: {str(error).partition(chr(10))[0]}", offset) from error
            if decoded or first:
                yield Piece(offset, decoded, first)
                first = False
        stored.push_back(member.rest)


class Decompressed(io.RawIOBase):
    """The decompressed contents of a stored file, to be read from the beginning. Raises Damaged."""

    def __init__(self, stream: IO[bytes], size: int, compression: Compression) -> None:
        super().__init__()
        self._stream = stream
        self._pieces = pieces(stream, 0, size, compression)
        self._held = memoryview(b"")
        self._problem: Damaged | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._held:
            if self._problem is not None:
                raise self._problem
            try:
                piece = next(self._pieces, None)
            except Damaged as error:
                self._problem = error
                raise
            if piece is None:
                return 0
            self._held = memoryview(piece.data)
        size = min(len(target), len(self._held))
        target[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class _Stored:
    """The stored bytes between two offsets."""

    def __init__(self, stream: IO[bytes], start: int, stop: int) -> None:
        self._stream, self._stop = stream, stop
        self._held, self._at, self._next = b"", 0, start
        stream.seek(start)

    @property
    def position(self) -> int:
        return self._next - (len(self._held) - self._at)

    def take(self, size: int) -> bytes:
        """At most `size` bytes; b'' at the end."""
        if self._at == len(self._held):
            self._held, self._at = self._stream.read(min(_READ, self._stop - self._next)), 0
            self._next += len(self._held)
        data = self._held[self._at : self._at + size]
        self._at += len(data)
        return data

    def push_back(self, data: bytes) -> None:
        """Give back the end of what was taken last."""
        self._at -= len(data)

    def peek(self, size: int) -> bytes:
        while len(self._held) - self._at < size:
            more = self._stream.read(min(_READ, self._stop - self._next))
            if not more:
                break
            self._held, self._at = self._held[self._at :] + more, 0
            self._next += len(more)
        return self._held[self._at : self._at + size]

    def skip(self, size: int) -> None:
        while size and (taken := len(self.take(size))):
            size -= taken

    def skip_zeros(self) -> bool:
        """Pass over zero bytes; whether any others follow."""
        while data := self.take(_FED):
            rest = data.lstrip(b"\0")
            if rest:
                self.push_back(rest)
                return True
        return False


class _Decoder:
    """One member: its decompressed bytes, at most about _OUTPUT at a time, and the bytes behind it."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.pending = False
        """Whether there is more to come of what was fed."""

    @property
    def eof(self) -> bool:
        return bool(self._engine.eof)

    @property
    def rest(self) -> bytes:
        return bytes(self._engine.unused_data or b"")

    def feed(self, data: bytes) -> bytes:
        decoded = bytes(self._engine.decompress(data, _OUTPUT))
        self.pending = not self._engine.eof and not self._engine.needs_input
        return decoded


class _Gzip(_Decoder):
    def feed(self, data: bytes) -> bytes:
        decoded = bytes(self._engine.decompress(self._engine.unconsumed_tail + data, _OUTPUT))
        self.pending = not self._engine.eof and (len(decoded) >= _OUTPUT or bool(self._engine.unconsumed_tail))
        return decoded


class _Zstd(_Decoder):
    def feed(self, data: bytes) -> bytes:
        return bytes(self._engine.decompress(data))


def _decoder(compression: Compression, dictionary: bytes | None) -> _Decoder:
    if compression == "gzip":
        return _Gzip(isal_zlib.decompressobj(31))
    if compression == "zstd":
        known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        return _Zstd(zstandard.ZstdDecompressor(dict_data=known, max_window_size=_WINDOW).decompressobj())
    if compression == "lz4":
        return _Decoder(lz4.frame.LZ4FrameDecompressor())
    return _Decoder(bz2.BZ2Decompressor() if compression == "bz2" else lzma.LZMADecompressor())
