"""Every figure of an audit that is a function of token scores, in numpy: no model is asked again.

Membership scores are oriented alike: larger means more like a training text. Sources: loss (Yeom et al. 2018,
arXiv:1709.01604), zlib (Carlini et al. 2021, arXiv:2012.07805, section 5.2), Min-K% (Shi et al. 2024,
arXiv:2310.16789), Min-K%++ (Zhang et al. 2024, arXiv:2404.02936), DC-PDD (Zhang et al. 2024, arXiv:2409.14781),
reference (arXiv:2012.07805). Extraction: arXiv:2202.07646 and arXiv:2410.19482.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError
from corpuskit.memorization.scoring.scores import TokenScores

Values = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
SIGMA_FLOOR = 1e-6
"""Below this spread a distribution is one token's, and how many spreads a token lies from the mean says nothing."""


def loss(scores: TokenScores) -> Values:
    """float64[passages]: mean log-probability of the tokens; NaN where a passage has none."""
    return -_means(scores.nll.astype(np.float64), scores.offsets)


def zlib_ratio(scores: TokenScores, texts: Sequence[str]) -> Values:
    """float64[passages]: mean log-probability over the bytes to which zlib (level 6) compresses the text."""
    _same(scores, texts, "texts")
    sizes = np.array([len(zlib.compress(text.encode("utf-8", "replace"))) for text in texts], np.float64)
    return loss(scores) / sizes


def min_k(scores: TokenScores, share: float = 0.2) -> Values:
    """float64[passages]: mean log-probability of the `share` least likely tokens of each passage, at least one."""
    return _lowest(-scores.nll.astype(np.float64), scores.offsets, share)


def min_k_plus_plus(scores: TokenScores, share: float = 0.2) -> Values:
    """float64[passages]: Min-K% of log-probabilities counted in standard deviations from what the model expects."""
    logs, mean = -scores.nll.astype(np.float64), -scores.entropy.astype(np.float64)
    return _lowest((logs - mean) / np.maximum(scores.sigma, SIGMA_FLOOR), scores.offsets, share)


def reference(scores: TokenScores, other: TokenScores) -> Values:
    """float64[passages]: how much likelier the model finds a passage than a reference model does, in nats a token.

    Raises UsageError where the two caches are not of the same passages.
    """
    if not (np.array_equal(scores.offsets, other.offsets) and np.array_equal(scores.token, other.token)):
        raise UsageError("the scores of the reference model are of other passages than those of the model")
    return loss(scores) - loss(other)


def dc_pdd(scores: TokenScores, counts: Numbers, cap: float = 0.01) -> Values:
    """float64[passages]: mean over each passage's distinct tokens, at their first places, of min(cap, p log 1/f).

    `counts` int64[vocabulary]: how often each token stands in a corpus; f is its share with one added to each count.
    """
    frequency = (counts + 1) / (counts.sum() + len(counts))
    passage = np.repeat(np.arange(len(scores)), scores.lengths)
    _, first = np.unique(passage * len(counts) + scores.token, return_index=True)
    cross = np.exp(-scores.nll[first].astype(np.float64)) * -np.log(frequency[scores.token[first]])
    total = np.bincount(passage[first], weights=np.minimum(cross, cap), minlength=len(scores))
    with np.errstate(invalid="ignore"):
        return total / np.bincount(passage[first], minlength=len(scores))


def run_lengths(scores: TokenScores) -> Numbers:
    """int64[tokens]: from each token, how many tokens on greedy decoding reproduces, up to the passage's end.

    Greedy decoding from the true text before token t emits the next k tokens exactly when this is at least k (Carlini
    et al. 2022: induction over the suffix), so one pass answers every length of suffix at every place.
    """
    size = len(scores.nll)
    ends = np.repeat(scores.offsets[1:], scores.lengths)
    misses = np.where(scores.match, size, np.arange(size))
    following = np.minimum.accumulate(misses[::-1])[::-1] if size else misses
    return np.minimum(following, ends) - np.arange(size)


def longest_runs(scores: TokenScores) -> Numbers:
    """int64[passages]: the longest stretch of each passage that greedy decoding reproduces."""
    found = np.zeros(len(scores), np.int64)
    np.maximum.at(found, np.repeat(np.arange(len(scores)), scores.lengths), run_lengths(scores))
    return found


def reproduced(scores: TokenScores, prefix: int | Numbers) -> Numbers:
    """int64[passages]: tokens that greedy decoding reproduces behind the first `prefix` tokens of each passage.

    `prefix` is one number, or one for each passage; at least 1.
    """
    found = np.zeros(len(scores), np.int64)
    before = np.broadcast_to(prefix, len(scores))
    long = scores.lengths >= before
    found[long] = run_lengths(scores)[scores.offsets[:-1][long] + before[long] - 1]
    return found


def extractable_by_length(scores: TokenScores, prefix: int) -> Numbers:
    """int64[length]: of the passages, how many are extractable with a suffix of 1, 2, 3, ... tokens behind `prefix`."""
    longest = int(scores.lengths.max(initial=prefix - 1)) - prefix + 1
    counts = np.bincount(reproduced(scores, prefix), minlength=longest + 1)
    return np.cumsum(counts[::-1])[::-1][1 : longest + 1]


def suffix_log_probability(scores: TokenScores, prefix: int | Numbers, policy: str | None = None) -> Values:
    """float64[passages]: natural log of the probability that sampling behind `prefix` tokens writes the rest.

    `policy`: the name of a decoding policy of the cache; plain sampling without one. -inf where the policy cuts one of
    the tokens off.
    """
    if policy is not None and policy not in scores.policies:
        raise UsageError(f"the scores were not made for the decoding policy '{policy}': {', '.join(scores.policies)}")
    logs = -scores.nll if policy is None else scores.policies[policy]
    place = np.arange(len(logs)) - np.repeat(scores.offsets[:-1], scores.lengths)
    before = np.repeat(np.broadcast_to(prefix, len(scores)), scores.lengths)
    kept = np.where(place >= before - 1, logs.astype(np.float64), 0.0)
    return sums(kept, scores.offsets)


def sums(values: Values, offsets: Numbers) -> Values:
    """float64[passages]: the sum of each passage's values; 0 where it has none."""
    lengths = np.diff(offsets)
    passage = np.repeat(np.arange(len(lengths)), lengths)
    return np.bincount(passage, weights=values, minlength=len(lengths)).astype(np.float64)


def _same(scores: TokenScores, others: Sequence[object], what: str) -> None:
    if len(scores) != len(others):
        raise UsageError(f"{len(scores)} passages were scored, and there are {len(others)} {what}")


def _means(values: Values, offsets: Numbers) -> Values:
    with np.errstate(invalid="ignore"):
        return sums(values, offsets) / np.diff(offsets)


def _lowest(values: Values, offsets: Numbers, share: float) -> Values:
    """Mean of the lowest floor(share * length) values of each passage, of one value at least."""
    if not 0 < share <= 1:
        raise UsageError(f"the share of tokens lies above 0 and is at most 1, not {share}")
    lengths = np.diff(offsets)
    kept = np.minimum(np.maximum((lengths * share).astype(np.int64), 1), lengths)
    total = np.empty(len(lengths), np.float64)
    _sum_of_lowest(np.ascontiguousarray(values, np.float64), offsets, kept, total)
    with np.errstate(invalid="ignore"):
        return total / kept


@nb.njit(cache=True, nogil=True)
def _sum_of_lowest(values: Any, offsets: Any, kept: Any, total: Any) -> None:  # pragma: no cover
    for passage in range(kept.shape[0]):
        part, count = values[offsets[passage] : offsets[passage + 1]], kept[passage]
        if 0 < count < part.shape[0]:
            part = np.partition(part, count - 1)[:count]
        total[passage] = part.sum()
