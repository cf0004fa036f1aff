"""Eight bytes at a time say what a look at each byte says; and compiled code never outlives its sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpuskit.kernels
from corpuskit.kernels.eight_bytes import leading_word, load


@settings(deadline=None)
@given(st.binary(min_size=8, max_size=8) | st.text(alphabet="azAZ09@[`{/:_ é\x7f\x00", min_size=8).map(str.encode))
def test_the_leading_word_is_what_a_look_at_each_byte_finds(data: bytes) -> None:
    eight = np.uint64(load(np.frombuffer(data, np.uint8), 0))
    assert int(eight).to_bytes(8, "little") == data[:8]
    expected = bytearray()
    for byte in data[:8]:
        if byte >= 0x80 or not chr(byte).isalnum():
            break
        expected += bytes([byte]).lower()
    word, length = leading_word(eight)
    assert length == len(expected)
    assert int(word).to_bytes(8, "little") == expected.ljust(8, b"\0")


@pytest.mark.parametrize(("folder", "source"), [("kernels", "arrow"), ("privacy", "quiet"), ("privacy", "arrow")])
def test_compiled_code_that_is_older_than_what_it_may_hold_is_forgotten(folder: str, source: str) -> None:
    cache = Path(corpuskit.__file__).parent / folder / "__pycache__"
    cache.mkdir(exist_ok=True)
    stale, fresh = cache / f"{source}.gone-1.py311.nbi", cache / f"{source}.kept-1.py311.nbi"
    stale.touch()
    fresh.touch()
    os.utime(stale, (1, 1))
    try:
        subprocess.run([sys.executable, "-c", "import corpuskit.kernels"], check=True)
        assert (stale.exists(), fresh.exists()) == (False, True)
    finally:
        stale.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)


def test_a_change_of_one_file_forgets_the_compiled_code_of_its_neighbours(tmp_path: Path) -> None:
    package = tmp_path / "corpuskit"
    shutil.copytree(
        Path(corpuskit.__file__).parent / "kernels", package / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "__init__.py").touch()
    cache = package / "privacy" / "__pycache__"
    cache.mkdir(parents=True)
    caller, callee = cache / "marks._marks-1.py311.nbi", cache / "quiet.quiet_end-1.py311.nbi"
    for path in (cache.parent / "marks.py", cache.parent / "quiet.py", cache.parent / "find.py", caller, callee):
        path.touch()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = [sys.executable, "-c", "import corpuskit.kernels"]
    later = time.time() + 60
    os.utime(cache.parent / "find.py", (later, later))  # holds nothing compiled
    subprocess.run(run, check=True, env=environment, cwd=tmp_path)
    assert caller.exists()
    os.utime(cache.parent / "quiet.py", (later, later))
    subprocess.run(run, check=True, env=environment, cwd=tmp_path)
    assert not caller.exists()
