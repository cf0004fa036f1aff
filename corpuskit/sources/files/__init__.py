"""Files behind a source: found by path or pattern on any fsspec storage, fingerprinted, opened, read in batches."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import fsspec
import pyarrow as pa

from corpuskit.engine.source import BATCH_BYTES, BATCH_ROWS, Split
from corpuskit.errors import UsageError
from corpuskit.sources.files.compression import Compression, Damaged, Decompressed, compression_of
from corpuskit.sources.files.storage import StorageError, open_file
from corpuskit.sources.records import record_batch

__all__ = [
    "RECORD_BYTES",
    "Damaged",
    "File",
    "StorageError",
    "find",
    "fingerprint",
    "open_decompressed",
    "open_file",
    "row_batches",
    "stored_compression",
    "whole",
]

RECORD_BYTES = 128 << 20
"""A record longer than this is quarantined instead of being held in memory."""


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
            folders = names if names == [stripped] else [name for name in names if not _is_marker(name)]
            if folders and all(system.isdir(name) for name in folders):
                folders = [name.rstrip("/") for name in folders]
                names = sorted(
                    name for folder in folders for name in system.find(folder) if "/." not in name[len(folder) :]
                )
            if any(sign in stripped for sign in "*?[") or names != [stripped]:
                names = [name for name in names if not _is_marker(name)]
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


def _is_marker(name: str) -> bool:
    """Whether a file says something of the others in its folder: _SUCCESS, _metadata, .part.crc."""
    last = name.rstrip("/").rpartition("/")[2]
    return last.startswith((".", "_SUCCESS", "_metadata", "_common_metadata", "_committed", "_started"))


def fingerprint(files: Iterable[File]) -> str:
    """A digest of paths, sizes and times of change."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(repr((file.path, file.size, file.changed)).encode())
    return digest.hexdigest()


def whole(files: Iterable[File]) -> list[Split]:
    """One split a file; empty files have none."""
    return [Split(file.path, 0, file.size) for file in files if file.size]


def stored_compression(path: str) -> Compression:
    """How a file is compressed, by its first bytes; '' for none."""
    with open_file(path) as stream:
        return compression_of(stream.read(8))


def open_decompressed(path: str) -> IO[bytes]:
    """The contents of a file, decompressed as its first bytes say. Reading raises Damaged."""
    stored = open_file(path)
    compression = compression_of(stored.read(8))
    size = stored.seek(0, io.SEEK_END)
    stored.seek(0)
    return io.BufferedReader(Decompressed(stored, size, compression), 1 << 18) if compression else stored


def row_batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Document rows (dictionaries with document columns, see `records`) as batches of at most BATCH_ROWS rows.

    A batch is closed once it holds BATCH_BYTES of text and content.
    """
    held: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        length = len(row.get("text") or "") + len(row.get("content") or b"")
        if held and (len(held) >= BATCH_ROWS or size + length > BATCH_BYTES):
            yield record_batch(held)
            held, size = [], 0
        held.append(row)
        size += length
    if held:
        yield record_batch(held)
