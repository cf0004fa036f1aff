"""The order is a function of the step's number: each epoch holds every token once, and it can be read backwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.tokens import Shards, TokenOrder, open_shards
from corpuskit.tokens.permutation import permute, unpermute
from corpuskit.tokens.windows import IGNORED, best_fit


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_a_permutation_takes_every_value_once_and_back(size: int, key: int) -> None:
    values = np.arange(size)
    there = permute(values, size, key)
    assert sorted(there.tolist()) == values.tolist()
    assert np.array_equal(unpermute(there, size, key), values)


def slow_permute(value: int, size: int, key: int) -> int:
    """The Feistel network in Python integers."""
    full = (1 << 64) - 1

    def mix(x: int, k: int) -> int:
        x = (x + k) & full
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & full
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & full
        return x ^ (x >> 31)

    bits = max(1, (size - 1).bit_length())
    half = (bits + 1) // 2
    keys = [mix(key, (r + 1) * 0x9E3779B97F4A7C15 & full) for r in range(6)]
    while True:
        left, right = value >> half, value & ((1 << half) - 1)
        for k in keys:
            left, right = right, left ^ (mix(right, k) & ((1 << half) - 1))
        value = left << half | right
        if value < size:
            return value


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2**40), st.integers(0, 2**64 - 1), st.data())
def test_the_permutation_is_the_obvious_one(size: int, key: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, size - 1))
    assert permute(np.array([value]), size, key)[0] == slow_permute(value, size, key)


def test_a_permutation_shuffles() -> None:
    size = 20_000
    there = permute(np.arange(size), size, 5)
    assert abs(np.corrcoef(np.arange(size), there)[0, 1]) < 0.03
    assert abs(np.abs(there - np.arange(size)).mean() / size - 1 / 3) < 0.01
    assert (permute(np.arange(size), size, 6) == there).mean() < 0.001


def test_values_outside_are_refused() -> None:
    with pytest.raises(ValueError, match="not all in"):
        permute(np.array([3]), 3, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 16), min_size=1, max_size=60))
def test_best_fit_is_the_obvious_best_fit(lengths: list[int]) -> None:
    ordered = sorted(lengths, reverse=True)
    left: list[int] = []
    rooms = []
    for length in ordered:
        fitting = [room for room in left if room >= length]
        if fitting:
            room = min(fitting)
            left[left.index(room)] -= length
        else:
            room = 16
            left.append(16 - length)
        rooms.append(room)
    windows = best_fit(np.array(ordered), 16)
    filled: dict[int, int] = {}
    for length, window, room in zip(ordered, windows.tolist(), rooms, strict=True):
        assert 16 - filled.get(window, 0) == room  # as tight as the obvious choice
        filled[window] = filled.get(window, 0) + length
    assert max(filled.values()) <= 16
    assert len(filled) == len(left)


ORDERS = [{}, {"packing": "best_fit"}, {"mixture": {"news": 3.0, "board": 1.0}}]


@pytest.mark.parametrize("settings_", ORDERS[:2])
def test_an_epoch_reads_every_token_once(shards: Shards, settings_: dict[str, str]) -> None:
    order = TokenOrder(shards, seed=1, **settings_)  # type: ignore[arg-type]
    for epoch in (0, 1):
        start = epoch * order.epoch_samples
        batch = order.batch_of(np.arange(start, start + order.epoch_samples))
        read = batch.inputs[(batch.inputs != shards.manifest.tokenizer.pad)]
        everything = np.concatenate([shard.tokens for shard in shards.shards])
        assert np.array_equal(np.sort(read), np.sort(everything))
        assert (batch.targets != IGNORED).sum() == shards.counts.tokens - shards.counts.documents


@pytest.mark.parametrize("settings_", ORDERS)
def test_windows_are_what_the_slow_way_cuts(shards: Shards, settings_: dict[str, object]) -> None:
    order = TokenOrder(shards, seed=2, batch=8, **settings_)  # type: ignore[arg-type]
    samples = order.samples_at(3)
    batch = order.batch_of(samples)
    pool, window = order._locate(samples)
    for row in range(8):
        pieces = order.pools[pool[row]].pieces(window[row : row + 1])
        inputs, targets, positions = [], [], []
        for number, start, length in zip(pieces.shard, pieces.start, pieces.length, strict=True):
            shard = shards.shards[number]
            part = 0
            for place in range(start, start + length):
                document = next(d for d in range(len(shard)) if shard.offsets[d + 1] > place)
                first = place == shard.offsets[document] or place == start
                part = 0 if first else part + 1
                inputs.append(int(shard.tokens[place]))
                positions.append(part)
                last = place + 1 == shard.offsets[document + 1]
                targets.append(IGNORED if last else int(shard.tokens[place + 1]))
        room = order.sequence_length - len(inputs)
        assert batch.inputs[row].tolist() == inputs + [shards.manifest.tokenizer.pad] * room
        assert batch.targets[row].tolist() == targets + [IGNORED] * room
        assert batch.positions[row].tolist() == positions + [0] * room


@pytest.mark.parametrize("settings_", ORDERS)
def test_a_step_names_its_documents_and_a_document_its_steps(shards: Shards, settings_: dict[str, object]) -> None:
    order = TokenOrder(shards, seed=4, batch=8, **settings_)  # type: ignore[arg-type]
    steps = 3 * order.epoch_steps
    by_step = {step: {seen.id for seen in order.trace(step)} for step in range(1, steps + 1)}
    for shard, row in list(shards.documents())[::11]:
        name = shard.describe(row)["id"] or ""
        assert order.steps_of(name, steps) == [step for step, ids in by_step.items() if name in ids]
    seen = order.trace(1)
    pad = shards.manifest.tokenizer.pad
    assert sum(one.tokens for one in seen) == (order.batch_of(order.samples_at(1)).inputs != pad).sum()


@pytest.mark.parametrize("settings_", ORDERS)
def test_ranks_share_out_the_same_step(shards: Shards, settings_: dict[str, object]) -> None:
    order = TokenOrder(shards, batch=10, **settings_)  # type: ignore[arg-type]
    whole = order.batch_of(order.samples_at(7)).inputs
    for rank in range(3):
        part = order.batch_of(order.samples_at(7, rank, 3)).inputs
        assert np.array_equal(part, whole[rank::3])


def test_a_mixture_is_exact_in_every_block(shards: Shards) -> None:
    order = TokenOrder(shards, mixture={"news": 0.7, "board": 0.3})
    pool, _ = order._locate(np.arange(3 * 1024))
    for block in pool.reshape(3, 1024):
        assert np.bincount(block).tolist() == [307, 717]
    assert len(set(pool[:20].tolist())) == 2


def test_what_cannot_be_ordered(shards: Shards) -> None:
    with pytest.raises(UsageError, match=r"mixture names 'newz'.*did you mean 'news'"):
        TokenOrder(shards, mixture={"newz": 1})
    with pytest.raises(UsageError, match="the weight 0"):
        TokenOrder(shards, mixture={"news": 0})
    with pytest.raises(UsageError, match="no packing 'bestfit'"):
        TokenOrder(shards, packing="bestfit")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has no document 'x'"):
        TokenOrder(shards).steps_of("x", 5)
    with pytest.raises(UsageError, match="steps count from 1"):
        TokenOrder(shards).trace(0)
    held_out = open_shards(shards.folder, "held_out")
    held = next(held_out.documents())
    with pytest.raises(UsageError, match="has no document"):
        TokenOrder(shards).steps_of(held[0].describe(held[1])["id"] or "", 5)
