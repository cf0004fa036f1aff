"""Parquet files joined without decoding hold what their parts hold, for whoever reads them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.engine import row_groups
from corpuskit.engine.parts import ROW_GROUP_ROWS, TableWriter
from corpuskit.engine.publish import STAGED, PublishTask
from corpuskit.engine.row_groups import join, joinable
from corpuskit.engine.task import Worker

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("text", pa.large_string()),
        ("m", pa.struct([("x", pa.float64()), ("y", pa.list_(pa.string()))])),
    ]
)


def table(first: int, rows: int) -> pa.Table:
    records = [
        {
            "id": number,
            "text": f"글 {number} " * (number % 50),
            "m": {"x": number / 3, "y": [str(number)] * (number % 3)},
        }
        for number in range(first, first + rows)
    ]
    return pa.Table.from_pylist(records, SCHEMA)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5),
    group=st.integers(1, 200),
    index=st.booleans(),
    codec=st.sampled_from(["zstd", "snappy", "none"]),
)
def test_joined_files_hold_the_rows_of_their_parts_in_order(
    sizes: list[int], group: int, index: bool, codec: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("join")
    parts, first = [], 0
    for number, rows in enumerate(sizes):
        parts.append(folder / f"{number}.parquet")
        pq.write_table(table(first, rows), parts[-1], row_group_size=group, compression=codec, write_page_index=index)
        first += rows
    join(parts, folder / "whole.parquet")
    whole = pq.read_table(folder / "whole.parquet")
    assert whole.equals(pa.concat_tables([pq.read_table(part) for part in parts]))
    metadata = pq.read_metadata(folder / "whole.parquet")
    assert metadata.num_rows == first
    assert metadata.num_row_groups == sum(pq.read_metadata(part).num_row_groups for part in parts)
    assert metadata.schema.to_arrow_schema().equals(SCHEMA)
    if first:
        wanted = first - 1
        last = pq.read_table(folder / "whole.parquet", filters=pc.field("id") == wanted, columns=["id", "text"])
        assert last.to_pylist() == table(wanted, 1).select(["id", "text"]).to_pylist()


def test_a_part_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    pq.write_table(table(0, 100), tmp_path / "a.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"cut\.parquet: no Parquet footer"):
        join([tmp_path / "a.parquet", tmp_path / "cut.parquet"], tmp_path / "whole.parquet")


def publish(parts: list[Path], folder: Path) -> pq.FileMetaData:
    schema = pa.unify_schemas([pq.read_schema(part) for part in parts], promote_options="permissive")
    task = PublishTask(parts, folder / "run/steps/publish", "corpus/00000.parquet", 0, "key", schema)
    task.run(Worker(lambda *_: None))
    return pq.read_metadata(task.folder / STAGED / task.output)


def written(folder: Path, sizes: list[int]) -> list[Path]:
    parts, first = [], 0
    for number, rows in enumerate(sizes):
        parts.append(folder / f"part-{number}.parquet")
        writer = TableWriter(parts[-1], SCHEMA, kept=True)
        for batch in table(first, rows).to_batches(1024):
            writer.write(batch)
        writer.close()
        first += rows
    return parts


def test_large_parts_are_published_as_they_are_and_small_ones_as_full_row_groups(tmp_path: Path) -> None:
    large = written(tmp_path, [6000, 5000])
    assert joinable(large)
    assert [publish(large, tmp_path).row_group(n).num_rows for n in range(4)] == [4096, 1904, 4096, 904]
    small = written(tmp_path, [30] * 200)
    assert not joinable(small)
    metadata = publish(small, tmp_path)
    assert [metadata.row_group(n).num_rows for n in range(2)] == [4110, 1890]  # closed with the part that fills it
    assert metadata.row_group(0).num_rows >= ROW_GROUP_ROWS


def test_parts_of_other_schemas_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "FEW_ROWS", 1)
    pq.write_table(table(0, 10), tmp_path / "a.parquet")
    pq.write_table(table(0, 10).select(["id", "text"]), tmp_path / "b.parquet")
    assert joinable([tmp_path / "a.parquet", tmp_path / "a.parquet"])
    assert not joinable([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert publish([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path).num_rows == 20
