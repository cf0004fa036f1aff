"""What commits a task: files appear whole, the receipt is written last, and a receipt that does not fit is none."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.engine import gate, parts
from corpuskit.engine.files import (
    digest,
    file_digest,
    input_fingerprint,
    read_json,
    remove_temporaries,
    replacing,
    write_json,
)
from corpuskit.engine.parts import PartFiles, Receipt, StageCounts, TableWriter, read_batches, stem
from corpuskit.engine.source import BadRecord

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string())])


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array([f"text {n}" for n in numbers])], SCHEMA)


def counts() -> StageCounts:
    return StageCounts(10, 8, 1000, 800, 1.5, 3, {"a.rule": 2}, {"a.rule": 4, "b.rule": 0})


def committed(folder: Path) -> Receipt:
    with PartFiles(folder, stem(3)) as files:
        files.table("docs.parquet", SCHEMA).write(batch(1, 2, 3))
        files.table("sketch.arrow", SCHEMA, sketch=True).write(batch(4))
        files.quarantine(BadRecord(reason="cut", path="in.jsonl", content=b"x" * 70_000))
        files.quarantine(BadRecord(reason="no text: 없음", path="in.jsonl"))
        return files.commit(Receipt("key", {}, {"length": counts()}, {"web": counts()}, {"en": counts()}))


def test_a_receipt_names_every_file_with_its_size_and_digest(tmp_path: Path) -> None:
    receipt = committed(tmp_path / "steps" / "step")
    names = ["part-00003.docs.parquet", "part-00003.quarantine.jsonl", "part-00003.sketch.arrow"]
    assert list(receipt.outputs) == names
    for name, (size, content) in receipt.outputs.items():
        data = (tmp_path / "steps/step" / name).read_bytes()
        assert size == len(data) > 0
        assert content == hashlib.blake2b(data, digest_size=16).hexdigest()
    assert receipt.quarantined == 2
    assert {path.name for path in (tmp_path / "steps/step").iterdir()} == {*names, "part-00003.json"}


def test_a_receipt_is_read_as_it_was_written(tmp_path: Path) -> None:
    receipt = committed(tmp_path)
    found = Receipt.read(tmp_path / "part-00003.json", "key")
    assert found is not None
    assert asdict(found) == asdict(receipt)
    assert found.stages["length"] == counts()
    assert Receipt("key", {}).quarantined == 0


def test_a_receipt_of_another_key_or_none_is_no_receipt(tmp_path: Path) -> None:
    committed(tmp_path)
    path = tmp_path / "part-00003.json"
    assert Receipt.read(path, "another") is None
    assert Receipt.read(tmp_path / "part-00004.json", "key") is None
    for content in ("[]", '"key"', "{", "", "null"):
        path.write_text(content)
        assert Receipt.read(path, "key") is None


@pytest.mark.parametrize("damage", ["missing", "short", "long", "folder"])
def test_a_receipt_with_a_damaged_file_is_no_receipt(tmp_path: Path, damage: str) -> None:
    committed(tmp_path)
    output = tmp_path / "part-00003.sketch.arrow"
    data = output.read_bytes()
    output.unlink()
    if damage == "short":
        output.write_bytes(data[:-1])
    elif damage == "long":
        output.write_bytes(data + b"x")
    elif damage == "folder":
        output.mkdir()
    assert Receipt.read(tmp_path / "part-00003.json", "key") is None


def test_the_receipt_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    write = Receipt.write

    def watched(receipt: Receipt, path: Path) -> None:
        seen.append(sorted(file.name for file in tmp_path.iterdir()))
        write(receipt, path)

    monkeypatch.setattr(Receipt, "write", watched)
    committed(tmp_path)
    assert seen == [["part-00003.docs.parquet", "part-00003.quarantine.jsonl", "part-00003.sketch.arrow"]]


@pytest.mark.parametrize("closed", [False, True])
def test_a_task_that_fails_leaves_nothing(tmp_path: Path, closed: bool) -> None:
    def fail() -> None:
        with PartFiles(tmp_path / "step", stem(0)) as files:
            table = files.table("docs.parquet", SCHEMA)
            table.write(batch(1))
            if closed:
                table.close()
            raise ValueError("the task's own error")

    with pytest.raises(ValueError, match="the task's own error"):
        fail()
    assert list((tmp_path / "step").iterdir()) == []


def test_the_quarantine_keeps_the_start_of_a_record(tmp_path: Path) -> None:
    committed(tmp_path)
    assert (tmp_path / "part-00003.quarantine.jsonl").read_bytes().isascii()
    first, second = map(json.loads, (tmp_path / "part-00003.quarantine.jsonl").read_text().splitlines())
    assert base64.b64decode(first["content"]) == b"x" * 65536
    assert first["reason"] == "cut"
    assert second == {"reason": "no text: 없음", "path": "in.jsonl"}
    assert gate.CUT == 64 * 1024


def test_a_task_without_bad_records_has_no_quarantine(tmp_path: Path) -> None:
    with PartFiles(tmp_path, stem(0)) as files:
        first = files.table("docs.parquet", SCHEMA)
        assert files.table("docs.parquet", SCHEMA) is first
        receipt = files.commit(Receipt("key", {}))
    assert (list(receipt.outputs), receipt.quarantined) == (["part-00000.docs.parquet"], 0)
    assert pq.read_table(tmp_path / "part-00000.docs.parquet").num_rows == 0


def test_counts_add_up() -> None:
    total = counts()
    total.add(StageCounts(1, 2, 3, 4, 0.5, 6, {"a.rule": 1, "c.rule": 7}, {"c.rule": 8}))
    assert total == StageCounts(
        11, 10, 1003, 804, 2.0, 9, {"a.rule": 3, "c.rule": 7}, {"a.rule": 4, "b.rule": 0, "c.rule": 8}
    )
    assert asdict(StageCounts()) == {
        "documents_in": 0,
        "documents_out": 0,
        "bytes_in": 0,
        "bytes_out": 0,
        "seconds": 0.0,
        "changed": 0,
        "dropped": {},
        "broke": {},
        "skipped": {},
    }


def groups(path: Path) -> list[int]:
    file = pq.ParquetFile(path)
    return [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]


@pytest.mark.parametrize("rows", [1, 1000, 4095, 4096])
def test_row_groups_depend_on_the_rows_alone(tmp_path: Path, rows: int) -> None:
    """Batches are collected until a group has at least 4,096 rows."""
    writer = TableWriter(tmp_path / "a.parquet", SCHEMA, kept=True)
    writer.write(batch())
    for start in range(0, 4 * rows, rows):
        writer.write(batch(*range(start, start + rows)))
    writer.close()
    assert pq.read_table(tmp_path / "a.parquet").column("id").to_pylist() == list(range(4 * rows))
    assert groups(tmp_path / "a.parquet") == {1: [4], 1000: [4000], 4095: [8190, 8190], 4096: [4096] * 4}[rows]
    assert parts.ROW_GROUP_ROWS == 4096


def test_large_texts_close_a_row_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts.ROW_GROUP_BYTES == 64 << 20
    monkeypatch.setattr(parts, "ROW_GROUP_BYTES", 2 * batch(1).nbytes + 1)
    writer = TableWriter(tmp_path / "a.parquet", SCHEMA)
    for number in range(7):
        writer.write(batch(number))
    writer.close()
    assert groups(tmp_path / "a.parquet") == [3, 3, 1]


def test_what_is_kept_is_compressed_well_and_what_only_the_next_step_reads_fast(tmp_path: Path) -> None:
    rows = pa.record_batch(
        [pa.array(range(400)), pa.array([f"{n * n % 977:x} ferry" * 20 for n in range(400)])], SCHEMA
    )
    for settings, level in (({"kept": True}, 3), ({"kept": False}, 1), ({}, 1)):
        writer = TableWriter(tmp_path / "ours", SCHEMA, **settings)
        writer.write(rows)
        writer.close()
        table = pa.Table.from_batches([rows])
        pq.write_table(table, tmp_path / "expected", compression="zstd", compression_level=level)
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "expected").read_bytes()
    with PartFiles(tmp_path, stem(0)) as files:
        files.table("docs.parquet", SCHEMA).write(rows)
        files.commit(Receipt("key", {}))
    pq.write_table(pa.Table.from_batches([rows]), tmp_path / "expected", compression="zstd", compression_level=3)
    assert (tmp_path / "part-00000.docs.parquet").read_bytes() == (tmp_path / "expected").read_bytes()


def test_sketches_are_arrow_files_that_can_be_mapped(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path / "a.arrow", SCHEMA, sketch=True)
    for number in range(3):
        writer.write(batch(number))
    writer.close()
    with pa.memory_map(str(tmp_path / "a.arrow")) as source:
        file = pa.ipc.open_file(source)
        assert file.num_record_batches == 1
        assert file.read_all().column("id").to_pylist() == [0, 1, 2]


def test_a_batch_of_another_type_is_cast(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path / "a.parquet", SCHEMA)
    writer.write(pa.record_batch([pa.array([1], pa.int8()), pa.array(["x"], pa.large_string())], ["id", "text"]))
    writer.close()
    assert pq.read_schema(tmp_path / "a.parquet").types == SCHEMA.types


def test_batches_are_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_batches([batch(*range(10))]), tmp_path / "a.parquet")
    found = list(read_batches(tmp_path / "a.parquet", 4))
    assert [one.num_rows for one in found] == [4, 4, 2]
    assert (stem(0), stem(123456)) == ("part-00000", "part-123456")


# files


def test_a_digest_is_of_the_value_not_of_its_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert digest([1, 2]) != digest([2, 1])
    assert digest("가") == hashlib.blake2b('"가"'.encode(), digest_size=8).hexdigest()
    assert digest({"b": 1, "a": Path("/x")}) == hashlib.blake2b(b'{"a":"/x","b":1}', digest_size=8).hexdigest()
    assert digest("\ud800") != digest("?")


def test_file_digests_and_fingerprints(tmp_path: Path) -> None:
    large = b"0123456789" * 300_000
    (tmp_path / "a").write_bytes(large)
    assert file_digest(tmp_path / "a") == hashlib.blake2b(large, digest_size=16).hexdigest()
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "folder/inner/c").write_text("c")
    (tmp_path / "folder/b").write_text("b")
    found = input_fingerprint([tmp_path / "folder", tmp_path / "a", tmp_path / "none"])
    assert found == [
        (str(tmp_path / "folder/b"), file_digest(tmp_path / "folder/b")),
        (str(tmp_path / "folder/inner/c"), file_digest(tmp_path / "folder/inner/c")),
        (str(tmp_path / "a"), file_digest(tmp_path / "a")),
        (str(tmp_path / "none"), "absent"),
    ]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    path = tmp_path / "one" / "folder" / "file"
    with replacing(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
    assert path.read_text() == "one"
    assert len(synced) == 1

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("two")
            raise ValueError("the writer's own error")

    with pytest.raises(ValueError, match="the writer's own error"):
        fail()
    assert path.read_text() == "one"
    assert [file.name for file in path.parent.iterdir()] == ["file"]
    with replacing(path) as temporary:
        temporary.write_text("three")
    assert path.read_text() == "three"


def test_json_files(tmp_path: Path) -> None:
    value: dict[str, Any] = {"가": [1, 2.5, None], "path": "x"}
    write_json(tmp_path / "a.json", {**value, "path": Path("x")})
    assert read_json(tmp_path / "a.json") == value
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "가": [\n')
    assert text.endswith("}\n")
    assert read_json(tmp_path / "none") is None
    for data in (b"{", b"", b"\xff\xfe\xfa"):
        (tmp_path / "bad").write_bytes(data)
        assert read_json(tmp_path / "bad") is None


def test_what_killed_writers_left_behind_is_removed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("deep/.a.1.tmp", ".b.2.tmp", "deep/kept.tmp", "kept", ".kept"):
        (tmp_path / name).write_text("x")
    remove_temporaries(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".kept", "deep/kept.tmp", "kept"]
