"""Web archives: WARC and ARC, plain or in any compression that `files` knows, and WACZ, which is a ZIP file of them.

The pages of an archive are its `response` and `resource` records with a text media type, and the `conversion` records
of extracted text that Common Crawl calls WET. Every record is a page, a counted skip with its reason, or goes to the
quarantine. A page that is not whole is read, and its provenance says why it is cut.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from corpuskit.document import document_id
from corpuskit.engine.source import SPLIT_BYTES, BadRecord, Quarantine, Source, Split, skip
from corpuskit.sources import files
from corpuskit.sources.archives.members import record_start
from corpuskit.sources.archives.pages import TEXT_TYPES, Page, Skip, outcomes
from corpuskit.sources.archives.records import records
from corpuskit.sources.files.compression import compression_of

__all__ = ["TEXT_TYPES", "Page", "Warc", "pages", "read_warc"]

_ZIP = b"PK\x03\x04"


class Warc(Source):
    """Web archives (WARC, ARC and WACZ): plain, gzip, zstd, lz4, bz2 or xz."""

    key: ClassVar[str] = "warc"
    version: ClassVar[int] = 2

    paths: str | list[str]
    """Files, folders or patterns, on any storage that fsspec knows: `CC-NEWS-*.warc.gz`, `s3://bucket/*.warc.gz`.
    Large archives that are compressed record by record (gzip) are read by several workers at once."""

    def libraries(self) -> tuple[str, ...]:
        return ("FastWARC", "resiliparse")

    def fingerprint(self, folder: Path) -> str:
        return files.fingerprint(files.find(self.paths, self.key))

    def splits(self, folder: Path) -> list[Split]:
        found = []
        for file in files.find(self.paths, self.key):
            if not file.size:
                continue
            with files.open_file(file.path) as stream:
                if file.size > SPLIT_BYTES and (head := stream.read(8)).startswith(_ZIP):
                    found += [Split(path, 0, size) for path, size in _entries(file.path)]
                elif file.size > SPLIT_BYTES and compression_of(head) == "gzip":
                    cuts = [0]
                    while cuts[-1] < file.size:
                        cuts.append(record_start(stream, cuts[-1] + SPLIT_BYTES, file.size))
                    found += [Split(file.path, start, end) for start, end in pairwise(cuts)]
                else:
                    found += files.whole([file])
        return found

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return read_warc(
            split.path,
            split.start,
            split.end,
            quarantine,
            source=self.label(),
            kind=self.kind,
            license=self.license,
        )


def read_warc(
    path: str,
    start: int,
    end: int | None,
    quarantine: Quarantine,
    *,
    source: str = "warc",
    kind: str = "other",
    license: str | None = None,
) -> Iterator[pa.RecordBatch]:
    """The pages of an archive between two byte offsets at which records begin, as document batches with `content`.

    `end` None means the end of the file. Pages are `response` records with HTTP status 200, 203 or 206, `resource` and
    `conversion` records, with a media type of TEXT_TYPES; other records are counted as skipped (`engine.source.skip`).
    Records that cannot be read go to `quarantine`, and reading goes on behind them where the format allows it.
    """
    return files.row_batches(
        {
            "id": document_id(page.url, page.content),
            "url": page.url,
            "source": source,
            "kind": kind,
            "license": license,
            "rights": page.rights,
            "fetched": page.fetched,
            "provenance": {
                "path": place,
                "offset": page.offset,
                "length": page.length,
                "truncated": page.truncated,
            },
            "content": page.content,
            "media_type": page.media_type,
        }
        for place, page in _pages(path, start, end, quarantine)
    )


def pages(path: str, start: int, end: int | None, quarantine: Quarantine) -> Iterator[Page]:
    """The pages that `read_warc` reads, one by one."""
    return (page for _, page in _pages(path, start, end, quarantine))


def _pages(path: str, start: int, end: int | None, quarantine: Quarantine) -> Iterator[tuple[str, Page]]:
    """(path of the archive, page). The archives in a WACZ file have paths as fsspec chains them: `zip://IN::FILE`."""
    with files.open_file(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if stream.read(4) != _ZIP:
            for outcome in outcomes(records(stream, start, size if end is None else min(end, size))):
                if isinstance(outcome, Page):
                    yield path, outcome
                elif isinstance(outcome, Skip):
                    skip(quarantine, outcome.reason)
                else:
                    quarantine(BadRecord(outcome.reason, path, outcome.offset, outcome.url, outcome.content or None))
            return
    try:
        entries = _entries(path)
    except zipfile.BadZipFile as error:
        quarantine(BadRecord(f"the ZIP file cannot be listed: {error}; was it cut?", path, 0))
        return
    if not entries:
        quarantine(BadRecord("a ZIP file without an archive in it (*.warc, *.warc.gz, *.arc.gz)", path, 0))
    for entry, _ in entries:
        yield from _pages(entry, 0, None, quarantine)


def _entries(path: str) -> list[tuple[str, int]]:
    """(path, size) of the archives in a WACZ file (https://specs.webrecorder.net/wacz/1.1.1/)."""
    with files.open_file(path) as stream, zipfile.ZipFile(stream) as archive:
        found = [
            (f"zip://{entry.filename}::{path}", entry.file_size)
            for entry in archive.infolist()
            if entry.filename.lower().endswith((".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz"))
        ]
    return sorted(found)
