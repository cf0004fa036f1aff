"""Repeated windows are those that a search through all pairs finds, in one buffer or in many."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.duplicates.passages import in_order
from corpuskit.duplicates.repeated_text import Wanted, repeated_text
from corpuskit.duplicates.windows import anchors
from corpuskit.duplicates.workspace import Workspace
from corpuskit.kernels.arrow import text_buffers

LENGTH = 8


def obvious(texts: list[bytes], least: int, keep_first: bool) -> list[set[int]]:
    holders: dict[bytes, set[int]] = {}
    for number, text in enumerate(texts):
        for at in range(len(text) - LENGTH + 1):
            holders.setdefault(text[at : at + LENGTH], set()).add(number)
    covered: list[set[int]] = [set() for _ in texts]
    for number, text in enumerate(texts):
        for at in range(len(text) - LENGTH + 1):
            where = holders[text[at : at + LENGTH]]
            if len(where) >= least and not (keep_first and number == min(where)):
                covered[number] |= set(range(at, at + LENGTH))
    return covered


def found(texts: list[str], least: int, keep_first: bool, folder: Path, memory: int) -> list[set[int]]:
    array = pa.array(texts, pa.large_string())
    workspace = Workspace(folder, memory)
    total = int(text_buffers(array)[1][-1])

    def in_batches():  # type: ignore[no-untyped-def]
        return ((first, array.slice(first, 3)) for first in range(0, len(array), 3))

    spans = in_order(
        repeated_text(in_batches, total, Wanted(LENGTH, least, keep_first), workspace), len(texts), workspace
    )
    covered: list[set[int]] = [set() for _ in texts]
    for row, start, end in zip(*(part.tolist() for part in spans), strict=True):
        assert not covered[row] & set(range(start, end))
        covered[row] |= set(range(start, end))
    return covered


@pytest.mark.parametrize("memory", [1 << 30, 64_000])
@pytest.mark.parametrize(("least", "keep_first"), [(2, True), (2, False), (3, True)])
def test_stretches_are_those_of_the_obvious_search(
    memory: int, least: int, keep_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpuskit.duplicates.repeated_text.LEAST_BUFFER", 1)
    generator = random.Random(3)
    for trial in range(6):
        phrases = ["".join(generator.choices("abcd가", k=generator.randint(3, 40))) for _ in range(60)]
        texts = ["".join(generator.choices(phrases, k=generator.randint(0, 9))) for _ in range(50)]
        assert 2 * sum(len(text.encode()) for text in texts) > 64_000 // 8
        expected = obvious([text.encode() for text in texts], least, keep_first)
        assert found(texts, least, keep_first, tmp_path / str(trial), memory) == expected


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab", min_size=LENGTH, max_size=60), st.integers(LENGTH, 20))
def test_every_window_holds_an_anchor_that_its_bytes_alone_choose(text: str, length: int) -> None:
    data, offsets = text_buffers([text])
    keys, owners, places = np.empty(len(text), np.uint64), np.empty(len(text), np.int64), np.empty(len(text), np.int64)
    count = anchors(data, offsets, length, keys, owners, places)
    chosen = set(places[:count].tolist())
    for at in range(len(text) - length + 1):
        window, bounds = text_buffers([text[at : at + length]])
        own = np.empty(length, np.int64)
        assert anchors(window, bounds, length, np.empty(length, np.uint64), np.empty(length, np.int64), own) == 1
        assert at + own[0] in chosen
