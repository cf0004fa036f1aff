"""A storage that fails now and then: reads are tried again, then fail the task, and no record is blamed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractBufferedFile
from warc_records import http, warc_record

from corpuskit.engine.source import BadRecord, Source
from corpuskit.sources.files import storage
from corpuskit.sources.files.storage import StorageError
from corpuskit.sources.jsonl import JsonLines
from corpuskit.sources.warc import Warc


class _File(AbstractBufferedFile):
    """As files on S3, GCS, Azure and HTTP are; every read of a range may fail."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        if _Storage.failures and start >= 1 << 20:
            _Storage.failures -= 1
            raise ConnectionResetError(104, "Connection reset by peer")
        with open(self.path, "rb") as stream:
            stream.seek(start)
            return stream.read(end - start)


class _Storage(LocalFileSystem):
    protocol = "faulty"
    failures = 0

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("faulty://"))

    def unstrip_protocol(self, name: str) -> str:
        return f"faulty://{name}"

    def open(self, path: str, mode: str = "rb", **_: Any) -> _File:
        path = self._strip_protocol(path)
        return _File(self, path, mode, size=self.info(path)["size"], block_size=1000, cache_type="none")


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.register_implementation("faulty", _Storage, clobber=True)
    monkeypatch.setattr(storage, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(_Storage, "failures", 0)


def read(source: Source, failures: int, folder: Path) -> tuple[int, list[BadRecord]]:
    bad: list[BadRecord] = []
    splits = source.splits(folder)
    _Storage.failures = failures
    return sum(batch.num_rows for split in splits for batch in source.read(split, bad.append)), bad


def sources(folder: Path) -> list[Source]:
    lines = "".join(json.dumps({"text": f"The ferry {number} leaves at noon. " * 160}) + "\n" for number in range(400))
    (folder / "a.jsonl").write_text(lines)
    (folder / "b.jsonl").write_bytes(gzip.compress(lines.encode(), 0))
    pages = [
        gzip.compress(warc_record(f"http://a.example/{n}", http(b"<p>%d</p>" % (n + 1000) * 600)), 0)
        for n in range(400)
    ]
    (folder / "a.warc.gz").write_bytes(b"".join(pages))
    names = [f"faulty://{folder}/{name}" for name in ("a.jsonl", "b.jsonl", "a.warc.gz")]
    return [JsonLines(paths=names[0]), JsonLines(paths=names[1]), Warc(paths=names[2])]


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_a_connection_that_breaks_costs_nothing(failures: int, tmp_path: Path) -> None:
    for source in sources(tmp_path):
        assert read(source, failures, tmp_path) == (400, [])
        assert _Storage.failures == 0


def test_a_storage_that_stays_away_fails_the_task_and_blames_no_record(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        bad: list[BadRecord] = []
        splits = source.splits(tmp_path)
        _Storage.failures = 1000
        with pytest.raises(StorageError, match="after 4 tries: ConnectionResetError"):
            list(source.read(splits[0], bad.append))
        assert not bad
        _Storage.failures = 0
