"""JSON lines, Parquet, text files and datasets: every record once, damage named with its place, text in NFC."""

from __future__ import annotations

import gzip
import json
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.document import SCHEMA, document_id
from corpuskit.engine.source import BadRecord, Source, Split
from corpuskit.errors import UsageError
from corpuskit.sources import columnar, files, jsonl, parquet, tables
from corpuskit.sources.huggingface import Datasets
from corpuskit.sources.jsonl import JsonLines
from corpuskit.sources.parquet import Parquet
from corpuskit.sources.text import TextFiles


def read(source: Source, splits: list[Split] | None = None) -> tuple[list[dict[str, Any]], list[BadRecord]]:
    bad: list[BadRecord] = []
    found = []
    for split in source.splits(Path()) if splits is None else splits:
        for batch in source.read(split, bad.append):
            assert pa.schema(list(batch.schema)[: len(SCHEMA)]).equals(SCHEMA)
            found += batch.to_pylist()
    return found, bad


LINE_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(LINE_TEXT, min_size=1, max_size=30), cuts=st.lists(st.floats(0, 1), max_size=8), end=st.booleans()
)
def test_any_byte_ranges_of_json_lines_read_each_line_once(
    texts: list[str], cuts: list[float], end: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    lines = "\n".join(json.dumps({"text": text, "id": str(n)}, ensure_ascii=n % 2 == 0) for n, text in enumerate(texts))
    data = (lines + "\n" * end).encode()
    path.write_bytes(data)
    places = sorted({0, len(data), *(int(cut * len(data)) for cut in cuts)})
    splits = [Split(str(path), start, stop) for start, stop in pairwise(places)]
    found, bad = read(JsonLines(paths=str(path)), splits)
    assert not bad
    assert [row["text"] for row in found] == [unicodedata.normalize("NFC", text) for text in texts]
    assert all(json.loads(data[row["provenance"]["offset"] :].split(b"\n")[0]) for row in found)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".lz4"])
def test_petitions_are_read_from_every_compression(suffix: str, samples: Path, tmp_path: Path) -> None:
    data = (samples / "duplicates/petitions/petitions_2019-04").read_bytes()[:400_000]
    lines = data[: data.rindex(b"\n") + 1]
    packed = {
        "": bytes,
        ".gz": gzip.compress,
        ".zst": lambda raw: zstandard.compress(raw[:50_000]) + zstandard.compress(raw[50_000:]),  # two frames
        ".lz4": lz4.frame.compress,
    }[suffix](lines)
    path = tmp_path / f"petitions.jsonl{suffix}"
    path.write_bytes(packed)
    found, bad = read(JsonLines(paths=str(path), columns={"text": "content"}))
    assert not bad
    expected = [unicodedata.normalize("NFC", json.loads(line)["content"]) for line in lines.splitlines()]
    assert [row["text"] for row in found] == expected


def test_a_large_file_is_cut_into_byte_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "SPLIT_BYTES", 1000)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": f"line {n} " * (n % 40 + 1)}) + "\n" for n in range(300)))
    source = JsonLines(paths=str(path))
    assert len(source.splits(tmp_path)) > 20
    assert len({row["id"] for row in read(source)[0]}) == 300


def test_bad_lines_are_quarantined_with_offset_and_reason(tmp_path: Path) -> None:
    good = '{"text": "안녕하세요"}'.encode()
    bad_lines = {
        b"{not json": "not JSON",
        b"[1, 2]": "no JSON object but list",
        b'{"body": "x"}': "no field 'text'",
        b'{"text": 5}': "field 'text' is int",
        b'{"text": "\xff\xfe"}': "not UTF-8: byte 0xff at 10",
        b'{"text": ' + b"[" * 100_000: "not JSON",
    }
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n\n".join([good, *bad_lines, good]))
    found, bad = read(JsonLines(paths=str(path)))
    assert [row["text"] for row in found] == ["안녕하세요"] * 2
    assert len(bad) == len(bad_lines)
    for item, (line, reason) in zip(bad, bad_lines.items(), strict=True):
        assert reason in item.reason
        assert item.offset == path.read_bytes().index(line)


def test_what_can_be_repaired_without_loss_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    cesu = b'{"text": "' + "😀".encode("utf-16", "surrogatepass")[2:].decode("utf-16").encode() + b'"}\n'
    pair = b'{"text": "\xed\xa0\xbd\xed\xb8\x80"}\n'
    path.write_bytes(b'\xef\xbb\xbf{"text": "bom"}\n' + pair + cesu + '{"text": "한글"}\n'.encode())
    found, bad = read(JsonLines(paths=str(path)))
    assert not bad
    assert [row["text"] for row in found] == ["bom", "😀", "😀", "한글"]


def test_characters_that_no_store_keeps_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(rb'{"text": "a\ud800b"}' + b"\n" + rb'{"text": "a\u0000b"}' + b'\n{"text": "tab\there"}')
    found, bad = read(JsonLines(paths=str(path)))
    assert [row["text"] for row in found] == ["a\ufffdb", "a\ufffdb", "tab\there"]
    assert not bad


def test_a_line_too_long_for_memory_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "RECORD_BYTES", 1000)
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "' + "x" * 5000 + '"}\n{"text": "next"}\n')
    found, bad = read(JsonLines(paths=str(path)))
    assert [row["text"] for row in found] == ["next"]
    assert "more than 1000" in bad[0].reason


def test_a_truncated_archive_gives_what_is_whole(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"{n} " * 200}) + "\n" for n in range(500)).encode()
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines)[:-200])
    found, bad = read(JsonLines(paths=str(path)))
    assert 0 < len(found) < 500
    assert any("decompress" in item.reason for item in bad)


def test_columns_are_mapped_and_the_source_fills_what_records_lack(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record = {"body": "본문", "link": "https://a.example/1", "when": "2026-01-02", "license": "CC0", "tags": ["x"]}
    path.write_text(json.dumps(record) + "\n" + json.dumps({"body": "둘"}))
    source = JsonLines(
        paths=str(path),
        columns={"text": "body", "url": "link", "published": "when"},
        kind="blog",
        license="CC-BY-4.0",
        name="mine",
    )
    one, two = read(source)[0]
    assert (one["text"], one["url"], one["published"], one["license"]) == (
        "본문", "https://a.example/1", "2026-01-02", "CC0",
    )  # fmt: skip
    assert (two["license"], two["kind"], two["source"]) == ("CC-BY-4.0", "blog", "mine")
    assert one["id"] == document_id("https://a.example/1", "본문".encode())


def test_a_page_in_a_field_goes_to_extraction(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"html": "<p>안녕</p>", "url": "https://a.example/"}))
    (row,), _ = read(JsonLines(paths=str(path), columns={"content": "html"}))
    assert row["text"] is None
    assert row["content"] == "<p>안녕</p>".encode()
    assert row["media_type"] == "text/html; charset=utf-8"


def test_an_unknown_document_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="did you mean 'title'"):
        JsonLines(paths="a.jsonl", columns={"titel": "name"})


def test_parquet_is_cut_at_row_groups_and_reads_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "SPLIT_BYTES", 4000)
    table = pa.table(
        {"body": [f"글 {n} " * 20 for n in range(1000)], "id": [str(n) for n in range(1000)], "n": range(1000)}
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=64)
    source = Parquet(paths=str(tmp_path), columns={"text": "body"})
    splits = source.splits(tmp_path)
    assert len(splits) > 3
    found, bad = read(source)
    assert not bad
    assert [row["text"] for row in found] == table["body"].to_pylist()
    assert found[65]["provenance"] == {"path": str(path), "offset": 1, "length": None, "truncated": None}


def test_parquet_rows_without_text_or_with_broken_text_are_quarantined_alone(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(
        pa.string(),
        3,
        [None, pa.py_buffer(pa.array([0, 2, 4, 6], pa.int32()).buffers()[1]), pa.py_buffer(b"ok\xff\xfeok")],
    )
    pq.write_table(pa.table({"text": broken}), tmp_path / "broken.parquet")
    pq.write_table(pa.table({"text": ["a", None, "c"]}), tmp_path / "null.parquet")
    found, bad = read(Parquet(paths=str(tmp_path / "*.parquet")))
    assert [row["text"] for row in found] == ["ok", "ok", "a", "c"]
    assert ["row 1" in item.reason for item in bad] == [True, True]


FIELD = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from(["", "\0", "e\u0301", "news", "\ufeffx", "각", "CC0"])
)


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(["text", "id", "url", "kind", "license", "title"], FIELD))))
def test_tables_read_by_columns_and_row_by_row_are_the_same_documents(
    rows: list[dict[str, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [
        {name: value and value.encode("utf-8", "replace").decode() for name, value in row.items()} | {"fetched": number}
        for number, row in enumerate(rows)
    ]
    path = tmp_path_factory.mktemp("columns") / "a.parquet"
    schema = pa.schema([*((name, pa.string()) for name in ("text", "id", "url", "kind", "license", "title"))])
    pq.write_table(pa.Table.from_pylist(rows, schema.append(pa.field("fetched", pa.int64()))), path)
    source = Parquet(paths=str(path), columns={"author": "title"}, license="CC-BY-4.0", kind="blog")
    split = Split(str(path), 0, 1)
    by_columns, by_rows = read(source, [split]), None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "plain_documents", lambda *_, **__: None)
        by_rows = read(source, [split])
    assert by_columns == by_rows


def test_batches_hold_neither_too_many_rows_nor_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "BATCH_ROWS", 40)
    monkeypatch.setattr(columnar, "BATCH_BYTES", 1000)
    texts = [f"{number} " + "x" * (number * 7919 % 97) for number in range(700)] + ["y" * 3000, "z"]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    source = Parquet(paths=str(tmp_path / "a.parquet"))
    batches = list(source.read(source.splits(tmp_path)[0], lambda _: None))
    assert [text for batch in batches for text in batch.column("text").to_pylist()] == texts
    for batch in batches:
        assert batch.num_rows <= 40
        assert sum(map(len, batch.column("text").to_pylist())) <= 1000 or batch.num_rows == 1
    assert len(batches) < 60


def test_what_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"hello")
    with pytest.raises(UsageError, match=r"a\.parquet"):
        Parquet(paths=str(tmp_path / "a.parquet")).splits(tmp_path)


def test_one_bad_file_of_several_costs_its_own_rows(tmp_path: Path) -> None:
    (tmp_path / "part=1").mkdir()
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "part=1" / "good.parquet")
    pq.write_table(pa.table({"body": ["c"] * 5}), tmp_path / "other.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "part=1" / "good.parquet").read_bytes()[:-20])
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_metadata").write_bytes(b"x")
    (tmp_path / "part=1" / ".good.parquet.crc").write_bytes(b"crc")
    assert [file.path for file in files.find(str(tmp_path / "part*"), "parquet")] == [
        str(tmp_path / "part=1" / "good.parquet")
    ]
    for paths in (str(tmp_path), [str(tmp_path / "*"), str(tmp_path / "part=1" / "*")]):
        found, bad = read(Parquet(paths=paths))
        assert [row["text"] for row in found] == ["a", "b"]
        assert [Path(item.path).name for item in bad] == ["cut.parquet", "other.parquet"]
        assert "no column 'text'; its columns are: body" in bad[1].reason


def test_a_file_or_folder_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / ".folder").mkdir()
    for name in ("_metadata.jsonl", ".folder/a.jsonl"):
        (tmp_path / name).write_text('{"text": "a"}')
    for name in ("_metadata.jsonl", ".folder"):
        assert len(read(JsonLines(paths=str(tmp_path / name)))[0]) == 1


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="more than one column 'text'"):
        Parquet(paths=str(tmp_path / "a.parquet")).splits(tmp_path)


def test_a_wrong_column_is_refused_with_the_columns_that_there_are(tmp_path: Path) -> None:
    pq.write_table(pa.table({"Text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=r"no column 'text'.*Text, n.*columns: \{text: Text\}"):
        Parquet(paths=str(tmp_path / "a.parquet")).splits(tmp_path)
    assert read(Parquet(paths=str(tmp_path / "a.parquet"), columns={"text": "Text"}))[0][0]["text"] == "a"


def test_a_text_file_is_a_document(samples: Path) -> None:
    source = TextFiles(paths=str(samples / "prose/react-ko/content/community/*.md"))
    found, bad = read(source)
    assert not bad
    assert len(found) > 5
    assert all(row["text"] == unicodedata.normalize("NFC", row["text"]) for row in found)
    assert {row["title"] for row in found} >= {"team.md"}


def test_a_separator_cuts_a_file_into_documents_without_losing_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("하나\n\n둘\n\n\n\n셋".encode()))
    found, _ = read(TextFiles(paths=str(path), split_on="\n\n"))
    assert [row["text"] for row in found] == ["하나", "둘", "셋"]
    raw = gzip.decompress(path.read_bytes())
    for row in found:
        at = row["provenance"]
        assert raw[at["offset"] : at["offset"] + at["length"]].decode() == row["text"]


def test_other_encodings_are_read_by_name_and_wrong_ones_said(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("안녕하세요".encode("cp949"))
    assert read(TextFiles(paths=str(path), encoding="euc-kr"))[0][0]["text"] == "안녕하세요"
    found, bad = read(TextFiles(paths=str(path)))
    assert not found
    assert "not UTF-8" in bad[0].reason
    with pytest.raises(ValidationError, match="no encoding"):
        TextFiles(paths=str(path), encoding="korean-8")


def test_a_saved_dataset_is_read_in_order(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {
        "content": [f"문서 {n}" for n in range(600)] + [None],
        "url": [f"https://a.example/{n}" for n in range(601)],
    }
    datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows)}).save_to_disk(str(tmp_path / "saved"))
    source = Datasets(path=str(tmp_path / "saved"), columns={"text": "content"})
    found, bad = read(source)
    assert [row["text"] for row in found] == rows["content"][:600]
    assert [item.offset for item in bad] == [600]
    with pytest.raises(UsageError, match="no split 'trian'; did you mean 'train'"):
        Datasets(path=str(tmp_path / "saved"), split="trian").splits(tmp_path)


def test_fingerprints_change_with_the_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n')
    source = JsonLines(paths=str(tmp_path / "*.jsonl"))
    first = source.fingerprint(tmp_path)
    assert source.fingerprint(tmp_path) == first
    path.write_text('{"text": "ab"}\n')
    second = source.fingerprint(tmp_path)
    (tmp_path / "b.jsonl").write_text('{"text": "b"}\n')
    assert len({first, second, source.fingerprint(tmp_path)}) == 3


@pytest.mark.parametrize("source", [JsonLines, Parquet, TextFiles])
def test_a_missing_file_is_named(source: type[Source], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing-file"):
        source(paths=[str(tmp_path / "missing-file")]).splits(tmp_path)  # type: ignore[call-arg]


def test_files_are_found_on_other_storages() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/a.jsonl", b'{"text": "remote"}\n')
    found, _ = read(JsonLines(paths="memory://bucket/*.jsonl"))
    assert [row["text"] for row in found] == ["remote"]
