"""What a model of the lab kept of each thing that was planted: the same passages for every arm."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.memorization.canaries import Canary
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.epsilon import epsilon_lower_bound, guess_coins
from corpuskit.memorization.measures.exposure import measure as measure_exposure
from corpuskit.memorization.measures.membership import separation
from corpuskit.memorization.measures.statistics import clopper_pearson
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.memorization.studies.lab.config import LabConfig
from corpuskit.memorization.studies.lab.world import COIN_COPIES, LENGTH, World
from corpuskit.tokens import Tokenizer, load_tokenizer

PREFIX = LENGTH // 2
"""Tokens of a planted document that the model is given; it must complete as many."""
CONTEXTS = (2, 4, 8, 16, 32, 48)
"""Tokens before the last 16 of a planted document."""
LAST = 16
Values = npt.NDArray[np.float64]


def measure_arm(
    model: Path,
    tokenizer: Path,
    world: World,
    folder: Path,
    config: LabConfig,
    watch: Callable[..., None] = lambda message, done, total: None,
) -> dict[str, Any]:
    """Extraction and membership by copies, extraction by context, exposure by copies, coins, and the cost.

    `folder` takes the score caches. All rates have Clopper and Pearson's intervals, all AUCs DeLong's.
    """
    causal, words = CausalModel(model), load_tokenizer(tokenizer)

    def score(name: str, texts: list[str], first: int | None = None) -> TokenScores:
        return score_passages(causal, _passages(words, texts, first), folder / name, what=name, watch=watch)

    planted = {copies: score(f"planted-{copies}", texts) for copies, texts in world.planted.items()}
    others = metrics.loss(planted[0])
    groups = [{"copies": copies, **_group(scores, others, config)} for copies, scores in planted.items()]
    fuzzy = {"copies": config.fuzzy_copies, **_group(score("fuzzy", world.fuzzy), others, config)}
    most = world.planted[max(world.planted)]
    contexts = []
    for length in CONTEXTS:
        scores = score(f"context-{length}", most, LENGTH - LAST - length)
        hits = metrics.reproduced(scores, length) >= LAST
        contexts.append({"prefix": length, **_rate(hits, config)})
    exposures = []
    for number, secret in enumerate(world.secrets):
        watch("ranking telephone numbers", number, len(world.secrets))
        exposures.append(_exposure(causal, words, secret))
    fresh = metrics.loss(score("fresh", world.fresh))
    return {
        "held_out_nats": -float(fresh.mean()),
        "held_out_error": float(fresh.std(ddof=1) / np.sqrt(len(fresh))),
        "by_copies": groups,
        "fuzzy": fuzzy,
        "by_context": contexts,
        "exposure": _exposures(world, exposures),
        "coins": _coins(score("coins", [coin.text for coin in world.coins]), world, config),
    }


def _passages(tokenizer: Tokenizer, texts: list[str], first: int | None) -> Passages:
    """The first LENGTH tokens of each text, framed as in training; with `first`, only those from there on."""
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    tokens, offsets = tokenizer.encode(texts)
    pieces = []
    for start, end in pairwise(offsets):
        ids = tokens[start:end].astype(np.int64)[:LENGTH]
        pieces.append(np.concatenate([begin, ids]).astype(np.int64) if first is None else ids[first:])
    return Passages.of(pieces)


def _group(scores: TokenScores, others: Values, config: LabConfig) -> dict[str, Any]:
    """Planted documents of one kind: how many are completed, how likely they are, how well separated from others."""
    prefix = int(scores.lengths.min()) + 1 - PREFIX
    values = metrics.loss(scores)
    # the never planted ones against each other, half and half: what chance gives
    one, two = (values[::2], values[1::2]) if values is others or np.array_equal(values, others) else (values, others)
    separated = separation(one, two, config.confidence)
    logs = metrics.suffix_log_probability(scores, prefix) / np.log(10)
    return {
        **_rate(metrics.reproduced(scores, prefix) >= PREFIX, config),
        "median_log10_probability": float(np.median(logs)),
        "bits": float(-values.mean() / np.log(2)),
        "auc": separated.auc,
        "auc_low": separated.low,
        "auc_high": separated.high,
    }


def _rate(hits: npt.NDArray[np.bool_], config: LabConfig) -> dict[str, Any]:
    low, high = clopper_pearson(int(hits.sum()), len(hits), config.confidence)
    return {
        "documents": len(hits), "extracted": int(hits.sum()), "rate": float(hits.mean()), "low": low, "high": high
    }  # fmt: skip


def _exposure(causal: CausalModel, tokenizer: Tokenizer, secret: Canary) -> tuple[float, float, int]:
    exposures = measure_exposure(causal, tokenizer, secret)
    return exposures.bits, exposures.most, exposures.rank


def _exposures(world: World, exposures: list[tuple[float, float, int]]) -> list[dict[str, Any]]:
    groups = []
    for copies in sorted({secret.copies for secret in world.secrets}):
        mine = [exposure for secret, exposure in zip(world.secrets, exposures, strict=True) if secret.copies == copies]
        bits = np.array([exposure[0] for exposure in mine])
        groups.append(
            {
                "copies": copies,
                "secrets": len(mine),
                "mean": float(bits.mean()),
                "standard_error": float(bits.std(ddof=1) / np.sqrt(len(bits))),
                "most": mine[0][1],
                "ranked_first": sum(exposure[2] == 1 for exposure in mine),
            }
        )
    return groups


def _coins(scores: TokenScores, world: World, config: LabConfig) -> dict[str, Any]:
    values, planted = metrics.loss(scores), np.array([coin.planted for coin in world.coins])
    guesses, right = guess_coins(values, planted)
    separated = separation(values[planted], values[~planted], config.confidence)
    return {
        "coins": len(planted),
        "guesses": guesses,
        "right": right,
        "epsilon": epsilon_lower_bound(len(planted), guesses, right, 0.0, config.confidence, COIN_COPIES),
        "auc": separated.auc,
        "auc_low": separated.low,
        "auc_high": separated.high,
    }
