"""JSON lines, one object a line, plain or compressed.

A plain file is cut into byte ranges: a line belongs to the range in which its first byte lies, so that ranges need no
look at the file and no line is lost or read twice. A compressed file is one split.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

import pyarrow as pa

from corpuskit.engine.source import SPLIT_BYTES, BadRecord, Quarantine, Split
from corpuskit.sources import files
from corpuskit.sources.records import Unreadable, decode
from corpuskit.sources.tables import RecordSource


class JsonLines(RecordSource):
    """JSON lines, one object a line; plain, .gz or .zst."""

    key: ClassVar[str] = "jsonl"
    version: ClassVar[int] = 1

    paths: str | list[str]
    """Files, folders or patterns, on any storage that fsspec knows: `data/*.jsonl.zst`, `s3://bucket/part-*.jsonl`."""

    def fingerprint(self, folder: Path) -> str:
        return files.fingerprint(files.find(self.paths, self.key))

    def splits(self, folder: Path) -> list[Split]:
        found = []
        for file in files.find(self.paths, self.key):
            if files.stored_compression(file.path):
                found += files.whole([file])
            else:
                starts = range(0, file.size, SPLIT_BYTES)
                found += [Split(file.path, start, min(start + SPLIT_BYTES, file.size)) for start in starts]
        return found

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return files.row_batches(self._rows(split, quarantine))

    def _rows(self, split: Split, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
        for offset, line in _lines(split, quarantine):
            try:
                record = json.loads(decode(line))
                if not isinstance(record, dict):
                    raise Unreadable(f"the line is no JSON object but {type(record).__name__}")
                yield self.document(record, split.path, offset, len(line))
            except (ValueError, RecursionError) as error:
                reason = str(error) if isinstance(error, Unreadable) else f"not JSON: {error}"
                quarantine(BadRecord(reason, split.path, offset, content=line[: 1 << 16]))


def _lines(split: Split, quarantine: Quarantine) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of the lines that begin in the split and are not blank. Offsets count decompressed bytes."""
    with files.open_decompressed(split.path) as stream:
        compressed = bool(files.stored_compression(split.path))
        offset = 0
        if split.start:
            stream.seek(split.start - 1)
            offset = split.start - 1 + _skip_line(stream)
        try:
            while compressed or offset < split.end:
                line = stream.readline(files.RECORD_BYTES + 1)
                if not line:
                    return
                start, offset = offset, offset + len(line)
                if len(line) > files.RECORD_BYTES:
                    offset += 0 if line.endswith(b"\n") else _skip_line(stream)
                    reason = f"line of {offset - start} bytes, more than {files.RECORD_BYTES}"
                    quarantine(BadRecord(reason, split.path, start, content=line[: 1 << 16]))
                elif not line.isspace():
                    yield start, line
        except files.Damaged as error:
            quarantine(BadRecord(f"cannot decompress further: {error}", split.path, offset))


def _skip_line(stream: IO[bytes]) -> int:
    """Read to the end of the line; the number of bytes read."""
    read = 0
    while piece := stream.readline(1 << 20):
        read += len(piece)
        if piece.endswith(b"\n"):
            break
    return read
