"""Runs of small pipelines over JSON lines."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from corpuskit.engine.display import PlainLines
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.pool import LocalPool
from corpuskit.engine.run import Outcome, Run
from corpuskit.engine.stage import Stage
from corpuskit.sources.jsonl import JsonLines

Execute = Callable[..., Outcome]


@pytest.fixture(scope="session")
def pool() -> Iterator[LocalPool]:
    pool = LocalPool(2)
    yield pool
    pool.close()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three files of documents: long and short, with repeats across files."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        rows = [{"url": f"http://x/{number}/{row}", "text": f"banana {number} {row}"} for row in range(40)]
        rows.append({"url": f"http://x/{number}/again", "text": "the same in every file"})
        rows.append({"url": f"http://x/{number}/short", "text": "abc", "language": "en"})
        write_jsonl(folder / f"{number}.jsonl", rows)
    return folder


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def execute(pool: LocalPool) -> Execute:
    def run(
        source: Path,
        stages: Sequence[Stage],
        folder: Path,
        workers: int = 2,
        overwrite: bool = False,
        **settings: Any,
    ) -> Outcome:
        pipeline = Pipeline("test", [JsonLines(paths=str(source), name="web")], stages, **settings)
        watcher = PlainLines(Console(file=io.StringIO()))
        return Run(pipeline, folder, workers, pool, watcher, overwrite=overwrite).execute()

    return run


def content(folder: Path) -> dict[str, str]:
    """Digest of every file that a run publishes."""
    files = [path for kind in ("corpus", "ledger") for path in (folder / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
