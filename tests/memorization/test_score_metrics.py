"""Metrics over cached token scores against slow, obvious versions, and against what other tools get wrong."""

from __future__ import annotations

import itertools
import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.scoring.scores import TokenScores


def scores_of(passages: list[list[tuple[float, int]]], tokens: list[list[int]] | None = None) -> TokenScores:
    """Scores from (negative log-probability, rank) pairs."""
    flat = [pair for passage in passages for pair in passage]
    lengths = [len(passage) for passage in passages]
    chance = np.random.default_rng(len(flat))
    ids = list(itertools.chain(*tokens)) if tokens else chance.integers(0, 50, len(flat))
    return TokenScores(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        token=np.array(ids, np.uint32),
        nll=np.array([nll for nll, _ in flat], np.float32),
        rank=np.array([rank for _, rank in flat], np.uint16),
        margin=np.ones(len(flat), np.float16),
        entropy=chance.uniform(0, 3, len(flat)).astype(np.float32),
        sigma=chance.uniform(0.1, 2, len(flat)).astype(np.float32),
        policies={},
        model="m",
    )


PASSAGES = st.lists(
    st.lists(st.tuples(st.floats(0, 20, width=32), st.integers(0, 2)), max_size=12), min_size=1, max_size=6
)


def split(values: np.ndarray, scores: TokenScores) -> list[np.ndarray]:
    return [values[start:end].astype(float) for start, end in itertools.pairwise(scores.offsets)]


@settings(deadline=None)
@given(PASSAGES, st.sampled_from([0.1, 0.2, 0.5, 1.0]))
def test_membership_scores_equal_slow_ones(passages: list[list[tuple[float, int]]], share: float) -> None:
    scores = scores_of(passages)
    texts = ["가나다 abc" * (n + 1) for n in range(len(passages))]
    counts = np.arange(50)
    frequency = (counts + 1) / (counts.sum() + 50)
    found = {
        "loss": metrics.loss(scores),
        "zlib": metrics.zlib_ratio(scores, texts),
        "min_k": metrics.min_k(scores, share),
        "plus": metrics.min_k_plus_plus(scores, share),
        "dc_pdd": metrics.dc_pdd(scores, counts),
    }
    columns = [split(values, scores) for values in (scores.nll, scores.entropy, scores.sigma, scores.token)]
    for number, (nll, entropy, sigma, token) in enumerate(zip(*columns, strict=True)):
        if not len(nll):
            assert all(np.isnan(values[number]) for values in found.values())
            continue
        kept = max(1, int(len(nll) * share))
        first = [place for place in range(len(token)) if token[place] not in token[:place]]
        terms = [min(0.01, math.exp(-nll[p]) * math.log(1 / frequency[int(token[p])])) for p in first]
        slow = {
            "loss": -nll.mean(),
            "zlib": -nll.mean() / len(zlib.compress(texts[number].encode())),
            "min_k": np.sort(-nll)[:kept].mean(),
            "plus": np.sort((entropy - nll) / sigma)[:kept].mean(),
            "dc_pdd": np.mean(terms),
        }
        for name, value in slow.items():
            assert found[name][number] == pytest.approx(value, rel=1e-5, abs=1e-9), name


@settings(deadline=None)
@given(PASSAGES, st.integers(1, 5))
def test_runs_equal_slow_ones(passages: list[list[tuple[float, int]]], prefix: int) -> None:
    scores = scores_of(passages)
    slow: list[int] = []
    longest = []
    behind = []
    for passage in passages:
        runs = [
            next((k for k in range(len(passage) - t) if passage[t + k][1] != 0), len(passage) - t)
            for t in range(len(passage))
        ]
        slow += runs
        longest.append(max(runs, default=0))
        behind.append(runs[prefix - 1] if len(passage) >= prefix else 0)
    assert metrics.run_lengths(scores).tolist() == slow
    assert metrics.longest_runs(scores).tolist() == longest
    assert metrics.reproduced(scores, prefix).tolist() == behind
    curve = metrics.extractable_by_length(scores, prefix)
    assert curve.tolist() == [sum(run >= k for run in behind) for k in range(1, len(curve) + 1)]


def test_the_suffix_is_scored_from_its_first_token_to_its_last() -> None:
    # a window of 3 + 2 tokens has scores for tokens 1..4; an off-by-one takes in the prefix's last and drops the last
    scores = scores_of([[(1, 0), (2, 0), (4, 0), (8, 0)]])
    assert metrics.suffix_log_probability(scores, 3)[0] == -12


def test_a_token_that_is_certain_counts() -> None:
    # tools that pad with zero losses drop such tokens, and with them what is memorised perfectly
    assert metrics.loss(scores_of([[(0, 0), (2, 0)]]))[0] == -1


def test_the_least_likely_tokens_are_taken_not_the_likeliest() -> None:
    assert metrics.min_k(scores_of([[(0.1, 0)] * 8 + [(5, 0), (7, 0)]]), 0.2)[0] == pytest.approx(-6)


def test_a_reference_must_have_scored_the_same_text() -> None:
    one = scores_of([[(1, 0), (2, 0)]], [[4, 5]])
    other = scores_of([[(3, 0), (3, 0)]], [[4, 5]])
    assert metrics.reference(one, other)[0] == pytest.approx(1.5)
    with pytest.raises(UsageError, match="other passages"):
        metrics.reference(one, scores_of([[(3, 0), (3, 0)]], [[4, 6]]))


def test_wrong_arguments_are_named() -> None:
    one = scores_of([[(1, 0)]])
    with pytest.raises(UsageError, match="1 passages were scored, and there are 2 texts"):
        metrics.zlib_ratio(one, ["a", "b"])
    with pytest.raises(UsageError, match="decoding policy 'top'"):
        metrics.suffix_log_probability(one, 1, "top")
    with pytest.raises(UsageError, match="not 0"):
        metrics.min_k(one, 0)
