"""What a run would do, and why: the steps of a pipeline as a person reads them before running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpuskit.engine.identity import key_of, reasons
from corpuskit.engine.job import CORPUS
from corpuskit.engine.parts import Receipt, stem
from corpuskit.engine.pipeline import passes
from corpuskit.engine.run import Run
from corpuskit.engine.run_jobs import JobReceipt
from corpuskit.engine.run_receipt import RunReceipt, claim
from corpuskit.engine.source import Source
from corpuskit.engine.steps import Chain, Step, job_parts

CONSENT = "replaces finished work: needs --overwrite"


@dataclass(frozen=True)
class StepState:
    """A step as `plan` shows it."""

    name: str
    tasks: int | None
    """None where nobody knows yet."""
    done: int
    note: str = ""
    """Why it would run, where it is not simply new or done."""


def plan(run: Run) -> list[StepState]:
    """What `execute` would do, and what it would find done.

    Raises UsageError for names that leave the run's folder, and for a folder with files of others.
    """
    run.check_names()
    receipt = None
    if run.folder.is_dir():
        receipt = claim(run.folder, run.places(), overwrite=True)
    states = []
    for source in run.pipeline.sources:
        if type(source).collect is not Source.collect:
            done = run.collected(source)
            states.append(StepState(f"{source.label()}: collecting", 1, int(done)))
            if not done:
                return states + [StepState(name, None, 0, "known when collected") for name in _names(run)]
    chain = run.steps.chain()
    complete = (
        receipt is not None
        and receipt.key == chain.publish.key
        and not receipt.damaged(run.folder)
        and not set(run.recompute) & {stage.name for stage in run.pipeline.stages}
    )
    if receipt is not None and complete:
        states += [StepState(step.name, 1, 1) for step in chain.steps]
        return states + _jobs(run, receipt.corpus_digest)
    return states + list(_steps(run, chain, receipt)) + _jobs(run, None)


def _steps(run: Run, chain: Chain, receipt: RunReceipt | None) -> Iterator[StepState]:
    steps = run.steps
    inputs = steps.first_inputs()
    place, forced = 0, False
    for each, step, resolve_step in chain.passes:
        forced = forced or bool(set(run.recompute) & {stage.name for stage in each.all_stages()})
        tasks = steps.pass_tasks(step, each, inputs)
        paths = [task.folder / f"{stem(task.number)}.json" for task in tasks]
        done = sum(Receipt.read(path, task.key) is not None for path, task in zip(paths, tasks, strict=True))
        yield _state(run, step, place, receipt, len(tasks), 0 if forced else done, forced)
        place += 1
        if resolve_step is not None:
            resolve = steps.resolve_task(resolve_step, each, tasks)
            resolved = int(Receipt.read(resolve.folder / "resolve.json", resolve_step.key) is not None)
            yield _state(run, resolve_step, place, receipt, 1, 0 if forced else resolved, forced)
            inputs = steps.next_inputs(tasks, resolve)
            place += 1
    replaces = bool(receipt and receipt.key not in ("", chain.publish.key) and receipt.holds_work)
    yield _state(run, chain.publish, place, receipt, 1, 0, forced, replaces and not run.overwrite and not forced)


def _state(
    run: Run,
    step: Step,
    place: int,
    receipt: RunReceipt | None,
    tasks: int,
    done: int,
    forced: bool,
    replaces: bool = False,
) -> StepState:
    if done == tasks:
        return StepState(step.name, tasks, done)
    why = ["asked for with --recompute"] if forced else run.steps.why(step, place, receipt)
    if not why and receipt is not None and receipt.key == step.key:
        why = [f"{name} is {what}" for name, what in list(receipt.damaged(run.folder).items())[:3]]
    return StepState(step.name, tasks, done, _note(why, replaces))


def _note(why: Sequence[str], replaces: bool) -> str:
    note = f"would run: {'; '.join(why)}" if why else ""
    return "; ".join(filter(None, [note or "would run" * replaces, CONSENT * replaces]))


def _jobs(run: Run, corpus: str | None) -> list[StepState]:
    """The jobs. What a job reads that is not made yet leaves open whether it runs again."""
    outputs = {CORPUS: corpus}
    states = []
    for job in run.pipeline.jobs:
        receipt = JobReceipt.read(run.folder / job.folder)
        parts = receipt.parts if receipt is not None else None
        was = parts.get("reads", {}) if parts is not None else {}
        open_ = [name for name in job.reads if outputs.get(name) is None]
        wanted = job_parts(job, {name: outputs.get(name) or was.get(name, "") for name in job.reads})
        outputs[job.folder] = None
        if receipt is None:
            states.append(StepState(job.name, 1, 0))
        elif job.name in run.recompute:
            states.append(StepState(job.name, 1, 0, "would run: asked for with --recompute"))
        elif receipt.key != key_of(wanted):
            why = reasons(wanted, parts) or ["an earlier version of corpuskit made it"]
            states.append(StepState(job.name, 1, 0, _note(why, not run.overwrite)))
        elif damage := receipt.damaged(run.folder):
            lost = [f"{name} is {what}" for name, what in list(damage.items())[:3]]
            states.append(StepState(job.name, 1, 0, _note(lost, False)))
        elif open_:
            states.append(StepState(job.name, 1, 0, f"would run if what it reads changes: {', '.join(open_)}"))
        else:
            states.append(StepState(job.name, 1, 1))
            outputs[job.folder] = receipt.digest
    return states


def _names(run: Run) -> Iterator[str]:
    for each in passes(run.pipeline.stages):
        yield each.name
        if each.sketches:
            yield each.resolving
    yield from (job.name for job in run.pipeline.jobs)
