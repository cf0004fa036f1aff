"""Distances against slow versions, and near-verbatim completions of a model that knows its text nearly by heart."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.memorization import AuditConfig
from corpuskit.memorization.corpus.windows import sample_windows
from corpuskit.memorization.measures.extraction import extraction_table
from corpuskit.memorization.measures.near_verbatim import (
    distances,
    edit_distance,
    folded,
    longest_common,
    near_verbatim,
)
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.tokens import open_shards

SEQUENCES = st.lists(st.integers(0, 3), max_size=12)


@settings(deadline=None)
@given(SEQUENCES, SEQUENCES)
def test_distances_equal_slow_ones(one: list[int], two: list[int]) -> None:
    @cache
    def slow(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(slow(i - 1, j) + 1, slow(i, j - 1) + 1, slow(i - 1, j - 1) + (one[i - 1] != two[j - 1]))

    stretches = {tuple(one[a:b]) for a in range(len(one)) for b in range(a, len(one) + 1)}
    shared = [b - a for a in range(len(two)) for b in range(a, len(two) + 1) if tuple(two[a:b]) in stretches]
    longest = max(shared, default=0)
    arrays = np.array(one, np.int64), np.array(two, np.int64)
    assert edit_distance(*arrays) == slow(len(one), len(two))
    assert longest_common(*arrays) == longest  # at whatever offset: a window that steps would miss some


def test_case_width_spaces_and_punctuation_do_not_hide_a_copy() -> None:
    assert folded("The ENTRY-code, №１").tolist() == folded("the entry code no1").tolist()
    assert folded("전화 번호는").tolist() == folded("전화번호는!").tolist()
    assert len(folded(" .,;—")) == 0


def test_what_is_written_is_compared_as_tokens_and_as_text(shards: Path) -> None:
    tokenizer = open_shards(shards / "tokens").tokenizer
    true, _ = tokenizer.encode(["the heron of Leeds crossed the wide field"])
    shouted, _ = tokenizer.encode(["The Heron of Leeds crossed the wide field"])
    other, _ = tokenizer.encode(["nobody in the village asked why it had come."])
    far, longest = distances(tokenizer, [shouted, other], [true, true])  # type: ignore[arg-type]
    assert far[0] == 0
    assert far[1] > 0.5
    assert 3 < longest[0] < len(true)


def test_near_windows_are_those_whose_continuation_is_near(shards: Path, trained: Path, tmp_path: Path) -> None:
    model, train = CausalModel(trained), open_shards(shards / "tokens")
    config = AuditConfig(windows=150, prefix=12, suffix=20, near_verbatim=1000)
    windows = sample_windows(train, 150, 32, seed=2)

    def score(name: str, passages: Passages) -> TokenScores:
        return score_passages(model, passages, tmp_path / name)

    table = extraction_table(score, "train", train, windows, config)
    found, told = near_verbatim(model, train.tokenizer, windows, table, config)
    written = model.write(windows.tokens[:, :12], 20)
    far, longest = distances(train.tokenizer, written, windows.tokens[:, 12:])
    tried = found.column("distance").is_valid().to_numpy()
    kept = found.column("distance").to_numpy(zero_copy_only=False)
    np.testing.assert_array_equal(kept[tried], far[tried])
    np.testing.assert_array_equal(found.column("longest_common").to_numpy(zero_copy_only=False)[tried], longest[tried])
    assert told["near"] == int((far[tried] <= 0.1).sum()) >= int(table.column("extracted").to_numpy().sum()) > 0
    assert told["low"] <= told["rate"] <= told["high"]
    assert told["written"] + told["left_out"] + int(table.column("extracted").to_numpy().sum()) == int(tried.sum())
    few, some = near_verbatim(model, train.tokenizer, windows, table, config.model_copy(update={"near_verbatim": 3}))
    assert some["written"] == 3
    assert some["left_out"] == told["written"] - 3
    assert few.column("distance").null_count > found.column("distance").null_count


def test_writing_stops_at_the_end_and_never_passes_the_context(shards: Path, trained: Path) -> None:
    model, end = CausalModel(trained), open_shards(shards / "tokens").tokenizer.end
    prompts = sample_windows(open_shards(shards / "tokens"), 5, 8, seed=0).tokens
    rows = model.write(prompts, 200, end=end)
    for row in rows:
        places = np.flatnonzero(row == end)
        assert not len(places) or (row[places[0] :] == end).all()
    with pytest.raises(UsageError, match="8 tokens and 249 more do not fit a context of 256"):
        model.write(prompts, 249)
    one, two = (model.write(prompts, 16, sampled=True, seed=seed) for seed in (1, 1))
    assert (one == two).all()
    assert (one != model.write(prompts, 16, sampled=True, seed=2)).any()
