"""What a person reads while a run goes on, where there is no terminal to draw on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from corpuskit.engine.display import PlainLines


@pytest.mark.parametrize(
    ("total", "done", "line"),
    [
        (1, 0, "read: 1 task"),
        (1200, 0, "read: 1,200 tasks"),
        (5, 4, "read: 1 task (4 already done)"),
        (5, 5, "read: already done"),
        (0, 0, "read"),
    ],
)
def test_a_step_begins_with_what_is_left_of_it(total: int, done: int, line: str) -> None:
    written = io.StringIO()
    PlainLines(Console(file=written, width=200)).begin("read", total, done)
    assert written.getvalue() == f"{line}\n"


def test_a_step_ends_with_the_pace_of_its_stages() -> None:
    written = io.StringIO()
    lines = PlainLines(Console(file=written, width=200))
    lines.begin("read", 1, 0)
    lines.stage("quality", 500, 2_000_000, 2.0)
    lines.stage("quality", 500, 2_000_000, 2.0)
    lines.end()
    assert "quality 250 documents/s 1.0 MB/s" in written.getvalue()
