"""JSON lines, one object a line, plain or compressed; and JSON of other layouts (an array, objects over many lines).

A plain file is cut into byte ranges: a line belongs to the range in which its first byte lies, so that ranges need no
look at the file and no line is lost or read twice. A file that is compressed or laid out otherwise is one split.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

import pyarrow as pa

from corpuskit.engine.source import SPLIT_BYTES, BadRecord, Quarantine, Split
from corpuskit.errors import UsageError
from corpuskit.sources import files
from corpuskit.sources.files.json_values import encoding_of, is_by_lines, streamed_values, values_in
from corpuskit.sources.records import Unreadable, column_at, decode, named
from corpuskit.sources.tables import RecordSource

_HEAD = 64 << 10
"""Bytes that are enough to see how a file is laid out."""

_FILES_LOOKED_AT, _RECORDS_LOOKED_AT = 5, 20
"""How far a wrong field name is looked for before a run."""


class JsonLines(RecordSource):
    """JSON lines, one object a line, or JSON of another layout; plain or compressed."""

    key: ClassVar[str] = "jsonl"
    version: ClassVar[int] = 4

    paths: str | list[str]
    """Files, folders or patterns, on any storage that fsspec knows: `data/*.jsonl.zst`, `s3://bucket/part-*.jsonl`."""

    def fingerprint(self, folder: Path) -> str:
        return files.fingerprint(files.find(self.paths, self.key))

    def splits(self, folder: Path) -> list[Split]:
        found = []
        named = files.find(self.paths, self.key)
        self._check_fields([file.path for file in named[:_FILES_LOOKED_AT]])
        for file in named:
            if files.stored_compression(file.path) or not _by_lines(file.path):
                found += files.whole([file])
            else:
                starts = range(0, file.size, SPLIT_BYTES)
                found += [Split(file.path, start, min(start + SPLIT_BYTES, file.size)) for start in starts]
        return found

    def _check_fields(self, paths: list[str]) -> None:
        """Raise UsageError where the first records of these files have neither a text nor a page."""
        fields = named(self.columns)
        text, content = fields["text"], fields["content"]
        names: dict[str, None] = {}
        for path in paths:
            for record in _first_records(path):
                if column_at(record, text) or column_at(record, content):
                    return
                names.update(dict.fromkeys(map(str, record)))
        if names:
            close = next((name for name in names if name.lower() == str(text).lower()), "NAME")
            raise UsageError(
                f"source '{self.key}': the records of '{paths[0]}' have no field '{text}'; their fields are: "
                f"{', '.join(list(names)[:30])}. Say which one holds the text: columns: {{text: {close}}}"
            )

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return files.row_batches(self._rows(split, quarantine))

    def _rows(self, split: Split, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
        if not _by_lines(split.path):
            yield from self._values(split, quarantine)
            return
        for offset, line in _lines(split, quarantine):
            try:
                for record in values_in(decode(line)):
                    if not isinstance(record, dict):
                        raise Unreadable(f"the line is no JSON object but {type(record).__name__}")
                    yield self.document(record, split.path, offset, len(line))
            except (ValueError, RecursionError) as error:
                reason = str(error) if isinstance(error, Unreadable) else f"not JSON: {error}"
                quarantine(BadRecord(reason, split.path, offset, content=line[: 1 << 16]))

    def _values(self, split: Split, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
        """Documents of a file that is not laid out by lines; their `offset` is their number in it."""
        number = 0
        try:
            with files.open_decompressed(split.path) as stream:
                encoding = encoding_of(stream.read(4))
            with files.open_decompressed(split.path) as stream:
                for number, record in enumerate(streamed_values(stream, encoding, files.RECORD_BYTES)):
                    try:
                        if not isinstance(record, dict):
                            raise Unreadable(f"the value is no JSON object but {type(record).__name__}")
                        yield self.document(record, split.path, number)
                    except Unreadable as error:
                        quarantine(BadRecord(f"value {number}: {error}", split.path, number))
        except (ValueError, RecursionError) as error:
            reason = f"not JSON behind value {number}: {error}; write one object a line to lose no more than a line"
            quarantine(BadRecord(reason, split.path, number))
        except files.Damaged as error:
            quarantine(BadRecord(f"cannot decompress further: {error}", split.path, number))


def _first_records(path: str) -> Iterator[dict[str, Any]]:
    """The objects at the beginning of a file, as far as they can be read."""
    try:
        with files.open_decompressed(path) as stream:
            head = stream.read(_HEAD)
        if is_by_lines(head):
            for line in head.split(b"\n")[:_RECORDS_LOOKED_AT]:
                yield from (value for value in values_in(decode(line)) if isinstance(value, dict))
            return
        with files.open_decompressed(path) as stream:
            values = streamed_values(stream, encoding_of(head), files.RECORD_BYTES)
            yield from (value for value in islice(values, _RECORDS_LOOKED_AT) if isinstance(value, dict))
    except (ValueError, RecursionError, files.Damaged):
        return  # reading says what is wrong


def _by_lines(path: str) -> bool:
    """Whether a file holds whole objects on each line."""
    try:
        with files.open_decompressed(path) as stream:
            return is_by_lines(stream.read(_HEAD))
    except files.Damaged:
        return True  # what can be read of it is read line by line


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
