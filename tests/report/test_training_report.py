"""The training's section shows what a run's log holds, and nothing where it holds nothing."""

from __future__ import annotations

import json
from pathlib import Path

from corpuskit.drawing.run import read
from corpuskit.training import report as training


def test_the_course_of_a_training_is_drawn_from_its_log(run_folder: Path) -> None:
    log = run_folder / "models/base/metrics.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()[:-1]]
    for row in rows:
        row["mfu"] = 0.4
        if "bits_per_byte" in row:
            row["bits_per_byte_by_language"] = {"en": 1.5 - row["step"] / 2000, "ko": 1.9}
            row["bits_per_byte_by_source"] = {"<b>news</b>": 1.4, "forum": 1.6}
    rows[6] |= {"skipped": "loss is nan", "loss": None}
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    samples = [
        {"step": step, "prompt": "The council", "text": f" <script>{step}</script>"} for step in (200, 400, 600, 800)
    ]
    (run_folder / "models/base/samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in samples))
    section = training.pretraining(read(run_folder))
    assert section is not None
    page = section.inside
    for words in ("Learning rate", "Gradient norm before clipping", "Throughput", "peak arithmetic", "loss is nan"):
        assert words in page
    assert "Held-out text by language" in page
    assert "1.100" in page  # en, at the last step
    assert "&lt;b&gt;news&lt;/b&gt;" in page
    assert "<b>news</b>" not in page
    assert "<script>" not in page
    assert "step 200" in page
    assert "step 800" in page
    assert "&lt;script&gt;400" not in page


def test_a_run_of_one_source_has_no_table_by_source(run_folder: Path) -> None:
    facts = read(run_folder)
    path = run_folder / "models/base/metrics.jsonl"
    rows = facts.read_steps("models/base/metrics.jsonl")[:3]
    path.write_text("".join(json.dumps(row | {"bits_per_byte_by_source": {"news": 1.0}}) + "\n" for row in rows))
    section = training.pretraining(facts)
    assert section is not None
    assert "by source" not in section.inside
    assert "What it wrote" not in section.inside
    path.unlink()
    assert training.pretraining(facts) is None
