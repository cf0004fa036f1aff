"""The main job, end to end, on the demo web: what the README promises of `make demo`, with a short training."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from corpuskit.demo import serve
from corpuskit.demo.commands import demo_recipe
from corpuskit.engine.ledger import find
from corpuskit.engine.located import parse
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import Recipe, check
from corpuskit.recipe.located import override
from corpuskit.sources.crawl import fate

pytestmark = pytest.mark.timeout(900)  # the first test waits for the whole run
EXPECTED = yaml.safe_load((Path(__file__).parents[1] / "corpuskit/demo/data/expected.yaml").read_text(encoding="utf-8"))
SHORT = (
    "train.budget={steps: 30}",
    "adapt.budget={steps: 5}",
    "audit.windows=60",
    "audit.canaries.count=2",
    "audit.canaries.coins=4",
    "audit.documents=20",
)


@dataclass(frozen=True)
class Demo:
    base: str
    folder: Path
    summary: dict[str, Any]
    recipe: Recipe

    def story(self, path: str) -> Any:
        return find(self.folder, self.base + path)

    def rule(self, path: str) -> str:
        """'kept', or the rule that dropped a page."""
        story = self.story(path)
        assert story, f"{path} was read"
        return "kept" if story.kept else str(story.dropped[0]["rule"])


def shortened(base: str) -> Recipe:
    located = parse(demo_recipe(base).text, "demo")
    for option in SHORT:
        override(located, option)
    return check(located, demo_recipe(base).text)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo") / "run"
    with serve(0) as base:
        recipe = shortened(base)
        result = run_recipe(recipe, folder=folder, workers=2, console=Console(quiet=True))
    return Demo(base, folder, result.summary, recipe)


@pytest.mark.parametrize("path", EXPECTED["kept"])
def test_ordinary_pages_are_kept(demo: Demo, path: str) -> None:
    assert demo.rule(path) == "kept"


@pytest.mark.parametrize("group", EXPECTED["near_duplicates"], ids=lambda group: group[0])
def test_of_near_duplicates_one_stays_and_the_others_name_it(demo: Demo, group: list[str]) -> None:
    fates = [demo.rule(path) for path in group]
    assert sorted(fates) == sorted(["kept"] + ["near_duplicates.duplicate"] * (len(group) - 1))
    kept = demo.story(group[fates.index("kept")]).kept[0]["id"]
    for path, rule in zip(group, fates, strict=True):
        if rule != "kept":
            evidence = json.loads(demo.story(path).dropped[0]["decisions"][0]["evidence"])
            assert evidence["near_duplicates.twin"] == kept
            assert evidence["near_duplicates.similarity"] >= 0.7


@pytest.mark.parametrize("group", EXPECTED["exact_duplicates"], ids=lambda group: group[0])
def test_of_exact_duplicates_one_stays(demo: Demo, group: list[str]) -> None:
    assert sum(demo.rule(path) == "exact_duplicates.duplicate" for path in group) == len(group) - 1


@pytest.mark.parametrize("path", EXPECTED["toxic"])
def test_abuse_is_dropped(demo: Demo, path: str) -> None:
    assert demo.rule(path) == "toxicity.toxicity"


@pytest.mark.parametrize("path", sorted(EXPECTED["scrubbed"]))
def test_personal_data_is_gone_from_everything_published(demo: Demo, path: str) -> None:
    secrets = EXPECTED["scrubbed"][path]
    (kept,) = demo.story(path).kept
    for secret in secrets:
        assert secret not in kept["text"]
    assert {change["replacement"] for row in demo.story(path).changes for change in row["changes"]} >= {"<EMAIL>"}
    report = (demo.folder / "report.html").read_text(encoding="utf-8")
    for table in (demo.folder / "ledger").rglob("*.parquet"):
        report += json.dumps(pq.read_table(table).to_pylist(), ensure_ascii=False, default=str)
    for secret in secrets:
        assert secret not in report


@pytest.mark.parametrize("path", EXPECTED["contaminated"])
def test_leaked_benchmark_items_are_found(demo: Demo, path: str) -> None:
    assert demo.rule(path) == "contamination.overlap"


@pytest.mark.parametrize("path", EXPECTED["quality"])
def test_thin_pages_and_spam_are_dropped(demo: Demo, path: str) -> None:
    assert demo.rule(path) != "kept"


@pytest.mark.parametrize("path", EXPECTED["robots"])
def test_forbidden_pages_are_never_fetched_and_say_why(demo: Demo, path: str) -> None:
    assert not demo.story(path)
    found = fate(demo.folder / "sources" / "web", demo.base + path)
    assert found is not None
    assert found["outcome"] == "robots"
    assert "Disallow" in found["reason"]


def test_a_page_in_each_encoding_reads_as_korean(demo: Demo) -> None:
    for path in ("/ko/news/hangul-signs.html", "/ko/news/winter-ducks.html"):
        (row,) = demo.story(path).kept
        assert row["language"] == "ko"
        assert "\ufffd" not in row["text"]


def why(demo: Demo, path: str) -> str:
    command = [sys.executable, "-m", "corpuskit", "why", demo.base + path, "--run", str(demo.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_why_answers_for_every_kind_of_fate(demo: Demo) -> None:
    assert "kept" in why(demo, EXPECTED["kept"][0])
    assert "training: read in steps" in why(demo, EXPECTED["kept"][0]) or "never read" in why(demo, EXPECTED["kept"][0])
    duplicate = next(path for path in EXPECTED["near_duplicates"][0] if demo.rule(path) != "kept")
    assert "near_duplicates.twin" in why(demo, duplicate)
    assert "toxicity.toxicity" in why(demo, EXPECTED["toxic"][0])
    assert "<EMAIL>" in why(demo, sorted(EXPECTED["scrubbed"])[0])
    assert "robots.txt forbids it" in why(demo, EXPECTED["robots"][0])


def test_why_goes_on_where_the_training_plan_is_of_another_version(demo: Demo) -> None:
    plan = demo.folder / "models/base/training.json"
    before = plan.read_text(encoding="utf-8")
    try:
        changed = json.loads(before)
        changed["config"]["a_key_of_tomorrow"] = 1
        plan.write_text(json.dumps(changed), encoding="utf-8")
        said = why(demo, EXPECTED["kept"][0])
    finally:
        plan.write_text(before, encoding="utf-8")
    assert "kept" in said
    assert "the steps that read it are unknown" in said
    assert "a_key_of_tomorrow" in said


def test_what_if_decides_again(demo: Demo) -> None:
    command = [sys.executable, "-m", "corpuskit", "what-if", str(demo.folder), "--set", "gopher.min_words=400"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "gopher.min_words" in said
    wrong = [*command[:-1], "gopher.min_wrds=400"]
    failed = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "did you mean 'gopher.min_words'?" in failed.stderr


def test_everything_that_came_in_is_accounted_for(demo: Demo) -> None:
    totals, stages = demo.summary["totals"], demo.summary["stages"]
    dropped = sum(sum(stage["dropped"].values()) for stage in stages)
    assert totals["documents_in"] == totals["documents_out"] + dropped + demo.summary["quarantined"]
    shards = [pq.read_table(path, columns=["id"]) for path in (demo.folder / "corpus").glob("*.parquet")]
    assert len({row["id"] for shard in shards for row in shard.to_pylist()}) == totals["documents_out"]


def test_the_model_loads_elsewhere_and_the_adapter_beside_it(demo: Demo) -> None:
    transformers = pytest.importorskip("transformers")
    import peft

    model = transformers.AutoModelForCausalLM.from_pretrained(demo.folder / "models/base")
    tokenizer = transformers.AutoTokenizer.from_pretrained(demo.folder / "models/base")
    assert len(tokenizer("The ferry leaves at nine.")["input_ids"]) > 3
    assert peft.PeftModel.from_pretrained(model, demo.folder / "models/lora").active_adapter == "default"


def test_corpus_and_shards_open_in_datasets(demo: Demo) -> None:
    datasets = pytest.importorskip("datasets")
    corpus = datasets.Dataset.from_parquet([str(path) for path in (demo.folder / "corpus").glob("*.parquet")])
    assert corpus.num_rows == demo.summary["totals"]["documents_out"]
    shard = datasets.Dataset.from_file(str(next((demo.folder / "tokens/train").glob("*.arrow"))))
    assert len(shard[0]["tokens"]) > 0


def test_the_audit_reports_canaries_and_windows(demo: Demo) -> None:
    audit = json.loads((demo.folder / "audits/summary.json").read_text())
    assert audit["extraction"]["train"]["windows"] == 60
    assert audit["canaries_survived"]["planned"] == audit["canaries_survived"]["in_the_shards"] > 0


def test_a_second_run_does_nothing_again_and_needs_no_web(demo: Demo) -> None:
    files = [
        path
        for path in demo.folder.rglob("*")
        if path.is_file() and path.name not in ("run.json", "report.html", "receipt.json", ".lock")
    ]
    before = {path: path.stat().st_mtime_ns for path in files}
    again = run_recipe(demo.recipe, folder=demo.folder, workers=1, console=Console(quiet=True))
    assert before == {path: path.stat().st_mtime_ns for path in files}
    assert again.summary["corpus_digest"] == demo.summary["corpus_digest"]


def test_the_report_opens_from_disk_alone(demo: Demo) -> None:
    page = (demo.folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    for heading in ("From pages to corpus", "dropped", "Personal data"):
        assert heading in page
    assert 'src="http' not in page
