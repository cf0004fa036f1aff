"""The index: later runs know what earlier ones kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from duplicates_stage_run import batch_of, measured, run_stage

from corpuskit.duplicates import Index
from corpuskit.duplicates.stage import NearDuplicates
from corpuskit.errors import UsageError

BASE = " ".join(f"word{number}" for number in range(60))


@pytest.fixture
def rows(samples: Path) -> list[dict[str, Any]]:
    folder = samples / "duplicates" / "petitions"
    return [
        {
            "text": json.loads(line)["content"],
            "language": "ko",
            "url": f"https://petitions.example/{path.name}/{number}",
        }
        for path in sorted(folder.glob("petitions_*"))
        for number, line in enumerate(path.open(encoding="utf-8"))
    ]


def run(
    stage: NearDuplicates, folder: Path, rows: list[dict[str, Any]], delivery: str | None = None, **options: Any
) -> list[dict[str, Any]]:
    """What the stage measures of the rows, delivered under the name of the folder."""
    stage = stage.model_copy(update={"delivery": delivery or folder.name})
    parts = [batch_of(rows[start : start + 500]) for start in range(0, len(rows), 500)]
    return [row for row in measured(stage, run_stage(stage, folder, parts, **options)) if row]


def documents(index: Index) -> int:
    kept = index.kept()
    return int(kept.named(np.setdiff1d(np.arange(kept.entries), kept.deleted))[2].sum())


def test_ten_parts_give_what_the_whole_gives(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    stage = NearDuplicates(threshold=0.7, index=tmp_path / "parts")
    at_once = run(NearDuplicates(threshold=0.7), tmp_path / "whole", rows)
    size = -(-len(rows) // 10)
    in_parts = []
    for number in range(10):
        piece = rows[number * size : (number + 1) * size]
        memory = 100_000 if number % 2 else 1 << 30
        in_parts += run(stage, tmp_path / f"part{number}", piece, memory=memory)
    names = ("duplicate", "twin", "similarity", "twin_url", "cluster")
    assert [[row[name] for name in names] for row in in_parts] == [[row[name] for name in names] for row in at_once]
    assert documents(Index.open(tmp_path / "parts")) == len(rows)


def test_a_second_run_drops_everything_and_names_the_earlier_twin(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    first = run(stage, tmp_path / "first", rows)
    kept = {row["cluster"] for row in first if not row["duplicate"]}
    second = run(stage, tmp_path / "second", rows)
    assert all(row["duplicate"] and row["twin"] in kept and row["similarity"] >= 0.8 for row in second)
    assert [row["cluster"] for row in second] == [row["cluster"] for row in first]
    index = Index.open(tmp_path / "index")
    assert index.count() == len(kept)
    assert documents(index) == 2 * len(rows)
    index.compact()
    assert (index.count(), documents(index)) == (len(kept), 2 * len(rows))
    third = run(stage, tmp_path / "third", rows, memory=100_000)
    assert [row["twin"] for row in third] == [row["twin"] for row in second]


def test_a_delivery_is_never_compared_with_itself_or_with_later_ones(tmp_path: Path) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    rows = [{"text": BASE}, {"text": BASE + " x"}, {"text": "another text of no length"}]
    first = run(stage, tmp_path / "run", rows)
    (later,) = run(stage, tmp_path / "later", [{"text": BASE + " y"}])
    assert later["duplicate"]
    run(stage, tmp_path / "between", [{"text": "a text that came from another run in between"}])
    assert run(stage, tmp_path / "again", rows, "run") == first
    index = Index.open(tmp_path / "index")
    assert [(each.name, each.documents) for each in index.deliveries()] == [("run", 2), ("later", 0), ("between", 1)]
    assert index.sizes().select(["size", "delivery"]).to_pylist() == [
        {"size": 3, "delivery": "run"},
        {"size": 1, "delivery": "run"},
        {"size": 1, "delivery": "between"},
    ]


def test_a_delivery_is_replaced_and_withdrawn_as_a_whole(tmp_path: Path) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    other = "a text of its own that shares nothing with the first one"
    run(stage, tmp_path / "1", [{"text": BASE}, {"text": other}])
    run(stage, tmp_path / "2", [{"text": BASE}], "1")
    index = Index.open(tmp_path / "index")
    assert index.count() == 1
    (kept,) = run(stage, tmp_path / "3", [{"text": other}])
    assert not kept["duplicate"]
    index.withdraw("1")
    (kept,) = run(stage, tmp_path / "4", [{"text": BASE}])
    assert not kept["duplicate"]
    with pytest.raises(UsageError, match=r"no delivery '5'; valid here: 3, 4"):
        index.withdraw("5")
    assert len([path for path in (tmp_path / "index").iterdir() if path.is_dir()]) == 2


def test_another_corpus_does_not_take_the_place_of_a_delivery(tmp_path: Path) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    run(stage, tmp_path / "1", [{"text": BASE}])
    with pytest.raises(UsageError, match="none of them is in this run"):
        run(stage, tmp_path / "2", [{"text": "quite another corpus"}], "1")


def test_a_run_that_dies_while_it_commits_leaves_the_old_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    rows = [{"text": BASE}, {"text": "a text of its own that shares nothing"}]
    run(stage, tmp_path / "1", rows[:1])
    for target in ("os.link", "pathlib.Path.replace"):
        with monkeypatch.context() as patched:
            patched.setattr(target, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run(stage, tmp_path / target, rows, "1")
        assert Index.open(tmp_path / "index").count() == 1
    run(stage, tmp_path / "again", rows, "1")
    assert Index.open(tmp_path / "index").count() == 2
    assert len([path for path in (tmp_path / "index").iterdir() if path.is_dir()]) == 1


def test_a_run_that_dies_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    with monkeypatch.context() as patched:
        patched.setattr("corpuskit.duplicates.index_files.BatchWriter.finish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(stage, tmp_path / "run", [{"text": BASE}])
    assert Index.open(tmp_path / "index").count() == 0
    (result,) = run(stage, tmp_path / "again", [{"text": BASE}], "run")
    assert not result["duplicate"]
    assert Index.open(tmp_path / "index").count() == 1


def test_deleted_documents_are_forgotten(tmp_path: Path) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    first = run(stage, tmp_path / "1", [{"text": BASE}, {"text": "something else altogether, in five words"}])
    index = Index.open(tmp_path / "index")
    assert index.delete([first[0]["cluster"], "unknown"]) == 1
    assert index.delete([first[0]["cluster"]]) == 0
    for name in ("2", "3"):
        again = run(
            stage, tmp_path / name, [{"text": BASE + " x"}, {"text": "Something else altogether in FIVE words"}]
        )
        assert [row["duplicate"] for row in again] == [name == "3", True]
        index.compact()
    assert index.count() == 2


def test_an_index_made_with_other_settings_is_refused(tmp_path: Path) -> None:
    run(NearDuplicates(index=tmp_path / "index"), tmp_path / "1", [{"text": BASE}])
    with pytest.raises(UsageError, match=r"words 5 \(here 3\)"):
        run(NearDuplicates(index=tmp_path / "index", words=3), tmp_path / "2", [{"text": BASE}])
    stored = json.loads((tmp_path / "index" / "index.json").read_text())
    for name in ("hash", "unicode"):
        changed = {**stored, "settings": {**stored["settings"], name: "other"}}
        (tmp_path / "index" / "index.json").write_text(json.dumps(changed))
        with pytest.raises(UsageError, match=f"{name} other"):
            run(NearDuplicates(index=tmp_path / "index"), tmp_path / name, [{"text": BASE}])
    with pytest.raises(UsageError, match=r"holds no index\.json"):
        Index.open(tmp_path)
    for content, message in (("{}", "not an index of documents"), ('{"format": 2}', "has the format 2")):
        (tmp_path / "index" / "index.json").write_text(content)
        with pytest.raises(UsageError, match=message):
            Index.open(tmp_path / "index")


def test_the_only_delivery_may_come_again_with_other_bands(tmp_path: Path) -> None:
    run(NearDuplicates(index=tmp_path / "index"), tmp_path / "1", [{"text": BASE}])
    (kept,) = run(NearDuplicates(index=tmp_path / "index", threshold=0.95), tmp_path / "2", [{"text": BASE}], "1")
    assert not kept["duplicate"]
    run(NearDuplicates(index=tmp_path / "index", threshold=0.95), tmp_path / "3", [{"text": BASE}])


def test_batches_without_documents_change_nothing(tmp_path: Path) -> None:
    stage = NearDuplicates(index=tmp_path / "index")
    run(stage, tmp_path / "0", [{"text": None}])
    assert Index.open(tmp_path / "index").count() == 0
    run(stage, tmp_path / "1", [{"text": BASE}])
    assert pa.types.is_string(Index.open(tmp_path / "index").kept().named(np.array([0]))[0].type)
