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
bytes. A finished corpus or job of another key is replaced only where the run may `overwrite`.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from corpuskit.engine.cleanup import remove_step
from corpuskit.engine.files import read_json, remove_temporaries, write_json
from corpuskit.engine.identity import LATER, Parts, reasons
from corpuskit.engine.intermediate import Intermediate, release, restore
from corpuskit.engine.job import CORPUS
from corpuskit.engine.parts import Receipt, StageCounts, stem
from corpuskit.engine.pipeline import Pass, Pipeline
from corpuskit.engine.pool import Executor, Task
from corpuskit.engine.progress import Watcher
from corpuskit.engine.publish import commit, publish_tasks, recover, staged_files
from corpuskit.engine.resolve import ResolveTask
from corpuskit.engine.run_jobs import JobReceipt, JobRunner, check_folders, discard, own_differences
from corpuskit.engine.run_receipt import PLACES, Counts, RunReceipt, claim
from corpuskit.engine.source import Source
from corpuskit.engine.steps import Chain, Steps, job_parts, source_folder
from corpuskit.engine.task import PassTask
from corpuskit.errors import CorpuskitError, UsageError, WouldReplace, nearest


@dataclass
class Outcome(Counts):
    """What all tasks of a run counted together."""

    corpus_digest: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Job -> its summary."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Job -> its folder in the run's."""
    job_seconds: float = 0.0
    identity: dict[str, Parts] = field(default_factory=dict)
    """Step or job -> what its key is made of."""
    unfinished: dict[str, int] = field(default_factory=dict)
    """Source -> records that could not be fetched and that the next run asks for again."""

    def add(self, receipt: Receipt) -> None:
        for mine, theirs in (
            (self.stages, receipt.stages),
            (self.sources, receipt.sources),
            (self.languages, receipt.languages),
        ):
            for name, counts in theirs.items():
                mine.setdefault(name, StageCounts()).add(counts)
        self.quarantined += receipt.quarantined

    def take(self, receipt: RunReceipt) -> None:
        """The counts of a corpus that is done."""
        counts = Counts.of(receipt.counts)
        self.stages, self.sources, self.languages = counts.stages, counts.sources, counts.languages
        self.quarantined, self.corpus_digest = counts.quarantined, receipt.corpus_digest


@dataclass
class Run:
    pipeline: Pipeline
    folder: Path
    workers: int = 1
    executor: Executor | None = None
    watcher: Watcher | None = None
    overwrite: bool = False
    """Whether finished work of other settings or input may be replaced."""
    recompute: Sequence[str] = ()
    """Stages and jobs that are done again though nothing has changed."""
    begin: Callable[[], None] | None = None
    """Called once the folder is held, before any step."""
    describe: Callable[[Outcome], dict[str, Any]] | None = None
    """What run.json is to hold: written with the corpus, and again after each job."""
    draw: Callable[[], None] | None = None
    """Draws the report: called after run.json has been written."""

    @property
    def steps(self) -> Steps:
        return Steps(self.pipeline, self.folder, self.workers)

    def places(self) -> list[str]:
        """Where this run writes, in its folder."""
        collecting = [
            f"sources/{source.label()}"
            for source in self.pipeline.sources
            if type(source).collect is not Source.collect
            and not (source_folder(self.folder, source) / "collected.json").exists()
        ]
        return [*PLACES, *collecting, *(name for job in self.pipeline.jobs for name in (job.folder, *job.writes))]

    # --- execution ---

    def execute(self) -> Outcome:
        """Run what is not done yet.

        Raises CorpuskitError where nothing was read, UsageError for a folder with files of others, and WouldReplace
        where finished work is in the way.
        """
        assert self.executor is not None
        assert self.watcher is not None
        self.check_names()
        if self.folder.is_dir():
            claim(self.folder, self.places(), overwrite=self.overwrite)  # before the lock leaves a file there
        with locked(self.folder):
            recover(self.folder)
            receipt = claim(self.folder, self.places(), overwrite=self.overwrite)
            receipt.write(self.folder)
            if self.begin is not None:
                self.begin()
            remove_temporaries(self.folder / "steps")
            self._collect()
            with ExitStack() as held:
                for stage in self.pipeline.stages:
                    held.enter_context(stage.hold())
                outcome, chain = self._corpus(receipt)
            if outcome.documents_out:
                self._jobs(outcome)
                self._remove_stale_steps(chain)
            self._write_summary(outcome)
            if self.draw is not None:
                self.draw()
        return outcome

    def _corpus(self, receipt: RunReceipt) -> tuple[Outcome, Chain]:
        """Make the corpus and publish it, where it is not done."""
        outcome = Outcome()
        chain = self.steps.chain()
        self._forget_receipts(chain, receipt)
        outcome.identity = {step.name: step.parts for step in chain.steps}
        outcome.unfinished = self._unfinished()
        if receipt.key == chain.publish.key and not receipt.damaged(self.folder):
            self._check_jobs()
            outcome.take(receipt)
            self._show_done(chain)
            self._commit_stages(chain)
            self._release(chain)
            self._write_summary(outcome)
        else:
            self._check_replaceable(chain, receipt)
            self._check_jobs()
            if self.intermediate == "encrypt":
                restore([step.folder for step in chain.steps], self._secret())
            self._make_corpus(chain, receipt, outcome)
            self._commit_stages(chain)
            self._release(chain)
        return outcome, chain

    def _make_corpus(self, chain: Chain, old: RunReceipt, outcome: Outcome) -> None:
        steps = self.steps
        inputs = steps.first_inputs()
        committed: list[tuple[Pass, list[PassTask], list[Receipt]]] = []
        for plan, step, resolve_step in chain.passes:
            step.write_manifest()
            tasks = steps.pass_tasks(step, plan, inputs)
            receipts = self._map(step.name, tasks, [stem(task.number) + ".json" for task in tasks])
            committed.append((plan, tasks, receipts))
            for receipt in receipts:
                outcome.add(receipt)
            self._check_quarantine(outcome)
            if plan.number == 0 and not any(c.documents_in for c in outcome.sources.values()):
                raise CorpuskitError(self._nothing_read(outcome))
            if resolve_step is not None:
                resolve_step.write_manifest()
                resolve = steps.resolve_task(resolve_step, plan, tasks)
                self._map(resolve_step.name, [resolve], ["resolve.json"])
                inputs = steps.next_inputs(tasks, resolve)
        chain.publish.write_manifest()
        names = [stage.name for stage in self.pipeline.stages]
        writing = publish_tasks(chain.publish, committed, self.pipeline.shard_bytes, names)
        written = self._map(chain.publish.name, writing, [task.receipt for task in writing])
        counts = asdict(Counts(outcome.stages, outcome.sources, outcome.languages, outcome.quarantined))
        new = RunReceipt(
            key=chain.publish.key,
            files=staged_files(writing, written),
            identity=outcome.identity,
            counts=counts,
            unfinished=sum(outcome.unfinished.values()),
        )
        before = Counts.of(old.counts).documents_out
        if before and not outcome.documents_out:
            raise CorpuskitError(
                f"the rules leave none of the {before:,} documents of {self.folder}/corpus, which stays as it is; run "
                "into another folder (--output) to see what drops them"
            )
        outcome.corpus_digest = new.corpus_digest
        run = self.describe(outcome) if self.describe is not None else None
        commit(self.folder, chain.publish, new, old, run)
        self._draw_meanwhile()

    @property
    def intermediate(self) -> Intermediate:
        """What becomes of the files of steps when the corpus is published."""
        return self.pipeline.intermediate or ("delete" if self.steps.gate.removes else "keep")

    def _secret(self) -> bytes:
        """The key for intermediate files. Raises UsageError where no stage has one."""
        for stage in self.steps.gate.stages:
            if (key := stage.secret()) is not None:
                return key
        raise UsageError("intermediate: encrypt needs a key: give the stage personal_data a key_file")

    def _release(self, chain: Chain) -> None:
        """Delete or encrypt what the steps wrote on the way to the published corpus."""
        if self.intermediate != "keep":
            self._remove_stale_steps(chain)
            key = self._secret() if self.intermediate == "encrypt" else None
            release([step.folder for step in chain.steps], key)

    @staticmethod
    def _commit_stages(chain: Chain) -> None:
        """Let the corpus stages do what waits for the corpus to be published."""
        for plan, _, resolve_step in chain.passes:
            if resolve_step is None:
                continue
            for stage in plan.sketches:
                kept = ResolveTask.kept_in(resolve_step.folder, stage)
                if kept.is_dir():
                    stage.commit(kept)

    def _map(self, name: str, tasks: Sequence[Any], receipts: Sequence[str]) -> list[Receipt]:
        """The receipts of all tasks, running those that have none."""
        assert self.executor is not None
        assert self.watcher is not None
        known = [Receipt.read(task.folder / receipt, task.key) for task, receipt in zip(tasks, receipts, strict=True)]
        missing = [number for number, receipt in enumerate(known) if receipt is None]
        self.watcher.begin(name, len(tasks), len(tasks) - len(missing))
        try:
            waiting: list[Task] = [tasks[number] for number in missing]
            for position, receipt in self.executor.map(waiting, self._hear):
                known[missing[position]] = receipt
                self.watcher.advance()
        finally:
            self.watcher.end()
        return [receipt for receipt in known if receipt is not None]

    def _hear(self, kind: str, *content: Any) -> None:
        if self.watcher is None:
            return
        if kind == "stage":
            self.watcher.stage(*content)
        elif kind == "note":
            self.watcher.note(*content)

    def _show_done(self, chain: Chain) -> None:
        assert self.watcher is not None
        for step in chain.steps:
            self.watcher.begin(step.name, 1, 1)
            self.watcher.end()

    def _collect(self) -> None:
        assert self.watcher is not None
        for source in self.pipeline.sources:
            if type(source).collect is Source.collect or self.collected(source):
                continue
            where = source_folder(self.folder, source)
            where.mkdir(parents=True, exist_ok=True)
            self.watcher.begin(f"{source.label()}: collecting", 0, 0)
            try:
                source.collect(where, self.watcher.message)
            finally:
                self.watcher.end()
            write_json(where / "collected.json", {"collected": self.steps.collect_key(source)})

    def collected(self, source: Source) -> bool:
        """Whether a source has fetched all that it can."""
        where = source_folder(self.folder, source)
        wanted = {"collected": self.steps.collect_key(source)}
        return read_json(where / "collected.json") == wanted and not source.unfinished(where)

    def _unfinished(self) -> dict[str, int]:
        sources = self.pipeline.sources
        counts = {source.label(): source.unfinished(source_folder(self.folder, source)) for source in sources}
        return {name: count for name, count in counts.items() if count}

    def _jobs(self, outcome: Outcome) -> None:
        assert self.watcher is not None
        runner = JobRunner(self.folder, self.overwrite, self.watcher.message, self.watcher.note)
        outputs = {CORPUS: outcome.corpus_digest}
        for job in self.pipeline.jobs:
            parts = job_parts(job, outputs)
            receipt = runner.state(job, parts)
            self.watcher.begin(job.name, 1, int(receipt is not None))
            try:
                done = receipt or runner.run(job, parts)
            finally:
                self.watcher.end()
            outputs[job.folder] = done.digest
            outcome.identity[job.name] = parts
            outcome.jobs[job.name] = done.summary
            outcome.outputs[job.name] = job.folder
            outcome.job_seconds += done.seconds
            if receipt is None:
                self._write_summary(outcome)
                self._draw_meanwhile()

    def _write_summary(self, outcome: Outcome) -> None:
        if self.describe is not None:
            write_json(self.folder / "run.json", self.describe(outcome))

    def _draw_meanwhile(self) -> None:
        """Draw the report of a run that goes on. Where it cannot be drawn, the next job still does its work."""
        assert self.watcher is not None
        if self.draw is not None:
            try:
                self.draw()
            except Exception as error:  # the last drawing, when all is done, raises it
                self.watcher.note(f"the report could not be drawn: {type(error).__name__}: {error}")

    # --- what may be replaced ---

    def check_names(self) -> None:
        """Raises UsageError for folders of jobs that leave the run's, and for unknown names to recompute."""
        check_folders(self.pipeline.jobs)
        if self.intermediate == "encrypt":
            self._secret()
        known = [stage.name for stage in self.pipeline.stages] + [job.name for job in self.pipeline.jobs]
        for name in self.recompute:
            if name not in known:
                raise UsageError(f"cannot recompute '{name}': no stage or job of the recipe{nearest(name, known)}")

    def _check_replaceable(self, chain: Chain, receipt: RunReceipt) -> None:
        """Raises WouldReplace before any work is done that would end in replacing a finished corpus."""
        if self.overwrite:
            return
        if receipt.key == chain.publish.key:
            changed = [name for name, what in receipt.damaged(self.folder).items() if what == "changed"]
            if changed:
                raise WouldReplace(self.folder, f"{', '.join(changed[:3])} changed after the run wrote it")
        elif receipt.holds_work and receipt.key:
            raise WouldReplace(self.folder, "; ".join(self.why(chain, receipt)) or "it was made otherwise")

    def _check_jobs(self) -> None:
        """Raises WouldReplace before any work is done where a finished job would be done otherwise."""
        if self.overwrite:
            return
        for job in self.pipeline.jobs:
            done = JobReceipt.read(self.folder / job.folder)
            if done is not None and (why := own_differences(job, done)):
                raise WouldReplace(self.folder / job.folder, why)

    def why(self, chain: Chain, receipt: RunReceipt) -> list[str]:
        """How the steps differ from those that made the corpus that is here."""
        defaults = self.steps.defaults()
        was = list(receipt.identity.values())
        said: list[str] = []
        for step, before in zip(chain.steps, was, strict=False):
            said += [why for why in reasons(step.parts, before, defaults) if why != LATER]
        return list(dict.fromkeys(said))

    def _forget_receipts(self, chain: Chain, receipt: RunReceipt) -> None:
        """Make the steps of stages that are to be done again undone, with all that follows from them."""
        stages = {stage.name for stage in self.pipeline.stages} & set(self.recompute)
        if stages:
            begun = False
            for plan, step, resolve_step in chain.passes:
                begun = begun or bool(stages & {stage.name for stage in plan.all_stages()})
                for each in (step, resolve_step):
                    if begun and each is not None:
                        remove_step(each.folder)
            remove_step(chain.publish.folder)
            if receipt.key == chain.publish.key:
                receipt.key = ""  # what is published stays until the new corpus takes its place
                receipt.write(self.folder)
        for job in self.pipeline.jobs:
            if job.name in self.recompute:
                discard(self.folder, job)

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

    def _remove_stale_steps(self, chain: Chain) -> None:
        kept = {step.folder for step in chain.steps}
        for folder in (self.folder / "steps").glob("*"):
            if folder not in kept:
                remove_step(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder for this process. Raises UsageError where another run is writing to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise UsageError(f"cannot create folder {folder}: {error.strerror}; choose another with --output") from error
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
