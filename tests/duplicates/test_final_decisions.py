"""Duplicates are decided last: a cluster keeps a document wherever one of its members breaks no rule."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from corpuskit.document import set_column
from corpuskit.duplicates import Index
from corpuskit.duplicates.stage import ExactDuplicates, NearDuplicates, Passages
from corpuskit.engine.display import PlainLines
from corpuskit.engine.pipeline import Pipeline, passes
from corpuskit.engine.pool import LocalPool
from corpuskit.engine.rule import Rule
from corpuskit.engine.run import Run
from corpuskit.engine.stage import BatchStage, Stage
from corpuskit.recipe import load, run_recipe
from corpuskit.sources.jsonl import JsonLines

BASE = " ".join(f"word{number}" for number in range(80))
OTHER = " ".join(f"other{number}" for number in range(80))


class Banned(BatchStage):
    """Drops what holds the word 'banned', and writes another word over 'secret'."""

    name: ClassVar[str] = "banned"
    version: ClassVar[int] = 1

    def rules(self) -> list[Rule]:
        return [Rule("banned.word", "banned.word", "is", False)]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        found = pc.match_substring(batch.column("text"), "banned")
        batch = set_column(batch, "text", pc.replace_substring(batch.column("text"), "secret", "hidden"))
        return set_column(batch, "banned", pa.StructArray.from_arrays([found], ["word"]))


def execute(folder: Path, stages: Sequence[Stage], texts: Sequence[str | tuple[str, str]], **settings: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"url": f"http://x/{number}", "text": row} if isinstance(row, str) else {"url": row[0], "text": row[1]}
        for number, row in enumerate(texts)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pipeline = Pipeline("test", [JsonLines(paths=str(folder / "in.jsonl"), name="web")], stages, **settings)
    pool = LocalPool(1)
    try:
        Run(pipeline, folder / "run", 1, pool, PlainLines(Console(file=io.StringIO()))).execute()
    finally:
        pool.close()


def kept(folder: Path) -> list[str]:
    return texts_in(folder / "run/corpus")


def texts_in(folder: Path) -> list[str]:
    return [text for path in sorted(folder.glob("*.parquet")) for text in pq.read_table(path)["text"].to_pylist()]


def dropped(folder: Path) -> dict[str, tuple[str, str | None]]:
    """URL -> the rule, and the URL of the twin where a duplicate was dropped."""
    rows: dict[str, tuple[str, str | None]] = {}
    for path in (folder / "run/ledger/dropped").glob("*"):
        for row in pq.read_table(path).to_pylist():
            twin = row.get("near_duplicates") or row.get("exact_duplicates") or {}
            rows[row["url"]] = (row["rule"], twin.get("twin_url"))
    return rows


@pytest.mark.parametrize("survey", [False, True])
def test_the_next_best_stays_where_a_later_rule_drops_the_best(tmp_path: Path, survey: bool) -> None:
    texts = [BASE, BASE + " banned by a later rule", BASE + " x", OTHER]
    execute(tmp_path, [NearDuplicates(prefer="longest"), Banned()], texts, survey=survey)
    assert kept(tmp_path) == [BASE + " x", OTHER]
    assert dropped(tmp_path) == {
        "http://x/0": ("near_duplicates.duplicate", "http://x/2"),
        "http://x/1": ("banned.word", None),
    }


def test_nothing_stays_where_no_member_is_acceptable(tmp_path: Path) -> None:
    execute(tmp_path, [NearDuplicates(), Banned()], [BASE + " banned", BASE + " banned x", OTHER])
    assert kept(tmp_path) == [OTHER]


def test_documents_are_compared_as_they_were_where_the_stage_is_listed(tmp_path: Path) -> None:
    texts = [f"{'secret ' * 30}{BASE}", f"{'hidden ' * 30}{BASE}", OTHER]
    execute(tmp_path / "after", [NearDuplicates(threshold=0.9), Banned()], texts)
    assert len(kept(tmp_path / "after")) == 3
    execute(tmp_path / "before", [Banned(), NearDuplicates(threshold=0.9)], texts)
    assert len(kept(tmp_path / "before")) == 2


def test_equal_addresses_and_near_texts_are_decided_together(tmp_path: Path) -> None:
    texts = [("http://x/a", BASE + " banned"), ("http://x/a", OTHER)]
    texts += [("http://x/b", OTHER + " y"), ("http://x/c", BASE)]
    execute(tmp_path, [ExactDuplicates(by="url"), NearDuplicates(), Banned()], texts)
    assert kept(tmp_path) == [OTHER, BASE]


def test_the_sizes_count_exact_duplicates(tmp_path: Path) -> None:
    execute(tmp_path, [ExactDuplicates(), NearDuplicates(), Banned()], [BASE, BASE, BASE + " x", OTHER, OTHER])
    (corpus,) = (tmp_path / "run/corpus").glob("*")
    assert [row["near_duplicates"]["cluster_size"] for row in pq.read_table(corpus).to_pylist()] == [3, 2]


def test_passages_see_what_is_left(tmp_path: Path) -> None:
    line = "This line is on every page of the site, and is long enough to count as a passage."
    texts = [f"{BASE}\n{line}\n", f"{BASE} x\n{line}\n", f"{OTHER}\n{line}\n"]
    stages = [NearDuplicates(), Passages(unit="line", min_length=30, min_documents=2), Banned()]
    execute(tmp_path, stages, texts)
    assert kept(tmp_path) == [f"{BASE}\n{line}\n", f"{OTHER}\n"]


def test_stages_that_decide_nothing_come_after_the_decision() -> None:
    class Silent(Banned):
        def rules(self) -> list[Rule]:
            return []

    near, first, last = NearDuplicates(), Banned(), Silent()
    found = passes([near, first, last])
    assert [(list(each.apply), list(each.stages)) for each in found] == [([], [near, first]), ([near], [last])]


def test_the_order_of_the_input_does_not_matter(tmp_path: Path) -> None:
    texts = [f"{BASE} {end}" for end in "abcdefgh"] + [OTHER]
    results = []
    for number in range(3):
        shuffled = [(f"http://x/{text[-1]}", text) for text in random.Random(number).sample(texts, len(texts))]
        execute(tmp_path / str(number), [NearDuplicates(prefer="longest"), Banned()], shuffled)
        results.append(sorted(kept(tmp_path / str(number))))
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 2


STORY = """the harbour was quiet when our ferry left for another island and nobody had told me that winter would come so
early this year but my old captain only laughed about it while he poured some tea into a small blue cup from home"""
WORDS = STORY.split()
RECIPE = Path(__file__).resolve().parents[2] / "pipelines/incremental.yaml"


def test_a_delivery_that_is_repeated_with_other_limits_keeps_what_a_fresh_run_keeps(tmp_path: Path) -> None:
    chance = random.Random(5)
    texts = []
    for _ in range(40):
        words = [chance.choice(WORDS) for _ in range(chance.randrange(20, 90))]
        texts += [" ".join(words), " ".join([*words[:-2], "edited", "here"])]
    for place, part in (("may", texts[:60]), ("june", texts[50:])):
        folder = tmp_path / "delivery" / place
        folder.mkdir(parents=True)
        lines = [json.dumps({"url": f"http://x/{number}", "text": text}) for number, text in enumerate(part)]
        (folder / "a.jsonl").write_text("\n".join(lines))
    limits = ["near_duplicates.threshold=0.8", "near_duplicates.threshold=0.81", "language.min_score=0.05"]

    def run(place: str, limit: str, output: str, index: str) -> set[str]:
        overrides = [f"jsonl.paths={tmp_path}/delivery/{place}/*.jsonl", f"near_duplicates.delivery={place}"]
        overrides += [f"near_duplicates.index={tmp_path / index}", limit]
        run_recipe(load(RECIPE, overrides), folder=tmp_path / output, workers=1, overwrite=True)
        return set(texts_in(tmp_path / output / "corpus"))

    for number, limit in enumerate(limits):
        repeated = [run(place, limit, f"runs/{place}", "index") for place in ("may", "june")]
        fresh = [run(place, limit, f"fresh/{number}/{place}", f"fresh/index-{number}") for place in ("may", "june")]
        assert repeated == fresh
        assert all(repeated)
    assert [each.name for each in Index.open(tmp_path / "index").deliveries()] == ["may", "june"]
