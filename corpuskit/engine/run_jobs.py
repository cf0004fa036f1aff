"""Running the jobs of a pipeline: each once for its settings and what it reads, its files committed by a receipt.

A job keeps its own checkpoints in its folder, so that a job that was stopped goes on. Work under other settings is
never mixed with it: finished work is kept unless it may be replaced, unfinished work is set aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.engine.files import digest, read_json, remove_temporaries, write_json
from corpuskit.engine.identity import Parts, key_of, reasons
from corpuskit.engine.job import Job
from corpuskit.engine.owned import Record, files_below, leaves_folder, record, records, remove, set_aside
from corpuskit.engine.progress import Watch
from corpuskit.engine.run_receipt import RECEIPT, damaged
from corpuskit.engine.steps import job_parts
from corpuskit.errors import UsageError, WouldReplace

BEGUN = "begun.json"
"""In a job's folder: the key that the work there is done for, and files that were there before."""


@dataclass(frozen=True)
class JobReceipt:
    key: str
    parts: Parts | None
    """None in the receipts of the earlier layout."""
    seconds: float
    summary: dict[str, Any]
    outputs: dict[str, Record] | None
    """Files by their path in the run's folder; None in the receipts of the earlier layout."""
    released: tuple[str, ...] = ()
    """Outputs that may be absent: they were taken away on purpose."""

    @classmethod
    def read(cls, where: Path) -> JobReceipt | None:
        """The receipt in a job's folder, None where the job has not ended."""
        value = read_json(where / RECEIPT)
        if not isinstance(value, dict) or "key" not in value or "summary" not in value:
            return None
        outputs = value.get("outputs")
        return cls(
            value["key"],
            value.get("parts"),
            float(value.get("seconds", 0)),
            value["summary"],
            records(outputs) if outputs is not None else None,
            tuple(value.get("released", ())),
        )

    def write(self, where: Path) -> None:
        write_json(where / RECEIPT, self.__dict__)

    def damaged(self, folder: Path, *, thorough: bool = False) -> dict[str, str]:
        return damaged(folder, self.outputs or {}, self.released, thorough=thorough)

    @property
    def digest(self) -> str:
        """Of what it wrote: what the key of a job is made of that reads it."""
        return digest({name: known[1] for name, known in (self.outputs or {}).items()})


def check_folders(jobs: Sequence[Job]) -> None:
    """Raises UsageError where the folder of a job leaves the run's or lies in that of another job."""
    for job in jobs:
        if leaves_folder(job.folder) or any(leaves_folder(name) for name in job.writes):
            raise UsageError(f"job '{job.name}': its folder '{job.folder}' is not in the run's folder")
        for other in jobs:
            if other is not job and f"{other.folder}/".startswith(f"{job.folder}/"):
                raise UsageError(f"the folder of job '{other.name}' ({other.folder}) lies in that of '{job.name}'")


def differences(job: Job, receipt: JobReceipt, parts: Parts) -> str:
    """Why a finished job would be done again."""
    if receipt.parts is None:
        return "an earlier version of corpuskit made it"
    return "; ".join(reasons(parts, receipt.parts)) or "it was made otherwise"


def own_differences(job: Job, receipt: JobReceipt) -> str:
    """Why a finished job would be done again whatever becomes of what it reads: '' where that alone decides."""
    if receipt.parts is None:
        return "an earlier version of corpuskit made it"
    was = receipt.parts.get("reads", {})
    return "; ".join(reasons(job_parts(job, {name: was.get(name, "") for name in job.reads}), receipt.parts))


def discard(folder: Path, job: Job) -> None:
    """Take a finished job away, to do it again: the files that its receipt names."""
    receipt = JobReceipt.read(folder / job.folder)
    if receipt is not None and receipt.outputs is not None:
        remove(folder, [*receipt.outputs, f"{job.folder}/{BEGUN}", f"{job.folder}/{RECEIPT}"])


@dataclass(frozen=True)
class JobRunner:
    folder: Path
    """The run's."""
    overwrite: bool
    watch: Watch
    note: Callable[[str], None]

    def state(self, job: Job, parts: Parts) -> JobReceipt | None:
        """The receipt of a job that is done for this key with all its files, else None."""
        receipt = JobReceipt.read(self.folder / job.folder)
        if receipt is None or receipt.key != key_of(parts) or receipt.damaged(self.folder):
            return None
        return receipt

    def run(self, job: Job, parts: Parts) -> JobReceipt:
        """Do a job that is not done, after making room for it.

        Raises WouldReplace where finished work is in the way, UsageError where files of others are.
        """
        where, key = self.folder / job.folder, key_of(parts)
        self._make_room(job, parts, where, key)
        before = files_below(where)
        begun = read_json(where / BEGUN)
        if begun is None:
            begun = {"key": key, "parts": parts, "before": before}
            write_json(where / BEGUN, begun)
        started = time.monotonic()
        summary = job.work(self.folder, self.watch)
        seconds = round(time.monotonic() - started, 3)
        remove_temporaries(where)
        receipt = JobReceipt(key, parts, seconds, summary, self._outputs(job, where, begun.get("before", [])))
        receipt.write(where)
        return receipt

    def _outputs(self, job: Job, where: Path, before: Sequence[str]) -> dict[str, Record]:
        apart = {BEGUN, RECEIPT, *before}
        names = [f"{job.folder}/{name}" for name in files_below(where) if name not in apart]
        names += [name for name in job.writes if (self.folder / name).is_file()]
        return {name: record(self.folder / name) for name in names if (self.folder / name).is_file()}

    def _make_room(self, job: Job, parts: Parts, where: Path, key: str) -> None:
        receipt, begun = JobReceipt.read(where), read_json(where / BEGUN)
        files = files_below(where)
        if receipt is not None:
            self._retire(job, parts, receipt, where)
        elif begun is not None and begun.get("key") != key:
            foreign = set(begun.get("before", ()))
            aside = set_aside(where, [name for name in files if name not in foreign], "unfinished")
            if aside is not None:
                self.note(f"{job.name}: unfinished work under other settings is now in {aside}")
        elif begun is None and files:
            raise UsageError(
                f"{where} holds files that no run of corpuskit wrote ({', '.join(files[:3])}), and the job "
                f"'{job.name}' would write there; move them, or choose another folder with --output"
            )

    def _retire(self, job: Job, parts: Parts, receipt: JobReceipt, where: Path) -> None:
        """Take the files of a finished job away: those that its receipt names and no others."""
        if receipt.key == key_of(parts):
            damage = receipt.damaged(self.folder)
            changed = [name for name, what in damage.items() if what == "changed"]
            if changed and not self.overwrite:
                raise WouldReplace(where, f"{', '.join(changed[:3])} changed after the run wrote it")
            lost = ", ".join(f"{name} is {what}" for name, what in list(damage.items())[:3])
            inside = [name for name in files_below(where) if f"{job.folder}/{name}" in (receipt.outputs or {})]
            aside = set_aside(where, [*inside, RECEIPT, BEGUN], "incomplete")
            self.note(f"{job.name}: {lost}; it is made again" + (f", the rest is now in {aside}" if aside else ""))
            return
        if not self.overwrite:
            raise WouldReplace(where, differences(job, receipt, parts))
        if receipt.outputs is None:
            aside = set_aside(where, files_below(where), "earlier")
            self.note(f"{job.name}: the files of an earlier version of corpuskit are now in {aside}")
            return
        discard(self.folder, job)
