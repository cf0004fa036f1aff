"""A run: the steps of a pipeline in order, each skipped where its receipts are complete.

    collect    sources fetch what they do not have (a crawl)
    pass 0     every split is read and streamed through the stages up to the first that needs the whole corpus
    resolve 0  that corpus stage, over the sketches of all parts
    pass 1     its result is brought back row by row, and the next stages stream
    ...
    publish    the last pass's parts become the shards of the corpus, the dropped documents the ledger
    jobs       token shards, training, audit

A step's key is the digest of its configuration, the code behind it and the key of the step before. A task commits by
its receipt, so a run that is killed at any moment goes on where it was, and ends in the same bytes.
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

from corpuskit.engine.files import digest, input_fingerprint, read_json, remove_temporaries, write_json
from corpuskit.engine.parts import Receipt, StageCounts, stem
from corpuskit.engine.pipeline import Job, Pass, Pipeline, passes
from corpuskit.engine.pool import Executor, Task
from corpuskit.engine.progress import Watcher
from corpuskit.engine.publish import publish
from corpuskit.engine.resolve import ResolveTask
from corpuskit.engine.source import Source
from corpuskit.engine.stage import BatchStage, Stage, package_digest
from corpuskit.engine.task import PassInput, PassTask
from corpuskit.errors import CorpuskitError, UsageError

ENGINE = package_digest(Pipeline)


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


def source_folder(folder: Path, source: Source) -> Path:
    return folder / "sources" / source.label()


@dataclass
class Run:
    pipeline: Pipeline
    folder: Path
    workers: int = 1
    executor: Executor | None = None
    watcher: Watcher | None = None
    kept_steps: set[Path] = field(default_factory=set)

    # --- keys ---

    def _stage_key(self, stage: Stage) -> list[Any]:
        return [
            f"{type(stage).__module__}.{type(stage).__qualname__}",
            stage.model_dump(mode="json"),
            stage.code(),
            input_fingerprint(stage.inputs()),
        ]

    def _source_key(self) -> str:
        parts: list[Any] = [ENGINE]
        for source in self.pipeline.sources:
            where = source_folder(self.folder, source)
            parts.append([source.key, source.model_dump(mode="json"), source.code(), source.fingerprint(where)])
        return digest(parts)

    def _pass_key(self, before: str, plan: Pass) -> str:
        redactors = [self._stage_key(stage) for stage in self._redactors()]
        parts = [before, [self._stage_key(stage) for stage in plan.stages], redactors, self.pipeline.survey]
        parts.append(self._stage_key(plan.sketch) if plan.sketch else None)
        return digest(parts)

    def _redactors(self) -> list[BatchStage]:
        return [
            stage
            for stage in self.pipeline.stages
            if isinstance(stage, BatchStage) and type(stage).redact is not BatchStage.redact
        ]

    def _step_folder(self, number: int, name: str, key: str) -> Path:
        folder = self.folder / "steps" / f"{number:02d}-{name}-{key[:8]}"
        self.kept_steps.add(folder)
        return folder

    # --- tasks ---

    def _first_inputs(self) -> list[PassInput]:
        return [
            PassInput(source=source, split=split)
            for source in self.pipeline.sources
            for split in source.splits(source_folder(self.folder, source))
        ]

    def _pass_tasks(self, plan: Pass, key: str, inputs: Sequence[PassInput]) -> list[PassTask]:
        folder = self._step_folder(2 * plan.number, plan.name, key)
        redactors = tuple(self._redactors())
        return [
            PassTask(number, digest([key, number]), folder, plan, given, self.pipeline.survey, redactors)
            for number, given in enumerate(inputs)
        ]

    def _resolve_task(self, plan: Pass, key: str, tasks: Sequence[PassTask]) -> ResolveTask:
        assert plan.sketch is not None
        folder = self._step_folder(2 * plan.number + 1, plan.sketch.name, key)
        return ResolveTask(
            plan.sketch,
            key,
            folder,
            [task.folder / f"{stem(task.number)}.sketch.arrow" for task in tasks],
            [task.folder / f"{stem(task.number)}.parquet" for task in tasks],
            self.pipeline.memory,
            self.workers,
        )

    @staticmethod
    def _next_inputs(tasks: Sequence[PassTask], resolve: ResolveTask) -> list[PassInput]:
        found = []
        for task in tasks:
            doomed = task.folder / f"{stem(task.number)}.doomed.parquet"
            found.append(
                PassInput(
                    part=task.folder / f"{stem(task.number)}.parquet",
                    doomed=doomed if doomed.exists() else None,
                    resolution=resolve.folder / f"{stem(task.number)}.arrow",
                )
            )
        return found

    # --- execution ---

    def execute(self) -> Outcome:
        """Run what is not done yet. Raises CorpuskitError where nothing was read or nothing survived."""
        assert self.executor is not None
        assert self.watcher is not None
        outcome = Outcome()
        with locked(self.folder):
            remove_temporaries(self.folder / "steps")
            self._collect()
            key = self._source_key()
            inputs = self._first_inputs()
            committed: list[tuple[Pass, list[PassTask], list[Receipt]]] = []
            for plan in passes(self.pipeline.stages):
                key = self._pass_key(key, plan)
                tasks = self._pass_tasks(plan, key, inputs)
                receipts = self._map(plan.name, tasks, [stem(task.number) + ".json" for task in tasks])
                committed.append((plan, tasks, receipts))
                for receipt in receipts:
                    outcome.add(receipt)
                self._check_quarantine(outcome)
                if plan.number == 0 and not any(c.documents_in for c in outcome.sources.values()):
                    raise CorpuskitError(self._nothing_read(outcome))
                if plan.sketch is not None:
                    key = digest([key, "resolve"])
                    resolve = self._resolve_task(plan, key, tasks)
                    self._map(f"{plan.sketch.name} (whole corpus)", [resolve], ["resolve.json"])
                    inputs = self._next_inputs(tasks, resolve)
            outcome.corpus_digest = self._publish(key, committed)
            if not any(counts.documents_out for counts in outcome.sources.values()):
                return outcome
            self._jobs(key, outcome)
            self._remove_stale_steps()
        return outcome

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
            wanted = {"collected": digest([source.key, source.model_dump(mode="json")])}
            if read_json(where / "collected.json") == wanted:
                continue
            where.mkdir(parents=True, exist_ok=True)
            self.watcher.begin(f"{source.label()}: collecting", 0, 0)
            try:
                source.collect(where, self.watcher.message)
            finally:
                self.watcher.end()
            write_json(where / "collected.json", wanted)

    def _publish(self, key: str, committed: Sequence[tuple[Pass, list[PassTask], list[Receipt]]]) -> str:
        steps = self._step_folder(2 * len(committed), "publish", key)
        tasks = publish(self.folder, steps, key, committed, self.pipeline.shard_bytes)
        receipts = self._map("writing the corpus and its ledger", tasks, [task.receipt.name for task in tasks])
        shards = {name: digest_ for r in receipts for name, (_, digest_) in r.outputs.items() if "/corpus/" in name}
        return digest(shards)

    def _jobs(self, key: str, outcome: Outcome) -> None:
        assert self.watcher is not None
        for job in self.pipeline.jobs:
            key = digest([key, job.name, job.settings()])
            where = self.folder / job.folder
            receipt = read_json(where / "receipt.json")
            self.watcher.begin(job.name, 1, int(bool(receipt and receipt.get("key") == key)))
            try:
                if not receipt or receipt.get("key") != key:
                    receipt = self._run_job(job, key, where)
            finally:
                self.watcher.end()
            outcome.jobs[job.name] = receipt["summary"]
            outcome.job_seconds += receipt["seconds"]

    def _run_job(self, job: Job, key: str, where: Path) -> dict[str, Any]:
        assert self.watcher is not None
        begun = read_json(where / "begun.json")
        if where.exists() and (not begun or begun.get("key") != key):
            shutil.rmtree(where)  # the work of another configuration
        write_json(where / "begun.json", {"key": key})
        started = time.monotonic()
        summary = job.run(self.folder, self.watcher.message)
        receipt = {"key": key, "seconds": round(time.monotonic() - started, 3), "summary": summary}
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
                wanted = {"collected": digest([source.key, source.model_dump(mode="json")])}
                done = read_json(source_folder(self.folder, source) / "collected.json") == wanted
                states.append(StepState(f"{source.label()}: collecting", 1, int(done)))
                if not done:
                    return states + [StepState(name, None, 0, "known when collected") for name in self._names()]
        key, inputs = self._source_key(), self._first_inputs()
        complete = True
        for plan in passes(self.pipeline.stages):
            key = self._pass_key(key, plan)
            tasks = self._pass_tasks(plan, key, inputs)
            done_tasks = sum(
                Receipt.read(task.folder / f"{stem(task.number)}.json", task.key) is not None for task in tasks
            )
            states.append(StepState(plan.name, len(tasks), done_tasks))
            complete = complete and done_tasks == len(tasks)
            if plan.sketch is not None:
                key = digest([key, "resolve"])
                resolve = self._resolve_task(plan, key, tasks)
                done = Receipt.read(resolve.folder / "resolve.json", key) is not None
                states.append(StepState(f"{plan.sketch.name} (whole corpus)", 1, int(done)))
                inputs = self._next_inputs(tasks, resolve)
        for job in self.pipeline.jobs:
            key = digest([key, job.name, job.settings()])
            receipt = read_json(self.folder / job.folder / "receipt.json")
            states.append(StepState(job.name, 1, int(bool(receipt and receipt.get("key") == key))))
        return states

    def _names(self) -> Iterator[str]:
        for plan in passes(self.pipeline.stages):
            yield plan.name
            if plan.sketch is not None:
                yield f"{plan.sketch.name} (whole corpus)"
        yield from (job.name for job in self.pipeline.jobs)


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
