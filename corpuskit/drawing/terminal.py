"""What commands share: the two consoles, and progress on a status line."""

from __future__ import annotations

import re

from rich.console import Console
from rich.status import Status
from rich.text import Text

from corpuskit.engine.progress import Watch

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

console = Console()
errors = Console(stderr=True)


def status_watch(status: Status) -> Watch:
    """A `Watch` that shows the progress of a long call on a status line."""

    def watch(message: str, done: float, total: float, /) -> None:
        status.update(f"{message}: {done:,.0f} of {total:,.0f}" if total else message)

    return watch


def visible(text: str) -> str:
    """A text whose control characters are shown as escapes ('\\x1b') and not sent to the terminal."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def foreign(value: object, style: str = "") -> Text:
    """A value from a document, a log or a file, as text without markup and control characters."""
    return Text(visible(str(value)), style=style)


def print_error(label: str, text: str) -> None:
    """A line on standard error: a label with markup, and a text shown as it is, without control characters."""
    errors.print(label, end="")
    errors.print(visible(text), markup=False, highlight=False, soft_wrap=True)
