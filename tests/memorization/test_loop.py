"""The loop on a small corpus: an audit, its decisions, a second run, and what is left of what came out."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from corpuskit.engine.located import parse
from corpuskit.errors import UsageError
from corpuskit.memorization.remedies.decisions import SCHEMA
from corpuskit.memorization.studies.arms import run_arms
from corpuskit.memorization.studies.loop import LoopResult, run_loop
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import check

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "knoll", "larch"),
    *("강가", "나무", "들판", "마을", "바다", "산길", "언덕", "정원"),
)
RECIPE = """
name: small
sources: [{{jsonl: {{paths: '{folder}/texts.jsonl'}}}}]
tokens: {{tokenizer: {{train: bpe, vocabulary: 420}}, sequence_length: 64, hold_out: 0.1}}
train:
  model: {{layers: 2, width: 64, heads: 2}}
  budget: {{epochs: 12}}
  batch: 16
  learning_rate: 0.01
  validate_every: 1000
audit: {{windows: 250, prefix: 12, suffix: 12, cap: 2, documents: 0, identifiers: 0, personal: 0, near_verbatim: 0,
  generations: 0, replayed: 0, canaries: {{count: 1, copies: [0, 2], digits: 2, coins: 0}}}}
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over texts of which three stand there sixty times."""
    folder = tmp_path_factory.mktemp("loop")
    chance = random.Random(0)
    texts = [" ".join(chance.choices(WORDS, k=40)) for _ in range(160)]
    texts += [text for text in texts[:3] for _ in range(60)]
    chance.shuffle(texts)
    lines = [json.dumps({"id": str(n), "text": text}, ensure_ascii=False) for n, text in enumerate(texts)]
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = check(parse(RECIPE.format(folder=folder), "small"))
    run_recipe(recipe, folder=folder / "run", workers=1, console=Console(quiet=True))
    return folder / "run"


@pytest.fixture(scope="module")
def looped(first: Path) -> LoopResult:
    return run_loop(first)


def corpus(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "corpus").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_what_came_out_because_of_its_copies_no_longer_does(looped: LoopResult) -> None:
    before, after = looped.value["arms"]
    assert before["extracted"] > 30
    assert after["extracted"] < before["extracted"] / 3
    assert after["against_first"]["p"] < 1e-6
    assert before["windows"] == after["windows"]
    assert "came out before" in looped.sentence()


def test_the_second_run_holds_at_most_the_cap(first: Path, looped: LoopResult) -> None:
    texts = [row["text"] for row in corpus(first)]
    often = {text for text in texts if texts.count(text) > 10}
    left = [row["text"] for row in corpus(looped.folder)]
    assert len(often) == 3
    for text in often:
        middle = " ".join(text.split()[15:25])
        assert sum(middle in other for other in left) <= 2
    assert set(texts) - often <= set(left), "what nobody repeated is all there"
    run = json.loads((looped.folder / "run.json").read_text())
    (stage,) = [stage for stage in run["stages"] if stage["stage"] == "remedies"]
    assert stage["dropped"]["remedies.drop"] + stage["changed"] >= 3 * 50


def test_both_runs_train_as_long_on_equal_tokens(first: Path, looped: LoopResult) -> None:
    runs = [json.loads((folder / "run.json").read_text()) for folder in (first, looped.folder)]
    assert len({run["jobs"]["pretraining"]["tokens"] for run in runs}) == 1
    tokenizers = [(folder / "tokens/tokenizer.json").read_bytes() for folder in (first, looped.folder)]
    assert tokenizers[0] == tokenizers[1]
    for name in ("loop.json", "arms.md", "arms.svg"):
        assert (looped.folder / "loop" / name).exists()
    assert "Before and after" in (looped.folder / "report.html").read_text(encoding="utf-8")
    assert looped.value["exposure"]["after"], "canaries were planted again"
    assert SCHEMA.names == pq.read_schema(first / "audits/decisions.parquet").names


def test_a_run_without_a_model_is_refused(first: Path, tmp_path: Path) -> None:
    summary = json.loads((first / "run.json").read_text())
    summary["jobs"] = {}
    (tmp_path / "audits").mkdir()
    (tmp_path / "run.json").write_text(json.dumps(summary))
    (tmp_path / "audits/decisions.parquet").write_bytes((first / "audits/decisions.parquet").read_bytes())
    with pytest.raises(UsageError, match="no trained model"):
        run_loop(tmp_path)


def test_arms_of_a_recipe_are_run_and_compared(first: Path, tmp_path: Path) -> None:
    text = RECIPE.format(folder=first.parent).replace("epochs: 12", "steps: 4")
    recipe = check(parse(f"{text}stages: [exact_duplicates, personal_data]\n", "small"), text)
    value = run_arms(recipe, tmp_path, ("raw", "deduplicated")).value
    raw, deduplicated = value["arms"]
    assert (raw["arm"], deduplicated["arm"]) == ("raw", "deduplicated")
    assert raw["windows"] == deduplicated["windows"] == 250
    runs = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("raw", "deduplicated")]
    assert [run["jobs"]["pretraining"]["steps"] for run in runs] == [4, 4]
    assert [[stage["stage"] for stage in run["stages"]] for run in runs] == [[], ["exact_duplicates"]]
    assert len(corpus(tmp_path / "raw")) == 340
    assert len(corpus(tmp_path / "deduplicated")) == 160
    assert "| deduplicated | 0 of 250 |" in (tmp_path / "arms.md").read_text()
    with pytest.raises(UsageError, match="did you mean 'goldfish'"):
        run_arms(recipe, tmp_path, ("goldfsh",))
