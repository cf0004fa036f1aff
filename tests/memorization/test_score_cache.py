"""The cache of token scores: right, resumable to the byte, and never taken for another model's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization.config import DecodingPolicy
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.scoring import scores as cache
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, read_scores, score_passages
from corpuskit.tokens import open_shards

POLICIES = (DecodingPolicy(temperature=0.7), DecodingPolicy(top_k=5))


@pytest.fixture(scope="module")
def passages(shards: Path) -> Passages:
    split = open_shards(shards / "tokens")
    documents = [shard.document(row)[:200] for shard, row in split.documents()]
    return Passages.of([*documents, [], [3]])


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_cached_scores_are_those_of_each_passage_alone(trained: Path, passages: Passages, tmp_path: Path) -> None:
    import torch

    model = CausalModel(trained)
    scores = score_passages(model, passages, tmp_path, POLICIES, batch=8)
    assert len(scores) == len(passages)
    assert scores.lengths[-2:].tolist() == [0, 0]
    for number in range(0, len(passages) - 2, 5):
        ids = passages.tokens[passages.offsets[number] : passages.offsets[number + 1]]
        with torch.inference_mode():
            logits = model.model(torch.from_numpy(ids[None])).logits[0, :-1].double()
        logs = torch.log_softmax(logits, -1)
        target = torch.from_numpy(ids[1:, None])
        where = slice(scores.offsets[number], scores.offsets[number + 1])
        assert scores.token[where].tolist() == ids[1:].tolist()
        np.testing.assert_allclose(-scores.nll[where], logs.gather(-1, target)[:, 0], atol=2e-5)
        spread = (logs.exp() * logs.square()).sum(-1) - (logs.exp() * logs).sum(-1).square()
        np.testing.assert_allclose(scores.sigma[where], spread.clamp(min=0).sqrt(), atol=1e-4)
        best = logits.topk(2, -1).values
        np.testing.assert_allclose(scores.margin[where], best[:, 0] - best[:, 1], atol=1e-4, rtol=2e-3)
        cooled = torch.log_softmax(logits / 0.7, -1).gather(-1, target)[:, 0]
        np.testing.assert_allclose(scores.policies["temperature=0.7"][where], cooled, atol=2e-5)
        few = logits.topk(5, -1)
        kept = torch.full_like(logits, -torch.inf).scatter(-1, few.indices, few.values)
        cut = torch.log_softmax(kept, -1).gather(-1, target)[:, 0]
        np.testing.assert_allclose(scores.policies["temperature=1,top_k=5"][where], cut, atol=2e-5)


def test_how_often_sampling_writes_a_suffix_is_what_the_scores_say(
    trained: Path, passages: Passages, tmp_path: Path
) -> None:
    import torch

    model = CausalModel(trained)
    ids = passages.tokens[: passages.offsets[1]][:19]
    scores = score_passages(model, Passages.of([ids]), tmp_path, [DecodingPolicy(temperature=2.0, top_k=3)])
    (chance,) = np.exp(metrics.suffix_log_probability(scores, 16, "temperature=2,top_k=3"))
    torch.manual_seed(0)
    rows = torch.from_numpy(ids[None, :16]).repeat(4000, 1)
    with torch.inference_mode():
        for _ in range(3):
            few = (model.model(rows).logits[:, -1] / 2.0).topk(3, -1)
            drawn = torch.multinomial(few.values.softmax(-1), 1)
            rows = torch.cat([rows, few.indices.gather(-1, drawn)], 1)
    seen = (rows.numpy() == ids).all(1).mean()
    assert 0 < chance < 1
    assert abs(seen - chance) < 4 * np.sqrt(chance * (1 - chance) / 4000) + 1e-9


def test_a_second_scoring_reads_what_is_there(
    trained: Path, passages: Passages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CausalModel(trained)
    first = score_passages(model, passages, tmp_path)
    monkeypatch.setattr(model, "score_ragged", None)
    again = score_passages(model, passages, tmp_path)
    assert np.array_equal(first.nll, again.nll)


def test_another_model_or_other_text_is_scored_anew(
    trained: Path, untrained: Path, passages: Passages, tmp_path: Path
) -> None:
    learned = score_passages(CausalModel(trained), passages, tmp_path)
    blank = CausalModel(untrained)
    other = score_passages(blank, passages, tmp_path)
    assert metrics.loss(learned)[0] > metrics.loss(other)[0] + 1
    assert len(score_passages(blank, passages.slice(0, 3), tmp_path)) == 3
    assert read_scores(tmp_path, blank.digest).model == blank.digest
    with pytest.raises(UsageError, match="these scores are of the model"):
        read_scores(tmp_path, CausalModel(trained).digest)


def test_fewer_chunks_leave_no_old_ones(
    trained: Path, passages: Passages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CHUNK_TOKENS", 500)
    model = CausalModel(trained)
    score_passages(model, passages, tmp_path / "used")
    score_passages(model, passages.slice(0, 4), tmp_path / "used")
    score_passages(model, passages.slice(0, 4), tmp_path / "fresh")
    assert everything(tmp_path / "used") == everything(tmp_path / "fresh")


@pytest.mark.slow
def test_a_killed_scoring_ends_with_the_same_bytes(
    trained: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    script = """
import sys
from pathlib import Path
import torch
from corpuskit.memorization.scoring import scores
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.tokens import open_shards
torch.set_num_threads(1)
scores.CHUNK_TOKENS = 800
split = open_shards(sys.argv[2])
passages = scores.Passages.of([shard.document(row)[:200] for shard, row in split.documents()] * 3)
scores.score_passages(CausalModel(sys.argv[1]), passages, Path(sys.argv[3]))
"""
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(trained), str(shards / "tokens"), str(killed)], stderr=subprocess.DEVNULL
    )
    while not (killed / "00002.json").exists():
        assert process.poll() is None, "it was over before it could be killed"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "manifest.json").exists()
    with pytest.raises(UsageError, match="no finished token scores"):
        read_scores(killed)
    (killed / "00001.arrow").write_bytes(b"damaged")
    torch.set_num_threads(1)
    monkeypatch.setattr(cache, "CHUNK_TOKENS", 800)
    split = open_shards(shards / "tokens")
    passages = Passages.of([shard.document(row)[:200] for shard, row in split.documents()] * 3)
    for folder in (killed, tmp_path / "whole"):
        score_passages(CausalModel(trained), passages, folder)
    assert everything(killed) == everything(tmp_path / "whole")


def test_a_damaged_chunk_is_named(trained: Path, passages: Passages, tmp_path: Path) -> None:
    score_passages(CausalModel(trained), passages.slice(0, 2), tmp_path)
    (tmp_path / "00000.arrow").write_bytes(b"damaged")
    with pytest.raises(CorpuskitError, match=r"00000\.arrow is not a chunk of token scores"):
        read_scores(tmp_path)


def test_a_passage_longer_than_the_context_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="do not fit a context of 256"):
        score_passages(CausalModel(trained), Passages.of([np.zeros(300)]), tmp_path)
