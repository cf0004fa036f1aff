"""Which windows the model completes verbatim: the table with one row a window, and the rates that are read from it.

A window of prefix and suffix is *extractable* when greedy decoding from the prefix gives the suffix token by token
(Carlini et al. 2022, Quantifying Memorization, arXiv:2202.07646, definition 3.1). The probability of the suffix under
sampling says in how many samples it comes up (Hayes et al. 2024, arXiv:2410.19482). Every hit is tried again behind
the prefix of another document's window: what comes out then was predictable, not remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.memorization.masking import excerpts
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.statistics import (
    clopper_pearson,
    document_interval,
    smallest_detectable,
    tries_until,
    widest,
)
from corpuskit.memorization.scoring.scores import Passages, TokenScores
from corpuskit.tokens import Shards

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Score = Callable[[str, Passages], TokenScores]
"""Scores of passages, kept under a name."""
_SHOWN_AT_ONCE = 256
"""Documents in memory as text."""


def extraction_table(score: Score, name: str, shards: Shards, windows: Windows, config: AuditConfig) -> pa.Table:
    """One row a window, in order: whose text it is, whether and how surely it comes out, and the text where it does."""
    scores = score(name, Passages.of(windows.tokens))
    reproduced = metrics.reproduced(scores, config.prefix)
    extracted = reproduced >= config.suffix
    suffix_log = metrics.suffix_log_probability(scores, config.prefix)
    about = [shards.shards[s].describe(int(r)) for s, r in zip(windows.shard, windows.row, strict=True)]
    texts: list[str | None] = [None] * len(windows)
    hits = np.flatnonzero(extracted).tolist()
    for start in range(0, len(hits), _SHOWN_AT_ONCE):
        some = hits[start : start + _SHOWN_AT_ONCE]
        whole, places = zip(*(_in_document(shards, windows, place) for place in some), strict=True)
        for place, text in zip(some, excerpts(whole, places), strict=True):
            texts[place] = text
    suffix = scores.match.reshape(len(windows), config.prefix + config.suffix - 1)[:, config.prefix - 1 :]
    return pa.table(
        {
            "split": pa.array([shards.name] * len(windows), pa.string()),
            **{key: pa.array([row[key] for row in about], pa.string()) for key in ("id", "url", "source", "language")},
            "position": pa.array(windows.position),
            "extracted": pa.array(extracted),
            "attributable": pa.array(extracted & ~_behind_another_prefix(score, name, windows, extracted, config)),
            "reproduced": pa.array(reproduced),
            "matched": pa.array(suffix.mean(1) if len(windows) else np.zeros(0)),
            "log10_probability": pa.array(suffix_log / np.log(10)),
            "samples_for_half": pa.array(tries_until(suffix_log, 0.5)),
            **{
                f"log10_probability[{policy}]": pa.array(
                    metrics.suffix_log_probability(scores, config.prefix, policy) / np.log(10)
                )
                for policy in scores.policies
            },
            "text": pa.array(texts, pa.string()),
        }
    )


def _in_document(shards: Shards, windows: Windows, place: int) -> tuple[str, tuple[int, int]]:
    """The text of a window's document, and the window's characters in it."""
    document = shards.shards[int(windows.shard[place])].document(int(windows.row[place]))
    first = int(windows.position[place])
    start, end = (len(shards.tokenizer.decode(document[:edge])) for edge in (first, first + windows.tokens.shape[1]))
    return shards.tokenizer.decode(document), (start, end)


def _behind_another_prefix(score: Score, name: str, windows: Windows, extracted: Bools, config: AuditConfig) -> Bools:
    """bool[windows]: extracted windows whose suffix comes out behind the prefix of another document's window too."""
    found = np.zeros(len(windows), np.bool_)
    hits = np.flatnonzero(extracted)
    if not len(hits):
        return found
    prefixes = other_prefixes(windows, hits, config.prefix, config.seed)
    mixed = np.concatenate([prefixes, windows.tokens[hits, config.prefix :]], axis=1)
    scores = score(f"{name}_other_prefix", Passages.of(mixed))
    found[hits] = metrics.reproduced(scores, config.prefix) >= config.suffix
    return found


def other_prefixes(windows: Windows, places: Numbers, prefix: int, seed: int) -> Numbers:
    """int64[places, prefix]: for each of the windows at `places`, the prefix of a window of another document.

    Where all windows are of one document it is their own: nothing can then be told from predictable.
    """
    document = windows.shard * (1 << 32) + windows.row
    chance = np.random.default_rng(seed + 1)
    other = np.empty(len(places), np.int64)
    for number, place in enumerate(places):
        strangers = np.flatnonzero(document != document[place])
        other[number] = chance.choice(strangers) if len(strangers) else place
    return windows.tokens[other, :prefix]


def rate(table: pa.Table, config: AuditConfig) -> dict[str, Any]:
    """The share of extractable windows with its intervals, and the same at other lengths and decoding policies."""
    hits = table.column("extracted").to_numpy()
    documents = document_numbers(table)
    by_document = document_interval(hits, documents, config.confidence)
    low, high = widest(clopper_pearson(int(hits.sum()), len(hits), config.confidence), by_document)
    samples = table.column("samples_for_half").to_numpy()
    counts = np.bincount(table.column("reproduced").to_numpy(), minlength=config.suffix + 1)
    at_least = np.cumsum(counts[::-1])[::-1][1:]
    policies = {
        name[len("log10_probability[") : -1]: tries_until(table.column(name).to_numpy() * np.log(10), 0.5)
        for name in table.column_names
        if name.startswith("log10_probability[")
    }
    return {
        "windows": len(hits),
        "documents": int(documents.max()) + 1 if len(hits) else 0,
        "extracted": int(hits.sum()),
        "rate": float(hits.mean()) if len(hits) else 0.0,
        "low": low,
        "high": high,
        "low_by_document": by_document[0],
        "high_by_document": by_document[1],
        # windows of one document come out together: it is the documents that make the power
        "detectable": smallest_detectable(int(documents.max()) + 1 if len(hits) else 0, config.confidence),
        "attributable": int(table.column("attributable").to_numpy().sum()),
        "matched": float(np.mean(table.column("matched").to_numpy())) if len(hits) else 0.0,
        "discoverable": _discoverable(samples),
        "discoverable_by_policy": {name: _discoverable(tries) for name, tries in policies.items()},
        "by_suffix": [
            {"suffix": length, "extracted": int(at_least[length - 1])}
            for length in range(1, config.suffix + 1)
            if length == config.suffix or length.bit_count() == 1
        ],
    }


def _discoverable(samples: npt.NDArray[np.float64]) -> dict[str, int]:
    """Windows that come up at least once with probability 1/2 in this many samples."""
    return {str(n): int((samples <= n).sum()) for n in (1, 10, 100, 1000)}


def by_copies(table: pa.Table, config: AuditConfig) -> list[dict[str, Any]]:
    """The rate among windows that stand in the corpus once, 2-3 times, 4-7 times, ..., with its control beside it."""
    copies = table.column("copies").to_numpy()
    found = []
    for power in range(int(np.log2(copies.max())) + 1 if len(copies) else 0):
        mine = (copies >= 2**power) & (copies < 2 ** (power + 1))
        if mine.any():
            found.append({"copies": 2**power, **_group(table.filter(pa.array(mine)), config)})
    return found


def by_name(table: pa.Table, column: str, config: AuditConfig) -> list[dict[str, Any]]:
    """The rate for each value of a column (source, language, license), the most windows first; null is 'unknown'."""
    names = np.array([name or "unknown" for name in table.column(column).to_pylist()], dtype=object)
    counts = Counter(names.tolist())
    order = sorted(counts, key=lambda name: (-counts[name], name))
    return [{column: name, **_group(table.filter(pa.array(names == name)), config)} for name in order]


def _group(table: pa.Table, config: AuditConfig) -> dict[str, Any]:
    hits = table.column("extracted").to_numpy()
    by_document = document_interval(hits, document_numbers(table), config.confidence)
    low, high = widest(clopper_pearson(int(hits.sum()), len(hits), config.confidence), by_document)
    return {
        "windows": len(hits),
        "extracted": int(hits.sum()),
        "rate": float(hits.mean()),
        "low": low,
        "high": high,
        "low_by_document": by_document[0],
        "high_by_document": by_document[1],
        "attributable": int(table.column("attributable").to_numpy().sum()),
        "median_log10_probability": float(np.median(table.column("log10_probability").to_numpy())),
    }


def document_numbers(table: pa.Table) -> Numbers:
    """int64[windows]: the windows' documents, numbered from 0."""
    _, numbers = np.unique(np.array(table.column("id").to_pylist(), dtype=str), return_inverse=True)
    return numbers.astype(np.int64)


def by_context(score: Score, windows: Windows, config: AuditConfig) -> tuple[list[dict[str, Any]], dict[int, Bools]]:
    """The rate at which the same suffixes come out behind a quarter, half and all of the prefix; and which, by length.

    `other_prefix` counts those that come out behind as many tokens of another document.
    """
    found, hits = [], {}
    for length in sorted({max(1, config.prefix // 4), max(1, config.prefix // 2), config.prefix}):
        name = "strata" if length == config.prefix else f"strata_prefix_{length}"
        scores = score(name, Passages.of(windows.tokens[:, config.prefix - length :]))
        hits[length] = metrics.reproduced(scores, length) >= config.suffix
        count = int(hits[length].sum())
        mixed = 0
        if count:
            places = np.flatnonzero(hits[length])
            prefixes = other_prefixes(windows, places, config.prefix, config.seed)[:, config.prefix - length :]
            control = np.concatenate([prefixes, windows.tokens[places, config.prefix :]], axis=1)
            scores = score(f"{name}_other_prefix", Passages.of(control))
            mixed = int((metrics.reproduced(scores, length) >= config.suffix).sum())
        documents = np.unique(windows.shard * (1 << 32) + windows.row, return_inverse=True)[1]
        low, high = widest(
            clopper_pearson(count, len(windows), config.confidence),
            document_interval(hits[length], documents, config.confidence),
        )
        found.append(
            {
                "prefix": length,
                "windows": len(windows),
                "extracted": count,
                "other_prefix": mixed,
                "rate": count / len(windows) if len(windows) else 0.0,
                "low": low,
                "high": high,
            }
        )
    return found, hits
