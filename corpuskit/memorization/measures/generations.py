"""What the model writes without being asked for anything, traced to the corpus: how much of it is copied, and whence.

A text is copied where 50 tokens and more of it stand in the training text (Lee et al. 2022, arXiv:2107.06499; Nasr et
al. 2023, arXiv:2311.17035). Held-out text of the same length is traced beside it: what that shares with the training
text is quotation and boilerplate. How much more there would be with more texts is estimated from how often the same
stretch came twice (Chao 1984; the share of what is known by Good and Turing 1953).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.trace import Span, corpus_spans
from corpuskit.memorization.corpus.windows import sample_windows
from corpuskit.memorization.masking import excerpts
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.tokens import Shards

Numbers = npt.NDArray[np.int64]
LENGTH = 128
"""Tokens of a text, fewer where the model's context is shorter."""
SHORTEST = 50
"""Tokens from which a stretch counts as copied."""
SHOWN = 20
ROUNDS = 2000


def generation_section(
    model: CausalModel, train: Shards, held_out: Shards, config: AuditConfig, shortest: int = SHORTEST
) -> dict[str, Any]:
    """Share of copied tokens in `config.generations` sampled texts, beside held-out text; the longest stretches."""
    tokenizer = train.tokenizer
    length = min(LENGTH, model.context - 1)
    begin = tokenizer.end if tokenizer.begin is None else tokenizer.begin
    prompts = np.full((config.generations, 1), begin, np.int64)
    written = model.write(prompts, length, sampled=True, end=tokenizer.end, seed=config.seed, batch=config.batch)
    texts = [row[: _first(row, tokenizer.end)] for row in written]
    control = sample_windows(held_out, config.generations, length, config.seed + 6).tokens
    spans = corpus_spans(train, texts, shortest)
    copied = copied_tokens(spans, texts)
    sizes = np.array([len(text) for text in texts], np.float64)
    quoted = copied_tokens(corpus_spans(train, list(control), shortest), list(control))
    low, high = _interval(copied, sizes, config)
    return {
        "texts": len(texts),
        "tokens": int(sizes.sum()),
        "shortest": shortest,
        "copied": int(copied.sum()),
        "share": float(copied.sum() / max(sizes.sum(), 1)),
        "low": low,
        "high": high,
        "held_out_share": float(quoted.sum() / control.size) if control.size else None,
        **unseen([tuple(texts[span.text][span.start : span.start + shortest].tolist()) for span in spans]),
        "longest": max((span.length for span in spans), default=0),
        "spans": [_shown(span, train) for span in sorted(spans, key=lambda span: -span.length)[:SHOWN]],
    }


def copied_tokens(spans: Sequence[Span], texts: Sequence[Any]) -> Numbers:
    """int64[texts]: tokens of each text that lie in a span."""
    marks = [np.zeros(len(text), np.bool_) for text in texts]
    for span in spans:
        marks[span.text][span.start : span.start + span.length] = True
    return np.array([mark.sum() for mark in marks], np.int64)


def unseen(kinds: Sequence[Any]) -> dict[str, Any]:
    """How many kinds came, how many there are at least (Chao 1984), and the share of finds that known kinds make."""
    counts = Counter(Counter(kinds).values())
    once, twice, distinct = counts[1], counts[2], sum(counts.values())
    return {
        "distinct": distinct,
        "distinct_at_least": distinct + once * (once - 1) / (2 * (twice + 1)),
        "known_share": 1 - once / len(kinds) if kinds else None,
    }


def _first(row: Numbers, end: int) -> int:
    places = np.flatnonzero(row == end)
    return int(places[0]) if len(places) else len(row)


def _interval(copied: Numbers, sizes: npt.NDArray[np.float64], config: AuditConfig) -> tuple[float, float]:
    """Of the share, from drawing whole texts anew."""
    if not sizes.sum():
        return 0.0, 1.0
    chance = np.random.default_rng(config.seed + 7)
    drawn = chance.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=ROUNDS)
    tail = (1 - config.confidence) / 2
    low, high = np.quantile((drawn @ copied) / np.maximum(drawn @ sizes, 1), [tail, 1 - tail])
    return float(low), float(high)


def _shown(span: Span, train: Shards) -> dict[str, Any]:
    shard = train.shards[span.shard]
    row = int(shard.row_of(span.place))
    about, document = shard.describe(row), shard.document(row)
    first = span.place - int(shard.offsets[row])
    start, end = (len(train.tokenizer.decode(document[:edge])) for edge in (first, first + span.length))
    (text,) = excerpts([train.tokenizer.decode(document)], [(start, end)])
    return {
        "tokens": span.length,
        "occurrences": span.occurrences,
        **{name: about[name] for name in ("id", "url", "source")},
        "text": text,
    }
