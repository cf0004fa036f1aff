"""The near-duplicates stage: the same answer whatever the memory, the parts and the policy."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from duplicates_stage_run import batch_of, measured, run_stage
from pydantic import ValidationError

from corpuskit.document import column
from corpuskit.duplicates import cluster
from corpuskit.duplicates.stage import ExactDuplicates, NearDuplicates

BASE = " ".join(f"word{number}" for number in range(60))


def petitions(shared_data: Path, months: int = 4) -> list[dict[str, Any]]:
    files = sorted((shared_data / "duplicates" / "petitions").glob("petitions_*"))[:months]
    return [
        {
            "text": json.loads(line)["content"],
            "language": "ko",
            "url": f"https://petitions.example/{path.name}/{number}",
        }
        for path in files
        for number, line in enumerate(path.open(encoding="utf-8"))
    ]


def parts_of(rows: list[dict[str, Any]], size: int) -> list[pa.RecordBatch]:
    return [batch_of(rows[start : start + size]) for start in range(0, len(rows), size)]


def test_memory_and_parts_do_not_change_the_answer(samples: Path, tmp_path: Path) -> None:
    rows = petitions(samples)
    for prefer in ("first", "longest"):
        stage = NearDuplicates(threshold=0.7, prefer=prefer)
        whole = measured(stage, run_stage(stage, tmp_path / f"{prefer}-whole", parts_of(rows, 5000)))
        tight = measured(stage, run_stage(stage, tmp_path / f"{prefer}-tight", parts_of(rows, 170), memory=100_000))
        assert whole == tight
        assert sum(row["duplicate"] for row in whole if row) > 20
    found = cluster([row["text"] for row in rows], 0.7, "ko")
    stage = NearDuplicates(threshold=0.7)
    first = measured(stage, run_stage(stage, tmp_path / "first", parts_of(rows, 900)))
    assert [not row["duplicate"] for row in first if row] == found.kept.tolist()


def test_sizes_of_the_kept_add_up_to_the_corpus(samples: Path, tmp_path: Path) -> None:
    rows = petitions(samples, 2)
    stage = NearDuplicates()
    result = [row for row in measured(stage, run_stage(stage, tmp_path, parts_of(rows, 400))) if row]
    assert sum(row["cluster_size"] for row in result if not row["duplicate"]) == len(rows)
    kept = {row["cluster"]: row["cluster_size"] for row in result if not row["duplicate"]}
    assert all(kept[row["twin"]] == row["cluster_size"] for row in result if row["duplicate"])


@pytest.mark.parametrize(
    ("prefer", "kept"),
    [("first", 0), ("longest", 1), ("newest", 2), ("oldest", 3), (("c", "b"), 2), (("b",), 1)],
)
def test_the_policy_chooses_who_stays(prefer: Any, kept: int, tmp_path: Path) -> None:
    rows = [
        {"text": BASE, "published": "2024-05-01", "source": "a", "url": "u0"},
        {"text": BASE + " and more words", "published": None, "fetched": "2024-01-01T00:00:00Z", "source": "b"},
        {"text": BASE + " end", "published": "2024-05-01T10:00:00+09:00", "source": "c"},
        {"text": BASE + " fin", "published": "2023-12-31", "source": "d"},
    ]
    stage = NearDuplicates(prefer=prefer)
    result = measured(stage, run_stage(stage, tmp_path, [batch_of(rows[:2]), batch_of(rows[2:])]))
    assert [row["duplicate"] for row in result if row] == [number != kept for number in range(4)]


def test_measurements_rules_and_evidence(tmp_path: Path) -> None:
    stage = NearDuplicates()
    batch = batch_of([{"text": BASE, "url": "https://a.example/"}, {"text": BASE + " x"}, {"text": None}])
    (result,) = run_stage(stage, tmp_path, [batch])
    assert result.column("near_duplicates")[1].as_py() == {
        "duplicate": True,
        "cluster": batch.column("id")[0].as_py(),
        "cluster_size": 2,
        "twin": batch.column("id")[0].as_py(),
        "twin_url": "https://a.example/",
        "similarity": pytest.approx(56 / 57),
    }
    assert result.column("near_duplicates")[2].as_py() is None
    (rule,) = stage.rules()
    assert rule.breaks(result).to_pylist() == [False, True, False]
    assert "near_duplicates.twin" in rule.evidence


def test_the_plan_is_told_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "corpuskit.duplicates")
    run_stage(NearDuplicates(), tmp_path, [batch_of([{"text": BASE}])], memory=2_000_000_000)
    assert "1 documents within 2 GB" in caplog.text
    assert "passes" in caplog.text


def test_an_empty_corpus_and_empty_parts_are_fine(tmp_path: Path) -> None:
    stage = NearDuplicates()
    empty = batch_of([])
    assert measured(stage, run_stage(stage, tmp_path / "1", [empty])) == []
    result = measured(stage, run_stage(stage, tmp_path / "2", [empty, batch_of([{"text": BASE}]), empty]))
    assert [row["duplicate"] for row in result if row] == [False]


def test_impossible_settings_say_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="do not fit 112 permutations"):
        NearDuplicates(bands=100, rows=2)
    with pytest.raises(ValidationError, match="given together"):
        NearDuplicates(bands=10)
    with pytest.raises(ValidationError, match="more permutations"):
        NearDuplicates(threshold=0.05)


def test_a_cluster_counts_the_exact_duplicates_that_its_documents_stood_for(tmp_path: Path) -> None:
    near = [BASE, f"{BASE} end", f"{BASE} fin"]
    other = " ".join(f"other{number}" for number in range(40))
    texts = [near[0]] * 3 + [near[1]] * 2 + [near[2], other, other, "alone"]
    rows = [{"text": text, "url": f"https://a.example/{place}"} for place, text in enumerate(texts)]
    exact = ExactDuplicates()
    batches = run_stage(exact, tmp_path / "exact", parts_of(rows, 4))
    first, sixth = (6, "https://a.example/0"), (2, "https://a.example/6")
    for name, survivors, expected in (
        ("all", batches, [first] * 5 + [sixth]),
        ("kept", [batch.filter(_kept(batch)) for batch in batches], [first] * 2),
    ):
        found = measured(NearDuplicates(), run_stage(NearDuplicates(), tmp_path / name, survivors))
        kept = [row["cluster_size"] for row in found if row and not row["duplicate"]]
        assert kept == [6, 2, 1]  # near 3 + 2 + 1, and not three documents times three
        dropped = [(row["cluster_size"], row["twin_url"]) for row in found if row and row["duplicate"]]
        assert dropped == expected


def test_a_document_whose_exact_twin_fell_for_another_reason_still_names_its_near_one(tmp_path: Path) -> None:
    rows = [{"text": text, "url": f"https://a.example/{n}"} for n, text in enumerate([BASE, BASE, f"{BASE} end"])]
    (batch,) = run_stage(ExactDuplicates(), tmp_path / "exact", [batch_of(rows)])
    found = measured(NearDuplicates(), run_stage(NearDuplicates(), tmp_path / "near", [batch.slice(1)]))
    assert [row and (row["twin_url"], row["cluster_size"]) for row in found] == [(None, 2), ("https://a.example/1", 2)]


def _kept(batch: pa.RecordBatch) -> pa.Array:
    return pc.invert(pc.fill_null(column(batch, "exact_duplicates.duplicate"), False))
