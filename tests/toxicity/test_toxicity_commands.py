"""The commands about toxicity."""

from __future__ import annotations

from pathlib import Path

import pytest

import corpuskit.toxicity.commands  # noqa: F401  (adds its commands)
from corpuskit.cli.main import app
from corpuskit.errors import UsageError


def test_score_shows_each_label_that_the_language_has(capsys: pytest.CaptureFixture[str]) -> None:
    app(["toxicity", "score", "Fuck you, you piece of shit."], standalone_mode=False)
    shown = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(shown["toxicity"]) > 0.8
    assert "politics" not in shown
    app(["toxicity", "score", "좋은 아침입니다.", "--language", "ko"], standalone_mode=False)
    assert float(dict(line.split() for line in capsys.readouterr().out.splitlines())["toxicity"]) < 0.2


def test_train_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not there"):
        app(
            ["toxicity", "train", str(tmp_path), "--language", "ko", "-o", str(tmp_path / "out")], standalone_mode=False
        )
    with pytest.raises(UsageError, match="packages"):
        app(["toxicity", "train", str(tmp_path), "-o", str(tmp_path / "out")], standalone_mode=False)
