"""What the system refuses (a file in the way of a folder) is told in one line, not as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpuskit.cli import main
from corpuskit.engine.pool import LocalPool, Worker
from corpuskit.errors import CorpuskitError


def test_a_file_in_the_way_of_the_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": "The ferry leaves at nine."}\n')
    (tmp_path / "taken").write_text("")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: small\nsources:\n  - jsonl: {{paths: {tmp_path}/texts.jsonl}}\nstages:\n  - exact_duplicates\n"
    )
    monkeypatch.setattr(sys, "argv", ["corpuskit", "run", str(recipe), "--output", str(tmp_path / "taken")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    message = capsys.readouterr().err
    assert "taken: File exists" in message
    assert "choose another folder" in message
    assert "Traceback" not in message


@dataclass
class Filling:
    """A task whose clean-up fails too, as closing a half-written Parquet file does."""

    path: Path
    name: str = "filling"

    def run(self, worker: Worker) -> None:
        try:
            self.path.write_bytes(b"x" * 4096)
        finally:
            raise ValueError("Operation on closed file")


@pytest.fixture
def pool() -> Iterator[LocalPool]:
    pool = LocalPool(1)
    yield pool
    pool.close()


def test_a_full_disk_is_told_by_the_worker_that_met_it(pool: LocalPool) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(CorpuskitError, match="No space left on device; free some space") as refused:
        list(pool.map([Filling(full)], lambda *heard: None))
    assert "Traceback" not in str(refused.value)
