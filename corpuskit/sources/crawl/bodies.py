"""Response bodies as they came over the wire, decompressed under a limit."""

from __future__ import annotations

import zlib

_CHUNK = 1 << 16


def decoded(body: bytes, encodings: str, limit: int) -> tuple[bytes, bool]:
    """(bytes, whole) of a body after its Content-Encoding is undone; `whole` is False where it was cut.

    At most `limit` bytes come out, however much was packed into the body. Damaged data gives what could be read of it.
    Raises ValueError for an encoding other than gzip, deflate and identity.
    """
    whole = True
    for encoding in reversed([name.strip().lower() for name in encodings.split(",") if name.strip()]):
        if encoding in ("gzip", "x-gzip"):
            body, complete = gunzipped(body, limit)
        elif encoding == "deflate":
            # "deflate" is zlib by RFC 9110, and bare deflate by what some servers send
            zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
            body, complete = _inflated(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS, limit)
        elif encoding == "identity":
            continue
        else:
            raise ValueError(f"content encoding '{encoding}' is not known")
        whole = whole and complete
    return body, whole


def gunzipped(data: bytes, limit: int) -> tuple[bytes, bool]:
    """(bytes, whole) of gzip data with all its members; at most `limit` bytes."""
    return _inflated(data, 16 + zlib.MAX_WBITS, limit)


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
