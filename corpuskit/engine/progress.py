"""How work reports its progress, as protocols: what a function calls, and what a run draws from it."""

from __future__ import annotations

from typing import Protocol


class Watch(Protocol):
    """Progress of one piece of work: a function that is called again and again while the work goes on."""

    def __call__(self, message: str, done: float, total: float, /) -> None:
        """`done` of `total` units of what `message` names; `total` is 0 where nobody knows it."""


def silent(message: str, done: float, total: float, /) -> None:
    """The default `Watch`: it shows nothing."""


class Watcher(Protocol):
    """Progress of a whole run, step by step."""

    def begin(self, step: str, total: int, done: int) -> None:
        """A step with `total` tasks starts; `done` of them were committed by an earlier run."""

    def advance(self) -> None:
        """One task of the step is committed."""

    def stage(self, name: str, documents: int, size: int, seconds: float) -> None:
        """A worker put `documents` (`size` bytes of text) through a stage in `seconds` of its own time."""

    def message(self, text: str, done: float, total: float, /) -> None:
        """The progress of a step without counted tasks: a `Watch`."""

    def note(self, text: str) -> None:
        """A stage has something to say (the plan of a step over the whole corpus)."""

    def end(self) -> None:
        """The step is complete."""


def megabytes(size: float) -> str:
    """'12.3 MB', and smaller and larger."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size:.0f} B"
