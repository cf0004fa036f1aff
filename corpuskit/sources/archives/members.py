"""Where records begin in an archive that is compressed record by record: the places where it can be cut and resumed.

A place is found by looking for the first member at or after a byte that decodes to the head of a record (ISO 28500:2017
annex A). Both ends of a split are such places, found by the same function, so that whatever it finds no record is lost
and none is read twice. (Where a page is itself a WARC file, packed so that its members lie unchanged in the archive,
a cut can fall into it: that page is then quarantined as cut off, and the records inside it are read.)
"""

from __future__ import annotations

import re
from typing import IO

from corpuskit.sources.files.compression import MAGIC, Compression, Damaged, Piece, pieces

WARC_HEAD = re.compile(rb"WARC/\d+\.\d+\s*?\r?\n[A-Za-z][\w-]*[ \t]*:")
"""How a WARC record begins."""

ARC_HEAD = re.compile(
    rb"(?:https?|ftp|dns|filedesc|gopher|mailto|nntp|news)[:/][^\r\n]* \d{8,14} [^\r\n]*?(-?\d+)[ \t]*\r?\n"
)
"""How an ARC record begins: an address, and on the same line a time and at the end a length."""

_WINDOW = 1 << 20
_HEAD = 4096
"""Compressed bytes that are enough to decode the first bytes of any member."""


def record_start(stream: IO[bytes], position: int, size: int, compression: Compression = "gzip") -> int:
    """Offset of the first member at or after `position` that begins with a record; `size` where there is none."""
    if position <= 0:
        return 0
    magic = MAGIC[compression]
    stream.seek(position)
    window = stream.read(_WINDOW + _HEAD)
    while window:
        found = window.find(magic)
        while 0 <= found < _WINDOW:
            if _opens_record(stream, position + found, min(position + found + _HEAD, size), compression):
                return position + found
            found = window.find(magic, found + 1)
        position += _WINDOW
        stream.seek(position)
        window = stream.read(_WINDOW + _HEAD)
    return size


def _opens_record(stream: IO[bytes], start: int, stop: int, compression: Compression) -> bool:
    try:
        first: Piece | None = next(iter(pieces(stream, start, stop, compression)), None)
    except Damaged:
        return False
    return first is not None and bool(WARC_HEAD.match(first.data) or ARC_HEAD.match(first.data))
