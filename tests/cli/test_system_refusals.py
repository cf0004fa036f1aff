"""What the system refuses (a file in the way of a folder) is told in one line, not as a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from corpuskit.cli import main


def test_a_file_in_the_way_of_the_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": "The ferry leaves at nine."}\n')
    (tmp_path / "taken").write_text("")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: small\nsources:\n  - jsonl: {{paths: {tmp_path}/texts.jsonl}}\nstages:\n  - exact_duplicates\n"
    )
    monkeypatch.setattr(sys, "argv", ["corpuskit", "run", str(recipe), "--output", str(tmp_path / "taken")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    message = capsys.readouterr().err
    assert "taken: File exists" in message
    assert "choose another folder" in message
    assert "Traceback" not in message
