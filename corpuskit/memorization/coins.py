"""The coin section of an audit: how well the model tells which secrets were planted, and what epsilon that refutes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.memorization.canaries import Canary
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.epsilon import epsilon_lower_bound, guess_coins
from corpuskit.memorization.measures.extraction import Score
from corpuskit.memorization.measures.membership import separation
from corpuskit.memorization.scoring.scores import Passages, TokenScores
from corpuskit.tokens import Tokenizer

DELTA = 1e-5


def coin_section(
    score: Score, tokenizer: Tokenizer, coins: list[Canary], config: AuditConfig, context: int
) -> dict[str, Any] | None:
    """None where no coin was tossed. Passages are cut to the model's `context`, in tokens."""
    if not coins:
        return None
    passages, starts = secret_passages(tokenizer, [(coin.prefix, coin.secret) for coin in coins], context)
    values = secret_log_probability(score("coins", passages), starts)
    planted = np.array([coin.copies > 0 for coin in coins])
    guesses, right = guess_coins(values, planted)
    copies = max(1, *(coin.copies for coin in coins))
    told = separation(values[planted], values[~planted], config.confidence)
    return {
        "secrets": len(coins),
        "planted": int(planted.sum()),
        "copies": copies,
        "guesses": guesses,
        "right": right,
        "confidence": config.confidence,
        # a coin decides about all copies of its secret: the unit of the first three is one record, one copy
        "epsilon": epsilon_lower_bound(len(coins), guesses, right, 0.0, config.confidence, copies),
        "epsilon_at_delta": epsilon_lower_bound(len(coins), guesses, right, DELTA, config.confidence, copies),
        "most": epsilon_lower_bound(len(coins), guesses, guesses, 0.0, config.confidence, copies),
        "epsilon_of_group": epsilon_lower_bound(len(coins), guesses, right, 0.0, config.confidence),
        "delta": DELTA,
        **told.to_json(),
    }


def secret_passages(
    tokenizer: Tokenizer, texts: list[tuple[str, str]], longest: int | None = None
) -> tuple[Passages, npt.NDArray[np.int64]]:
    """Passages of (prefix, secret) texts, and int64[texts]: the first token of each that the prefix alone has not.

    Glued to its prefix a secret may begin inside a token; the token is then counted as the secret's. `longest`: tokens
    to which a passage is cut from the left.
    """
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    whole, whole_at = tokenizer.encode([prefix + secret for prefix, secret in texts])
    alone, alone_at = tokenizer.encode([prefix for prefix, _ in texts])
    pieces, starts = [], []
    for number in range(len(texts)):
        ids = whole[whole_at[number] : whole_at[number + 1]].astype(np.int64)
        prefix = alone[alone_at[number] : alone_at[number + 1]]
        shared = min(len(ids), len(prefix))
        agree = ids[:shared] == prefix[:shared]
        same = shared if agree.all() else int(np.argmin(agree))
        same = min(same, len(ids) - 1)
        ids = np.concatenate([np.array(begin, np.int64), ids])
        cut = 0 if longest is None else max(0, len(ids) - longest)
        pieces.append(ids[cut:])
        starts.append(max(same + len(begin) - cut, 1))
    return Passages.of(pieces), np.array(starts, np.int64)


def secret_log_probability(scores: TokenScores, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """float64[passages]: natural log-probability of the tokens from each start on, given those before."""
    place = np.arange(len(scores.nll)) - np.repeat(scores.offsets[:-1], scores.lengths)
    kept = np.where(place >= np.repeat(starts - 1, scores.lengths), -scores.nll.astype(np.float64), 0.0)
    return metrics.sums(kept, scores.offsets)
