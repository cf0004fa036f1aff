"""A job: one piece of work on the finished corpus, as a function of the run's folder.

A job is a plain function of its feature with the recipe's settings. What is declared here says when it must run again:
its `version`, its settings, the libraries and files behind its result, and the outputs of other steps that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from corpuskit.engine.progress import Watch

CORPUS = "corpus"
"""What a job `reads` that reads the shards of the corpus."""

Sections = Mapping[str, Any]
"""Key of the recipe -> its validated settings, or None where the recipe does not have it."""


@dataclass(frozen=True)
class Job:
    """Work that is run once for its settings and what it reads, in a folder of its own."""

    name: str
    """What progress and tables call it."""
    folder: str
    """Where it writes, relative to the run's folder. Job folders do not nest."""
    version: int
    """Raised when the job makes another result of the same settings and input."""
    settings: Mapping[str, Any]
    """The configuration that the result depends on, as JSON: `corpuskit.engine.identity.settings_of`."""
    reads: tuple[str, ...]
    """Outputs of other steps that it reads: `CORPUS`, or the folders of other jobs. It runs again when one of them has
    changed, and not when another job comes or goes."""
    work: Callable[[Path, Watch], dict[str, Any]]
    """Does the work in the run's folder, resuming what an earlier call began there. What it returns is its summary in
    run.json; `says` is the sentence for people."""
    libraries: tuple[str, ...] = ()
    """Distributions (names as on PyPI) whose version the result depends on."""
    inputs: tuple[Path, ...] = ()
    """Files outside the run's folder that it reads; their content is part of its key."""
    own_code: tuple[Any, ...] = ()
    """Classes and functions of a user's own that the settings name (a reward): known by their code."""
    writes: tuple[str, ...] = ()
    """Files that it writes outside its folder, relative to the run's folder."""


@dataclass(frozen=True)
class JobKey:
    """A key of the recipe that makes jobs."""

    key: str
    summary: str
    """What the key is for, in one sentence."""
    settings: type[BaseModel]
    """The model that the key's settings are validated with."""
    needs: str | None
    """Another key that the recipe must have with it."""
    jobs: Callable[[Any, Sections], Iterable[Job]]
    """(the key's settings, all sections) -> its jobs, in order."""
