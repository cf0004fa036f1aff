"""Nothing finished is taken away: what a run replaces, what it deletes, and what it leaves alone."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest_engine import Execute, content, write_jsonl
from rich.console import Console
from toys import Constant, Length, SameText

from corpuskit.engine import publish
from corpuskit.engine.display import PlainLines
from corpuskit.engine.job import CORPUS, Job
from corpuskit.engine.ledger import find, open_run, tables
from corpuskit.engine.owned import files_below
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.plan import CONSENT
from corpuskit.engine.plan import plan as planned
from corpuskit.engine.pool import LocalPool
from corpuskit.engine.run import Outcome, Run
from corpuskit.engine.run_receipt import RunReceipt
from corpuskit.engine.source import Source
from corpuskit.engine.verify import verify
from corpuskit.errors import CorpuskitError, UsageError, WouldReplace
from corpuskit.sources.jsonl import JsonLines

STAGES = (Length(), SameText(), Constant(value=1.0))
OTHERS = (Length(), SameText(), Constant(value=2.0))

Start = Callable[..., Outcome]


@pytest.fixture
def start(pool: LocalPool, corpus: Path, tmp_path: Path) -> Start:
    """Run the stages over the corpus in the folder `run`, with run.json."""

    def run(stages: Sequence[Any] = STAGES, jobs: Sequence[Job] = (), **settings: Any) -> Outcome:
        folder, said = tmp_path / "run", io.StringIO()
        sources = settings.pop("sources", None) or [JsonLines(paths=str(corpus), name="web")]
        made = Run(Pipeline("test", sources, stages, jobs), folder, 2, pool, PlainLines(Console(file=said)), **settings)
        made.describe = lambda outcome: {
            "corpus_digest": outcome.corpus_digest,
            "jobs": outcome.jobs,
            "outputs": outcome.outputs,
        }
        try:
            return made.execute()
        finally:
            run.said = said.getvalue()  # type: ignore[attr-defined]

    return run


def stamps(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in files_below(folder) if name != ".lock"}


def test_a_finished_corpus_is_replaced_only_when_asked(start: Start, tmp_path: Path) -> None:
    start()
    before = stamps(tmp_path / "run")
    with pytest.raises(WouldReplace, match=r"constant\.value 2\.0, was 1\.0.*--overwrite.*--output") as refusal:
        start(OTHERS)
    assert refusal.value.exit_code == 3
    assert stamps(tmp_path / "run") == before
    start(OTHERS, overwrite=True)
    assert {row["constant"]["value"] for row in corpus_rows(tmp_path / "run")} == {2.0}


def corpus_rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in tables(folder, "corpus") for row in pq.read_table(path).to_pylist()]


def test_a_changed_input_is_another_corpus(start: Start, corpus: Path) -> None:
    start()
    write_jsonl(corpus / "9.jsonl", [{"text": "one more document"}])
    with pytest.raises(WouldReplace, match=r"input changed \(web\)"):
        start()


def test_a_corpus_without_documents_is_no_finished_work(start: Start) -> None:
    start([Length(minimum=10_000)])
    start(STAGES)


def test_files_of_others_stay_and_are_not_read(start: Start, tmp_path: Path) -> None:
    start()
    run = tmp_path / "run"
    (run / "corpus/NOTES.txt").write_text("mine")
    (run / "ledger/accounts.csv").write_text("rent,100")
    shutil.copy(next((run / "corpus").glob("*.parquet")), run / "corpus/zz-mine.parquet")
    step = next((run / "steps").glob("*constant*"))
    (step / "my-notes.txt").write_text("mine too")
    start(OTHERS, overwrite=True)
    assert (run / "corpus/NOTES.txt").read_text() == "mine"
    assert (run / "ledger/accounts.csv").read_text() == "rent,100"
    assert [path.name for path in step.iterdir()] == ["my-notes.txt"]
    assert len(corpus_rows(run)) == 121
    assert verify(run).others == ["corpus/NOTES.txt", "corpus/zz-mine.parquet", "ledger/accounts.csv"]


def test_a_folder_with_files_of_others_is_refused_untouched(start: Start, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "corpus").mkdir(parents=True)
    (run / "corpus/mine.jsonl").write_text("{}")
    (run / "recipe.yaml").write_text("# mine")
    with pytest.raises(UsageError, match=r"corpus/mine\.jsonl, recipe\.yaml"):
        start()
    assert files_below(run) == ["corpus/mine.jsonl", "recipe.yaml"]


def test_files_of_others_elsewhere_in_the_folder_are_no_trouble(start: Start, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/r.yaml").write_text("name: mine")
    start()
    assert (tmp_path / "run/r.yaml").read_text() == "name: mine"


def test_a_file_of_others_under_a_name_that_a_shard_needs_is_refused(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start([Length(minimum=10_000)])  # publishes no shard with documents
    run = tmp_path / "run"
    receipt = RunReceipt.read(run)
    assert receipt is not None
    for name in list(receipt.files):
        (run / name).unlink()
        del receipt.files[name]
    receipt.write(run)
    (run / "corpus").mkdir(exist_ok=True)
    (run / "corpus/part-00000.parquet").write_text("mine")
    with pytest.raises(UsageError, match=r"corpus/part-00000\.parquet"):
        start()
    assert (run / "corpus/part-00000.parquet").read_text() == "mine"


def test_links_are_not_followed(start: Start, tmp_path: Path) -> None:
    start()
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "part-00000.parquet").write_text("precious")
    (elsewhere / "step.json").write_text("{}")
    step = next((run / "steps").glob("*constant*"))
    (step / "linked").symlink_to(elsewhere)
    (run / "steps/09-linked-0123abcd").symlink_to(elsewhere)
    start(OTHERS, overwrite=True)
    assert sorted(path.name for path in elsewhere.iterdir()) == ["part-00000.parquet", "step.json"]
    shutil.rmtree(run / "corpus")
    (run / "corpus").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="symbolic link"):
        start()
    assert (elsewhere / "part-00000.parquet").read_text() == "precious"


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_what_is_missing_or_short_is_made_again(start: Start, tmp_path: Path, damage: str) -> None:
    start()
    run = tmp_path / "run"
    wanted = content(run)
    shard = run / "corpus/part-00000.parquet"
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-10])
    assert verify(run).damaged == {"corpus/part-00000.parquet": damage}
    start()
    assert content(run) == wanted
    shutil.rmtree(run / "steps")
    shard.unlink()
    start()
    assert content(run) == wanted


def test_what_somebody_changed_is_not_overwritten_unasked(start: Start, tmp_path: Path) -> None:
    start()
    shard = tmp_path / "run/corpus/part-00000.parquet"
    content_ = bytearray(shard.read_bytes())
    content_[40] ^= 1
    shard.write_bytes(content_)
    with pytest.raises(WouldReplace, match=r"corpus/part-00000\.parquet changed after the run wrote it"):
        start()
    start(overwrite=True)
    assert verify(tmp_path / "run").sound


def test_a_copied_or_touched_run_is_still_done(start: Start, tmp_path: Path) -> None:
    start()
    (tmp_path / "run/corpus/part-00000.parquet").touch()
    before = stamps(tmp_path / "run")
    start()
    after = stamps(tmp_path / "run")
    assert {name: after[name] for name in before if "/" in name} == {
        name: stamp for name, stamp in before.items() if "/" in name
    }


def test_without_its_steps_a_finished_run_is_done(start: Start, tmp_path: Path) -> None:
    first = start()
    shutil.rmtree(tmp_path / "run/steps")
    again = start()
    assert not (tmp_path / "run/steps").exists() or not list((tmp_path / "run/steps").iterdir())
    assert (again.stages, again.sources, again.corpus_digest) == (first.stages, first.sources, first.corpus_digest)
    assert start.said.count("already done") == 4  # type: ignore[attr-defined]


def test_killed_at_any_point_of_publishing_the_corpus_is_the_old_or_the_new_one(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before each of the moves and writes that put a corpus in place."""
    run = tmp_path / "run"
    start(OTHERS)
    new = content(run)
    shutil.rmtree(run)
    start()
    old = content(run)
    shutil.copytree(run, tmp_path / "old")

    class Killed(BaseException):
        pass

    calls = 0
    survived = 0
    replace, unlink, write_json = Path.replace, Path.unlink, publish.write_json

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*values: Any, **named: Any) -> Any:
            nonlocal calls
            if armed:
                calls += 1
                if calls > survived:
                    raise Killed
            return function(*values, **named)

        return wrapped

    put = publish._put_in_place
    armed = False

    def arm(*values: Any) -> None:
        nonlocal armed
        armed = True
        put(*values)
        armed = False

    ended = False
    while not ended:
        shutil.rmtree(run)
        shutil.copytree(tmp_path / "old", run)
        calls, armed = 0, False
        with monkeypatch.context() as patch:
            patch.setattr(publish, "_put_in_place", arm)
            patch.setattr(Path, "replace", dying(replace))
            patch.setattr(Path, "unlink", dying(unlink))
            patch.setattr(publish, "write_json", dying(write_json))
            try:
                start(OTHERS, overwrite=True)
                ended = True
            except Killed:
                with pytest.raises(UsageError, match="run its recipe again"):
                    open_run(run)
        start(OTHERS)  # asks nothing: what was committed is put in place
        assert content(run) == new
        assert verify(run).sound
        survived += 1
    assert survived > 8
    assert old != new


def test_before_its_commit_a_new_corpus_touches_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    run = tmp_path / "run"
    old, said = content(run), open_run(run)

    def fail(*_: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("corpuskit.engine.run.commit", fail)
        with pytest.raises(OSError, match="no space"):
            start(OTHERS, overwrite=True)
    assert content(run) == old
    assert open_run(run) == said
    assert verify(run).sound


def test_recompute_does_a_stage_and_what_follows_again(start: Start, tmp_path: Path) -> None:
    start()
    run = tmp_path / "run"
    before, wanted = stamps(run), content(run)
    start(recompute=["constant"])
    after = stamps(run)
    assert content(run) == wanted
    assert all(after[name] == stamp for name, stamp in before.items() if name.startswith("steps/00"))
    again = [name for name, stamp in before.items() if after[name] != stamp and name.endswith(".parquet")]
    assert {name.split("/")[0] for name in again} == {"steps", "corpus", "ledger"}
    with pytest.raises(WouldReplace):
        start(OTHERS, recompute=["constant"])
    with pytest.raises(UsageError, match=r"cannot recompute 'constnt'.*did you mean 'constant'"):
        start(recompute=["constnt"])


class Fetched(JsonLines):
    """A source that collects, and says how much it could not."""

    def collect(self, folder: Path, watch: Any) -> None:
        (folder / "collections").write_text(str(int(self._count(folder)) + 1))

    def unfinished(self, folder: Path) -> int:
        return 2 if int(self._count(folder)) < 2 else 0

    def fingerprint(self, folder: Path) -> str:
        return super().fingerprint(folder) + self._count(folder)

    @staticmethod
    def _count(folder: Path) -> str:
        path = folder / "collections"
        return path.read_text() if path.exists() else "0"


def test_what_could_not_be_fetched_is_asked_for_again(start: Start, tmp_path: Path, corpus: Path) -> None:
    source: list[Source] = [Fetched(paths=str(corpus), name="web")]
    assert start(sources=source).unfinished == {"web": 2}
    assert start(sources=source).unfinished == {}  # another input, and nobody is asked: the corpus was not finished
    start(sources=source)
    assert (tmp_path / "run/sources/web/collections").read_text() == "2"


# --- jobs ---


def job(name: str = "model", *, reads: tuple[str, ...] = (CORPUS,), **others: Any) -> Job:
    """A job that writes a file, and a note in run/log of having been done."""
    folder = others.pop("folder", f"models/{name}")
    text = others.pop("text", name)

    def work(run: Path, watch: Any) -> dict[str, Any]:
        (run / folder / "deep").mkdir(parents=True, exist_ok=True)
        (run / folder / "weights").write_text(text)
        (run / folder / "deep/settings").write_text(json.dumps(others.get("settings")))
        for name_ in others.get("writes", ()):
            (run / name_).write_text("beside")
        with (run / "log").open("a") as log:
            log.write(f"{name}\n")
        if text == "fails":
            raise CorpuskitError("it failed")
        return {"says": text}

    given = {"version": 1, "settings": {"steps": 2}, **others}
    return Job(name, folder, reads=reads, work=work, **given)


def log(tmp_path: Path) -> list[str]:
    path = tmp_path / "run/log"
    done = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return done


def test_a_job_runs_again_for_what_it_reads_and_not_for_the_job_before_it(start: Start, tmp_path: Path) -> None:
    adapter = job("adapter", reads=("models/base",))
    chat = job("chat", reads=("models/base",))
    start(jobs=[job("base"), adapter, chat])
    assert log(tmp_path) == ["base", "adapter", "chat"]
    start(jobs=[job("base"), adapter, chat])
    assert log(tmp_path) == []
    start(jobs=[job("base"), chat])
    start(jobs=[job("base"), job("adapter", reads=("models/base",), version=2), chat], overwrite=True)
    assert log(tmp_path) == ["adapter"]
    start(jobs=[job("base", version=2, text="other weights"), chat], overwrite=True)
    assert log(tmp_path) == ["base", "chat"]
    start(jobs=[job("base", version=3, text="other weights"), chat], overwrite=True)
    assert log(tmp_path) == ["base"], "the same files: what reads them is still right"


def test_a_finished_model_is_never_taken_away_unasked(start: Start, tmp_path: Path) -> None:
    start(jobs=[job()])
    notes = tmp_path / "run/models/model/MY-NOTES.txt"
    notes.write_text("mine")
    changed = job(settings={"steps": 3})
    with pytest.raises(WouldReplace, match=r"models/model.*model\.steps 3, was 2"):
        start(jobs=[changed])
    start((*OTHERS[:2], Constant(value=9.0)), jobs=[job()], overwrite=True)
    with pytest.raises(WouldReplace):
        start(jobs=[changed])
    assert (tmp_path / "run/models/model/weights").read_text() == "model"
    start(jobs=[changed], overwrite=True)
    assert notes.read_text() == "mine"
    assert (tmp_path / "run/models/model/deep/settings").read_text() == '{"steps": 3}'
    assert verify(tmp_path / "run").sound


def test_a_model_of_another_corpus_is_kept_and_named(start: Start, tmp_path: Path, corpus: Path) -> None:
    source: list[Source] = [Fetched(paths=str(corpus), name="web")]
    start(jobs=[job()], sources=source)
    write_jsonl(corpus / "9.jsonl", [{"text": "one more document"}])
    with pytest.raises(WouldReplace, match="corpus changed"):
        start(jobs=[job()], sources=source)
    assert len(corpus_rows(tmp_path / "run")) == 122
    assert log(tmp_path) == ["model"]


def test_a_lost_output_is_made_again_and_the_rest_is_kept(start: Start, tmp_path: Path) -> None:
    start(jobs=[job()])
    run = tmp_path / "run"
    (run / "models/model/weights").unlink()
    assert verify(run).damaged == {"models/model/weights": "missing"}
    start(jobs=[job()])
    assert log(tmp_path) == ["model", "model"]
    assert (run / "models/model/weights").read_text() == "model"
    assert (run / "models/model.incomplete/deep/settings").exists()
    assert "models/model/weights is missing; it is made again" in start.said  # type: ignore[attr-defined]


def test_a_released_output_is_not_missing(start: Start, tmp_path: Path) -> None:
    start(jobs=[job()])
    run = tmp_path / "run"
    path = run / "models/model/receipt.json"
    receipt = json.loads(path.read_text())
    path.write_text(json.dumps({**receipt, "released": ["models/model/weights"]}))
    (run / "models/model/weights").unlink()
    whole = RunReceipt.read(run)
    assert whole is not None
    ledger = next(name for name in whole.files if name.startswith("ledger/"))
    whole.released = [ledger]
    whole.write(run)
    (run / ledger).unlink()
    assert verify(run).sound
    log(tmp_path)
    start(jobs=[job()])
    assert log(tmp_path) == []
    assert start.said.count("already done") == 5  # type: ignore[attr-defined]


def test_unfinished_work_under_other_settings_is_set_aside(start: Start, tmp_path: Path) -> None:
    with pytest.raises(CorpuskitError, match="it failed"):
        start(jobs=[job(text="fails")])
    start(jobs=[job(settings={"steps": 4})])
    run = tmp_path / "run"
    assert (run / "models/model.unfinished/weights").read_text() == "fails"
    assert (run / "models/model/weights").read_text() == "model"
    assert "unfinished work under other settings is now in" in start.said  # type: ignore[attr-defined]


def test_a_job_that_failed_leaves_a_run_that_speaks_of_this_corpus(start: Start, tmp_path: Path) -> None:
    start()
    earlier = open_run(tmp_path / "run")
    with pytest.raises(CorpuskitError, match="it failed"):
        start(OTHERS, jobs=[job("first"), job(text="fails")], overwrite=True)
    run = open_run(tmp_path / "run")
    receipt = RunReceipt.read(tmp_path / "run")
    assert receipt is not None
    assert run["corpus_digest"] == receipt.corpus_digest != earlier["corpus_digest"]
    assert list(run["jobs"]) == ["first"]


def test_files_of_others_in_the_folder_of_a_job_are_refused(start: Start, tmp_path: Path) -> None:
    start()
    (tmp_path / "run/models/model").mkdir(parents=True)
    (tmp_path / "run/models/model/weights").write_text("mine")
    with pytest.raises(UsageError, match="no run of corpuskit wrote"):
        start(jobs=[job()])
    assert (tmp_path / "run/models/model/weights").read_text() == "mine"


def test_files_beside_the_folder_of_a_job_belong_to_it(start: Start, tmp_path: Path) -> None:
    start(jobs=[job(writes=("canaries.json",))])
    assert verify(tmp_path / "run").sound
    (tmp_path / "run/canaries.json").unlink()
    assert verify(tmp_path / "run").damaged == {"canaries.json": "missing"}
    start(jobs=[job(writes=("canaries.json",))])
    assert verify(tmp_path / "run").sound


@pytest.mark.parametrize("folder", ["../escaped", "/tmp/escaped", "models/model/inner"])
def test_folders_of_jobs_neither_nest_nor_leave_the_run(start: Start, tmp_path: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="folder"):
        start(jobs=[job(), job("other", folder=folder)])


def test_plan_says_what_would_be_replaced(start: Start, tmp_path: Path, corpus: Path) -> None:
    start(jobs=[job(), job("reader", reads=("models/model",))])

    def notes(stages: Sequence[Any] = STAGES, jobs: Sequence[Job] = (), **settings: Any) -> dict[str, str]:
        pipeline = Pipeline("test", [JsonLines(paths=str(corpus), name="web")], stages, jobs)
        return {state.name: state.note for state in planned(Run(pipeline, tmp_path / "run", **settings))}

    reader = job("reader", reads=("models/model",))
    assert set(notes(jobs=[job(), reader]).values()) == {""}
    changed = notes(jobs=[job(version=2), reader])
    assert changed["model"] == f"would run: job model: version 2, was 1; {CONSENT}"
    assert changed["reader"] == "would run if what it reads changes: models/model"
    assert CONSENT not in "".join(notes(jobs=[job(version=2), reader], overwrite=True).values())
    asked = notes(jobs=[job(), reader], recompute=["constant"])
    assert asked["length"] == ""
    assert asked["same_text-constant"] == "would run: asked for with --recompute"
    assert asked["model"] == "would run if what it reads changes: corpus"
    (tmp_path / "run/corpus/part-00000.parquet").unlink()
    assert notes()["writing the corpus and its ledger"] == "would run: corpus/part-00000.parquet is missing"


def test_a_run_of_the_earlier_layout_is_read_and_not_replaced_unasked(
    start: Start, tmp_path: Path, execute: Execute
) -> None:
    start()
    run = tmp_path / "run"
    known = corpus_rows(run)[0]
    receipt = RunReceipt.read(run)
    assert receipt is not None
    published = next((run / "steps").glob("*-publish-*"))
    for path in published.glob("[0-9]*.json"):  # as the earlier version wrote them
        value = json.loads(path.read_text())
        value["outputs"] = {f"../../{name.removeprefix('staged/')}": each for name, each in value["outputs"].items()}
        path.write_text(json.dumps(value))
    (run / "receipt.json").unlink()
    (run / "run.json").write_text(json.dumps({"version": "0.1.0", "recipe": {}, "corpus_digest": "x"}))
    assert find(run, known["id"]).kept
    with pytest.raises(WouldReplace, match=r"made by corpuskit 0\.1\.0"):
        start(OTHERS)
    (run / "corpus/mine.txt").write_text("mine")
    start(OTHERS, overwrite=True)
    assert (run / "corpus/mine.txt").exists()
    assert {row["constant"]["value"] for row in corpus_rows(run)} == {2.0}
    assert verify(run).sound
