"""Bodies of HTTP responses: Transfer-Encoding and Content-Encoding undone under a limit, for crawler and archives.

Servers and archives claim codings that were not applied, or name one and apply another. What the bytes are outranks
what the headers say: a body that cannot be decoded as claimed and is plain text is taken as it is.
"""

from __future__ import annotations

import io
import re
import zlib

import zstandard

_CHUNK = 1 << 16
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_SIZE_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ZSTD_WINDOW = 1 << 27
"""RFC 8878 asks browsers for windows of 8 MiB; pages with longer ones are read too."""
_ZSTD_FED = 4 << 10
"""Bytes that are decoded at once: they decode to 128 MiB at most."""


def decoded(body: bytes, encodings: str, limit: int) -> tuple[bytes, bool]:
    """(bytes, whole) of a body after its Content-Encoding is undone; `whole` is False where it is cut.

    Reads gzip, deflate (with the zlib header and, as some servers send it, without), br, zstd, and gzip and zstd that
    no header names. At most `limit` bytes come out, however much was packed into the body. Damaged data gives what
    could be read of it. Raises ValueError for a body that is neither what its headers say nor plain text.
    """
    whole = True
    names = [name.strip().lower() for name in encodings.split(",") if name.strip()]
    for name in reversed(names):
        if name == "identity":
            continue
        found, complete = _undone(body, name, limit)
        if not complete and len(found) < limit and (not found or _is_text(body)) and (other := _as_it_is(body, limit)):
            found, complete = other
        if not found and body and not complete and limit:
            known = "cannot be decoded" if name in _READERS else "is not known"
            raise ValueError(f"content encoding '{name}' {known}")
        body, whole = found, whole and complete
    if not names and body.startswith((_GZIP, _ZSTD)):
        found, complete = _as_it_is(body, limit) or (b"", False)
        if found and complete:
            body = found
    return body, whole


def dechunked(body: bytes) -> tuple[bytes, bool]:
    """(bytes, whole) of a body in the chunked transfer coding (RFC 9112, section 7.1).

    A body that does not begin with a chunk is returned as it is: the coding was undone before it was stored. `whole` is
    False where the last chunk is missing.
    """
    line = _SIZE_LINE.match(body)
    if line is None:
        return body, True
    parts: list[bytes] = []
    while line is not None:
        size = int(line[1], 16)
        if size == 0:
            return b"".join(parts), True
        part = body[line.end() : line.end() + size]
        parts.append(part)
        if len(part) < size:
            break
        at = line.end() + size
        while body[at : at + 1] in (b"\r", b"\n"):
            at += 1
        line = _SIZE_LINE.match(body, at)
    return b"".join(parts), False


def gunzipped(data: bytes, limit: int) -> tuple[bytes, bool]:
    """(bytes, whole) of gzip data with all its members; at most `limit` bytes."""
    return _inflated(data, 16 + zlib.MAX_WBITS, limit)


def _undone(body: bytes, name: str, limit: int) -> tuple[bytes, bool]:
    reader = _READERS.get(name)
    return reader(body, limit) if reader else (b"", False)


def _as_it_is(body: bytes, limit: int) -> tuple[bytes, bool] | None:
    """A body read by how it begins, whatever its headers say; None where that is unknown."""
    if body.startswith(_GZIP):
        return gunzipped(body, limit)
    if body.startswith(_ZSTD):
        return _unzstd(body, limit)
    if _has_zlib_header(body):
        return _inflated(body, zlib.MAX_WBITS, limit)
    return (body[:limit], len(body) <= limit) if _is_text(body) else None


def _is_text(body: bytes) -> bool:
    """Whether the bytes begin without the control characters that compressed data has."""
    return _CONTROL.search(body[:512]) is None or body.startswith((b"\xff\xfe", b"\xfe\xff"))


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _deflated(body: bytes, limit: int) -> tuple[bytes, bool]:
    # "deflate" is zlib by RFC 9110, and bare deflate by what some servers send
    return _inflated(body, zlib.MAX_WBITS if _has_zlib_header(body) else -zlib.MAX_WBITS, limit)


def _unzstd(body: bytes, limit: int) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    room = limit
    if not body.startswith(_ZSTD):
        return b"", False
    while body.startswith(_ZSTD):
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        at = 0
        while not frame.eof:
            fed, at = body[at : at + _ZSTD_FED], at + _ZSTD_FED
            try:
                piece = frame.decompress(fed) if fed else None
            except zstandard.ZstdError:
                piece = None
            if piece is None:
                return b"".join(pieces), False
            if len(piece) > room:
                return b"".join([*pieces, piece[:room]]), False
            pieces.append(piece)
            room -= len(piece)
        body = frame.unused_data + body[at:]
    return b"".join(pieces), True


def _unbrotli(body: bytes, limit: int) -> tuple[bytes, bool]:
    from fastwarc.stream_io import BrotliReader

    reader = BrotliReader(io.BytesIO(body))
    pieces: list[bytes] = []
    room = limit
    try:
        while piece := bytes(reader.read(min(_CHUNK, room + 1))):
            if len(piece) > room:
                return b"".join([*pieces, piece[:room]]), False
            pieces.append(piece)
            room -= len(piece)
    except Exception:  # FastWARC raises whatever its decompressor raises
        return b"".join(pieces), False
    return b"".join(pieces), True


def _inflated(data: bytes, window: int, limit: int) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    room = limit
    while data:
        engine = zlib.decompressobj(window)
        pending = data
        while not engine.eof:
            try:
                piece = engine.decompress(pending, min(_CHUNK, room + 1))
            except zlib.error:
                return b"".join(pieces), False
            if len(piece) > room:
                return b"".join([*pieces, piece[:room]]), False
            pieces.append(piece)
            room -= len(piece)
            pending = engine.unconsumed_tail
            if not piece and not pending and not engine.eof:
                return b"".join(pieces), False
        data = engine.unused_data.lstrip(b"\0")
        if window > 0 and not data.startswith(b"\x1f\x8b"):
            break  # padding or noise after the last member
        if window < 0:
            break
    return b"".join(pieces), True


_READERS = {
    "gzip": gunzipped,
    "x-gzip": gunzipped,
    "deflate": _deflated,
    "br": _unbrotli,
    "zstd": _unzstd,
}
