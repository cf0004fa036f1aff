"""A run keeps its promises: everything is accounted for, nothing runs twice, the same bytes whatever happens."""

from __future__ import annotations

import io
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest_engine import Execute, content, write_jsonl
from rich.console import Console
from toys import Constant, Fragile, Hide, Length, SameText, Silent, Vowels

from corpuskit.engine.display import watcher
from corpuskit.engine.ledger import find
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.pool import LocalPool
from corpuskit.engine.run import Run, locked
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.sources.jsonl import JsonLines


def rows(folder: Path) -> list[dict[str, object]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_every_document_is_kept_or_in_the_ledger(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    outcome = execute(corpus, [Length(minimum=5), SameText()], tmp_path / "run")
    kept, dropped = rows(tmp_path / "run/corpus"), rows(tmp_path / "run/ledger/dropped")
    assert len(kept) == 121  # 120 different ones and the first of three equal ones
    assert len(dropped) == 5
    assert outcome.sources["web"].documents_in == 126
    assert outcome.stages["length"].dropped == {"length.characters": 3}
    assert outcome.stages["length"].broke == {"length.characters": 3}
    assert outcome.stages["same_text"].dropped == {"same_text.duplicate": 2}
    short = next(row for row in dropped if row["stage"] == "length")
    assert (short["value"], short["limit"], short["excerpt"]) == ("3", ">= 5", "abc")
    twin = next(row for row in dropped if row["stage"] == "same_text")
    original = next(row for row in kept if row["text"] == "the same in every file")
    assert json.loads(twin["decisions"][0]["evidence"]) == {"same_text.twin": original["id"]}  # type: ignore[index]


def test_a_limit_may_differ_by_language(tmp_path: Path, execute: Execute) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "한국어", "language": "ko"}, {"text": "abc", "language": "en"}])
    execute(tmp_path / "in.jsonl", [Length(minimum=5, minimum_korean=3)], tmp_path / "run")
    assert [row["text"] for row in rows(tmp_path / "run/corpus")] == ["한국어"]
    assert [row["limit"] for row in rows(tmp_path / "run/ledger/dropped")] == [">= 5"]


def test_every_broken_rule_is_counted_and_the_silent_ones_too(tmp_path: Path, execute: Execute) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "a"}, {"text": "bbbbbb"}, {"text": "aaaaaa"}])
    outcome = execute(tmp_path / "in.jsonl", [Length(minimum=5), Vowels(maximum=7)], tmp_path / "run")
    assert outcome.stages["length"].broke == {"length.characters": 1}
    assert outcome.stages["vowels"].broke == {"vowels.a": 0}


def test_a_second_run_does_nothing_again(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    stages = [Length(), SameText(), Constant()]
    execute(corpus, stages, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.parquet")}
    execute(corpus, stages, tmp_path / "run")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.parquet")}


def test_a_changed_setting_runs_again_from_there(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    execute(corpus, [Length(), SameText(), Constant(value=1.0)], tmp_path / "run")
    first = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "run/steps").rglob("part-*") if "length" in str(path)
    }
    assert first
    execute(corpus, [Length(), SameText(), Constant(value=2.0)], tmp_path / "run", overwrite=True)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in first.items())
    assert {row["constant"]["value"] for row in rows(tmp_path / "run/corpus")} == {2.0}  # type: ignore[index]
    steps = [path.name for path in (tmp_path / "run/steps").iterdir()]
    assert len([name for name in steps if "constant" in name]) == 1, "the step of the old setting is gone"


def test_one_worker_and_two_write_the_same_bytes(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    stages = [Length(), Hide(), SameText(), Vowels(maximum=2)]
    execute(corpus, stages, tmp_path / "two")
    pool = LocalPool(1)
    try:
        pipeline = Pipeline("test", [JsonLines(paths=str(corpus), name="web")], stages)
        Run(pipeline, tmp_path / "one", 1, pool, watcher(Console(file=io.StringIO()))).execute()
    finally:
        pool.close()
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_rows_that_a_stage_cannot_bear_are_quarantined_alone(tmp_path: Path, execute: Execute) -> None:
    texts = [f"good {number}" for number in range(50)]
    texts[7], texts[23], texts[31] = "RAISE here", "ERROR here", "CRASH here"
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    outcome = execute(tmp_path / "in.jsonl", [Fragile()], tmp_path / "run")
    assert outcome.quarantined == 3
    assert len(rows(tmp_path / "run/corpus")) == 47
    lines = (tmp_path / "run/ledger/quarantine/00-fragile.jsonl").read_text().splitlines()
    reasons = {json.loads(line)["reason"] for line in lines}
    assert reasons == {
        "fragile: ValueError: cannot bear this text",
        "fragile: unreadable",
        "fragile: killed the process that measured it",
    }


def test_more_bad_records_than_allowed_fail_the_run(tmp_path: Path, execute: Execute) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\nnot json\n{"text": "fine too"}\nnor this\n')
    with pytest.raises(CorpuskitError, match="2 records could not be read, and max_quarantined is 1"):
        execute(tmp_path / "in.jsonl", [Length()], tmp_path / "run", max_quarantined=1)


def test_changes_are_recorded_and_excerpts_redacted(tmp_path: Path, execute: Execute) -> None:
    write_jsonl(
        tmp_path / "in.jsonl", [{"text": "a secret that stays"}, {"text": "aaaa secret that goes", "title": "secret"}]
    )
    execute(tmp_path / "in.jsonl", [Vowels(maximum=4), Hide()], tmp_path / "run")
    assert [row["text"] for row in rows(tmp_path / "run/corpus")] == ["a <HIDDEN> that stays"]
    change = rows(tmp_path / "run/ledger/changes")[0]
    assert change["changes"] == [{"start": 2, "end": 8, "type": "word", "replacement": "<HIDDEN>"}]
    dropped = rows(tmp_path / "run/ledger/dropped")[0]
    assert dropped["excerpt"] == "aaaa <HIDDEN> that goes"
    assert dropped["title"] == "<HIDDEN>"


def test_a_doomed_document_skips_later_stages_unless_it_is_a_survey(tmp_path: Path, execute: Execute) -> None:
    write_jsonl(
        tmp_path / "in.jsonl", [{"text": "aa"}, {"text": "banana split"}, {"text": "banana split", "url": "http://b"}]
    )
    stages = [Length(minimum=5), SameText(), Vowels(maximum=2)]
    execute(tmp_path / "in.jsonl", stages, tmp_path / "plain")
    (short,) = [row for row in rows(tmp_path / "plain/ledger/dropped") if row["stage"] == "length"]
    assert "vowels" not in short or short["vowels"] is None
    execute(tmp_path / "in.jsonl", stages, tmp_path / "survey", survey=True)
    dropped = {row["stage"]: row for row in rows(tmp_path / "survey/ledger/dropped")}
    assert dropped["length"]["vowels"] == {"a": 2}
    assert dropped["length"]["same_text"] == {"duplicate": None, "twin": None}
    assert [found["rule"] for found in dropped["same_text"]["decisions"]] == ["same_text.duplicate", "vowels.a"]  # type: ignore[attr-defined]
    assert "text" not in dropped["vowels"]


def test_a_rule_that_names_a_missing_measurement_is_an_error(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    with pytest.raises(CorpuskitError, match=r"rule 'silent.depth' of stage 'silent' reads silent.depth.*'silent'"):
        execute(corpus, [Silent()], tmp_path / "run")


def test_a_source_that_holds_nothing_is_a_clear_end(tmp_path: Path, execute: Execute) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(CorpuskitError, match="no document came out of 'web'"):
        execute(tmp_path / "empty.jsonl", [Length()], tmp_path / "run")


def test_two_runs_cannot_share_a_folder(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    with locked(tmp_path / "run"), pytest.raises(UsageError, match="another corpuskit is running"):
        execute(corpus, [Length()], tmp_path / "run")


def test_a_document_tells_its_story(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    execute(corpus, [Length(minimum=5), SameText()], tmp_path / "run")
    kept = find(tmp_path / "run", "http://x/0/1")
    assert kept.kept[0]["text"] == "banana 0 1"
    assert not kept.dropped
    gone = find(tmp_path / "run", "http://x/2/short")
    assert gone.dropped[0]["rule"] == "length.characters"
    assert find(tmp_path / "run", kept.kept[0]["id"][:10]).kept == kept.kept
    assert not find(tmp_path / "run", "http://x/never/seen")


KILLED = """
import sys, io
sys.path.insert(0, {tests!r})
from pathlib import Path
from rich.console import Console
from toys import Hide, Length, SameText, Vowels
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.pool import LocalPool
from corpuskit.engine.display import PlainLines
from corpuskit.engine.display import watcher
from corpuskit.engine.run import Run, locked
from corpuskit.sources.jsonl import JsonLines
if __name__ == "__main__":
    stages = [Length(), Hide(), SameText(), Vowels(maximum=2)]
    pipeline = Pipeline("test", [JsonLines(paths={source!r}, name="web")], stages)
    pool = LocalPool(2)
    Run(pipeline, Path({folder!r}), 2, pool, PlainLines(Console(file=io.StringIO()))).execute()
    pool.close()
"""


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_in_the_same_bytes(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    execute(corpus, [Length(), Hide(), SameText(), Vowels(maximum=2)], tmp_path / "whole")
    wanted = content(tmp_path / "whole")
    script = tmp_path / "killed.py"
    script.write_text(
        KILLED.format(tests=str(Path(__file__).parent), source=str(corpus), folder=str(tmp_path / "killed"))
    )
    command = [sys.executable, str(script)]
    started = time.monotonic()
    subprocess.run(command, check=True)
    duration = time.monotonic() - started
    assert content(tmp_path / "killed") == wanted
    chance, kills, ends = random.Random(7), 0, 0
    shutil.rmtree(tmp_path / "killed")
    while kills < 20:
        process = subprocess.Popen(command)
        try:
            assert process.wait(timeout=chance.uniform(0.2, duration)) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        else:
            ends += 1
            assert content(tmp_path / "killed") == wanted
            shutil.rmtree(tmp_path / "killed")
    subprocess.run(command, check=True)
    assert content(tmp_path / "killed") == wanted
    leftovers = list((tmp_path / "killed").rglob(".*.tmp"))
    assert not leftovers


def test_the_corpus_opens_elsewhere(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    execute(corpus, [Length()], tmp_path / "run")
    table = pa.concat_tables([pq.read_table(path) for path in (tmp_path / "run/corpus").glob("*.parquet")])
    assert "content" not in table.column_names
    assert table.schema.field("text").type == pa.large_string()
    assert len(set(table.column("id").to_pylist())) == table.num_rows
