"""What a recipe says of sources, clusters and an audit's decisions reaches the order and the loss of a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from corpuskit.document import documents
from corpuskit.tokens import Shards, open_shards, write_shards
from corpuskit.tokens.windows import IGNORED
from corpuskit.training import pretrain, training_order
from corpuskit.training.config import TrainConfig
from corpuskit.training.masking import goldfish_targets
from corpuskit.training.objectives import NextToken
from corpuskit.training.plan import TrainingPlan


@pytest.fixture(scope="module")
def decided(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Forty documents of two sources; an audit decided on goldfish for every fourth, on other things for others."""
    folder = tmp_path_factory.mktemp("decided")
    rows = [
        {"id": f"{n:032x}", "text": f"the river remembers {n} " * 12, "source": "en" if n % 2 else "ko"}
        for n in range(40)
    ]
    actions = ["goldfish", "keep", None, "trim_span"] * 10
    decisions = pa.StructArray.from_arrays([pa.array(actions)], ["action"])
    sizes = pa.array([{"cluster": f"c{n}", "cluster_size": 1 + n % 3} for n in range(40)])
    batch = documents(rows).append_column("remedies", decisions).append_column("near_duplicates", sizes)
    pq.write_table(pa.Table.from_batches([batch]), folder / "corpus.parquet")
    tokens = folder / "tokens"
    write_shards([folder / "corpus.parquet"], shards.tokenizer, tokens, sequence_length=48, hold_out=0.1)
    return open_shards(tokens)


def plan(shards: Shards, config: TrainConfig) -> TrainingPlan:
    return TrainingPlan(
        config=config,
        shards=shards.manifest.fingerprint,
        tokenizer=shards.manifest.tokenizer.sha256,
        sequence_length=48,
        batch=4,
        steps=1,
        learning_rate=1e-3,
        parameters=1,
    )


def test_goldfish_can_be_for_the_documents_alone_that_an_audit_decided_on(decided: Shards) -> None:
    config = TrainConfig(goldfish=3, goldfish_documents="decided")
    order = plan(decided, config).order(decided)
    marked = {
        shard.describe(row)["id"] for shard in decided.shards for row in np.flatnonzero(shard.decided("goldfish"))
    }
    assert marked
    assert all(int(name or "", 16) % 4 == 0 for name in marked)
    samples = np.arange(order.epoch_samples)
    batch = order.batch_of(samples)
    targets = NextToken(3, flagged=True).arrays(batch, samples)["targets"]
    everywhere = goldfish_targets(batch.inputs, batch.targets, batch.positions, 3)
    assert batch.flagged is not None
    assert np.array_equal(targets[batch.flagged], everywhere[batch.flagged])
    assert np.array_equal(targets[~batch.flagged], batch.targets[~batch.flagged])
    assert ((targets == IGNORED) & (batch.targets != IGNORED)).any()
    assert not np.array_equal(targets, everywhere)
    # validation windows are marked by nobody, and lose nothing
    unmarked = plan(decided, TrainConfig()).order(decided).batch_of(samples)
    assert np.array_equal(NextToken(3, flagged=True).arrays(unmarked, samples)["targets"], unmarked.targets)


def test_a_run_lasts_as_long_as_its_epochs_say_and_can_be_traced(decided: Shards, tmp_path: Path) -> None:
    config = TrainConfig.model_validate(
        {
            "model": {"layers": 1, "width": 16, "heads": 2},
            "epochs": {"en": 2, "ko": 0},
            "weights": "rehydrate",
            "batch": 1,
            "goldfish": 4,
            "goldfish_documents": "decided",
        }
    )
    result = pretrain(decided.folder, tmp_path / "base", config)
    found = training_order(tmp_path / "base", decided.folder)
    assert found is not None
    order, steps = found
    assert result.finished
    assert steps == result.steps == order.epoch_samples
    seen: dict[str, int] = {}
    for step in range(1, steps + 1):
        for one in order.trace(step):
            seen[one.id] = seen.get(one.id, 0) + one.tokens
    expected = {}
    for shard, row in decided.documents():
        about = shard.describe(row)
        if about["source"] == "en":
            name = str(about["id"])
            expected[name] = 2 * len(shard.document(row)) * (1 + int(name, 16) % 3)
    assert seen == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"goldfish_documents": "decided"}, "goldfish is 0"),
        ({"epochs": {"a": 1}, "mixture": {"a": 1}}, "not both"),
        ({"weights": "doubled"}, "'none', 'inverse' or 'rehydrate'"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainConfig.model_validate(settings)
