"""JSON of every layout: arrays, values over many lines, several on a line, other encodings; numbers of any length."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from corpuskit.engine.source import BadRecord
from corpuskit.errors import UsageError
from corpuskit.sources.files import json_values
from corpuskit.sources.jsonl import JsonLines

RECORDS = [
    {"text": f"The ferry {number} leaves, [at] {{noon}}", "n": number, "tags": ["a", {"b": 1}]} for number in range(50)
]
TEXTS = [record["text"] for record in RECORDS]


def texts(path: Path) -> tuple[list[str], list[BadRecord]]:
    bad: list[BadRecord] = []
    source = JsonLines(paths=str(path))
    batches = [batch for split in source.splits(path.parent) for batch in source.read(split, bad.append)]
    return [text for batch in batches for text in batch.column("text").to_pylist()], bad


LAYOUTS = {
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "carriage returns": "\r".join(map(json.dumps, RECORDS)),
    "commas": ",\n".join(map(json.dumps, RECORDS)),
    "together": "".join(map(json.dumps, RECORDS)),
    "array": json.dumps(RECORDS),
    "array by lines": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "pretty array": json.dumps(RECORDS, indent=2),
    "pretty values": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_documents(
    layout: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_values, "_BLOCK", 300)
    path = tmp_path / "a.json"
    path.write_bytes(LAYOUTS[layout].encode(encoding))
    assert texts(path) == (TEXTS, [])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert texts(path) == (TEXTS, [])


def test_what_is_broken_is_said_and_what_came_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(LAYOUTS["pretty array"][:-200])
    found, bad = texts(path)
    assert 40 < len(found) < 50
    assert ["one object a line" in item.reason for item in bad] == [True]
    path.write_text('[1, {"text": "a"}, {"body": "b"}]')
    found, bad = texts(path)
    assert found == ["a"]
    assert ["no JSON object" in bad[0].reason, "no field 'text'" in bad[1].reason] == [True, True]


def test_a_wrong_field_is_refused_with_the_fields_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for layout in ('{"Text": "a", "n": 1}\n', '[{"Text": "a",\n"n": 1}]'):
        path.write_text(layout)
        with pytest.raises(UsageError, match=r"no field 'text'.*Text, n.*columns: \{text: Text\}"):
            texts(path)
    path.write_text('{"Text": "a"}\n{"text": "b"}\n')
    assert texts(path)[0] == ["b"]


def test_a_number_too_long_for_python_costs_no_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "id": ' + "9" * 5000 + "}\n")
    assert texts(path) == (["x"], [])


def test_fields_of_objects_and_lists_are_named_by_path(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from corpuskit.sources.parquet import Parquet

    rows = [
        {"data": {"body": "b1", "by": {"name": "Kim"}}, "messages": [{"content": "hi"}, {"content": "ho"}]},
        {"data": {"body": "b2", "by": {"name": "Lee"}}, "messages": [{"content": "하나"}]},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for kind, name in ((JsonLines, "a.jsonl"), (Parquet, "a.parquet")):
        for path, expected in (("data.body", ["b1", "b2"]), ("messages[].content", ["hi\n\nho", "하나"])):
            source = kind(paths=str(tmp_path / name), columns={"text": path, "author": "data.by.name"})
            bad: list[BadRecord] = []
            batches = [batch for split in source.splits(tmp_path) for batch in source.read(split, bad.append)]
            found = [row for batch in batches for row in batch.to_pylist()]
            assert [(row["text"], row["author"]) for row in found] == list(zip(expected, ["Kim", "Lee"], strict=True))
            assert not bad
