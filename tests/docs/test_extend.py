"""The pages of docs/extend are complete: their files are written, their commands run, and what they show appears."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (ROOT / "docs/extend").glob("*.md") if path.stem != "index")
_FENCE = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    kind: str
    title: str | None
    body: str


def blocks(page: Path) -> list[Block]:
    return [Block(*match.groups()) for match in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def command(line: str, folder: Path) -> list[str]:
    """The command of a line, run with this interpreter and without a package index."""
    program, *arguments = shlex.split(line)
    if program == "python":
        return [sys.executable, *arguments]
    if program == "corpuskit":
        return [sys.executable, "-m", "corpuskit", *arguments]
    assert (program, arguments[0]) == ("pip", "install"), f"a page runs an unknown command: {line}"
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(folder / "site")]
    return [sys.executable, "-m", "pip", "install", *offline, *arguments[1:]]


def run(line: str, folder: Path) -> str:
    path = os.pathsep.join(map(str, (ROOT, folder / "site")))
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        command(line, folder), cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, f"{line}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}"
    return result.stdout + result.stderr


def test_there_are_six_pages_and_the_index_names_each() -> None:
    assert {page.stem for page in PAGES} == {"source", "stage", "rule", "recogniser", "model", "job"}
    index = (ROOT / "docs/extend/index.md").read_text(encoding="utf-8")
    assert all(f"({page.name})" in index for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    written = blocks(page)
    for block in written:
        if block.title is not None:
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(block.body, encoding="utf-8")
    output, ran = "", 0
    for block in written:
        if block.kind == "sh":
            output = ""
            for line in block.body.splitlines():
                output += run(line, tmp_path)
                ran += 1
        elif block.kind == "text":
            for line in block.body.splitlines():
                assert line in output, f"'{line}' is not in the output:\n{output[-3000:]}"
        else:
            assert block.title is not None, f"a block of {block.kind} has no title: {block.body[:60]}"
    assert ran >= 2
