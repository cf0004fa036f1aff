"""A job: one piece of work on the finished corpus, as a function of the run's folder.

A job is a plain function of its feature with the recipe's settings; the modules beside this one say only which folder
it reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.engine.pipeline import Job
from corpuskit.engine.progress import Watch
from corpuskit.engine.stage import package_digest

TOKENS, BASE, ADAPTER, AUDIT = "tokens", "models/base", "models/lora", "audits"
"""Where jobs write, inside a run's folder."""

Sections = Mapping[str, Any]
"""Key of the recipe -> its validated settings, or None where the recipe does not have it."""


@dataclass(frozen=True)
class FolderJob:
    """A job that is a function of the run's folder."""

    name: str
    folder: str
    config: dict[str, Any]
    owners: tuple[Any, ...]
    """Classes and functions whose packages hold the code that the result depends on."""
    work: Callable[[Path, Watch], dict[str, Any]]
    """What it returns stands in run.json; `says` is the sentence for people."""

    def settings(self) -> dict[str, Any]:
        return {"config": self.config, "code": [package_digest(owner) for owner in self.owners]}

    def run(self, run_folder: Path, watch: Watch) -> dict[str, Any]:
        return self.work(run_folder, watch)


@dataclass(frozen=True)
class JobKey:
    """A key of the recipe that makes jobs."""

    key: str
    needs: str | None
    """Another key that the recipe must have with it."""
    jobs: Callable[[Any, Sections], Iterable[Job]]
    """(the key's settings, all sections) -> its jobs, in order."""
