"""Plain text files: a file is a document, or a run of documents with a separator between them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, Self

import pyarrow as pa
from pydantic import AfterValidator, Field, model_validator

from corpuskit.document import document_id
from corpuskit.engine.source import BadRecord, Quarantine, Source, Split
from corpuskit.sources import files
from corpuskit.sources.records import Unreadable, decode, normal


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"'{name}' is no encoding that Python knows (utf-8, cp949, euc-kr, utf-16, ...)") from None


class TextFiles(Source):
    """Text files: one document a file, or several with a separator between them."""

    key: ClassVar[str] = "text"
    version: ClassVar[int] = 1

    paths: str | list[str]
    """Files, folders or patterns; .gz, .zst and .lz4 are decompressed."""
    split_on: Annotated[str, Field(min_length=1)] | None = None
    """What stands between two documents of a file, such as "\\n\\n" or "\\n====\\n". Absent: a file is one document."""
    encoding: Annotated[str, AfterValidator(_codec)] = "utf-8"
    """The encoding of the files, by Python's name for it."""

    @model_validator(mode="after")
    def _separator_is_bytes(self) -> Self:
        if self.split_on and self.encoding.startswith(("utf-16", "utf-32")):
            raise ValueError(f"split_on does not work with {self.encoding}; convert the files to utf-8 first")
        return self

    def fingerprint(self, folder: Path) -> str:
        return files.fingerprint(files.find(self.paths, self.key))

    def splits(self, folder: Path) -> list[Split]:
        return files.whole(files.find(self.paths, self.key))

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return files.row_batches(self._rows(split, quarantine))

    def _rows(self, split: Split, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
        for offset, piece in self._pieces(split, quarantine):
            try:
                text = decode(piece) if self.encoding == "utf-8" else piece.decode(self.encoding)
                text = normal(text)
            except UnicodeError as error:
                quarantine(BadRecord(f"not {self.encoding}: {error}", split.path, offset, content=piece[: 1 << 16]))
                continue
            except Unreadable as error:
                quarantine(BadRecord(str(error), split.path, offset, content=piece[: 1 << 16]))
                continue
            if not text.strip():
                continue
            name = PurePosixPath(split.path).name
            yield {
                "id": document_id(name, piece),
                "text": text,
                "title": None if self.split_on else name,
                "source": self.label(),
                "kind": self.kind,
                "license": self.license,
                "provenance": {"path": split.path, "offset": offset, "length": len(piece)},
            }

    def _pieces(self, split: Split, quarantine: Quarantine) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) of each document. Offsets count decompressed bytes."""
        separator = self.split_on.encode(self.encoding) if self.split_on else None
        offset, held = 0, b""
        try:
            with files.open_decompressed(split.path) as stream:
                while block := stream.read(8 << 20):
                    held += block
                    if separator:
                        *pieces, held = held.split(separator)
                        for piece in pieces:
                            yield offset, piece
                            offset += len(piece) + len(separator)
                    if len(held) > files.RECORD_BYTES:
                        reason = f"document of more than {files.RECORD_BYTES} bytes; the file is not read further"
                        quarantine(BadRecord(reason, split.path, offset, content=held[: 1 << 16]))
                        return
        except files.Damaged as error:
            quarantine(BadRecord(f"cannot decompress further: {error}", split.path, offset))
        if held:
            yield offset, held
