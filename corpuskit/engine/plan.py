"""What a run would do, and why: the steps of a pipeline as a person reads them before running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from corpuskit.document import SCHEMA
from corpuskit.engine.columns import PREFIX, holds_bytes, own_name, published, taken_names, unified, unified_all
from corpuskit.engine.gate import originals
from corpuskit.engine.identity import key_of, reasons
from corpuskit.engine.intermediate import released
from corpuskit.engine.job import CORPUS
from corpuskit.engine.parts import Receipt, stem
from corpuskit.engine.pipeline import passes
from corpuskit.engine.run import Run
from corpuskit.engine.run_jobs import JobReceipt
from corpuskit.engine.run_receipt import RunReceipt, claim
from corpuskit.engine.source import Source
from corpuskit.engine.steps import Chain, Step, job_parts, source_folder

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


LOOK = 3
"""Splits of a source into whose first records `notes` looks."""


def notes(run: Run) -> list[str]:
    """What the records' other columns are called and how they are typed, as far as the first records tell; which
    columns are scrubbed; and what becomes of intermediate files."""
    names = [stage.name for stage in run.pipeline.stages]
    gate = run.steps.gate
    said: list[str] = []
    whole = SCHEMA
    for source in run.pipeline.sources:
        if type(source).collect is not Source.collect:
            continue
        seen: list[pa.Schema] = []
        for split in source.splits(source_folder(run.folder, source))[:LOOK]:
            first = next(iter(source.read(split, lambda record: None)), None)
            seen += [first.schema] if first is not None else []
        if not seen:
            continue
        schema = unified_all(seen)
        whole = unified(whole, schema)
        for field in (field for field in schema if field.name not in SCHEMA.names):
            kinds = list(dict.fromkeys(str(one.field(field.name).type) for one in seen if field.name in one.names))
            kept = own_name(field.name, taken_names(names))
            line = f"{source.label()}: column {field.name}"
            if gate.removes and holds_bytes(field.type):
                said.append(f"{line} is left out: it holds bytes, which cannot be scrubbed")
                continue
            line += f" is kept as {kept}" if kept != field.name else " is kept"
            line += " (a column of ours has its own name)" if kept.startswith(PREFIX) else ""
            line += f": {published(field.type)}"
            said.append(line + (f", widened from {' and '.join(kinds)}" if len(kinds) > 1 else ""))
    for stage in gate.stages:
        if stage.removes:
            said.append(
                f"{stage.name}: scrubs the columns {', '.join(stage.scrubs(whole))}, the measurements of stages"
            )
            said.append(f"{stage.name}: scrubs all of the ledger, its evidence and excerpts, and of the quarantine")
            if stage.secret() is None:
                said.append(
                    f"{stage.name}: ids and URLs with findings cannot be looked up or told apart without a key_file"
                )
    if run.intermediate != "keep":
        what = "deleted when the corpus is published, and a later change computes them again"
        said.append(f"intermediate files: {what if run.intermediate == 'delete' else 'encrypted with the key_file'}")
    elif gate.removes:
        said.append("intermediate files: kept, with everything that the stages take out of the documents")
    said += [f"{place} keeps originals: {what}" for place, what in originals(run.pipeline).items()]
    return said


def _steps(run: Run, chain: Chain, receipt: RunReceipt | None) -> Iterator[StepState]:
    steps = run.steps
    inputs = steps.first_inputs()
    place, forced = 0, False
    for each, step, resolve_step in chain.passes:
        forced = forced or bool(set(run.recompute) & {stage.name for stage in each.all_stages()})
        tasks = steps.pass_tasks(step, each, inputs)
        paths = [task.folder / f"{stem(task.number)}.json" for task in tasks]
        done = sum(Receipt.read(path, task.key) is not None for path, task in zip(paths, tasks, strict=True))
        gone = sum(released(path, task.key) for path, task in zip(paths, tasks, strict=True)) * (not forced)
        yield _state(run, step, place, receipt, len(tasks), 0 if forced else done, forced, gone=gone)
        place += 1
        if resolve_step is not None:
            resolve = steps.resolve_task(resolve_step, each, tasks)
            resolved = int(Receipt.read(resolve.folder / "resolve.json", resolve_step.key) is not None)
            gone = released(resolve.folder / "resolve.json", resolve_step.key) and not forced
            yield _state(run, resolve_step, place, receipt, 1, 0 if forced else resolved, forced, gone=gone)
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
    gone: int = 0,
) -> StepState:
    if done == tasks:
        return StepState(step.name, tasks, done)
    if gone:
        encrypted = run.intermediate == "encrypt"
        said = f"its files were {'encrypted' if encrypted else 'deleted'} when the corpus was published"
        return StepState(step.name, tasks, done, f"would {'be decrypted' if encrypted else 'run'}: {said}")
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
