"""Eight bytes at a time say what a look at each byte says; and compiled code never outlives its sources."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
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


def test_compiled_code_that_is_older_than_a_kernel_is_forgotten() -> None:
    cache = Path(corpuskit.kernels.__file__).parent / "__pycache__"
    stale, fresh = cache / "gone.test-1.py311.nbi", cache / "kept.test-1.py311.nbi"
    stale.touch()
    fresh.touch()
    os.utime(stale, (1, 1))
    try:
        subprocess.run([sys.executable, "-c", "import corpuskit.kernels"], check=True)
        assert (stale.exists(), fresh.exists()) == (False, True)
    finally:
        stale.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)
