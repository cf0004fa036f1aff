"""What a run will do, fixed before its first step and written down: steps, batch, order of the data, and for whom."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.shards import Shards, open_shards
from corpuskit.training.config import TrainConfig
from corpuskit.training.metrics import read_metrics

FILE = "training.json"
MAY_CHANGE = ("watch", "ranks", "parallel", "checkpoint_every", "keep_checkpoints")
"""Settings that a run may go on with otherwise than it began: they change nothing about the model."""


class TrainingPlan(BaseModel):
    """The file `training.json` of a model's folder."""

    model_config = ConfigDict(frozen=True)

    config: TrainConfig
    adapter: dict[str, Any] | None = None
    """For an adapter, its settings and the digest of the model below it."""
    shards: str
    """Fingerprint of the token shards."""
    tokenizer: str
    """SHA-256 of the shards' tokenizer."""
    sequence_length: int
    batch: int
    parts: int = 1
    """Equal parts that the windows of a step are computed in (`corpuskit.training.gradients`)."""
    steps: int
    learning_rate: float
    parameters: int
    finished: bool = False
    result: dict[str, Any] | None = None
    """What the run came to (`TrainResult`), once it has finished."""

    def order(self, shards: Shards) -> TokenOrder:
        """The order in which this run reads the shards. Raises CorpuskitError for others than it was made for."""
        if shards.manifest.fingerprint != self.shards:
            raise CorpuskitError(f"{shards.folder} holds other shards than this model was trained on")
        return TokenOrder(
            shards,
            sequence_length=self.sequence_length,
            batch=self.batch,
            seed=self.config.seed,
            packing=self.config.packing,
            mixture=self.config.mixture,
            epochs=self.config.epochs,
            weights=self.config.weights,
            flag="goldfish" if self.config.goldfish_documents == "decided" else None,
        )

    def write(self, folder: Path) -> None:
        partial = folder / f".{FILE}.partial"
        with partial.open("w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.rename(folder / FILE)


def read_plan(folder: Path) -> TrainingPlan | None:
    """The plan of a model's folder, or None where none was made there.

    Raises UsageError where the file cannot be read.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        return TrainingPlan.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{file} is not a training plan of this version ({where}: {first['msg']}); run the recipe again"
        ) from error


def training_order(model: str | Path, shards: str | Path) -> tuple[TokenOrder, int] | None:
    """(the order in which a run of training reads its shards, steps done so far); None where none was planned there.

    `order.trace(step)` names the documents of a step, `order.steps_of(document, steps)` the steps that saw a document.
    Raises CorpuskitError for shards that are not that model's.
    """
    plan = read_plan(Path(model))
    if plan is None:
        return None
    lines = read_metrics(model)
    return plan.order(open_shards(shards, verify=False)), int(lines[-1]["step"]) if lines else 0


def check_same(
    old: TrainingPlan, config: TrainConfig, adapter: dict[str, Any] | None, shards: Shards, folder: Path
) -> None:
    """Raises UsageError that names what differs, where a run would go on with another plan than it began with."""
    before = json.loads(old.config.model_dump_json()) | (old.adapter or {})
    now = json.loads(config.model_dump_json()) | (adapter or {})
    kept = [key for key in now if key not in MAY_CHANGE]
    changed = [f"{key} was {before.get(key)}, is {now[key]}" for key in kept if before.get(key) != now[key]]
    if old.shards != shards.manifest.fingerprint:
        changed.append("the token shards are others")
    if changed:
        raise UsageError(
            f"{folder} holds a run with other settings ({'; '.join(changed)}): "
            "give the old settings back, choose another folder, or train anew with resume=False"
        )
