"""A run: the steps of a pipeline in order, each skipped where its receipts are complete.

    collect    sources fetch what they do not have (a crawl)
    pass 0     every split is read and streamed through the stages up to the first that needs the whole corpus
    resolve 0  that corpus stage, over the sketches of all parts
    pass 1     its result is brought back row by row, and the next stages stream
    ...
    publish    the last pass's parts become the shards of the corpus, the dropped documents the ledger
    jobs       token shards, training, audit

A step's key is the digest of what it depends on (`corpuskit.engine.identity`); a job's key names the outputs that it
reads. A task commits by its receipt, so a run that is killed at any moment goes on where it was, and ends in the same
bytes.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from corpuskit.engine.files import digest, file_digest, read_json, remove_temporaries, write_json
from corpuskit.engine.identity import Parts, key_of, reasons
from corpuskit.engine.job import CORPUS, Job
from corpuskit.engine.parts import Receipt, StageCounts, stem
from corpuskit.engine.pipeline import Pass, Pipeline, passes
from corpuskit.engine.pool import Executor, Task
from corpuskit.engine.progress import Watcher
from corpuskit.engine.publish import publish
from corpuskit.engine.source import Source
from corpuskit.engine.steps import Step, Steps, job_parts, source_folder
from corpuskit.engine.task import PassTask
from corpuskit.errors import CorpuskitError, UsageError

JOB_FILES = ("begun.json", "receipt.json")


@dataclass
class Outcome:
    """What all tasks of a run counted together."""

    stages: dict[str, StageCounts] = field(default_factory=dict)
    sources: dict[str, StageCounts] = field(default_factory=dict)
    languages: dict[str, StageCounts] = field(default_factory=dict)
    quarantined: int = 0
    corpus_digest: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    job_seconds: float = 0.0
    identity: dict[str, Parts] = field(default_factory=dict)
    """Step or job -> what its key is made of."""

    def add(self, receipt: Receipt) -> None:
        for mine, theirs in (
            (self.stages, receipt.stages),
            (self.sources, receipt.sources),
            (self.languages, receipt.languages),
        ):
            for name, counts in theirs.items():
                mine.setdefault(name, StageCounts()).add(counts)
        self.quarantined += receipt.quarantined


@dataclass(frozen=True)
class StepState:
    """A step as `plan` shows it."""

    name: str
    tasks: int | None
    done: int
    note: str = ""


@dataclass
class Run:
    pipeline: Pipeline
    folder: Path
    workers: int = 1
    executor: Executor | None = None
    watcher: Watcher | None = None
    kept_steps: set[Path] = field(default_factory=set)

    @property
    def steps(self) -> Steps:
        return Steps(self.pipeline, self.folder, self.workers)

    # --- execution ---

    def execute(self) -> Outcome:
        """Run what is not done yet. Raises CorpuskitError where nothing was read or nothing survived."""
        assert self.executor is not None
        assert self.watcher is not None
        outcome = Outcome()
        with locked(self.folder):
            remove_temporaries(self.folder / "steps")
            self._collect()
            steps, before = self.steps, None
            inputs = steps.first_inputs()
            committed: list[tuple[Pass, list[PassTask], list[Receipt]]] = []
            for plan in passes(self.pipeline.stages):
                step = before = self._begin(steps.pass_step(plan, before), outcome)
                tasks = steps.pass_tasks(step, plan, inputs)
                receipts = self._map(step.name, tasks, [stem(task.number) + ".json" for task in tasks])
                committed.append((plan, tasks, receipts))
                for receipt in receipts:
                    outcome.add(receipt)
                self._check_quarantine(outcome)
                if plan.number == 0 and not any(c.documents_in for c in outcome.sources.values()):
                    raise CorpuskitError(self._nothing_read(outcome))
                if plan.sketch is not None:
                    before = self._begin(steps.resolve_step(plan, step), outcome)
                    resolve = steps.resolve_task(before, plan, tasks)
                    self._map(before.name, [resolve], ["resolve.json"])
                    inputs = steps.next_inputs(tasks, resolve)
            outcome.corpus_digest = self._publish(self._begin(steps.publish_step(step), outcome), committed)
            if not any(counts.documents_out for counts in outcome.sources.values()):
                return outcome
            self._jobs(outcome)
            self._remove_stale_steps()
        return outcome

    def _begin(self, step: Step, outcome: Outcome) -> Step:
        """Note what a step depends on, in its folder and for run.json."""
        self.kept_steps.add(step.folder)
        step.write_manifest()
        outcome.identity[step.name] = step.parts
        return step

    def _map(self, name: str, tasks: Sequence[Any], receipts: Sequence[str]) -> list[Receipt]:
        """The receipts of all tasks, running those that have none."""
        assert self.executor is not None
        assert self.watcher is not None
        found = [Receipt.read(task.folder / receipt, task.key) for task, receipt in zip(tasks, receipts, strict=True)]
        missing = [number for number, receipt in enumerate(found) if receipt is None]
        self.watcher.begin(name, len(tasks), len(tasks) - len(missing))
        try:
            waiting: list[Task] = [tasks[number] for number in missing]
            for position, receipt in self.executor.map(waiting, self._hear):
                found[missing[position]] = receipt
                self.watcher.advance()
        finally:
            self.watcher.end()
        return [receipt for receipt in found if receipt is not None]

    def _hear(self, kind: str, *content: Any) -> None:
        if self.watcher is None:
            return
        if kind == "stage":
            self.watcher.stage(*content)
        elif kind == "note":
            self.watcher.note(*content)

    def _collect(self) -> None:
        assert self.watcher is not None
        for source in self.pipeline.sources:
            if type(source).collect is Source.collect:
                continue
            where = source_folder(self.folder, source)
            wanted = {"collected": self.steps.collect_key(source)}
            if read_json(where / "collected.json") == wanted and not source.unfinished(where):
                continue
            where.mkdir(parents=True, exist_ok=True)
            self.watcher.begin(f"{source.label()}: collecting", 0, 0)
            try:
                source.collect(where, self.watcher.message)
            finally:
                self.watcher.end()
            write_json(where / "collected.json", wanted)

    def _publish(self, step: Step, committed: Sequence[tuple[Pass, list[PassTask], list[Receipt]]]) -> str:
        tasks = publish(self.folder, step.folder, step.key, committed, self.pipeline.shard_bytes)
        receipts = self._map(step.name, tasks, [task.receipt.name for task in tasks])
        return corpus_digest(receipts)

    def _jobs(self, outcome: Outcome) -> None:
        assert self.watcher is not None
        outputs = {CORPUS: outcome.corpus_digest}
        for job in self.pipeline.jobs:
            parts = job_parts(job, outputs)
            key = key_of(parts)
            outcome.identity[job.name] = parts
            where = self.folder / job.folder
            receipt = read_json(where / "receipt.json")
            self.watcher.begin(job.name, 1, int(bool(receipt and receipt.get("key") == key)))
            try:
                if not receipt or receipt.get("key") != key:
                    receipt = self._run_job(job, key, parts, where)
            finally:
                self.watcher.end()
            outputs[job.folder] = digest(receipt["outputs"])
            outcome.jobs[job.name] = receipt["summary"]
            outcome.job_seconds += receipt["seconds"]

    def _run_job(self, job: Job, key: str, parts: Parts, where: Path) -> dict[str, Any]:
        assert self.watcher is not None
        begun = read_json(where / "begun.json")
        if where.exists() and (not begun or begun.get("key") != key):
            shutil.rmtree(where)  # the work of another configuration
        write_json(where / "begun.json", {"key": key})
        started = time.monotonic()
        summary = job.work(self.folder, self.watcher.message)
        seconds = round(time.monotonic() - started, 3)
        receipt = {"key": key, "parts": parts, "seconds": seconds, "summary": summary, "outputs": outputs_of(where)}
        write_json(where / "receipt.json", receipt)
        return receipt

    # --- ends ---

    def _check_quarantine(self, outcome: Outcome) -> None:
        limit = self.pipeline.max_quarantined
        if limit is not None and outcome.quarantined > limit:
            raise CorpuskitError(
                f"{outcome.quarantined} records could not be read, and max_quarantined is {limit}; "
                f"the reasons are in {self.folder}/steps/*/*.quarantine.jsonl"
            )

    def _nothing_read(self, outcome: Outcome) -> str:
        names = ", ".join(f"'{source.label()}'" for source in self.pipeline.sources)
        text = f"no document came out of {names}"
        if outcome.quarantined:
            text += (
                f": all {outcome.quarantined} records were unreadable; "
                f"the reasons are in {self.folder}/steps/*/*.quarantine.jsonl"
            )
        return text

    def _remove_stale_steps(self) -> None:
        for step in (self.folder / "steps").iterdir():
            if step not in self.kept_steps:
                shutil.rmtree(step, ignore_errors=True)

    # --- plan ---

    def plan(self) -> list[StepState]:
        """What `execute` would do, and what it would find done."""
        states = []
        for source in self.pipeline.sources:
            if type(source).collect is not Source.collect:
                where = source_folder(self.folder, source)
                wanted = {"collected": self.steps.collect_key(source)}
                done = read_json(where / "collected.json") == wanted and not source.unfinished(where)
                states.append(StepState(f"{source.label()}: collecting", 1, int(done)))
                if not done:
                    return states + [StepState(name, None, 0, "known when collected") for name in self._names()]
        steps, before, complete = self.steps, None, True
        inputs = steps.first_inputs()
        for plan in passes(self.pipeline.stages):
            step = before = steps.pass_step(plan, before)
            tasks = steps.pass_tasks(step, plan, inputs)
            done_tasks = sum(
                Receipt.read(task.folder / f"{stem(task.number)}.json", task.key) is not None for task in tasks
            )
            states.append(self._state(step, len(tasks), done_tasks))
            complete = complete and done_tasks == len(tasks)
            if plan.sketch is not None:
                before = steps.resolve_step(plan, step)
                resolve = steps.resolve_task(before, plan, tasks)
                done = int(Receipt.read(resolve.folder / "resolve.json", before.key) is not None)
                states.append(self._state(before, 1, done))
                complete = complete and bool(done)
                inputs = steps.next_inputs(tasks, resolve)
        step = steps.publish_step(step)
        corpus = self._published(step) if complete else None
        states.append(self._state(step, 1, int(corpus is not None)))
        return states + self._plan_jobs(corpus)

    def _state(self, step: Step, tasks: int, done: int) -> StepState:
        why = self.steps.why(step) if done < tasks else []
        return StepState(step.name, tasks, done, f"would run: {'; '.join(why)}" if why else "")

    def _published(self, step: Step) -> str | None:
        """The digest of the corpus, where the step that writes it is done."""
        receipts = [read_json(path) for path in sorted(step.folder.glob("[0-9]*.json"))]
        found = [
            Receipt.read(path, str((read_json(path) or {}).get("key"))) for path in step.folder.glob("[0-9]*.json")
        ]
        if not receipts or any(receipt is None for receipt in found):
            return None
        return corpus_digest([receipt for receipt in found if receipt is not None])

    def _plan_jobs(self, corpus: str | None) -> list[StepState]:
        outputs = {CORPUS: corpus}
        states = []
        for job in self.pipeline.jobs:
            receipt = read_json(self.folder / job.folder / "receipt.json")
            open_ = [name for name in job.reads if outputs.get(name) is None]
            read = {name: digest_ for name in job.reads if (digest_ := outputs.get(name)) is not None}
            last = (receipt or {}).get("parts")
            was = (last or {}).get("reads", {})
            parts = job_parts(job, {**{name: was.get(name, "") for name in open_}, **read})
            done = bool(receipt and receipt.get("key") == key_of(parts))
            if done and open_:
                states.append(StepState(job.name, 1, 0, f"would run if what it reads changes: {', '.join(open_)}"))
            elif done:
                states.append(StepState(job.name, 1, 1))
            else:
                why = reasons(parts, last)
                states.append(StepState(job.name, 1, 0, f"would run: {'; '.join(why)}" if why else ""))
            outputs[job.folder] = digest(receipt["outputs"]) if done and not open_ and receipt else None
        return states

    def _names(self) -> Iterator[str]:
        for plan in passes(self.pipeline.stages):
            yield plan.name
            if plan.sketch is not None:
                yield f"{plan.sketch.name} (whole corpus)"
        yield from (job.name for job in self.pipeline.jobs)


def corpus_digest(receipts: Sequence[Receipt]) -> str:
    """A digest of the names and the content of a corpus' shards."""
    return digest({name: digest_ for r in receipts for name, (_, digest_) in r.outputs.items() if "/corpus/" in name})


def outputs_of(folder: Path) -> dict[str, tuple[int, str]]:
    """The files of a job: path in its folder -> (bytes, digest)."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in JOB_FILES)
    return {path.relative_to(folder).as_posix(): (path.stat().st_size, file_digest(path)) for path in files}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder for this process. Raises UsageError where another run is writing to it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        _lock(file, folder)
        yield


def _lock(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"{folder}: another corpuskit is running in this folder; wait for it, or choose another with --output"
        ) from error
