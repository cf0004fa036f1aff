"""Archives: what is read from real and damaged ones, and that cutting them loses and repeats nothing."""

from __future__ import annotations

import gzip
import random
from itertools import pairwise
from pathlib import Path

import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.document import SCHEMA
from corpuskit.engine import source as engine_source
from corpuskit.engine.source import BadRecord
from corpuskit.errors import UsageError
from corpuskit.sources import warc
from corpuskit.sources.archives.members import record_start
from corpuskit.sources.warc import Warc, read_warc


def rows(path: Path | str, start: int = 0, end: int | None = None) -> tuple[list[dict], list[BadRecord]]:
    bad: list[BadRecord] = []
    return [row for batch in read_warc(str(path), start, end, bad.append) for row in batch.to_pylist()], bad


def record(url: str, page: bytes, headers: str = "Content-Type: text/html", status: str = "200 OK") -> bytes:
    block = f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + page
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
    head += f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    return head.encode() + block + b"\r\n\r\n"


def test_every_archive_is_read_and_agrees_with_warcio(samples: Path) -> None:
    from warcio.archiveiterator import ArchiveIterator

    folder = samples / "warc"
    chosen = ["resiliparse/warcfile.warc.gz", "warcio/example-iana.org-chunked.warc"]
    for path in [*folder.glob("*/sample-*.warc.gz"), *(folder / name for name in chosen)]:
        expected = {}
        with path.open("rb") as stream:
            for item in ArchiveIterator(stream):
                http = item.http_headers
                if item.rec_type == "response" and http and http.get_statuscode() == "200":
                    kind = (http.get_header("Content-Type") or "").split(";")[0].strip().lower()
                    if kind in warc.TEXT_TYPES:
                        expected[item.rec_headers.get_header("WARC-Target-URI")] = item.content_stream().read()
        found = {row["url"]: row["content"] for row in rows(path)[0] if row["url"] in expected}
        assert expected
        assert found == expected


def test_no_archive_of_the_odd_and_broken_raises(samples: Path) -> None:
    for path in sorted((samples / "warc").glob("*/*")):
        for row in rows(path)[0]:
            assert row["content"], path


def test_pages_that_are_stored_decoded_under_headers_that_claim_a_coding_are_read(samples: Path) -> None:
    found, bad = rows(samples / "warc/resiliparse/clueweb-quirk.warc.gz")
    assert len(found) == 29
    assert not bad


def test_a_record_cut_off_is_quarantined_with_its_place_and_what_came_before_is_kept(tmp_path: Path) -> None:
    whole = [gzip.compress(record(f"https://a.example/{n}", b"<p>%d</p>" % n * 500)) for n in range(3)]
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(b"".join(whole)[:-20])
    found, bad = rows(path)
    assert [row["url"] for row in found] == ["https://a.example/0", "https://a.example/1"]
    assert [item.offset for item in bad] == [len(whole[0]) + len(whole[1])]


def test_reading_goes_on_behind_a_damaged_member(tmp_path: Path) -> None:
    members = [gzip.compress(record(f"https://a.example/{n}", bytes(range(32, 120)) * (n + 3))) for n in range(4)]
    damaged = bytearray(members[1])
    damaged[60:90] = b"\xff" * 30
    path = tmp_path / "damaged.warc.gz"
    path.write_bytes(members[0] + bytes(damaged) + members[2] + members[3])
    found, bad = rows(path)
    assert [row["url"][-1] for row in found] == ["0", "2", "3"]
    assert bad
    assert bad[0].path == str(path)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=25),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    seed=st.binary(min_size=1, max_size=40),
)
def test_any_cuts_of_a_gzipped_archive_lose_and_repeat_nothing(
    sizes: list[int], cuts: list[float], seed: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # compressed bytes inside the pages, so that false member beginnings lie between the true ones
    pages = [(seed * 3000)[:size] + gzip.compress(seed, 0) + b"\x1f\x8b\x08" for size in sizes]
    data = b"".join(gzip.compress(record(f"https://a.example/{n}", page)) for n, page in enumerate(pages))
    path = tmp_path_factory.mktemp("cut") / "a.warc.gz"
    path.write_bytes(data)
    with path.open("rb") as stream:
        places = sorted({record_start(stream, int(cut * len(data)), len(data)) for cut in [0.0, 1.0, *cuts]})
    found = [row["content"] for start, end in pairwise(places) for row in rows(path, start, end)[0]]
    assert found == pages


def test_splits_cover_a_large_archive_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "SPLIT_BYTES", 4000)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(gzip.compress(record(f"https://a.example/{n}", b"%d" % n * 700)) for n in range(200)))
    source = Warc(paths=str(path), kind="news", license="CC0-1.0", name="archive")
    splits = source.splits(tmp_path)
    assert len(splits) > 3
    assert splits[0].start == 0
    assert [split.end for split in splits[:-1]] == [split.start for split in splits[1:]]
    assert splits[-1].end == path.stat().st_size
    bad: list[BadRecord] = []
    found = [row for split in splits for batch in source.read(split, bad.append) for row in batch.to_pylist()]
    assert not bad
    assert [row["url"] for row in found] == [f"https://a.example/{n}" for n in range(200)]
    assert {(row["kind"], row["license"], row["source"]) for row in found} == {("news", "CC0-1.0", "archive")}
    at = found[57]["provenance"]
    with path.open("rb") as stream:
        stream.seek(at["offset"])
        assert b"https://a.example/57\r\n" in gzip.decompress(stream.read(at["length"]))


def test_an_archive_in_one_gzip_member_is_one_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "SPLIT_BYTES", 1000)
    path = tmp_path / "a.warc.gz"
    noise = random.Random(1).randbytes
    path.write_bytes(gzip.compress(b"".join(record(f"https://a.example/{n}", noise(2000)) for n in range(20))))
    source = Warc(paths=str(path))
    assert len(source.splits(tmp_path)) == 1
    assert len(rows(path)[0]) == 20


@pytest.mark.parametrize("suffix", ["warc", "warc.gz", "warc.zst", "warc.lz4"])
def test_all_compressions_give_the_same_documents(suffix: str, tmp_path: Path) -> None:
    plain = b"".join(record(f"https://a.example/{n}", "첫눈 ".encode() * 50) for n in range(5))
    path = tmp_path / f"a.{suffix}"
    pack = {"gz": gzip.compress, "zst": zstandard.compress, "lz4": lz4.frame.compress}.get(suffix[5:], bytes)
    path.write_bytes(pack(plain))
    found, bad = rows(path)
    assert not bad
    assert [row["content"] for row in found] == ["첫눈 ".encode() * 50] * 5


def test_only_pages_that_came_back_whole_as_text_are_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(
        record("https://a.example/ok", b"<p>yes</p>", "Content-Type: text/html\r\nX-Robots-Tag: noai, noindex")
        + record("https://a.example/gone", b"<p>no</p>", status="404 Not Found")
        + record("https://a.example/i.png", b"\x89PNG....", "Content-Type: image/png")
        + record("https://a.example/untyped", b"<!doctype html><body><p>typed by its bytes</p></body>", "A: b")
        + record("dns:a.example", b"1.2.3.4").replace(b"HTTP/1.1 200 OK", b"20260101000000 ")
    )
    found, bad = rows(path)
    assert [row["url"] for row in found] == ["https://a.example/ok", "https://a.example/untyped"]
    assert found[0]["rights"] == "noai; noindex"
    assert found[0]["fetched"] == "2026-01-02T03:04:05Z"
    assert not bad


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(b"hello " * 1000))
    assert [item.reason for item in rows(path)[1]] == ["no WARC record in it"]


def test_arc_files_of_before_warc_are_read(samples: Path) -> None:
    found, _ = rows(samples / "warc/warcio/example.arc.gz")
    assert [(row["url"], len(row["content"])) for row in found] == [("http://example.com/", 1270)]


def test_ids_do_not_depend_on_the_file_or_the_place_in_it(tmp_path: Path) -> None:
    pages = [record(f"https://a.example/{n}", b"<p>%d</p>" % n) for n in range(3)]
    (tmp_path / "a.warc").write_bytes(b"".join(pages))
    (tmp_path / "b.warc.gz").write_bytes(gzip.compress(b"".join(reversed(pages))))
    one, two = rows(tmp_path / "a.warc")[0], rows(tmp_path / "b.warc.gz")[0]
    assert [row["id"] for row in one] == [row["id"] for row in reversed(two)]
    assert len({row["id"] for row in one}) == 3


def test_batches_are_bounded_and_carry_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(record(f"https://a.example/{n}", b"x" * 100) for n in range(2500)))
    batches = list(read_warc(str(path), 0, None, lambda item: None))
    assert all(batch.schema.equals(SCHEMA) for batch in batches)
    assert [batch.num_rows for batch in batches] == [1024, 1024, 452]
    assert isinstance(batches[0], pa.RecordBatch)
    assert engine_source.BATCH_ROWS == 1024


def test_a_pattern_that_matches_nothing_names_itself(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing-\*\.warc\.gz"):
        Warc(paths=str(tmp_path / "nothing-*.warc.gz")).splits(tmp_path)
