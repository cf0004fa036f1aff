"""What a step's key is made of, and what `plan` says of a step that would run again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from conftest_engine import Execute, write_jsonl
from toys import Constant, Length, SameText, Vowels

from corpuskit.engine import identity
from corpuskit.engine.identity import Parts, component, key_of, reasons, settings_of
from corpuskit.engine.own_code import code_behind
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.plan import CONSENT
from corpuskit.engine.plan import plan as planned
from corpuskit.engine.run import Run
from corpuskit.engine.stage import BatchStage
from corpuskit.engine.steps import stage_component
from corpuskit.errors import UsageError
from corpuskit.sources.jsonl import JsonLines

STAGE = """
from typing import ClassVar
from corpuskit.document import set_column
from corpuskit.engine.stage import BatchStage
from {helper} import score

class Scored(BatchStage):
    name: ClassVar[str] = "scored"

    def measure(self, batch):
        return batch
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a user's own modules: a stage, the helper that it imports, and what that imports."""
    folder = tmp_path / "mine"
    (folder / "own_package").mkdir(parents=True)
    (folder / "own_package" / "__init__.py").write_text("")
    (folder / "own_package" / "deep.py").write_text("LIMIT = 3\n")
    (folder / "own_helper.py").write_text("import json\nimport pyarrow\nfrom own_package import deep\nscore = len\n")
    (folder / "own_stage.py").write_text(STAGE.format(helper="own_helper"))
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def scored() -> Any:
    return importlib.import_module("own_stage").Scored


def test_a_stage_without_a_version_is_known_by_its_modules(tree: Path) -> None:
    assert set(code_behind(scored())) == {"own_stage", "own_helper", "own_package", "own_package.deep"}


@pytest.mark.parametrize("file", ["own_stage.py", "own_helper.py", "own_package/deep.py", "own_package/__init__.py"])
def test_a_changed_module_is_another_stage_and_a_comment_is_not(tree: Path, file: str) -> None:
    before = stage_component(scored()())
    path = tree / file
    path.write_text("# a comment\n" + path.read_text() + "\n\n# another\n")
    assert stage_component(scored()()) == before
    path.write_text(path.read_text() + "ADDED = 1\n")
    after = stage_component(scored()())
    assert after != before
    module = file.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    assert reasons(parts(after), parts(before)) == [f"stage scored: its code changed ({module})"]


def test_a_version_stands_for_the_code(tree: Path) -> None:
    stage = tree / "own_stage.py"
    stage.write_text(stage.read_text().replace("    def measure", "    version: ClassVar[int] = 3\n\n    def measure"))
    before = stage_component(scored()())
    (tree / "own_helper.py").write_text("score = max\n")
    assert stage_component(scored()()) == before
    assert before["version"] == 3
    assert "code" not in before


def test_a_stage_derived_from_ours_is_known_by_its_code_and_our_version() -> None:
    from corpuskit.quality.stage import Quality

    class Mine(Quality):
        """Inherits a version, which says nothing about its own code."""

    found = component("stage", "quality", Mine, settings={})
    assert "version" not in found
    assert found["bases"] == {"Quality": Quality.version}
    assert __name__ in found["code"]


def test_a_class_that_no_file_holds_needs_a_version() -> None:
    made: dict[str, Any] = {"BatchStage": BatchStage, "__name__": "nowhere"}
    exec("class Typed(BatchStage):\n    name = 'typed'", made)
    with pytest.raises(UsageError, match="give it a 'version"):
        stage_component(made["Typed"]())


def test_a_new_setting_leaves_old_keys_as_they_are() -> None:
    class Wider(Length):
        added: int = 0

    assert settings_of(Wider(minimum=7)) == settings_of(Length(minimum=7))


def parts(*components: Any, **others: Any) -> Parts:
    return {"engine": 1, "components": list(components), **others}  # type: ignore[typeddict-item]


class Stated(BatchStage):
    name: ClassVar[str] = "stated"
    version: ClassVar[int] = 1
    limit: float = 0.5

    def libraries(self) -> tuple[str, ...]:
        return ("pyarrow",)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch


def test_each_difference_is_said_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = parts(stage_component(Stated()), options={"survey": False})
    assert reasons(old, old) == []
    defaults = {"stated": {"limit": 0.5}}

    monkeypatch.setattr(Stated, "version", 2)
    assert reasons(parts(stage_component(Stated()), options={"survey": False}), old) == [
        "stage stated: version 2, was 1"
    ]
    monkeypatch.setattr(Stated, "version", 1)

    changed = parts(stage_component(Stated(limit=0.6)), options={"survey": True})
    assert reasons(changed, old, defaults) == ["stated.limit 0.6, was 0.5", "survey true, was false"]

    now = pa.__version__
    monkeypatch.setattr(identity, "installed", lambda name: "99.0")
    assert reasons(parts(stage_component(Stated()), options={"survey": False}), old) == [f"pyarrow 99.0, was {now}"]


def test_a_library_without_its_build_is_the_same_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "version", lambda name: "2.13.0+cpu")
    identity.installed.cache_clear()
    assert identity.installed("torch") == "2.13.0"
    identity.installed.cache_clear()


def test_keys_are_equal_on_every_machine() -> None:
    assert key_of(parts(component("stage", "length", None, settings={"b": 1, "a": [1, 2]}, version=1))) == (
        "1b9a7da409ec384a"
    )


def plan(source: Path, stages: list[Any], folder: Path) -> dict[str, str]:
    pipeline = Pipeline("test", [JsonLines(paths=str(source), name="web")], stages)
    return {state.name: state.note for state in planned(Run(pipeline, folder))}


def test_plan_says_why_a_step_would_run_again(corpus: Path, tmp_path: Path, execute: Execute) -> None:
    stages = [Length(), SameText(), Constant()]
    execute(corpus, stages, tmp_path / "run")
    assert set(plan(corpus, stages, tmp_path / "run").values()) == {""}

    notes = plan(corpus, [Length(), SameText(), Constant(value=2.0)], tmp_path / "run")
    assert notes["length"] == ""
    assert notes["same_text-constant"] == "would run: constant.value 2.0, was 1.0"
    assert notes["writing the corpus and its ledger"] == f"would run: an earlier step runs again; {CONSENT}"

    notes = plan(corpus, [Length(minimum=6), SameText(), Vowels(), Constant()], tmp_path / "run")
    assert notes["length"] == "would run: length.minimum 6, was 5"
    assert notes["same_text (whole corpus)"] == "would run: an earlier step runs again"
    assert notes["same_text-to-constant"] == "would run: stage vowels is new"

    write_jsonl(corpus / "9.jsonl", [{"text": "one more"}])
    assert plan(corpus, stages, tmp_path / "run")["length"] == "would run: input changed (web)"
