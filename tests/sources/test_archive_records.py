"""Archives record by record: each is a page, a counted skip or a quarantined record; a cut page says so."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import re
import zipfile
import zlib
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from warc_records import arc_record, http, warc_record

from corpuskit.engine.source import BadRecord, Intake
from corpuskit.sources.archives.bodies import dechunked, decoded
from corpuskit.sources.warc import Warc, read_warc

PAGE = b"<html><body><p>" + b"The harbour council met on Tuesday evening. " * 12 + b"</p></body></html>"


def read(path: Path) -> tuple[list[dict], list[BadRecord], dict[str, int]]:
    bad: list[BadRecord] = []
    intake = Intake(bad.append)
    rows = [row for batch in read_warc(str(path), 0, None, intake) for row in batch.to_pylist()]
    return rows, bad, dict(intake.skipped)


def read_records(
    folder: Path, *records: bytes, pack=gzip.compress
) -> tuple[list[dict], list[BadRecord], dict[str, int]]:
    path = folder / "a.archive"
    path.write_bytes(b"".join(pack(record) for record in records))
    return read(path)


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


def chunked(data: bytes, size: int = 100) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


# bodies


@pytest.mark.parametrize(
    ("encodings", "body"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("x-gzip", gzip.compress(PAGE)),
        ("gzip, gzip", gzip.compress(gzip.compress(PAGE))),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", raw_deflate(PAGE)),
        ("zstd", zstandard.compress(PAGE)),
        ("gzip", PAGE),
        ("br", PAGE),
        ("deflate", PAGE),
        ("zstd", PAGE),
        ("utf-8", PAGE),
        ("gzip", zstandard.compress(PAGE)),
        ("br", gzip.compress(PAGE)),
        ("", gzip.compress(PAGE)),
        ("identity", PAGE),
    ],
)
def test_bodies_are_what_their_bytes_are(encodings: str, body: bytes) -> None:
    assert decoded(body, encodings, 1 << 20) == (PAGE, True)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate, zstandard.compress])
def test_a_body_that_breaks_off_says_so(pack) -> None:
    encoding = "zstd" if pack is zstandard.compress else "deflate" if pack in (zlib.compress, raw_deflate) else "gzip"
    text = random.Random(1).randbytes(300_000)
    found, whole = decoded(pack(text)[:-50], encoding, 1 << 20)
    assert not whole
    assert len(found) > 100_000
    assert text.startswith(found)


def test_a_body_that_is_neither_what_it_claims_nor_text_is_an_error() -> None:
    for encoding in ("gzip", "br", "compress"):
        with pytest.raises(ValueError, match=encoding):
            decoded(b"\x01\x02\x00\x03", encoding, 100)


def test_chunks_are_joined_and_what_has_none_is_left_alone() -> None:
    assert dechunked(chunked(PAGE)) == (PAGE, True)
    assert dechunked(PAGE) == (PAGE, True)
    assert dechunked(chunked(PAGE)[:300]) == (PAGE[:284], False)
    assert dechunked(chunked(PAGE)[:-5]) == (PAGE, False)


# records


def test_a_cut_page_says_why(tmp_path: Path) -> None:
    def why(*args: bytes) -> list[str | None]:
        return [row["provenance"]["truncated"] for row in read_records(tmp_path, *args)[0]]

    long = random.Random(1).randbytes(20_000)
    packed = gzip.compress(b"<p>" + long)[:-3000]
    assert why(warc_record("a", http(PAGE))) == [None]
    assert why(warc_record("a", http(PAGE), headers=["WARC-Truncated: length"])) == ["length"]
    assert why(warc_record("a", http(packed, "Content-Encoding: gzip"))) == ["the gzip data breaks off"]
    assert why(warc_record("a", http(chunked(PAGE)[:-9], "Transfer-Encoding: chunked"))) == [
        "the last chunk is missing"
    ]
    assert why(warc_record("a", http(PAGE, "Content-Length: 9000"))) == [f"{len(PAGE)} of 9000 bytes"]
    assert why(warc_record("a", http(PAGE, "Content-Range: bytes 0-99/500", status="206 Partial Content"))) == [
        "partial content: bytes 0-99/500"
    ]
    whole = f"Content-Range: bytes 0-{len(PAGE) - 1}/{len(PAGE)}"
    assert why(warc_record("a", http(PAGE, whole, status="206 Partial Content"))) == [None]


def test_segments_are_joined_or_marked(tmp_path: Path) -> None:
    block = http(PAGE)
    first = warc_record("a", block[:200], headers=["WARC-Segment-Number: 1", "WARC-Record-ID: <urn:x:1>"])

    def later(number: int, part: bytes, *more: str) -> bytes:
        headers = [f"WARC-Segment-Number: {number}", "WARC-Segment-Origin-ID: <urn:x:1>", *more]
        return warc_record("a", part, "continuation", headers=headers)

    total = f"WARC-Segment-Total-Length: {len(block)}"
    rows, bad, skipped = read_records(tmp_path, first, later(2, block[200:300]), later(3, block[300:], total))
    assert [(row["content"], row["provenance"]["truncated"]) for row in rows] == [(PAGE, None)]
    assert (len(bad), sum(skipped.values())) == (0, 2)
    rows, bad, _ = read_records(tmp_path, first, later(3, block[300:], total))
    assert [row["provenance"]["truncated"] for row in rows] == ["segments are missing"]
    assert ["continuation" in item.reason for item in bad] == [True]


@pytest.mark.parametrize("pack", [gzip.compress, bytes, zstandard.compress, lz4.frame.compress])
@pytest.mark.parametrize("wrong", [20, 700, 100_000, -20, None])
def test_a_wrong_length_costs_no_record(wrong: int | None, pack, tmp_path: Path) -> None:
    good = [warc_record(f"http://a.example/{n}", http(PAGE + b"%d" % n)) for n in range(3)]
    length = len(http(PAGE + b"1"))
    stated = b"" if wrong is None else b"Content-Length: %d\r\n" % (length + wrong)
    good[1] = good[1].replace(b"Content-Length: %d\r\n" % length, stated)
    rows, bad, _ = read_records(tmp_path, *good, pack=pack)
    assert [row["content"] for row in rows] == [PAGE + b"%d" % n for n in range(3)]
    assert not bad


def test_a_page_that_holds_an_archive_is_one_page(tmp_path: Path) -> None:
    inner = b"<pre>\r\n\r\n" + warc_record("http://b.example/", http(PAGE)) + b"</pre>"
    for pack in (gzip.compress, bytes):
        rows, bad, _ = read_records(tmp_path, warc_record("a", http(inner)), warc_record("b", http(PAGE)), pack=pack)
        assert [row["content"] for row in rows] == [inner, PAGE]
        assert not bad


@pytest.mark.parametrize(
    "pack", [gzip.compress, bytes, zstandard.compress, lz4.frame.compress, bz2.compress, lzma.compress]
)
def test_the_compression_is_told_by_the_bytes(pack, tmp_path: Path) -> None:
    many = [warc_record(f"http://a.example/{n}", http(PAGE + b"%d" % n)) for n in range(5)]
    for name in ("a.warc", "a.warc.gz", "A.WARC.GZ", "a"):
        path = tmp_path / name
        path.write_bytes(b"".join(pack(record) for record in many))
        assert [row["content"] for row in read(path)[0]] == [PAGE + b"%d" % n for n in range(5)]


def test_a_dictionary_in_the_archive_is_used(tmp_path: Path) -> None:
    many = [warc_record(f"http://a.example/{n}", http(PAGE + b"%d" % n * 50)) for n in range(300)]
    dictionary = zstandard.train_dictionary(4096, many)
    packer = zstandard.ZstdCompressor(dict_data=dictionary)
    for stored in (dictionary.as_bytes(), zstandard.compress(dictionary.as_bytes())):
        path = tmp_path / "a.warc.zst"
        head = b"\x5d\x2a\x4d\x18" + len(stored).to_bytes(4, "little") + stored
        path.write_bytes(head + b"".join(packer.compress(record) for record in many[:5]))
        assert len(read(path)[0]) == 5


def test_damage_between_records_is_reported_and_costs_no_other(tmp_path: Path) -> None:
    one, two = warc_record("http://a.example/1", http(PAGE)), warc_record("http://a.example/2", http(PAGE))
    rows, bad, _ = read_records(tmp_path, one, b"garbage here\r\n\r\n", two, pack=bytes)
    assert ([row["url"][-1] for row in rows], [item.reason for item in bad]) == (
        ["1", "2"],
        ["bytes that are no record"],
    )
    path = tmp_path / "b.warc.gz"
    path.write_bytes(gzip.compress(one) + b"\0" * 1000 + gzip.compress(two) + b"NOTGZIP" * 20 + gzip.compress(one))
    rows, bad, _ = read(path)
    assert [row["url"][-1] for row in rows] == ["1", "2", "1"]
    assert len(bad) == 1


# formats


def test_a_wacz_file_is_the_archives_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "crawl.wacz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("archive/b.warc.gz", "archive/a.warc.gz"):
            archive.writestr(name, gzip.compress(warc_record(f"http://a.example/{name}", http(PAGE))))
        archive.writestr("pages/pages.jsonl", "{}\n")
    expected = ["http://a.example/archive/a.warc.gz", "http://a.example/archive/b.warc.gz"]
    assert [row["url"] for row in read(path)[0]] == expected
    monkeypatch.setattr("corpuskit.sources.warc.SPLIT_BYTES", 10)
    source = Warc(paths=str(path))
    splits = source.splits(tmp_path)
    assert len(splits) == 2
    found = [row for split in splits for batch in source.read(split, [].append) for row in batch.to_pylist()]
    assert [row["url"] for row in found] == expected
    path.write_bytes(path.read_bytes()[:-30])
    assert ["ZIP" in item.reason for item in read(path)[1]] == [True]


def test_arc_records_of_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "a.arc"
    two = b"http://a.example/2 1.2.3.4 20060102030405 text/html 200 ABC - 0 a.arc %d\n" % len(http(PAGE))
    path.write_bytes(
        arc_record("filedesc://a.arc", b"1 0 IA\nURL IP-address Archive-date Content-type\n", "text/plain")
        + arc_record("http://a.example/with space", http(PAGE))
        + two + http(PAGE) + b"\n"
        + arc_record("http://a.example/long", http(PAGE), wrong=50)
        + arc_record("dns:a.example", b"1.2.3.4", "text/dns")
    )  # fmt: skip
    rows, bad, skipped = read(path)
    assert [row["url"] for row in rows] == [
        "http://a.example/with%20space", "http://a.example/2", "http://a.example/long",
    ]  # fmt: skip
    assert {row["content"] for row in rows} == {PAGE}
    assert rows[0]["fetched"] == "2006-01-02T03:04:05Z"
    assert not bad
    assert sum(skipped.values()) == 2


def test_types_are_read_as_meant(tmp_path: Path) -> None:
    def kinds(body: bytes, kind: str = "text/html", status: str = "200 OK", headers: list[str] | None = None) -> list:
        record = warc_record("http://a.example/", http(body, kind=kind, status=status), headers=headers)
        return [row["media_type"] for row in read_records(tmp_path, record)[0]]

    assert kinds(PAGE, kind="text/html,text/html; charset=utf-8") == ["text/html; charset=utf-8"]
    assert kinds(PAGE, kind="application/xml") == ["application/xhtml+xml"]
    assert kinds(b"<rss></rss>", kind="application/xml") == []
    assert kinds(PAGE, kind="application/octet-stream") == ["text/html"]
    assert kinds(b"\x00\x01", kind="application/octet-stream") == []
    identified = ["WARC-Identified-Payload-Type: text/html"]
    assert kinds(b"hello", kind="application/octet-stream", headers=identified) == ["text/html"]
    assert kinds(PAGE, status="203 Non-Authoritative Information") == ["text/html"]


def test_texts_that_browsertrix_and_common_crawl_store(tmp_path: Path) -> None:
    rows, bad, skipped = read_records(
        tmp_path,
        warc_record("urn:text:http://a.example/1", b"the text", "resource", kind="text/plain"),
        warc_record("urn:pageinfo:http://a.example/1", b"{}", "resource", kind="application/json"),
        warc_record("http://a.example/2", "본문".encode(), "conversion", kind="text/plain"),
        warc_record("http://a.example/2", b"{}", "metadata", kind="application/json"),
        warc_record("http://a.example/1", b"", "revisit"),
    )
    assert [(row["url"], row["content"].decode()) for row in rows] == [
        ("http://a.example/1", "the text"), ("http://a.example/2", "본문"),
    ]  # fmt: skip
    assert not bad
    assert skipped == {"resource of urn:": 1, "metadata record": 1, "revisit: the same as an earlier record": 1}


# nothing is lost


def unpack_lz4(data: bytes) -> bytes:
    found = b""
    while data:
        frame = lz4.frame.LZ4FrameDecompressor()
        found += frame.decompress(data)
        data = frame.unused_data or b""
    return found


def heads_in(path: Path) -> int:
    """Heads of records in a file, counted by looking for them in the bytes."""
    data = path.read_bytes()
    unpack = {b"\x1f\x8b": gzip.decompress, b"\x04\x22": unpack_lz4}.get(data[:2], bytes)
    try:
        data = unpack(data)
    except (EOFError, OSError, zlib.error):
        engine = zlib.decompressobj(31)
        data, rest = b"", data
        while rest:
            data += engine.decompress(rest)
            rest, engine = engine.unused_data, zlib.decompressobj(31)
    if data.startswith(b"filedesc:"):
        return len(re.findall(rb"^(?:filedesc:|https?://|dns:)\S.* \d{14} .*\d+\r?$", data, re.M))
    return len(re.findall(rb"^WARC/\d\.\d+ *\r?\n[A-Z][\w-]+ *:", data, re.M))


def test_every_record_of_every_archive_is_accounted_for(samples: Path) -> None:
    for path in sorted((samples / "warc").glob("*/*")):
        rows, bad, skipped = read(path)
        accounted = len(rows) + len(bad) + sum(skipped.values())
        heads = heads_in(path)
        assert accounted >= heads, (path.name, heads, len(rows), bad, skipped)
        if not bad:
            assert accounted == heads, (path.name, len(rows), skipped)
