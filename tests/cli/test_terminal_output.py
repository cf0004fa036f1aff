"""What a document holds is shown on the terminal and does nothing there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpuskit.drawing.terminal import visible

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m[bold]loud[/] \u202etxet a title of several words"


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x1b[1mb", "a\\x1b[1mb"), ("tab\tline\n", "tab\tline\n"), ("한\x9b", "한\\x9b")]
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_story_sends_no_control_characters_and_reads_no_markup(tmp_path: Path) -> None:
    record = {"url": "http://a.example/1", "title": HOSTILE, "author": HOSTILE, "text": f"{HOSTILE} and some text."}
    (tmp_path / "d.jsonl").write_text(json.dumps(record) + "\n")
    stages = "[{quality: {rules: [gopher.min_words]}}]"
    (tmp_path / "r.yaml").write_text(f"name: hostile\nsources: [{{jsonl: {{paths: d.jsonl}}}}]\nstages: {stages}\n")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "300"}

    def corpuskit(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "corpuskit", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    corpuskit("run", "r.yaml", "-w", "1")
    story = corpuskit("why", "http://a.example/1")
    assert story.returncode == 0, story.stderr
    assert "dropped by quality" in story.stdout
    assert "\\x1b]0;title\\x07" in story.stdout
    assert "[bold]loud[/]" in story.stdout
    assert not set(story.stdout) & set("\x1b\x07\x9b\u202e")
