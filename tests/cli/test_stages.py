"""`corpuskit stages` answers for one source or stage too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from corpuskit.cli import main
from corpuskit.recipe.terminal import SHOWN_RULES, _rules


def _ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["corpuskit", *words])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_one_source_is_shown_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ended(monkeypatch, "stages", "jsonl") == 0
    shown = capsys.readouterr().out
    assert "paths" in shown
    assert "required" in shown
    assert "near_duplicates" not in shown
    assert "PydanticUndefined" not in shown


def test_a_misspelt_name_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ended(monkeypatch, "stages", "jsnol") == 2
    assert "did you mean 'jsonl'" in capsys.readouterr().err


def test_a_column_given_as_a_setting_is_shown_its_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: small\nsources:\n  - jsonl: {paths: a.jsonl, text: content}\nstages: [exact_duplicates]\n")
    assert _ended(monkeypatch, "plan", str(recipe)) == 2
    assert "columns: {text: content}" in capsys.readouterr().err


@pytest.mark.parametrize(("extra", "last"), [(0, "1 r4"), (1, "1 r5"), (2, "2 by 2 other rules together")])
def test_rules_beyond_the_shown_are_summed_only_where_they_are_several(extra: int, last: str) -> None:
    dropped = {f"quality.r{number}": 1 for number in range(SHOWN_RULES + extra)}
    assert _rules({"stage": "quality", "dropped": dropped, "changed": 0})[-1] == last
