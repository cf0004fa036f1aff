"""What a run's evaluations, instruction tuning and comparison of adapters look like on its page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from corpuskit.report import write
from corpuskit.statistics import Interval
from corpuskit.training.evaluation.curves import Point
from corpuskit.training.instruct.gains import Gain, Gains, ModelMeasures

BITS = {"bits_per_byte": 1.25, "perplexity": 9.0}


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False))


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _points(model: str, accuracies: dict[int, float]) -> list[dict[str, Any]]:
    return [
        asdict(Point(model, 1000, "ko-<josa>", "ko", shots, 1, 40, accuracy, 0.05, None, 0.5))
        for shots, accuracy in accuracies.items()
    ]


@pytest.fixture
def page(run_folder: Path, tmp_path: Path) -> str:
    held = {"what": "next token", "all": BITS, "by_source": {"a": BITS}, "by_language": {"ko": BITS}}
    models = {
        "base": {"held_out": held, "tasks": _points("base", {0: 0.5, 4: 0.75})},
        "sft": {"held_out": None, "tasks": _points("sft", {0: 0.6, 4: 0.8})},
    }
    _json(run_folder / "evaluations/results.json", {"models": models, "left_out": {"enc": "it <cannot> write"}})
    before, after = Interval(0.25, 0.2, 0.3, 30), Interval(0.75, 0.7, 0.8, 30)
    gains = Gains(
        30,
        [ModelMeasures("sft", {"exact match": before}, {}), ModelMeasures("ppo", {"exact match": after}, {})],
        [Gain("sft", "ppo", "exact match", Interval(0.5, 0.4, 0.6, 30))],
    )
    _json(run_folder / "evaluations/instruct/gains.json", asdict(gains))
    rows = [{"step": step, "reward_safe": step / 10, "kl": 0.1, "entropy": 2.0, "length": 9.0} for step in (1, 2, 3)]
    _lines(run_folder / "models/ppo/metrics.jsonl", rows)
    answers = [{"prompt": "<b>hello</b>", "before": "no", "after": "yes"}]
    _lines(run_folder / "models/ppo/samples.jsonl", answers)
    output = tmp_path / "report.html"
    write(run_folder, output)
    return output.read_text()


def test_accuracies_stand_beside_chance_for_each_number_of_examples(page: str) -> None:
    assert '<section id="evaluation"' in page
    assert "ko-&lt;josa&gt;, 4 examples" in page
    assert "75.0 % ± 5.0" in page
    assert "80.0 % ± 5.0" in page
    assert "Right answers over the number of examples" in page
    assert "1.250" in page
    assert "enc was left out: it &lt;cannot&gt; write" in page


def test_tuning_shows_its_gains_its_course_and_its_answers(page: str) -> None:
    assert "0.750 [0.700, 0.800]" in page
    assert "+0.500 [+0.400, +0.600]" in page
    assert "Reward: safe" in page
    assert "<bdi>&lt;b&gt;hello&lt;/b&gt;</bdi>" in page
    assert "<b>hello</b>" not in page


def test_a_run_without_them_shows_none_of_them(run_folder: Path, tmp_path: Path) -> None:
    write(run_folder, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    for name in ("evaluation", "instruction", "adapters"):
        assert f'<section id="{name}"' not in page
