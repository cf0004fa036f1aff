"""The exact exposure of a secret: its rank among every number of its form, by a walk over the tree of their tokens.

All 10^d candidates share most of their tokens' beginnings. Going down level by level, each distinct beginning is one
row of a forward pass, so the probabilities of all 10,000 four-digit numbers take about a tenth as many rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError
from corpuskit.memorization.canaries import Canary
from corpuskit.memorization.measures.statistics import exposure
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.tokens import Tokenizer


@dataclass(frozen=True)
class Exposure:
    canary: Canary
    rank: int
    """1 where the model thinks no other number likelier; of numbers that are as likely, half count as better."""
    bits: float
    most: float
    """The exposure of a secret that ranks first: log2 of the number of candidates."""


def candidate_log_probabilities(
    model: CausalModel, tokenizer: Tokenizer, prefix: str, candidates: Sequence[str]
) -> npt.NDArray[np.float64]:
    """float64[candidates]: natural log-probability of each candidate after the prefix, as its own tokens."""
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    tokens, offsets = tokenizer.encode([prefix + candidate for candidate in candidates])
    encoded = [begin + tokens[start:end].tolist() for start, end in pairwise(offsets)]
    # a secret whose sentence is longer than the context is ranked after the end of the sentence
    beyond = max(0, max(map(len, encoded)) - model.context)
    encoded = [ids[beyond:] for ids in encoded]
    shared = min(map(len, encoded))
    while any(ids[:shared] != encoded[0][:shared] for ids in encoded):
        shared -= 1
    if not shared:
        raise UsageError(f"a secret of {max(map(len, encoded))} tokens does not fit a context of {model.context}")
    totals = np.zeros(len(encoded))
    alive = [number for number, ids in enumerate(encoded) if len(ids) > shared]
    length = shared
    while alive:
        rows: dict[tuple[int, ...], dict[int, list[int]]] = {}
        for number in alive:
            ids = encoded[number]
            rows.setdefault(tuple(ids[:length]), {}).setdefault(ids[length], []).append(number)
        wanted = [np.fromiter(nexts, np.int64) for nexts in rows.values()]
        logs = model.next_log_probabilities(np.array(list(rows), np.int64), wanted)
        for nexts, values in zip(rows.values(), logs, strict=True):
            for numbers, value in zip(nexts.values(), values, strict=True):
                totals[numbers] += value
        length += 1
        alive = [number for number in alive if len(encoded[number]) > length]
    return totals


def measure(model: CausalModel, tokenizer: Tokenizer, canary: Canary) -> Exposure:
    """The exposure of one canary among all numbers with as many digits."""
    digits = len(canary.secret)
    candidates = [f"{number:0{digits}d}" for number in range(10**digits)]
    logs = candidate_log_probabilities(model, tokenizer, canary.prefix, candidates)
    own = logs[int(canary.secret)]
    better, equal = int((logs > own).sum()), int((logs == own).sum()) - 1
    rank = 1 + better + equal // 2
    return Exposure(canary, rank, exposure(rank, len(candidates)), exposure(1, len(candidates)))
