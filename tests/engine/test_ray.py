"""A Ray cluster runs the same tasks to the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest_engine import Execute, content
from rich.console import Console
from toys import Length, SameText, Silent

from corpuskit.engine.display import PlainLines
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.run import Run
from corpuskit.errors import CorpuskitError
from corpuskit.sources.jsonl import JsonLines

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="the ray extra is not installed")


def test_a_cluster_writes_what_the_local_pool_writes(
    corpus: Path, tmp_path: Path, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    from corpuskit.engine.ray import RayExecutor

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # Ray's workers import the toy stages
    execute(corpus, [Length(), SameText()], tmp_path / "local")
    cluster = RayExecutor(2)
    try:
        for stages, folder in (([Length(), SameText()], tmp_path / "ray"), ([Silent()], tmp_path / "failing")):
            pipeline = Pipeline("test", [JsonLines(paths=str(corpus), name="web")], stages)
            run = Run(pipeline, folder, 2, cluster, PlainLines(Console(file=io.StringIO())))
            if folder.name == "failing":
                with pytest.raises(CorpuskitError, match="silent"):
                    run.execute()
            else:
                run.execute()
    finally:
        cluster.close()
    assert content(tmp_path / "ray") == content(tmp_path / "local")
