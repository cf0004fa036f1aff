"""Keeping the first of each kind, against a slow version and at its limits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.duplicates.keep_first import MOST_KEPT, RareShingles, keep_first
from corpuskit.duplicates.workspace import Workspace

JACCARD = 0


def run(
    sets: Sequence[set[int]],
    buckets: Sequence[Sequence[int]],
    threshold: float,
    fixed: int = 0,
    portions: Sequence[int] = (),
) -> tuple[list[int], list[float]]:
    """(the kept one that each resembles, how much); `portions` are the borders between calls."""
    count = len(sets)
    values = np.array([value for one in sets for value in sorted(one)], np.uint64)
    sizes = np.array([len(one) for one in sets], np.int64)
    bounds = np.cumsum([0, *map(len, buckets)]).astype(np.int64)
    flat = np.array([bucket for mine in buckets for bucket in mine], np.int64)
    number = int(flat.max()) + 1 if len(flat) else 0
    twins, similarities = np.full(count, -9, np.int64), np.full(count, -9.0)
    heads, loads = np.full(number, -1, np.int64), np.zeros(number, np.int32)
    following, owners = np.zeros(len(flat), np.int64), np.zeros(len(flat), np.int64)
    stamps = np.full(count, -1, np.int64)
    borders = [0, *portions, count]
    workspace = Workspace(Path("unused"), 1 << 30)
    rare = RareShingles.empty(count, workspace)
    for first, last in pairwise(borders):
        while first < last:
            first = keep_first(
                first,
                last,
                fixed,
                bounds,
                flat,
                heads,
                loads,
                following,
                owners,
                stamps,
                rare,
                values,
                np.cumsum(sizes) - sizes,
                sizes,
                JACCARD,
                threshold,
                twins,
                similarities,
            )
            if first < last:
                rare = rare.larger(workspace)
    return twins.tolist(), similarities.tolist()


def slow(
    sets: Sequence[set[int]], buckets: Sequence[Sequence[int]], threshold: float, fixed: int
) -> tuple[list[int], list[float]]:
    twins: list[int] = []
    similarities: list[float] = []
    for number, own in enumerate(sets):
        best, most = number, 1.0
        if number >= fixed:
            kept = [
                other for other in range(number) if twins[other] == other and set(buckets[other]) & set(buckets[number])
            ]
            near = [(len(own & sets[other]) / len(own | sets[other]), -other) for other in kept]
            near = [pair for pair in near if pair[0] >= threshold]
            if near:
                most, negative = max(near)
                best = -negative
        twins.append(best)
        similarities.append(most)
    return twins, similarities


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 12), st.sampled_from([0.2, 0.5, 2 / 3, 1.0]), st.integers(0, 3))
def test_it_decides_as_the_slow_version(data: st.DataObject, count: int, threshold: float, fixed: int) -> None:
    sets = [data.draw(st.sets(st.integers(0, 5), min_size=1)) for _ in range(count)]
    buckets = [sorted(data.draw(st.sets(st.integers(0, 3), min_size=1))) for _ in range(count)]
    border = data.draw(st.integers(0, count))
    twins, similarities = run(sets, buckets, threshold, min(fixed, count), [border])
    expected_twins, expected = slow(sets, buckets, threshold, min(fixed, count))
    assert twins == expected_twins
    assert similarities == pytest.approx(expected)


def test_the_earlier_of_two_that_are_as_near_is_named() -> None:
    sets = [{1, 2, 3, 4}, {5, 6, 7, 8}, {1, 2, 5, 6}]
    assert run(sets, [[0], [0], [0]], 1 / 3)[0] == [0, 1, 0]
    assert run(sets, [[0], [1], [1, 0]], 1 / 3)[0] == [0, 1, 0]
    assert run(sets, [[0], [1], [0, 1]], 1 / 3) == ([0, 1, 0], [1.0, 1.0, pytest.approx(1 / 3)])


def test_the_nearest_is_named_whatever_the_order() -> None:
    sets = [{1, 2, 3, 9}, {1, 2, 3, 4}, {1, 2, 3, 4, 5}]
    assert run(sets, [[0], [0], [0]], 0.7) == ([0, 1, 1], [1.0, 1.0, 0.8])
    assert run([sets[1], sets[0], sets[2]], [[0], [0], [0]], 0.7) == ([0, 1, 0], [1.0, 1.0, 0.8])


def test_exactly_the_threshold_is_a_duplicate() -> None:
    sets = [{1, 2, 3, 4}, {1, 2, 3, 5, 6}]  # 3 of 6
    assert run(sets, [[0], [0]], 0.5)[0] == [0, 0]
    assert run(sets, [[0], [0]], 0.5000001)[0] == [0, 1]


def test_what_is_fixed_stays_and_drops_later_ones() -> None:
    sets = [{1}, {1}, {1}]
    assert run(sets, [[0]] * 3, 0.5, fixed=2) == ([0, 1, 0], [1.0, 1.0, 1.0])


def test_those_without_a_common_bucket_are_not_compared() -> None:
    assert run([{1}, {1}, {1}], [[0], [1], []], 0.5)[0] == [0, 1, 2]


def test_what_was_dropped_drops_nothing() -> None:
    sets = [{1, 2, 3}, {2, 3, 4}, {3, 4, 5}]  # neighbours share 2 of 4, the ends 1 of 5
    assert run(sets, [[0]] * 3, 0.5)[0] == [0, 0, 2]


def test_a_crowded_bucket_loses_no_pair() -> None:
    """More kept ones than are compared one by one, in two buckets that become crowded at different times."""
    chance = np.random.default_rng(3)
    template = set(range(100))
    sets, buckets = [], []
    for number in range(6 * MOST_KEPT):
        own = set((1000 * (number + 1) + np.arange(24)).tolist())
        if number % 7 == 6:  # a near copy of an earlier one
            own = set(sorted(sets[int(chance.integers(number))] - template)[:-2]) | {10**7 + number, 10**8 + number}
        sets.append(template | own)
        buckets.append([0, 1] if number % 3 == 0 else [number % 2])
    assert run(sets, [[0, 1]] * len(sets), 0.85)[0] == slow(sets, [[0, 1]] * len(sets), 0.85, 0)[0]
    twins = run(sets, buckets, 0.85)[0]
    assert all(twin <= number for number, twin in enumerate(twins))
    assert {number for number, twin in enumerate(twins) if twin != number} >= {
        number for number, twin in enumerate(slow(sets, buckets, 0.85, 0)[0]) if twin != number
    }


def test_what_shares_only_frequent_shingles_meets_the_first_of_a_crowded_bucket() -> None:
    template = set(range(100))
    sets = [template | {1000 + 50 * number + k for k in range(30)} for number in range(2 * MOST_KEPT)]
    sets.append(template | {99_999})  # nearer to each of them than the threshold, by the template alone
    assert run(sets, [[0]] * len(sets), 0.75)[0][-1] in range(MOST_KEPT)
