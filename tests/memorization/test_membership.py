"""Membership: known separations, intervals that hold, and the gate that refuses sets which differ in themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpuskit.memorization import AuditConfig
from corpuskit.memorization.measures import documents as section
from corpuskit.memorization.measures.membership import blind_scores, separation
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.tokens import open_shards


def test_the_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    chance = np.random.default_rng(0)
    members, others = chance.integers(0, 9, 70).astype(float), chance.integers(0, 8, 50).astype(float)
    pairs = [(one > two) + 0.5 * (one == two) for one in members for two in others]
    assert separation(members, others).auc == pytest.approx(np.mean(pairs))


def test_the_interval_lies_around_its_auc_and_holds_the_truth() -> None:
    # scores negated inside the resampling, as one published tool has it, put the interval on the other side of 1/2
    chance = np.random.default_rng(1)
    truth = 0.7602  # of unit normals one apart
    holds = 0
    for _ in range(300):
        found = separation(chance.normal(1, 1, 80), chance.normal(0, 1, 80))
        assert found.low < found.auc < found.high
        holds += found.low <= truth <= found.high
    assert 0.91 < holds / 300 < 0.98


@pytest.mark.parametrize(("size", "deviation"), [(100, 0.041), (500, 0.018), (1000, 0.013)])
def test_without_memory_the_auc_spreads_as_theory_says(size: int, deviation: float) -> None:
    chance = np.random.default_rng(2)
    found = [separation(chance.random(size), chance.random(size)).auc for _ in range(300)]
    assert np.std(found) == pytest.approx(deviation, rel=0.12)
    assert np.mean(found) == pytest.approx(0.5, abs=4 * deviation / np.sqrt(300))


def test_true_positives_at_one_percent_false_ones() -> None:
    found = separation(np.arange(200) + 150.0, np.arange(200).astype(float))
    # two of 200 others may lie above the threshold, which is then 197: members 198..349 of 150..349 exceed it
    assert found.true_positives == pytest.approx(152 / 200)
    assert found.true_positives_low is not None
    assert found.true_positives_high is not None
    assert found.true_positives_low < 0.76 < found.true_positives_high
    assert separation(np.arange(50.0), np.arange(99.0)).true_positives is None


def test_nothing_is_known_without_documents() -> None:
    assert separation(np.array([np.nan]), np.arange(3.0)).to_json()["auc"] == 0.5


def test_a_blind_classifier_finds_a_topic_and_no_difference_where_there_is_none() -> None:
    chance = np.random.default_rng(3)
    common = [chance.zipf(1.3, 80).clip(max=2000) for _ in range(300)]
    member = np.arange(300) % 2 == 0
    blind = blind_scores(common, member, seed=0)
    assert separation(blind[member], blind[~member]).low < 0.5
    shifted = [np.append(one, 5000) if yes else one for one, yes in zip(common, member, strict=True)]
    blind = blind_scores(shifted, member, seed=0)
    assert separation(blind[member], blind[~member]).low > 0.9


def test_a_trained_model_is_told_from_an_untrained_one(
    shards: Path, trained: Path, untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "FEWEST", 5)
    train, held_out = open_shards(shards / "tokens"), open_shards(shards / "tokens", "held_out")
    found = {}
    for folder in (trained, untrained):
        model = CausalModel(folder)

        def score(name: str, passages: Passages, model: CausalModel = model) -> TokenScores:
            return score_passages(model, passages, tmp_path / model.folder.name / name)

        found[folder.name] = section.membership(score, train, held_out, AuditConfig(), model.context)
    for name in ("loss", "zlib", "min_k", "min_k_plus_plus"):
        # the held-out texts share sentences with the training texts, so that the separation is far from perfect
        assert found["trained"]["scores"][name]["low"] > 0.5, name
    for name, values in found["untrained"]["scores"].items():
        assert values["low"] <= 0.5 <= values["high"], name


def test_where_the_texts_differ_no_figure_is_shown(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, held_out = open_shards(shards / "tokens"), open_shards(shards / "tokens", "held_out")
    chance = np.random.default_rng(0)
    sets = {
        "train": [chance.integers(10, 200, 60) for _ in range(60)],
        "held_out": [chance.integers(100, 300, 60) for _ in range(60)],
    }
    monkeypatch.setattr(section, "_beginnings", lambda split, *_: sets[split.name])

    def score(name: str, passages: Passages) -> TokenScores:
        raise AssertionError("the model must not be asked")

    value = section.membership(score, train, held_out, AuditConfig(), 256)
    assert value["scores"] == {}
    assert "differ in themselves" in value["withheld"]
    assert value["blind"]["low"] > 0.5
