"""What follows from an audit: the law of copies, the strata, the natural identifiers, and the decisions."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.document import document_id, documents
from corpuskit.memorization import AuditConfig, audit
from corpuskit.memorization.coins import secret_passages
from corpuskit.memorization.corpus.copies import copies_in
from corpuskit.memorization.corpus.places import hashed_places
from corpuskit.memorization.corpus.windows import stratified_windows
from corpuskit.memorization.measures.identifiers import FORMS, find_identifiers, fresh
from corpuskit.memorization.measures.law import Trials, fit_law, fit_logistic
from corpuskit.memorization.measures.statistics import weighted_rate
from corpuskit.memorization.remedies.decisions import decide, write_decisions
from corpuskit.tokens import open_shards, train_tokenizer, write_shards


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), max_size=80), st.integers(1, 4), st.sampled_from([1, 3]))
def test_places_with_equal_tokens_have_equal_hashes(tokens: list[int], length: int, share: int) -> None:
    array = np.array(tokens, np.uint16)
    bounds = np.array(sorted({0, len(tokens) // 3, len(tokens)}), np.int64)
    hashes, places = hashed_places(array, bounds[:-1], bounds[1:], length, share)
    fits = [p for start, end in itertools.pairwise(bounds.tolist()) for p in range(start, end - length + 1)]
    grams = {place: tuple(tokens[place : place + length]) for place in fits}
    if share == 1:
        assert places.tolist() == fits
    kept = {grams[place] for place in places.tolist()}
    assert sorted(places.tolist()) == [place for place in fits if grams[place] in kept], "all copies or none"
    by_gram: dict[tuple[int, ...], set[int]] = {}
    for place, value in zip(places.tolist(), hashes.tolist(), strict=True):
        by_gram.setdefault(grams[place], set()).add(value)
    assert all(len(values) == 1 for values in by_gram.values())
    assert len(set.union(set(), *by_gram.values())) == len(by_gram)


def test_strata_weigh_as_many_places_as_there_are(shards: Path) -> None:
    split = open_shards(shards / "tokens")
    windows, weights = stratified_windows(split, 20, 24, seed=0)
    copies = copies_in(split, windows.tokens)
    grams: Counter[tuple[int, ...]] = Counter()
    for shard, row in split.documents():
        if shard.describe(row)["source"] != "canary":
            tokens = shard.document(row)[:-1].tolist()
            grams.update(tuple(tokens[place : place + 24]) for place in range(len(tokens) - 23))
    truth: Counter[int] = Counter()
    for count in grams.values():
        truth[count.bit_length()] += count
    found: Counter[int] = Counter()
    for count, weight in zip(copies.tolist(), weights.tolist(), strict=True):
        found[int(count).bit_length()] += weight
    assert len(truth) > 1
    assert found == pytest.approx(truth)
    for window, count in zip(windows.tokens.tolist(), copies.tolist(), strict=True):
        assert grams[tuple(window)] == count


def test_the_weighted_rate_is_that_of_the_corpus() -> None:
    chance = np.random.default_rng(0)
    strata = [(100_000, 0.001), (5_000, 0.2), (300, 0.9)]
    truth = sum(places * rate for places, rate in strata) / sum(places for places, _ in strata)
    holds = 0
    for _ in range(300):
        hits = np.concatenate([chance.random(150) < rate for _, rate in strata])
        weights = np.concatenate([np.full(150, places / 150) for places, _ in strata])
        found = weighted_rate(hits, weights)
        holds += found["low"] <= truth <= found["high"]
    assert holds / 300 > 0.93
    assert weighted_rate(np.empty(0, np.bool_), np.empty(0))["high"] == 1


def test_the_fitted_curve_is_the_one_that_made_the_data() -> None:
    chance = np.random.default_rng(0)
    copies = 2 ** chance.integers(0, 8, 6000)
    rarity = chance.normal(8, 1, 6000)
    hits = chance.random(6000) < 1 / (1 + np.exp(5 - 1.1 * np.log2(copies) + 0.5 * (rarity - 8)))
    law = fit_law(Trials(copies, rarity, hits, np.ones(6000), np.arange(6000)), cap=8, confidence=0.95, seed=0)
    assert law is not None
    for name, value in (("log2_copies", 1.1), ("rarity_bits", -0.5)):
        assert law[name]["low"] < value < law[name]["high"], name
        assert law[name]["high"] - law[name]["low"] < 0.3
    chances = 1 / (1 + np.exp(5 - 1.1 * np.log2(np.arange(1, 129)) + 0))
    often = copies > 8
    left = chances[copies - 1] * ~often + np.where(often, 8 / copies, 0) * chances[7]
    assert law["removed_by_cap"]["value"] == pytest.approx(1 - left.sum() / chances[copies - 1].sum(), abs=0.05)


def test_perfectly_separated_windows_have_finite_slopes() -> None:
    features = np.repeat([0.0, 5.0], 20)[:, None]
    assert np.isfinite(fit_logistic(features, np.repeat([False, True], 20), np.ones(40))).all()


def test_no_hits_no_law() -> None:
    nothing = np.zeros(9, np.bool_)
    ones = np.ones(9)
    arguments: dict[str, Any] = {"cap": 8, "confidence": 0.95, "seed": 0}
    assert fit_law(Trials(ones.astype(int), ones, nothing, ones, np.arange(9)), **arguments) is None
    assert fit_law(Trials(ones.astype(int), ones, ~nothing, ones, np.arange(9)), **arguments) is None


def window(**changes: Any) -> dict[str, Any]:
    value = {"id": "a", "url": "http://x", "source": "web", "extracted": True, "attributable": True, "copies": 1}
    return value | {"suffix": "그는 아무 말도 하지 않았다", "start": 10, "end": 30} | changes


@pytest.mark.parametrize(
    ("windows", "action"),
    [
        ([window(extracted=False)], "keep"),
        ([window(suffix="call 010-1234-5678"), window(copies=99)], "scrub"),
        ([window(suffix="write to kim@example.org now")], "scrub"),
        ([window(copies=9)], "cap_copies"),
        ([window(copies=8), window(extracted=False), window(extracted=False)], "goldfish"),
        ([window(attributable=False)], "trim_span"),
        ([window(), window(start=25, end=40), window(extracted=False)], "drop"),
        ([window()], "goldfish"),
        ([window(suffix="in 1999 and 2001")], "goldfish"),
    ],
)
def test_each_document_gets_its_action(windows: list[dict[str, Any]], action: str) -> None:
    (row,) = decide(windows, cap=8).to_pylist()
    assert row["action"] == action
    assert row["score"] == sum(one["extracted"] for one in windows) / len(windows)
    assert row["reason"]
    assert (row["spans"] == []) == (action == "keep")


def test_spans_are_merged_and_decisions_read_back(tmp_path: Path) -> None:
    table = decide([window(), window(start=25, end=40), window(start=50, end=60), window(id="0")], cap=8)
    assert table.column("id").to_pylist() == ["0", "a"]
    assert table.column("spans").to_pylist()[1] == [{"start": 10, "end": 40}, {"start": 50, "end": 60}]
    write_decisions(tmp_path / "decisions.parquet", table)
    assert pq.read_table(tmp_path / "decisions.parquet").equals(table)


def test_an_audit_writes_decisions_that_point_at_the_text(shards: Path, trained: Path, tmp_path: Path) -> None:
    value = audit(trained, shards / "tokens", tmp_path, AuditConfig(windows=200, prefix=16, suffix=16)).value
    table = pq.read_table(tmp_path / "decisions.parquet")
    assert value["decisions"] == dict(Counter(table.column("action").to_pylist()))
    texts = {row["id"]: row["text"] for row in pq.read_table(shards / "corpus.parquet").to_pylist()}
    acted = [row for row in table.to_pylist() if row["action"] != "keep"]
    assert acted
    for row in acted:
        for span in row["spans"]:
            assert 0 <= span["start"] < span["end"] <= len(texts[row["id"]])
    assert value["law"]["log2_copies"]["low"] <= value["law"]["log2_copies"]["value"]
    assert value["by_copies"][0]["copies"] == 1
    assert value["by_context"][0]["prefix"] == 4
    assert value["extraction"]["weighted"]["low"] <= value["extraction"]["weighted"]["rate"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("uuid", "123e4567-e89b-42d3-a456-426614174000"),
        ("hash", "d41d8cd98f00b204e9800998ecf8427e"),
        ("number", "010-1234-5678"),
        ("number", "4929 1234 5678 9012"),
    ],
)
def test_identifiers_are_found_and_fresh_ones_have_their_form(form: str, text: str) -> None:
    assert [found[0] for found in FORMS[form].finditer(f"번호는 {text}입니다.")] == [text]
    other = fresh(text, form, random.Random(0))
    assert other != text
    assert re.sub("[0-9a-f]", "x", other) == re.sub("[0-9a-f]", "x", text)
    assert FORMS["number"].search("in 1999, 3.14159265358979 or 1,234,567,890 won") is None


def test_identifiers_of_a_corpus_are_counted_by_document(tmp_path: Path) -> None:
    secret = "d41d8cd98f00b204e9800998ecf8427e"
    texts = [f"Release {n} of the archive has the checksum {secret} and nothing else to say." for n in range(6)]
    texts += [f"The support line of branch {n} is 010-5555-{1000 + n} on all weekdays." for n in range(6)]
    rows = [
        {"id": document_id(None, text.encode()), "text": text, "url": "http://x", "source": "web", "language": "en"}
        for text in texts
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), tmp_path / "corpus.parquet")
    write_shards(
        [tmp_path / "corpus.parquet"],
        train_tokenizer(texts, 300),
        tmp_path / "tokens",
        sequence_length=64,
        hold_out=0.0,
    )
    split = open_shards(tmp_path / "tokens")
    found = find_identifiers(split, 10, seed=0)
    assert [(one.text, one.documents) for one in found if one.form == "hash"] == [(secret, 6)]
    assert len([one for one in found if one.form == "number"]) == 6
    assert all(one.before.endswith("is ") for one in found if one.form == "number")
    assert find_identifiers(split, 10, seed=0) == found
    passages, starts = secret_passages(split.tokenizer, [(one.before, one.text) for one in found], longest=24)
    for number, one in enumerate(found):
        tokens = passages.tokens[passages.offsets[number] : passages.offsets[number + 1]]
        assert len(tokens) <= 24
        assert 1 <= starts[number] < len(tokens)
        assert one.text.endswith(split.tokenizer.decode(tokens[starts[number] :])[-4:])
