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


def cluster_bootstrap(
    hits: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    confidence: float = 0.95,
    *,
    seed: int,
    rounds: int = 2000,
) -> tuple[float, float]:
    """Percentile interval of a rate when whole clusters are drawn: windows of one document are not independent.

    `clusters[i]` is the cluster (document) of trial i, from 0 up.
    """
    if len(hits) == 0:
        return 0.0, 1.0
    found = np.bincount(clusters, weights=hits).astype(np.float64)
    sizes = np.bincount(clusters).astype(np.float64)
    found, sizes = found[sizes > 0], sizes[sizes > 0]
    drawn = np.random.default_rng(seed).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=rounds)
    rates = (drawn @ found) / (drawn @ sizes)
    tail = (1 - confidence) / 2
    low, high = np.quantile(rates, [tail, 1 - tail])
    return float(low), float(high)


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
    seed: int = 0,
    rounds: int = 2000,
) -> dict[str, float]:
    """Rate and total of a stratified sample (Horvitz and Thompson 1952) with a normal interval.

    `weights[i]`: how many places of the corpus trial i stands for; trials of one stratum share theirs. The spread
    within a stratum is that of its rate with one hit and one miss added (Agresti and Coull 1998), so that a stratum
    without hits still leaves doubt; a stratum of which every place was tried leaves none. `documents` numbers the
    document of each trial from 0: low_by_document and high_by_document then come from drawing whole documents anew.
    """
    places = float(weights.sum())
    if not places:
        found = {"places": 0.0, "extractable": 0.0, "rate": 0.0, "low": 0.0, "high": 1.0}
        return found if documents is None else found | {"low_by_document": 0.0, "high_by_document": 1.0}
    variance = 0.0
    for weight in np.unique(weights):
        mine = weights == weight
        trials = int(mine.sum())
        smoothed = (int(hits[mine].sum()) + 1) / (trials + 2)
        unseen = 1 - 1 / weight
        variance += (weight * trials) ** 2 * unseen * smoothed * (1 - smoothed) / trials
    wide = float(require("scipy.stats", "train").norm.ppf((1 + confidence) / 2)) * math.sqrt(variance) / places
    rate = float((weights * hits).sum()) / places
    found = {
        "places": places,
        "extractable": rate * places,
        "rate": rate,
        "low": max(0.0, rate - wide),
        "high": min(1.0, rate + wide),
    }
    if documents is not None:
        in_hits = np.bincount(documents, weights=weights * hits)
        in_all = np.bincount(documents, weights=weights)
        in_hits, in_all = in_hits[in_all > 0], in_all[in_all > 0]
        clusters = len(in_all)
        drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=rounds)
        tail = (1 - confidence) / 2
        low, high = np.quantile((drawn @ in_hits) / (drawn @ in_all), [tail, 1 - tail])
        found |= {"low_by_document": float(low), "high_by_document": float(high)}
    return found


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
