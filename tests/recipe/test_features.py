"""A feature in one folder outside the package: its stage, job, command and report section work from a recipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpuskit.engine.features import features, resolve

FEATURE = """
from corpuskit.engine.features import Command, Feature, RecipeKey, ReportSection

FEATURE = Feature(
    name="toy",
    phase="audit",
    stages={"vowels": "toy.stage:Vowels"},
    recipe_keys={"tally": RecipeKey("toy.job:KEY")},
    commands={"toy": Command("toy.commands:hello", "Greet."), "tokens toys": Command("toy.commands:hello", "Greet.")},
    report=(ReportSection("toy.report:tally", "record"),),
    histories=("toy.report:history",),
)
"""
STAGE = '''
from typing import ClassVar

import pyarrow as pa

from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import BatchStage


class Vowels(BatchStage):
    """Counts vowels."""

    name: ClassVar[str] = "vowels"
    version: ClassVar[int] = 1

    least: int = 1
    """Fewer drop a document."""

    def rules(self):
        return [Rule("vowels.least", "vowels.count", ">=", self.least)]

    def measure(self, batch):
        counts = [sum(letter in "aeiou" for letter in text or "") for text in batch.column("text").to_pylist()]
        return set_column(batch, self.name, pa.StructArray.from_arrays([pa.array(counts, pa.int64())], names=["count"]))
'''
JOB = '''
import json

import pyarrow.parquet as pq

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import CORPUS, Job, JobKey
from corpuskit.engine.stage import Configured


class Tally(Configured):
    unit: str = "documents"
    """What is counted."""


def work(run, watch):
    rows = sum(pq.read_metadata(path).num_rows for path in (run / "corpus").glob("*.parquet"))
    (run / "tally").mkdir(exist_ok=True)
    (run / "tally" / "tally.json").write_text(json.dumps({"rows": rows}))
    return {"says": f"{rows} documents tallied", "rows": rows}


def jobs(settings, sections):
    yield Job("tally", "tally", version=1, settings=settings_of(settings), reads=(CORPUS,), work=work)


KEY = JobKey("tally", summary="Count what is left.", settings=Tally, needs=None, jobs=jobs)
'''
REPORT = """
from corpuskit.drawing.html import Figure, Section, paragraph


def tally(facts):
    rows = facts.read_object("tally/tally.json")
    return rows and Section("tally", "Tally <b>", "Counted.", paragraph("<i>rows</i>"), (Figure("rows", "2"),))


def history(folder, document, story):
    return [f"toy: {len(story.kept)} kept"]
"""
COMMANDS = '''
def hello(name: str = "world") -> None:
    """Greet somebody."""
    print(f"hello {name}")
'''
RECIPE = """
name: toys
sources: [{jsonl: {paths: work/docs.jsonl}}]
stages: [{vowels: {least: 3}}, mystages.Longer]
tally: {unit: documents}
"""
OWN_STAGE = STAGE.replace("Vowels", "Longer").replace('"vowels', '"longer').replace("vowels", "letters")


def distribution(folder: Path, name: str, files: dict[str, str]) -> None:
    """An installed package with a feature, as an installer leaves it."""
    (folder / name).mkdir(parents=True)
    for file, content in files.items():
        (folder / name / file).write_text(content)
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[corpuskit.features]\n{name} = {name}.feature:FEATURE\n")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with the toy feature."""
    site = tmp_path / "site"
    files = {"__init__.py": "", "feature.py": FEATURE, "stage.py": STAGE, "job.py": JOB, "report.py": REPORT}
    distribution(site, "toy", files | {"commands.py": COMMANDS})
    return site


def corpuskit(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{site}", "COLUMNS": "200"}
    command = [sys.executable, "-m", "corpuskit", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_feature_in_a_folder_outside_works_from_the_recipe(installed: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    texts = ["a short one about vowels", "zzz", "another text with letters"]
    records = [{"url": f"http://toys.example/{number}", "text": text} for number, text in enumerate(texts)]
    (work / "docs.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (work / "toys.yaml").write_text(RECIPE)
    (work / "mystages.py").write_text(OWN_STAGE)  # beside the recipe, not installed

    run = corpuskit(installed, tmp_path, "run", "work/toys.yaml", "-o", "out", "-w", "1")
    assert run.returncode == 0, run.stderr
    assert "tally: 2 documents tallied" in run.stdout
    summary = json.loads((tmp_path / "out/run.json").read_text())
    assert summary["jobs"]["tally"]["rows"] == 2
    page = (tmp_path / "out/report.html").read_text()
    assert "Tally &lt;b&gt;" in page
    assert "&lt;i&gt;rows&lt;/i&gt;" in page

    assert corpuskit(installed, tmp_path, "toy", "--name", "you").stdout == "hello you\n"
    assert corpuskit(installed, tmp_path, "tokens", "toys").stdout == "hello world\n"
    listed = corpuskit(installed, tmp_path, "--help").stdout
    assert "Greet." in listed
    told = corpuskit(installed, tmp_path, "why", "http://toys.example/0", "--run", "out")
    assert "toy: 1 kept" in told.stdout, told.stderr
    stages = corpuskit(installed, tmp_path, "stages").stdout
    assert "vowels  Counts vowels." in stages
    assert "tally  Count what is left." in stages
    wrong = corpuskit(installed, tmp_path, "plan", "work/toys.yaml", "--set", "tally.unti=x")
    assert wrong.returncode == 2
    assert "did you mean 'unit'?" in wrong.stderr


def test_a_feature_that_fails_is_named_and_the_rest_works(installed: Path, tmp_path: Path) -> None:
    distribution(installed, "broken", {"__init__.py": "raise RuntimeError('no licence')", "feature.py": ""})
    distribution(installed, "zoo", {"__init__.py": "", "feature.py": FEATURE.replace('name="toy"', 'name="zoo"')})
    (installed / "toy/commands.py").write_text("import not_installed_anywhere\n")
    listed = corpuskit(installed, tmp_path, "stages")
    assert listed.returncode == 0
    assert "vowels  Counts vowels." in listed.stdout
    assert "broken: RuntimeError: no licence" in listed.stderr
    assert "zoo: ValueError: stages vowels: declared by the feature 'toy', too" in listed.stderr
    called = corpuskit(installed, tmp_path, "toy")
    assert called.returncode == 2
    assert "not_installed_anywhere" in called.stderr
    assert corpuskit(installed, tmp_path, "tokens", "--help").returncode == 0
    assert "not_installed_anywhere" in corpuskit(installed, tmp_path, "tokens", "toys", "--name", "x").stderr


def test_everything_that_the_features_declare_can_be_imported() -> None:
    for feature in features().working:
        targets = [*feature.sources.values(), *feature.stages.values(), *feature.histories]
        targets += [entry.target for entry in (*feature.recipe_keys.values(), *feature.commands.values())]
        targets += [section.target for section in feature.report]
        for target in targets:
            assert resolve(target) is not None, f"{feature.name}: {target}"


def test_jobs_run_in_the_order_that_the_features_declare() -> None:
    assert list(features().recipe_keys()) == ["tokens", "train", "adapt", "compare", "instruct", "evaluate", "audit"]


def test_a_command_has_the_summary_that_its_feature_declares() -> None:
    """`--help` shows the declaration; the command's own help must not say less."""
    for feature in features().working:
        for words, command in feature.commands.items():
            target = resolve(command.target)
            own = target.info.help if hasattr(target, "info") else target.__doc__
            assert own, f"{feature.name}: {words} has no help text"
