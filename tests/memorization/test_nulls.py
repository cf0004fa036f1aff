"""Closed forms on models whose truth is known, and an audit of a model that has learned nothing."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.memorization import AuditConfig, audit
from corpuskit.memorization.config import DecodingPolicy
from corpuskit.memorization.corpus.windows import sample_windows
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.dataset_inference import dataset_inference
from corpuskit.memorization.measures.generations import copied_tokens, unseen
from corpuskit.memorization.measures.personal import candidates, find_values, personal_section
from corpuskit.memorization.measures.statistics import smallest_detectable, tries_until, weighted_rate
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.reduce import reduce_logits
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.tokens import open_shards, train_tokenizer, write_shards


def test_under_the_true_source_a_suffix_has_its_entropy(tmp_path: Path) -> None:
    """A Markov chain of 256 states with 32 successors each: log2 p_z of k tokens is -k H on average."""
    chance = np.random.default_rng(0)
    weights = 1 / np.arange(1, 33) ** 1.5
    weights /= weights.sum()
    entropy = float(-(weights * np.log2(weights)).sum())
    table = np.full((256, 256), -np.inf, np.float32)
    for state in range(256):
        table[state, chance.permutation(256)[:32]] = np.log(weights)
    chances = np.exp(table.astype(float))
    chances /= chances.sum(1, keepdims=True)
    passages = []
    for _ in range(400):
        passage = [int(chance.integers(256))]
        for _ in range(40):
            passage.append(int(chance.choice(256, p=chances[passage[-1]])))
        passages.append(passage)
    before, after = (np.concatenate([p[a:b] for p in passages]) for a, b in ((0, -1), (1, None)))
    logs, rank, margin, spread, sigma = reduce_logits(table[before], after)
    offsets, ranks = np.arange(0, 400 * 40 + 1, 40), rank.astype(np.uint16)
    scores = TokenScores(offsets, after.astype(np.uint32), -logs, ranks, margin, spread, sigma, {}, "m")
    bits = metrics.suffix_log_probability(scores, 9) / np.log(2)
    assert bits.mean() == pytest.approx(-32 * entropy, abs=4 * bits.std() / np.sqrt(400))
    np.testing.assert_allclose(spread, entropy * np.log(2), atol=1e-5)


def test_what_greedy_decoding_writes_is_certain_with_one_token_possible(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    model = CausalModel(trained)
    windows = sample_windows(open_shards(shards / "tokens"), 100, 24, seed=5)
    scores = score_passages(model, Passages.of(windows.tokens), tmp_path, [DecodingPolicy(top_k=1)])
    extracted = metrics.reproduced(scores, 16) >= 8
    certain = metrics.suffix_log_probability(scores, 16, "temperature=1,top_k=1")
    assert 0 < extracted.sum() < 100
    assert (certain[extracted] == 0).all()
    assert (certain[~extracted] == -np.inf).all()
    assert (tries_until(certain)[extracted] == 1).all()
    assert np.isinf(tries_until(certain)[~extracted]).all()


def test_teacher_forced_greedy_is_greedy_generation_on_every_window(shards: Path, trained: Path) -> None:
    model = CausalModel(trained)
    windows = sample_windows(open_shards(shards / "tokens"), 1500, 24, seed=0).tokens
    forced = model.score(windows).match[:, 11:].all(1)
    written = model.write(windows[:, :12], 12, batch=500)
    assert (forced == (written == windows[:, 12:]).all(1)).all()
    assert 0 < forced.sum() < len(forced)


def test_neither_batch_nor_padding_changes_what_greedy_decoding_takes(shards: Path, trained: Path) -> None:
    """In half precision they do, so that an audit's hits would depend on its batches."""
    model = CausalModel(trained)
    assert {str(weights.dtype) for weights in model.model.parameters()} == {"torch.float32"}
    documents = [shard.document(row)[:90] for shard, row in open_shards(shards / "tokens").documents()]
    passages = Passages.of([*documents, *(document[:30] for document in documents)])
    found = [model.score_ragged(passages.tokens, passages.offsets, batch=batch) for batch in (1, 7, 64)]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].rank, other.rank)


def test_power_is_three_over_the_trials() -> None:
    assert smallest_detectable(2000) == pytest.approx(3 / 2000, rel=0.01)
    assert smallest_detectable(0) == 1
    assert (1 - smallest_detectable(50, 0.9)) ** 50 == pytest.approx(0.1)


def test_a_weighted_rate_widens_when_its_windows_share_documents() -> None:
    hits, weights = np.repeat([True, False, False, False], 50), np.ones(200) * 10
    alone = weighted_rate(hits, weights, documents=np.arange(200))
    together = weighted_rate(hits, weights, documents=np.repeat(np.arange(20), 10))
    assert alone["low_by_document"] > together["low_by_document"]
    assert together["high_by_document"] > alone["high_by_document"]
    assert alone["rate"] == together["rate"] == 0.25


def test_dataset_inference_accuses_nobody_without_a_trace_and_finds_a_faint_one() -> None:
    chance = np.random.default_rng(0)
    member = np.arange(400) % 2 == 0
    null, faint = [], []
    for seed in range(60):
        noise = {name: chance.normal(0, 1, 400) for name in "abcd"}
        null.append(dataset_inference(noise, member, seed=seed)["p_value"])
        shifted = {name: values + 0.2 * member for name, values in noise.items()}
        faint.append(dataset_inference(shifted, member, seed=seed)["p_value"])
    assert np.mean(np.array(null) < 0.05) <= 0.05
    assert np.mean(np.array(faint) < 0.05) > 0.5


def test_the_unseen_are_estimated_from_what_came_once_and_twice() -> None:
    assert unseen(["a", "a", "b", "c", "c", "c", "d"]) == {
        "distinct": 4,
        "distinct_at_least": 4 + 2 * 1 / (2 * 2),
        "known_share": 1 - 2 / 7,
    }
    assert unseen([]) == {"distinct": 0, "distinct_at_least": 0, "known_share": None}


def test_overlapping_spans_count_a_token_once() -> None:
    class Span(NamedTuple):
        text: int
        start: int
        length: int

    spans: Any = [Span(0, 2, 5), Span(0, 4, 5), Span(1, 0, 3)]
    assert copied_tokens(spans, [np.zeros(10), np.zeros(3), np.zeros(4)]).tolist() == [7, 3, 0]


class Found(NamedTuple):
    type: str
    start: int
    end: int


def find_places(texts: list[str]) -> list[list[Found]]:
    """Stands for a finder of personal data: every place name, and every day."""
    return [
        [
            *(Found("place", *match.span()) for match in re.finditer("Anyang|Leeds|Gwangju", text)),
            *(Found("day", *match.span()) for match in re.finditer("(?<=day )[0-9]+", text)),
        ]
        for text in texts
    ]


def test_copies_of_one_record_are_counted_each(tmp_path: Path) -> None:
    text = "On one day the heron of Anyang crossed the field, and nobody in the village asked why."
    rows = [{"id": document_id(None, text.encode()), "text": text, "source": "web"}] * 64
    pq.write_table(pa.Table.from_batches([documents(rows)]), tmp_path / "corpus.parquet")
    write_shards(
        [tmp_path / "corpus.parquet"], train_tokenizer([text], 300), tmp_path / "t", sequence_length=32, hold_out=0.0
    )
    (value,) = find_values(open_shards(tmp_path / "t"), find_places, 0)
    assert (value.text, value.documents) == ("Anyang", 64)


def test_personal_data_is_counted_and_never_shown(shards: Path, trained: Path, untrained: Path, tmp_path: Path) -> None:
    train, held_out = open_shards(shards / "tokens"), open_shards(shards / "tokens", "held_out")
    config = AuditConfig(prefix=16, suffix=16, personal=12)
    values = find_values(train, find_places, 0)
    assert {value.text for value in values if value.type == "place"} == {"Anyang", "Leeds", "Gwangju"}
    assert all(value.documents >= 1 and value.before.strip() for value in values)
    chance = random.Random(0)
    for value in values:
        others = candidates(value, [one for one in values if one.type == value.type], chance)
        assert value.type == "day" or set(others) == {"Anyang", "Leeds", "Gwangju"} - {value.text}
        assert value.type == "place" or {len(other) for other in others} == {len(value.text)}
    found = {}
    for folder in (trained, untrained):
        model = CausalModel(folder)

        def score(name: str, passages: Passages, model: CausalModel = model) -> TokenScores:
            return score_passages(model, passages, tmp_path / model.folder.name / name)

        found[folder.name] = personal_section(score, train, held_out, find_places, config)
        assert found[folder.name] is not None
    for name, value in found.items():
        groups = value["groups"]  # type: ignore[index]
        assert {(group["split"], group["type"]) for group in groups} >= {("train", "place"), ("train", "day")}
        for group in groups:
            assert group["attributable"] <= group["extractable"] <= group["values"]
            assert 0 <= group["mean"] <= np.log2(64)
        if name == "untrained":
            assert sum(group["extractable"] for group in groups) == 0
        assert not re.search("Anyang|Leeds|Gwangju", str(value))
    days = [group for group in found["trained"]["groups"] if group["type"] == "day" and group["split"] == "train"]  # type: ignore[index]
    assert sum(group["extractable"] for group in days) > 0


def test_an_audit_of_a_model_that_learned_nothing_finds_nothing(shards: Path, untrained: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=400, prefix=16, suffix=8, near_verbatim=50, generations=8)
    found = audit(
        untrained, shards / "tokens", tmp_path / "a", config, canaries=shards / "canaries.json", personal=find_places
    ).value
    for split in ("train", "held_out"):
        assert found["extraction"][split]["extracted"] == 0
        assert found["near_verbatim"][split]["near"] == 0
    assert found["extraction"]["weighted"]["low"] == 0
    assert [group["extracted"] for group in found["by_copies"]] == [0] * len(found["by_copies"])
    assert [group["extracted"] for group in found["by_context"]] == [0] * len(found["by_context"])
    assert found["law"] is None
    assert found["generations"]["copied"] == 0
    assert found["coins"]["low"] <= 0.5 <= found["coins"]["high"]
    assert found["coins"]["epsilon"] == 0
    for group in found["exposure"]:
        assert abs(group["mean"] - 1.44) < 4 * 1.44 / np.sqrt(group["canaries"]) + 0.1
        assert group["mean"] <= group["most"]
    assert found["training_frame"] is None, "this model's folder has no plan of a training"


def test_an_audit_names_licenses_clusters_and_copies(shards: Path, trained: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=100, prefix=16, suffix=16, documents=0, generations=6)
    corpus = tmp_path / "corpus.parquet"
    table = pq.read_table(shards / "corpus.parquet")
    names = ["CC-BY-4.0" if number % 2 else None for number in range(table.num_rows)]
    place = table.schema.get_field_index("license")
    pq.write_table(table.set_column(place, "license", [names]), corpus)
    value = audit(trained, shards / "tokens", tmp_path / "a", config, corpus=[corpus]).value
    assert {group["license"] for group in value["by_license"]} == {"CC-BY-4.0", "unknown"}
    assert [group["source"] for group in value["by_source"]] == ["web"]
    windows = pq.read_table(tmp_path / "a/windows.parquet")
    train = windows.filter([split == "train" for split in windows.column("split").to_pylist()])
    assert min(train.column("copies_32").to_pylist()) >= 1
    assert all(a >= b for a, b in zip(train["copies_32"].to_pylist(), train["documents_32"].to_pylist(), strict=True))
    assert set(train.column("cluster_size").to_pylist()) == {1}
    assert value["generations"]["share"] > 0, "it has learned the texts by heart"
    assert value["near_verbatim"]["train"]["rate"] >= value["extraction"]["train"]["rate"]
    assert value["law"]["log2_context"]["value"] > 0
