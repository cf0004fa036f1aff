"""What commands share: the two consoles, and progress on a status line."""

from __future__ import annotations

from rich.console import Console
from rich.status import Status

from corpuskit.engine.progress import Watch

console = Console()
errors = Console(stderr=True)


def status_watch(status: Status) -> Watch:
    """A `Watch` that shows the progress of a long call on a status line."""

    def watch(message: str, done: float, total: float, /) -> None:
        status.update(f"{message}: {done:,.0f} of {total:,.0f}" if total else message)

    return watch


def print_error(label: str, text: str) -> None:
    """A line on standard error: a label with markup, and a text shown as it is."""
    errors.print(label, end="")
    errors.print(text, markup=False, highlight=False, soft_wrap=True)
