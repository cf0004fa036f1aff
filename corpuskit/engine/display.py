"""What a person sees while a run goes on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from corpuskit.engine.progress import Watcher, megabytes


@dataclass
class _Rate:
    documents: int = 0
    size: int = 0
    seconds: float = 0.0


class PlainLines:
    """One line when a step begins, one every few seconds while it goes on, one when it ends."""

    def __init__(self, console: Console, every: float = 10.0):
        self._console, self._every = console, every
        self._step, self._total, self._done = "", 0, 0
        self._rates: dict[str, _Rate] = {}
        self._started = self._spoken = time.monotonic()

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._spoken = time.monotonic()

    def begin(self, step: str, total: int, done: int) -> None:
        self._step, self._total, self._done, self._rates = step, total, done, {}
        self._started = time.monotonic()
        if total and done == total:
            self._line(f"{step}: already done")
        else:
            left = total - done
            tasks = f": {left:,} task{'s' * (left != 1)}" if total else ""  # of some steps nobody knows the number
            self._line(f"{step}{tasks}" + (f" ({done:,} already done)" if done else ""))

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._spoken > self._every:
            self._line(f"{self._step}: {self._done} of {self._total} tasks")

    def stage(self, name: str, documents: int, size: int, seconds: float) -> None:
        rate = self._rates.setdefault(name, _Rate())
        rate.documents, rate.size, rate.seconds = rate.documents + documents, rate.size + size, rate.seconds + seconds

    def message(self, text: str, done: float, total: float, /) -> None:
        if time.monotonic() - self._spoken > self._every:
            self._line(f"{self._step}: {text} {done:,.0f}" + (f" of {total:,.0f}" if total else ""))

    def note(self, text: str) -> None:
        self._line(f"  {text}")

    def end(self) -> None:
        if self._rates:
            rates = ", ".join(
                f"{name} {rate.documents / max(rate.seconds, 1e-9):,.0f} documents/s"
                f" {megabytes(rate.size / max(rate.seconds, 1e-9))}/s"
                for name, rate in self._rates.items()
            )
            self._line(f"{self._step}: done in {time.monotonic() - self._started:.1f} s; a worker's pace: {rates}")


@dataclass
class LiveTable:
    """A bar for the step and a row for each stage, redrawn in place."""

    console: Console
    _rates: dict[str, _Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
        )
        self._task: Any = None
        self._live: Live | None = None

    def begin(self, step: str, total: int, done: int) -> None:
        self._rates = {}
        self._task = self._bar.add_task(
            step, total=total or None, completed=done, note="already done" * (done == total > 0)
        )
        self._live = Live(get_renderable=self._picture, console=self.console, refresh_per_second=5)
        self._live.start()

    def _picture(self) -> Group:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for heading, side in (("stage", "left"), ("documents", "right"), ("documents/s", "right"), ("MB/s", "right")):
            table.add_column(heading, justify="right" if side == "right" else "left")
        for name, rate in self._rates.items():
            seconds = max(rate.seconds, 1e-9)
            table.add_row(
                name, f"{rate.documents:,}", f"{rate.documents / seconds:,.0f}", f"{rate.size / seconds / 1e6:,.1f}"
            )
        return Group(self._bar, table) if self._rates else Group(self._bar)

    def advance(self) -> None:
        self._bar.advance(self._task)

    def stage(self, name: str, documents: int, size: int, seconds: float) -> None:
        rate = self._rates.setdefault(name, _Rate())
        rate.documents, rate.size, rate.seconds = rate.documents + documents, rate.size + size, rate.seconds + seconds

    def message(self, text: str, done: float, total: float, /) -> None:
        self._bar.update(self._task, completed=done, total=total or None, note=text)

    def note(self, text: str) -> None:
        self.console.print(f"  {text}", markup=False, highlight=False)

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._bar.remove_task(self._task)


def watcher(console: Console) -> Watcher:
    return LiveTable(console) if console.is_terminal else PlainLines(console)
