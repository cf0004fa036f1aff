"""Files behind a source: found by path or pattern on any fsspec storage, fingerprinted, opened, read in batches."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

import fsspec
import lz4.frame
import pyarrow as pa
import zstandard

from corpuskit.document import documents
from corpuskit.engine.source import BATCH_BYTES, BATCH_ROWS, Split
from corpuskit.errors import UsageError

RECORD_BYTES = 128 << 20
"""A record longer than this is quarantined instead of being held in memory."""

_COMPRESSED = (".gz", ".zst", ".lz4")


@dataclass(frozen=True)
class File:
    """One file as its storage describes it. `changed` is whatever the storage tells of its age or version."""

    path: str
    size: int
    changed: str


def find(paths: str | list[str], key: str) -> list[File]:
    """The files that paths and patterns name, sorted, each once. `key` names the source in the error.

    A folder means all files in it and in the folders below, except hidden ones. Raises UsageError for a path or pattern
    that matches nothing.
    """
    found: dict[str, File] = {}
    for pattern in [paths] if isinstance(paths, str) else paths:
        try:
            system, stripped = fsspec.core.url_to_fs(pattern)
            names = sorted(system.glob(stripped)) if any(sign in stripped for sign in "*?[") else [stripped]
            if len(names) == 1 and system.isdir(names[0]):
                inside = len(names[0].rstrip("/"))
                below = system.find(names[0])
                names = sorted(name for name in below if "/." not in name[inside:])
            matches = [system.info(name) for name in names if not system.isdir(name)]
        except FileNotFoundError:
            matches = []
        except (ImportError, ValueError) as error:
            raise UsageError(f"source '{key}': cannot open '{pattern}': {error}") from error
        if not matches:
            raise UsageError(f"source '{key}': no file matches '{pattern}'")
        local = "file" in ([system.protocol] if isinstance(system.protocol, str) else system.protocol)
        for info in matches:
            path = info["name"] if local else system.unstrip_protocol(info["name"])
            changed = next(
                (str(info[name]) for name in ("mtime", "LastModified", "ETag", "etag") if info.get(name)), ""
            )
            found[path] = File(path, int(info["size"] or 0), changed)
    return [found[path] for path in sorted(found)]


def fingerprint(files: Iterable[File]) -> str:
    """A digest of paths, sizes and times of change."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(repr((file.path, file.size, file.changed)).encode())
    return digest.hexdigest()


def whole(files: Iterable[File]) -> list[Split]:
    """One split a file; empty files have none."""
    return [Split(file.path, 0, file.size) for file in files if file.size]


def open_file(path: str) -> IO[bytes]:
    """The stored bytes of a file on any storage."""
    return cast("IO[bytes]", fsspec.open(path, "rb").open())


def is_compressed(path: str) -> bool:
    """True where the name says gzip, zstd or lz4."""
    return path.endswith(_COMPRESSED)


def open_decompressed(path: str) -> IO[bytes]:
    """The contents of a file, decompressed as its name says (.gz, .zst, .lz4). Reads all members and frames."""
    stored = open_file(path)
    if path.endswith(".gz"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stored))
    if path.endswith(".zst"):
        stream = zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=True)
        return io.BufferedReader(cast("io.RawIOBase", stream), 1 << 18)
    if path.endswith(".lz4"):
        return cast("IO[bytes]", lz4.frame.open(stored))
    return stored


DECOMPRESSION_ERRORS = (OSError, EOFError, zstandard.ZstdError, RuntimeError)
"""What `open_decompressed` streams raise for damaged data."""


def row_batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Document rows (dictionaries with document columns) as batches of at most BATCH_ROWS rows.

    A batch is closed once it holds BATCH_BYTES of text and content.
    """
    held: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        length = len(row.get("text") or "") + len(row.get("content") or b"")
        if held and (len(held) >= BATCH_ROWS or size + length > BATCH_BYTES):
            yield documents(held)
            held, size = [], 0
        held.append(row)
        size += length
    if held:
        yield documents(held)
