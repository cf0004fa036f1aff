"""Checking every file of a run against the receipts: the corpus, its ledger, the jobs, and the steps that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpuskit.engine.files import file_digest, read_json
from corpuskit.engine.ledger import open_run
from corpuskit.engine.owned import files_below
from corpuskit.engine.progress import Watch, silent
from corpuskit.engine.run_jobs import JobReceipt
from corpuskit.engine.run_receipt import RECEIPT, RunReceipt
from corpuskit.errors import UsageError


@dataclass
class Verified:
    """What a check of a run found."""

    files: int
    """Files that were compared with what a receipt says of them."""
    damaged: dict[str, str]
    """File -> 'missing', 'short' or 'changed'."""
    disagreements: list[str]
    """What run.json and the receipts say differently."""
    others: list[str]
    """Files in the corpus and ledger that no receipt names: not of this run, and not read as part of it."""

    @property
    def sound(self) -> bool:
        return not self.damaged and not self.disagreements


def verify(folder: Path, watch: Watch = silent) -> Verified:
    """Compare every file of a run with its receipts, by content.

    Files that a receipt marks as released may be absent. Raises UsageError where the folder holds no finished run, or
    one of an earlier version of corpuskit, whose receipts do not name all files.
    """
    run = open_run(folder)
    receipt = RunReceipt.read(folder)
    if receipt is None:
        raise UsageError(f"{folder}: an earlier version of corpuskit made this run; its receipts do not name all files")
    watch("corpus and ledger", 0, 0)
    damaged = receipt.damaged(folder, thorough=True)
    files = len(receipt.files)
    for path in sorted(folder.rglob(RECEIPT)):
        job = JobReceipt.read(path.parent) if path.parent != folder else None
        if job is not None and job.outputs is not None:
            watch(path.parent.relative_to(folder).as_posix(), 0, 0)
            damaged |= job.damaged(folder, thorough=True)
            files += len(job.outputs)
    watch("steps", 0, 0)
    for path in sorted((folder / "steps").glob("[0-9][0-9]-*/*.json")):
        found = _step_files(path)
        files += len(found)
        damaged |= {str((path.parent / name).relative_to(folder)): what for name, what in found.items() if what}
    disagreements = []
    if run.get("corpus_digest") != receipt.corpus_digest:
        disagreements.append("run.json speaks of another corpus than the receipt")
    for name, where in (run.get("outputs") or {}).items():
        if JobReceipt.read(folder / where) is None:
            disagreements.append(f"run.json names the job '{name}', and {where} holds no receipt")
    published = [f"{place}/{name}" for place in ("corpus", "ledger") for name in files_below(folder / place)]
    return Verified(files, damaged, disagreements, [name for name in published if name not in receipt.files])


def _step_files(path: Path) -> dict[str, str]:
    """File of a task -> what is wrong with it, '' for nothing. Files that were staged to be published are left out."""
    value = read_json(path)
    outputs = value.get("outputs") if isinstance(value, dict) else None
    if not isinstance(outputs, dict) or value.get("released"):
        return {}
    found = {}
    for name, (size, known, *_) in outputs.items():
        file = path.parent / name
        if name.startswith("staged/"):
            continue
        if not file.is_file():
            found[name] = "missing"
        elif file.stat().st_size < size:
            found[name] = "short"
        else:
            found[name] = "" if file_digest(file) == known else "changed"
    return found
