"""The intervals and closed forms that an audit states beside every rate."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from corpuskit.errors import require

Floats = npt.NDArray[np.float64]


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a rate (Clopper and Pearson 1934): it holds the true rate at least this often.

    Without trials it is (0, 1): nothing is known.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits of {trials} trials")
    if trials == 0:
        return 0.0, 1.0
    beta = require("scipy.stats", "train").beta
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(beta.ppf(1 - tail, hits + 1, trials - hits))
    return low, high


FEWEST = 10
"""Documents with a hit, and with a miss, from which the spread between documents can be estimated."""


def document_interval(
    hits: npt.NDArray[np.bool_], documents: npt.NDArray[np.int64], confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of a rate among all documents of the kind, of which these were drawn.

    `documents[i]` is the document of trial i, from 0 up. Windows of one document are not independent: the exact
    interval is taken of as many trials as they are worth (Korn and Graubard 1998, Confidence Intervals for Proportions
    with Small Expected Number of Positive Counts), judged by the spread between documents. Where fewer than `FEWEST`
    documents have a hit, or a miss, that spread is unknown, and each document is worth one trial (fewer, where some are
    much larger). Without trials it is (0, 1).
    """
    trials = len(hits)
    if not trials:
        return 0.0, 1.0
    stats = require("scipy.stats", "train")
    sizes = np.bincount(documents).astype(np.float64)
    found = np.bincount(documents, weights=hits)[sizes > 0]
    sizes = sizes[sizes > 0]
    rate, tail = float(found.sum()) / trials, (1 - confidence) / 2
    worth = trials**2 / float((sizes**2).sum())
    if min(int((found > 0).sum()), int((found < sizes).sum())) >= FEWEST:
        count = len(sizes)
        variance = count / (count - 1) * float(((found - rate * sizes) ** 2).sum()) / trials**2
        narrower = float(stats.norm.ppf(1 - tail) / stats.t.ppf(1 - tail, count - 1)) ** 2
        worth = min(float(trials), narrower * rate * (1 - rate) / variance) if variance > 0 else float(trials)
    positive = rate * worth
    low = 0.0 if rate == 0 else float(stats.beta.ppf(tail, positive, worth - positive + 1))
    high = 1.0 if rate == 1 else float(stats.beta.ppf(1 - tail, positive + 1, worth - positive))
    return low, high


def widest(*intervals: tuple[float, float]) -> tuple[float, float]:
    """From the lowest to the highest bound of some intervals."""
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def smallest_detectable(trials: int, confidence: float = 0.95) -> float:
    """The smallest rate of which this many trials show at least one with this probability: the power of a sample.

    1 - (1 - confidence)^(1 / trials); for 95 % about 3 over the number of trials. 1 without trials.
    """
    return 1 - (1 - confidence) ** (1 / trials) if trials else 1.0


def weighted_rate(
    hits: npt.NDArray[np.bool_],
    weights: Floats,
    confidence: float = 0.95,
    *,
    documents: npt.NDArray[np.int64] | None = None,
) -> dict[str, float]:
    """Rate and total of a stratified sample (Horvitz and Thompson 1952) with a normal interval.

    `weights[i]`: how many places of the corpus trial i stands for; trials of one stratum share theirs. The spread
    within a stratum is that of its rate with one hit and one miss added (Agresti and Coull 1998), so that a stratum
    without hits still leaves doubt; a stratum of which every place was tried leaves none. `documents` numbers the
    document of each trial from 0: low_by_document and high_by_document then put together the `document_interval` of
    each stratum (Zou and Donner 2008, Construction of confidence limits about effect measures, section 2), and low and
    high are the wider of the two.
    """
    places = float(weights.sum())
    if not places:
        found = {"places": 0.0, "extractable": 0.0, "rate": 0.0, "low": 0.0, "high": 1.0}
        return found if documents is None else found | {"low_by_document": 0.0, "high_by_document": 1.0}
    variance = below = above = 0.0
    for weight in np.unique(weights):
        mine = weights == weight
        trials = int(mine.sum())
        smoothed = (int(hits[mine].sum()) + 1) / (trials + 2)
        unseen = 1 - 1 / weight
        variance += (weight * trials) ** 2 * unseen * smoothed * (1 - smoothed) / trials
        if documents is not None:
            of, share = float(hits[mine].mean()), weight * trials / places
            low, high = document_interval(hits[mine], documents[mine], confidence)
            below += (share * (of - low)) ** 2
            above += (share * (high - of)) ** 2
    wide = float(require("scipy.stats", "train").norm.ppf((1 + confidence) / 2)) * math.sqrt(variance) / places
    rate = float((weights * hits).sum()) / places
    bounds = max(0.0, rate - wide), min(1.0, rate + wide)
    found = {"places": places, "extractable": rate * places, "rate": rate}
    if documents is None:
        return found | {"low": bounds[0], "high": bounds[1]}
    by_document = max(0.0, rate - math.sqrt(below)), min(1.0, rate + math.sqrt(above))
    low, high = widest(bounds, by_document)
    return found | {"low": low, "high": high, "low_by_document": by_document[0], "high_by_document": by_document[1]}


def tries_until(log_probability: Floats, p: float = 0.5) -> Floats:
    """Samples n at which text of this natural log-probability comes up at least once with probability p.

    (n, p)-discoverable extraction (Hayes et al. 2024, arXiv:2410.19482): n >= log(1 - p) / log(1 - p_z). In log space,
    so that probabilities far below the smallest float still have their n (infinity where even that overflows).
    """
    log_probability = np.asarray(log_probability, np.float64)
    with np.errstate(over="ignore", divide="ignore"):
        log_miss = np.log1p(-np.exp(np.minimum(log_probability, 0.0)))
        exact = math.log1p(-p) / log_miss
        tiny = -math.log1p(-p) * np.exp(-log_probability)  # log(1 - x) is -x
    return np.maximum(1.0, np.ceil(np.where(log_probability < -30, tiny, exact)))


def exposure(rank: int, candidates: int) -> float:
    """log2 |R| - log2 rank in bits (arXiv:1802.08232, definition 2): log2 |R| where the secret ranks first."""
    if not 1 <= rank <= candidates:
        raise ValueError(f"rank {rank} among {candidates} candidates")
    return math.log2(candidates) - math.log2(rank)


NULL_EXPOSURE = 1 / math.log(2)
"""Mean exposure of a secret that was never seen: a uniform rank has -log2 U, whose mean is 1 / ln 2 = 1.44 bits."""
