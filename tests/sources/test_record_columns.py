"""Records keep their own id and every other column, typed; types that differ are widened, names that clash prefixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.engine.columns import MOST_FIELDS, cast, column_of, widened
from corpuskit.engine.ledger import find
from corpuskit.engine.located import parse
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import check

TEXT = "The committee met on Tuesday and agreed that the bridge should be repaired. "


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (pa.null(), pa.int64(), pa.int64()),
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.int64(), pa.float64(), pa.float64()),
        (pa.int64(), pa.string(), pa.string()),
        (pa.bool_(), pa.int64(), pa.string()),
        (pa.uint64(), pa.int64(), pa.string()),
        (pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("us")),
        (pa.list_(pa.int64()), pa.list_(pa.string()), pa.list_(pa.string())),
        (pa.list_(pa.int64()), pa.string(), pa.string()),
        (
            pa.struct([("a", pa.int64())]),
            pa.struct([("b", pa.string()), ("a", pa.float64())]),
            pa.struct([("a", pa.float64()), ("b", pa.string())]),
        ),
    ],
)
def test_types_are_widened_by_the_rule(first: pa.DataType, second: pa.DataType, both: pa.DataType) -> None:
    assert widened(first, second) == both


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1, "a", None, {"b": [1]}], ["1", "a", None, '{"b": [1]}']),
        ([10**20, 1], ["100000000000000000000", "1"]),
        ([True, 1], ["true", "1"]),
        ([{}, {}], ["{}", "{}"]),
        (["\ud800x"], ["\ufffdx"]),
        ([[1, "a"], []], [["1", "a"], []]),
        ([{"a": 1}, {"a": "x", "b": None}], [{"a": "1", "b": None}, {"a": "x", "b": None}]),
    ],
)
def test_no_value_of_json_is_lost(values: list[Any], kept: list[Any]) -> None:
    assert column_of(values).to_pylist() == kept


def test_an_object_with_very_many_fields_is_json() -> None:
    counts = {f"word{number}": number for number in range(MOST_FIELDS + 1)}
    assert json.loads(column_of([counts])[0].as_py()) == counts


def test_values_follow_their_type() -> None:
    wide = pa.struct([("a", pa.string()), ("b", pa.float64())])
    assert cast(pa.array([{"a": 1}, None]), wide).to_pylist() == [{"a": "1", "b": None}, None]


def test_a_corpus_holds_every_column_under_one_type(tmp_path: Path) -> None:
    scores: list[Any] = [0.5, 1, "high"]
    for number, score in enumerate(scores):
        rows = [
            {
                "id": f"doc-{number}-{row}",
                "text": TEXT + f"{number} {row}",
                "score": score,
                "meta": {"lang": "en", **({"pages": row} if number else {})},
                "tags": ["a", "b"],
                "source": "their own",
                "language_id": "en-GB",
                "_id": row,
                "raw": "x",
            }
            for row in range(2)
        ]
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    paths = json.dumps(str(tmp_path / "*.jsonl"))
    recipe = f"name: kept\nsources: [{{jsonl: {{paths: {paths}, columns: {{drop: ['ra*']}}}}}}]\nstages: [language]"
    run_recipe(check(parse(recipe, "kept")), folder=tmp_path / "run", workers=1)
    corpus = pq.read_table(tmp_path / "run" / "corpus")
    kept = {field.name: field.type for field in corpus.schema}
    assert kept["score"] == pa.string()
    assert kept["meta"] == pa.struct([("lang", pa.string()), ("pages", pa.int64())])
    assert kept["tags"] == pa.list_(pa.string())
    assert (kept["record_source"], kept["record_language_id"]) == (pa.string(), pa.string())
    assert kept["record__id"] == pa.int64()
    assert "raw" not in kept
    assert corpus.column("source_id").to_pylist() == [f"doc-{number}-{row}" for number in range(3) for row in range(2)]
    assert corpus.column("score").to_pylist() == ["0.5", "0.5", "1", "1", "high", "high"]
    (found,) = find(tmp_path / "run", "doc-1-1").kept
    assert found["meta"] == {"lang": "en", "pages": 1}
    _opens_elsewhere(str(tmp_path / "run" / "corpus" / "*.parquet"), corpus.num_rows)


def _opens_elsewhere(pattern: str, rows: int) -> None:
    """The libraries that people read a corpus with give nested columns as such."""
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(pattern)
    assert frame.height == rows
    assert frame.schema["meta"] == polars.Struct({"lang": polars.String, "pages": polars.Int64})
    pandas = pytest.importorskip("pandas")
    assert list(pandas.read_parquet(Path(pattern).parent).iloc[2]["tags"]) == ["a", "b"]
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select sum(meta.pages) from '{pattern}'").fetchall() == [(2,)]
