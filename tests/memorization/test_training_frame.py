"""An audit of a model whose training is known: windows as they were read, and the steps that read each hit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpuskit.memorization import AuditConfig, audit
from corpuskit.memorization.corpus.frames import training_frames
from corpuskit.memorization.corpus.windows import sample_windows
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.extraction import other_prefixes
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import score_passages
from corpuskit.tokens import open_shards
from corpuskit.training import Budget, ModelConfig, TrainConfig, pretrain, training_order

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def pretrained(shards: Path) -> Path:
    torch.set_num_threads(1)
    config = TrainConfig(
        model=ModelConfig(width=64, layers=2, heads=4),
        budget=Budget(steps=150),
        batch=16,
        learning_rate=4e-3,
        ranks=1,
    )
    pretrain(shards / "tokens", shards / "pretrained", config)
    return shards / "pretrained"


def test_the_frame_of_training_gives_what_training_saw(shards: Path, pretrained: Path, tmp_path: Path) -> None:
    """The loss of a suffix in its frame is the loss that the training window gives at those places."""
    found = training_order(pretrained, shards / "tokens")
    assert found is not None
    order, steps = found
    model, train = CausalModel(pretrained), open_shards(shards / "tokens")
    windows = sample_windows(train, 40, 24, seed=0)
    frames = training_frames(order, steps, windows, 12)
    told = np.flatnonzero(frames.before >= 1)
    passages = frames.passages(train, windows, 12, told)
    scores = score_passages(model, passages, tmp_path)
    logs = metrics.suffix_log_probability(scores, frames.before[told])
    checked = 0
    for row, place in enumerate(told[:12]):
        batch = order.batch_of(order.samples_at(frames.steps[place][0]))
        for inputs, positions in zip(batch.inputs, batch.positions, strict=True):
            for end in range(12, len(inputs) + 1):
                length = int(positions[end - 1]) + 1
                # two documents may share the suffix and the place, and differ before it
                if np.array_equal(inputs[end - length : end], passages.tokens[slice(*passages.offsets[row : row + 2])]):
                    ids = torch.from_numpy(inputs[end - length : end][None])
                    with torch.inference_mode():
                        logits = torch.log_softmax(model.model(ids).logits[0, :-1], -1)
                    own = logits.gather(-1, ids[0, 1:, None])[-12:, 0].sum()
                    assert logs[row] == pytest.approx(float(own), abs=1e-3)
                    checked += 1
    assert checked >= 12


def test_an_audit_replays_windows_and_names_the_steps_of_its_hits(
    shards: Path, pretrained: Path, tmp_path: Path
) -> None:
    config = AuditConfig(windows=300, prefix=12, suffix=8, documents=0, generations=0, near_verbatim=0, identifiers=0)
    value = audit(pretrained, shards / "tokens", tmp_path / "a", config).value
    replay = value["training_frame"]
    assert replay["windows"] > 10
    assert replay["read"] == replay["windows"], "every window was read"
    assert replay["extracted"] + replay["only_by_prompt"] == replay["by_prompt"] + replay["only_replayed"]
    assert sum(group["windows"] for group in replay["by_tokens_before"]) == replay["windows"]
    assert replay["low"] <= replay["rate"] <= replay["high"]
    hits = [hit for hit in value["hits"] if hit["split"] == "train"]
    assert hits
    order, done = training_order(pretrained, shards / "tokens")  # type: ignore[misc]
    for hit in hits[:5]:
        steps = order.steps_of(hit["id"], done)
        assert hit["steps"] == {"count": len(steps), "first": steps[0], "last": steps[-1]}
    assert value["near_verbatim"] is None
    assert value["generations"] is None


def test_other_prefixes_are_of_other_documents(shards: Path) -> None:
    windows = sample_windows(open_shards(shards / "tokens"), 80, 24, seed=3)
    places = np.arange(0, 80, 3)
    prefixes = other_prefixes(windows, places, 12, seed=0)
    of = {window.tobytes(): set() for window in windows.tokens[:, :12]}
    for number in range(80):
        of[windows.tokens[number, :12].tobytes()].add((int(windows.shard[number]), int(windows.row[number])))
    for place, prefix in zip(places, prefixes, strict=True):
        own = (int(windows.shard[place]), int(windows.row[place]))
        assert of[prefix.tobytes()] - {own}
