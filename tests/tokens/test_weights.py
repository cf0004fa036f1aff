"""A cluster's text comes as often as its weight says, shared among its documents; the trace knows every copy."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.document import documents
from corpuskit.errors import UsageError
from corpuskit.tokens import Shards, Tokenizer, TokenOrder, open_shards, write_shards
from corpuskit.tokens.weights import epoch_copies, rehydration, shared_copies


def test_rehydration_is_the_published_table() -> None:
    sizes = np.array([0, 1, 2, 3, 4, 5, 17, 99, 100, 999, 1000, 50_000])
    assert rehydration(sizes).tolist() == [1, 1, 2, 3, 3, 5, 5, 5, 8, 8, 1, 1]


def slow_copies(wanted: list[int], groups: list[int], numbers: list[int]) -> list[int]:
    """The line of a cluster's documents, in exact fractions."""
    out = [0] * len(wanted)
    for group in set(groups):
        members = sorted((numbers[i], i) for i in range(len(groups)) if groups[i] == group)
        start = 0
        for number, _ in members:
            start ^= number
        at = Fraction(start >> 32, 2**32)
        for _, i in members:
            end = at + Fraction(wanted[i], len(members))
            out[i] = math.floor(end) - math.floor(at)
            at = end
    return out


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.data())
def test_copies_are_those_of_the_line(groups: list[int], data: st.DataObject) -> None:
    wanted = [data.draw(st.integers(0, 8), label="wanted") for _ in range(7)]
    numbers = [data.draw(st.integers(0, 2**64 - 1)) for _ in groups]
    each = [wanted[group] for group in groups]
    copies = shared_copies(np.array(each), np.array(groups), np.array(numbers, np.uint64)).tolist()
    for group in set(groups):
        assert sum(c for c, g in zip(copies, groups, strict=True) if g == group) == wanted[group]
    if len(set(numbers)) == len(numbers):
        assert copies == slow_copies(each, groups, numbers)


def test_every_document_of_a_cluster_has_the_same_chance() -> None:
    random = np.random.default_rng(1)
    trials = 6000
    numbers = random.integers(0, 2**64, 3 * trials, np.uint64)
    copies = shared_copies(np.ones(3 * trials, np.int64), np.repeat(np.arange(trials), 3), numbers).reshape(-1, 3)
    assert (copies.sum(axis=1) == 1).all()
    assert np.abs(copies.mean(axis=0) - 1 / 3).max() < 0.03


SIZES = {"alone": 1, "pair": 2, "four": 4, "seven": 7, "hundred": 150, "thousands": 4000}
KEPT = {"alone": 1, "pair": 1, "four": 4, "seven": 2, "hundred": 3, "thousands": 1}
"""Clusters by name: how many documents each had, and how many of them the corpus still has."""


@pytest.fixture(scope="module")
def clustered(small_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("clustered")
    rows, clusters = [], []
    for turn in range(12):
        for kind, count in KEPT.items():
            for copy in range(count):
                words = " ".join(f"{kind} {turn} {copy} {n}" for n in range(5 + 7 * turn % 40))
                rows.append({"id": f"{kind}-{turn}-{copy}", "text": words, "source": "news" if turn % 3 else "board"})
                known = {"cluster": f"{kind}-{turn}", "cluster_size": SIZES[kind]}
                clusters.append(known if turn % 4 or kind != "alone" else None)
    batch = documents(rows).append_column("near_duplicates", pa.array(clusters))
    pq.write_table(pa.Table.from_batches([batch]), folder / "corpus.parquet")
    # a canary stands eight times on purpose: a weight leaves it alone
    planted = [{"id": "canary", "text": "the code is four", "source": "canary"}] * 8
    write_shards(
        [folder / "corpus.parquet"],
        small_tokenizer,
        folder / "tokens",
        sequence_length=64,
        shard_tokens=3000,
        hold_out=0,
        extra_documents=planted,
    )
    return open_shards(folder / "tokens")


def test_clusters_are_the_near_ones_and_else_the_exact_ones(small_tokenizer: Tokenizer, tmp_path: Path) -> None:
    batch = documents([{"id": name, "text": f"text {name}", "source": "news"} for name in "abc"])
    exact = pa.array([{"cluster": "a", "cluster_size": 3}, {"cluster": "b", "cluster_size": 2}, None])
    near = pa.array([{"cluster": "a", "cluster_size": 5}, None, None])
    known = {"both": {"exact_duplicates": exact, "near_duplicates": near}, "exact": {"exact_duplicates": exact}}
    for name, columns in known.items():
        table = pa.Table.from_batches([batch])
        for stage, values in columns.items():
            table = table.append_column(stage, values)
        pq.write_table(table, tmp_path / "corpus.parquet")
        write_shards([tmp_path / "corpus.parquet"], small_tokenizer, tmp_path / name, sequence_length=8, hold_out=0)
        (shard,) = open_shards(tmp_path / name).shards
        assert shard.table.column("cluster").to_pylist() == ["a", "b", None]
        assert shard.cluster_sizes.tolist() == [5 if name == "both" else 3, 2, 1]


@pytest.mark.parametrize("packing", ["concatenate", "best_fit"])
@pytest.mark.parametrize("weights", ["none", "inverse", "rehydrate"])
def test_clusters_come_as_often_as_they_should(clustered: Shards, weights: str, packing: str) -> None:
    order = TokenOrder(clustered, seed=5, batch=4, weights=weights, packing=packing)  # type: ignore[arg-type]
    tokens: Counter[str] = Counter()
    for seen in order.trace_samples(np.arange(order.epoch_samples)):
        tokens[seen.id] += seen.tokens
    length = {s.describe(r)["id"]: len(s.document(r)) for s, r in clustered.documents()}
    times = {name: tokens[name] / length[name] for name in length}
    assert times.pop("canary") == 8
    for turn in range(12):
        for kind, size in SIZES.items():
            found = sum(times[f"{kind}-{turn}-{copy}"] for copy in range(KEPT[kind]))
            expected = {"none": KEPT[kind], "inverse": 1, "rehydrate": rehydration(np.array([size]))[0]}
            assert found == expected[weights], (kind, turn)


@pytest.mark.parametrize("packing", ["concatenate", "best_fit"])
def test_a_window_never_holds_a_document_twice(clustered: Shards, packing: str) -> None:
    order = TokenOrder(clustered, weights="rehydrate", packing=packing)  # type: ignore[arg-type]
    for sample in range(order.epoch_samples):
        ids = Counter(seen.id for seen in order.trace_samples(np.array([sample])) if seen.id != "canary")
        assert set(ids.values()) <= {1}


@pytest.mark.parametrize(
    "settings_",
    [
        {"weights": "rehydrate"},
        {"weights": "inverse", "packing": "best_fit"},
        {"weights": "rehydrate", "mixture": {"news": 1, "board": 2}},
        {"weights": "rehydrate", "epochs": {"news": 2, "board": 0.5}},
    ],
)
def test_what_was_read_is_what_the_trace_says_both_ways(clustered: Shards, settings_: dict[str, object]) -> None:
    order = TokenOrder(clustered, seed=2, batch=6, **settings_)  # type: ignore[arg-type]
    steps = 2 * order.epoch_steps + 1
    by_step = {step: order.trace(step) for step in range(1, steps + 1)}
    pad = clustered.manifest.tokenizer.pad
    for step, seen in by_step.items():
        read = order.batch_of(order.samples_at(step)).inputs
        assert sum(one.tokens for one in seen) == (read != pad).sum()
    for shard, row in list(clustered.documents())[::7]:
        name = str(shard.describe(row)["id"])
        wanted = [step for step, seen in by_step.items() if name in {one.id for one in seen}]
        assert order.steps_of(name, steps) == wanted


def test_targets_stay_inside_documents_where_rounds_leave_some_out(clustered: Shards) -> None:
    order = TokenOrder(clustered, weights="rehydrate", sequence_length=48)
    batch = order.batch_of(np.arange(order.epoch_samples))
    end = clustered.manifest.tokenizer.end
    begin = clustered.manifest.tokenizer.begin
    edges = batch.inputs == end
    assert (batch.targets[edges] == -100).all()
    assert not (batch.targets == begin).any()
    assert (batch.positions[batch.inputs == begin] == 0).all()


def test_the_draw_is_by_seed(clustered: Shards) -> None:
    def drawn(seed: int) -> list[list[int]]:
        return [copies.tolist() for copies in epoch_copies(clustered, "inverse", seed) or []]

    assert drawn(1) == drawn(1) != drawn(2)
    assert epoch_copies(clustered, "none", 1) is None
    with pytest.raises(UsageError, match=r"no weights 'inverze'; did you mean 'inverse'\?"):
        epoch_copies(clustered, "inverze", 1)  # type: ignore[arg-type]
