"""Sources take turns in exact shares, each is read exactly as often as was asked, and a sample can be found again."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.tokens import Shards, TokenOrder
from corpuskit.tokens.shares import BLOCK, Shares


def key(block: int) -> int:
    return 77 + block


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=6))
def test_a_period_holds_every_running_number_once(counts: list[int]) -> None:
    shares = Shares.of_counts(np.array(counts), key)
    samples = np.arange(2 * shares.total)
    source, running = shares.locate(samples)
    for number, count in enumerate(counts):
        mine = running[source == number]
        assert sorted(mine.tolist()) == list(range(2 * count))
        assert np.array_equal(shares.samples_of(number, mine), samples[source == number])
        # a period ends before the next begins
        assert set(mine[samples[source == number] < shares.total].tolist()) == set(range(count))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=2, max_size=6))
def test_shares_are_even_all_along(counts: list[int]) -> None:
    shares = Shares.of_counts(np.array(counts), key)
    source, _ = shares.locate(np.arange(shares.total))
    for number, count in enumerate(counts):
        so_far = np.cumsum(source == number)
        even = np.arange(1, shares.total + 1) * count / shares.total
        assert np.abs(so_far - even).max() <= 2 * BLOCK


def test_blocks_are_the_slow_count() -> None:
    """Samples of each source before each block, counted one by one."""
    counts = [5000, 3000, 100]
    shares = Shares.of_counts(np.array(counts), key)
    assert shares.blocks == 7
    source, _ = shares.locate(np.arange(3 * shares.total))
    for block in range(21):
        before = [count * block // 7 for count in counts]
        assert [int((source[: sum(before)] == number).sum()) for number in range(3)] == before


@pytest.mark.parametrize("settings_", [{}, {"packing": "best_fit"}])
def test_epochs_read_every_source_exactly_as_often_as_asked(shards: Shards, settings_: dict[str, str]) -> None:
    order = TokenOrder(shards, epochs={"news": 3}, seed=1, **settings_)  # type: ignore[arg-type]
    tokens: Counter[str] = Counter()
    for seen in order.trace_samples(np.arange(order.epoch_samples)):
        tokens[seen.id] += seen.tokens
    for shard, row in shards.documents():
        about = shard.describe(row)
        assert tokens[str(about["id"])] == (3 if about["source"] == "news" else 1) * len(shard.document(row))


def test_a_source_is_read_through_before_it_begins_again(shards: Shards) -> None:
    order = TokenOrder(shards, epochs={"news": 4, "board": 0})
    windows = order.pools[0].windows
    assert order.epoch_samples == 4 * windows
    _, window = order._locate(np.arange(4 * windows))
    for turn in window.reshape(4, windows):
        assert sorted(turn.tolist()) == list(range(windows))


def test_half_an_epoch_is_half_of_the_windows(shards: Shards) -> None:
    order = TokenOrder(shards, epochs={"news": 0.5, "board": 1.5})
    pool, window = order._locate(np.arange(order.epoch_samples))
    for number, times in ((0, 1.5), (1, 0.5)):
        seen = Counter(window[pool == number].tolist())
        windows = order.pools[number].windows
        assert sum(seen.values()) == round(times * windows)
        assert set(seen.values()) <= {1, 2}
        assert len(seen) == min(windows, round(times * windows))


def test_epochs_that_make_no_order(shards: Shards) -> None:
    with pytest.raises(UsageError, match=r"epochs names 'newz'.*did you mean 'news'"):
        TokenOrder(shards, epochs={"newz": 1})
    with pytest.raises(UsageError, match="epochs gives 'news' -1 epochs"):
        TokenOrder(shards, epochs={"news": -1})
    with pytest.raises(UsageError, match="leaves out every source"):
        TokenOrder(shards, epochs={"news": 0, "board": 0})
    with pytest.raises(UsageError, match="not both"):
        TokenOrder(shards, epochs={"news": 1}, mixture={"news": 1})
    with pytest.raises(UsageError, match="the weight nan"):
        TokenOrder(shards, mixture={"news": float("nan")})
