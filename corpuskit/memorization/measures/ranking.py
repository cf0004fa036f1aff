"""A secret's rank among other strings that could stand in its place, each behind what stands before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.memorization.coins import secret_log_probability, secret_passages
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.extraction import Score
from corpuskit.memorization.measures.statistics import exposure
from corpuskit.tokens import Tokenizer

Numbers = npt.NDArray[np.int64]
LONGEST = 128
"""Tokens of a passage."""


@dataclass(frozen=True)
class Ranked:
    ranks: Numbers
    """int64[secrets], from 1; of candidates that are as likely, half count as better."""
    bits: npt.NDArray[np.float64]
    """Exposure among the secret's own candidates."""
    extracted: npt.NDArray[np.bool_]
    """Whether greedy decoding writes the secret."""


def rank_secrets(
    score: Score,
    name: str,
    tokenizer: Tokenizer,
    before: Sequence[str],
    secrets: Sequence[str],
    others: Sequence[Sequence[str]],
    longest: int = LONGEST,
) -> Ranked:
    """Ranks of `secrets`, each after its text `before` and among its own `others`; scores are kept under `name`.

    Passages are cut from the left to `longest` tokens, at most the model's context.
    """
    texts = [
        (prefix, text) for prefix, secret, some in zip(before, secrets, others, strict=True) for text in (secret, *some)
    ]
    passages, starts = secret_passages(tokenizer, texts, longest)
    scores = score(name, passages)
    logs = secret_log_probability(scores, starts)
    sizes = np.array([1 + len(some) for some in others], np.int64)
    first = np.cumsum(sizes) - sizes
    ranks = np.empty(len(secrets), np.int64)
    for number, (start, size) in enumerate(zip(first, sizes, strict=True)):
        own, rest = logs[start], logs[start + 1 : start + size]
        ranks[number] = 1 + int((rest > own).sum()) + int((rest == own).sum()) // 2
    bits = np.array([exposure(int(rank), int(size)) for rank, size in zip(ranks, sizes, strict=True)])
    wanted = scores.lengths + 1 - starts
    return Ranked(ranks, bits, (metrics.reproduced(scores, starts) >= wanted)[first])


def exposure_summary(ranked: Ranked, mine: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Mean exposure of some of the secrets with its standard error, and how many rank first."""
    bits = ranked.bits[mine]
    return {
        "mean": float(bits.mean()),
        "standard_error": float(bits.std(ddof=1) / np.sqrt(len(bits))) if len(bits) > 1 else None,
        "ranked_first": int((ranked.ranks[mine] == 1).sum()),
    }
