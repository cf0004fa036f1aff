"""Removing the folders of steps that no run needs any more: the files that tasks write there, and no others."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from corpuskit.engine.files import read_json
from corpuskit.engine.intermediate import SEALED
from corpuskit.engine.owned import files_below, remove, remove_empty

_STEP = re.compile(r"[0-9]{2}-.+-[0-9a-f]{8}")
_FILE = re.compile(
    r"part-[0-9]{5,}\.(json|parquet|arrow|sketch\.arrow|doomed\.parquet|dropped\.parquet|changes\.parquet|quarantine\.jsonl)(\.sealed)?"
    r"|[0-9]{5}\.json|resolve\.json|step\.json"
    r"|(.*/)?\.[^/]+\.[0-9]+\.tmp"
    r"|staged/(corpus|ledger/[a-z]+)/[^/]+\.(parquet|jsonl)"
)
"""The names that tasks give to their files. A task that was killed may have left some that no receipt names yet."""


def remove_step(folder: Path) -> None:
    """Delete what tasks wrote into the folder of a step, and the folder where nothing else is in it."""
    if not _STEP.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
        return
    workspace = folder / "workspace"
    if workspace.is_dir() and not workspace.is_symlink():
        shutil.rmtree(workspace, ignore_errors=True)  # what a corpus stage spills to, and it alone
    named = {"step.json"}
    for path in folder.glob("*.json"):
        receipt = read_json(path)
        if isinstance(receipt, dict):
            outputs = receipt.get("outputs") or ()
            named |= {*outputs, *(f"{name}{SEALED}" for name in outputs)}
    files = [name for name in files_below(folder) if name in named or _FILE.fullmatch(name)]
    receipts = [name for name in files if name.endswith(".json")]
    remove(folder, receipts)  # first: a task without its receipt has not happened
    remove(folder, [name for name in files if name not in receipts])
    remove_empty([path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()])
    remove_empty([folder])
