"""Exposure and ranks of secrets against a model's full logits, and worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from corpuskit.errors import UsageError
from corpuskit.memorization.canaries import Canary
from corpuskit.memorization.measures import exposure as exposures
from corpuskit.memorization.measures.exposure import candidate_log_probabilities, measure
from corpuskit.memorization.measures.ranking import LONGEST, Ranked, exposure_summary, rank_secrets
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.tokens import Tokenizer, open_shards


@pytest.fixture(scope="module")
def model(untrained: Path) -> CausalModel:
    return CausalModel(untrained)


@pytest.fixture(scope="module")
def tokenizer(shards: Path) -> Tokenizer:
    return open_shards(shards / "tokens").tokenizer


def direct(model: CausalModel, tokenizer: Tokenizer, text: str) -> float:
    """The natural log-probability of a text's tokens after the begin token, from the model's full logits."""
    ids = torch.tensor([[tokenizer.begin, *tokenizer.encode([text])[0].tolist()]])
    with torch.inference_mode():
        logs = torch.log_softmax(model.model(ids).logits.double(), -1)[0]
    return float(sum(logs[place - 1, ids[0, place]] for place in range(1, ids.shape[1])))


@pytest.mark.parametrize(
    "candidates",
    [
        ["12", "13", "20", "7", "heron", "a heron of the village"],
        ["the fox", "the fox crossed"],
        ["same", "same"],
        ["alone"],
    ],
)
def test_candidates_have_the_probabilities_of_their_own_tokens(
    model: CausalModel, tokenizer: Tokenizer, candidates: list[str]
) -> None:
    prefix = "The code of the room is "
    found = candidate_log_probabilities(model, tokenizer, prefix, candidates)
    whole = np.array([direct(model, tokenizer, prefix + candidate) for candidate in candidates])
    np.testing.assert_allclose(found - found[0], whole - whole[0], atol=1e-4)
    assert (found <= 0).all()


def test_the_rank_of_a_secret_is_among_all_numbers_of_its_length(model: CausalModel, tokenizer: Tokenizer) -> None:
    canary = Canary("c", "en", "The code of the room is ", "07", 0)
    found = measure(model, tokenizer, canary)
    logs = [direct(model, tokenizer, f"{canary.prefix}{number:02d}") for number in range(100)]
    rank = 1 + sum(value > logs[7] + 1e-9 for value in logs)
    assert found.rank == rank
    assert found.bits == pytest.approx(math.log2(100) - math.log2(rank))
    assert found.most == pytest.approx(math.log2(100))
    assert found.canary == canary


def logs_of(values: dict[int, float], rest: float) -> Any:
    def given(model: Any, tokenizer: Any, prefix: str, candidates: list[str]) -> npt.NDArray[np.float64]:
        assert prefix == "code "
        return np.array([values.get(int(candidate), rest) for candidate in candidates])

    return given


@pytest.mark.parametrize(
    ("values", "rank"),
    [
        ({7: -1.0}, 1),
        ({7: -1.0, 8: -0.5, 9: -0.5}, 3),
        ({7: -1.0, 8: -1.0}, 1),  # of one equal, none counts as better
        ({7: -1.0, 8: -1.0, 9: -1.0}, 2),  # of two equal, one does
        ({7: -1.0, 8: -0.5, 9: -1.0, 10: -1.0, 11: -1.0}, 3),
    ],
)
def test_half_of_the_numbers_that_are_as_likely_count_as_better(
    monkeypatch: pytest.MonkeyPatch, values: dict[int, float], rank: int
) -> None:
    monkeypatch.setattr(exposures, "candidate_log_probabilities", logs_of(values, -9.0))
    nothing: Any = None
    found = measure(nothing, nothing, Canary("c", "en", "code ", "07", 0))
    assert (found.rank, found.bits) == (rank, pytest.approx(math.log2(100 / rank)))


def test_secrets_are_ranked_among_their_own_others(model: CausalModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def score(name: str, passages: Passages) -> TokenScores:
        asked.append((name, len(passages)))
        return score_passages(model, passages, tmp_path / name)

    before = ["The fox of Leeds has ", "Nobody asked ", "On day 3 "]
    secrets = ["41", "otter", "the heron"]
    others = [["12", "77", "90", "41"], [], ["the fox", "nobody"]]
    found = rank_secrets(score, "mine", tokenizer, before, secrets, others)
    assert asked == [("mine", 9)]
    expected = []
    for prefix, secret, rest in zip(before, secrets, others, strict=True):
        beginning = len(tokenizer.encode([prefix])[0])
        own, *logs = (_after(model, tokenizer, prefix, text, beginning) for text in (secret, *rest))
        better, equal = sum(one > own + 1e-7 for one in logs), sum(abs(one - own) <= 1e-7 for one in logs)
        expected.append(1 + better + equal // 2)
    assert found.ranks.tolist() == expected
    sizes = [5, 1, 3]
    assert found.bits.tolist() == pytest.approx(
        [math.log2(size / rank) for size, rank in zip(sizes, expected, strict=True)]
    )
    assert found.extracted.tolist() == [False, False, False]


def _after(model: CausalModel, tokenizer: Tokenizer, prefix: str, text: str, beginning: int) -> float:
    """The log-probability of the tokens that the text adds to its prefix."""
    whole, alone = tokenizer.encode([prefix + text])[0].tolist(), tokenizer.encode([prefix])[0].tolist()
    same = next((place for place in range(min(len(whole), len(alone))) if whole[place] != alone[place]), len(alone))
    same = min(same, len(whole) - 1)
    ids = torch.tensor([[tokenizer.begin, *whole]])
    with torch.inference_mode():
        logs = torch.log_softmax(model.model(ids).logits.float(), -1)[0]
    return float(sum(logs[place, ids[0, place + 1]] for place in range(same, len(whole))))


def scores_of(logs: list[list[float]], ranks: list[list[int]]) -> TokenScores:
    flat = np.array([value for row in logs for value in row], np.float32)
    offsets = np.cumsum([0, *map(len, logs)]).astype(np.int64)
    zeros = np.zeros(len(flat), np.float32)
    chosen = np.array([value for row in ranks for value in row], np.uint16)
    margin = np.ones(len(flat), np.float16)
    return TokenScores(offsets, np.zeros(len(flat), np.uint32), -flat, chosen, margin, zeros, zeros, {}, "m")


def test_what_greedy_decoding_writes_whole_is_extracted(tokenizer: Tokenizer) -> None:
    lengths: list[int] = []

    def score(name: str, passages: Passages) -> TokenScores:
        lengths.extend(np.diff(passages.offsets).tolist())
        predicted = [length - 1 for length in lengths]
        ranks = [[0] * predicted[0], [0] * predicted[1], [0] * (predicted[2] - 1) + [5], [0] * predicted[3]]
        logs = [[-1.0] * predicted[0], [-2.0] * predicted[1], [-1.0] * predicted[2], [-1.0] * predicted[3]]
        return scores_of(logs, ranks)

    long = "the fox crossed the field " * 60
    found = rank_secrets(score, "x", tokenizer, ["The ", long], ["fox", "heron"], [["otter"], ["fox"]])
    assert found.extracted.tolist() == [True, False]
    assert found.ranks.tolist()[0] == 1
    assert max(lengths) == LONGEST == 128


def test_a_summary_of_exposures_by_hand() -> None:
    ranked = Ranked(np.array([1, 4, 1, 2]), np.array([6.0, 4.0, 6.0, 5.0]), np.zeros(4, bool))
    found = exposure_summary(ranked, np.array([True, True, False, True]))
    assert found == {
        "mean": 5.0,
        "standard_error": pytest.approx(1 / math.sqrt(3)),
        "ranked_first": 1,
    }
    assert exposure_summary(ranked, np.array([True, False, False, False])) == {
        "mean": 6.0,
        "standard_error": None,
        "ranked_first": 1,
    }
    two = exposure_summary(ranked, np.array([True, True, False, False]))
    assert two["standard_error"] == pytest.approx(math.sqrt(2) / math.sqrt(2))


def test_secrets_longer_than_the_context_are_cut_to_it(model: CausalModel, tokenizer: Tokenizer) -> None:
    short = CausalModel(model.folder)
    short.context = 24
    sentence = "The entry code of the archive room heron otter fox field village is " * 3
    numbers = [f"{number:02d}" for number in range(100)]
    logs = candidate_log_probabilities(short, tokenizer, sentence, numbers)
    assert np.isfinite(logs).all()
    assert len(set(logs.tolist())) > 50
    short.context = 1
    with pytest.raises(UsageError, match="does not fit a context of 1"):
        candidate_log_probabilities(short, tokenizer, sentence, numbers)
