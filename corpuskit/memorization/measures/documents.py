"""The membership section of an audit: beginnings of training and held-out documents, scored, separated, and gated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.windows import planted
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.dataset_inference import dataset_inference
from corpuskit.memorization.measures.extraction import Score
from corpuskit.memorization.measures.membership import blind_scores, separation
from corpuskit.memorization.scoring.scores import Passages
from corpuskit.tokens import Shards

SHORTEST = 32
"""Tokens of the shortest document that is looked at."""
SHARES = (0.05, 0.1, 0.3, 0.5, 1.0)
"""Further shares of the least likely tokens, for the test over all documents."""
_LOWEST = {"min_k": metrics.min_k, "min_k_plus_plus": metrics.min_k_plus_plus}
FEWEST = 20
"""Documents on each side, below which nothing is said."""


def membership(
    score: Score,
    train: Shards,
    held_out: Shards,
    config: AuditConfig,
    context: int,
    reference: Score | None = None,
) -> dict[str, Any]:
    """AUC and true positive rate of each score, or the reason why none is shown (`withheld`).

    `reference` scores passages by another model. `dataset` is the test over all documents together.
    """
    length = min(config.document_tokens, context)
    members = _beginnings(train, config.documents, length, config.seed)
    others = _beginnings(held_out, config.documents, length, config.seed)
    found: dict[str, Any] = {
        "documents": len(members),
        "held_out": len(others),
        "tokens": length,
        "scores": {},
        "dataset": None,
    }
    if min(len(members), len(others)) < FEWEST:
        return found | {"blind": None, "withheld": f"fewer than {FEWEST} documents on one of the sides"}
    both = members + others
    member = np.arange(len(both)) < len(members)
    blind = blind_scores(both, member, seed=config.seed)
    told = separation(blind[member], blind[~member], config.confidence)
    found["blind"] = told.to_json()
    if told.low > 0.5:
        return found | {
            "withheld": "a classifier that never saw the model tells the two sets apart "
            f"(AUC {told.auc:.3f} [{told.low:.3f}, {told.high:.3f}]): they differ in themselves, "
            "so no score of the model's can be taken for memory"
        }
    scores = score("documents", Passages.of(both))
    texts = [train.tokenizer.decode(document.tolist()) for document in both]
    values = {
        "loss": metrics.loss(scores),
        "zlib": metrics.zlib_ratio(scores, texts),
        "min_k": metrics.min_k(scores),
        "min_k_plus_plus": metrics.min_k_plus_plus(scores),
        # the held-out split's counts would favour what is rare in it, the training split's what is common there: both
        "dc_pdd": metrics.dc_pdd(scores, token_counts(train) + token_counts(held_out)),
    }
    if reference is not None:
        values["reference"] = metrics.reference(scores, reference("reference", Passages.of(both)))
    shares = {f"{name}_{share:g}": kind(scores, share) for name, kind in _LOWEST.items() for share in SHARES}
    found["dataset"] = dataset_inference(values | shares, member, seed=config.seed)
    found["scores"] = {
        name: separation(each[member], each[~member], config.confidence).to_json() for name, each in values.items()
    }
    return found | {"withheld": None}


def token_counts(shards: Shards) -> npt.NDArray[np.int64]:
    """int64[vocabulary]: how often each token stands in the shards."""
    counts = np.zeros(shards.manifest.tokenizer.vocabulary, np.int64)
    for shard in shards.shards:
        counts += np.bincount(shard.tokens, minlength=len(counts))[: len(counts)]
    return counts


def _beginnings(shards: Shards, count: int, length: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """The first `length` tokens, each beginning once, of at most `count` documents, without the token that ends one."""
    places = [
        (number, int(row))
        for number, shard in enumerate(shards.shards)
        for row in np.flatnonzero((np.diff(shard.offsets) > SHORTEST) & ~planted(shard))
    ]
    chosen = np.sort(np.random.default_rng(seed + 4).choice(len(places), min(count, len(places)), replace=False))
    documents = [shards.shards[places[place][0]].document(places[place][1]) for place in chosen]
    found = [document[: min(length, len(document) - 1)].astype(np.int64) for document in documents]
    return list({document.tobytes(): document for document in found}.values())
