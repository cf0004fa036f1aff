"""Pretraining: token shards in, a model in the Hugging Face layout out.

models/base/
  config.json, model.safetensors, tokenizer.json, …   the model, once the run has finished
  training.json       what the run does and came to (`corpuskit.training.plan`)
  metrics.jsonl       its log (`corpuskit.training.metrics`)
  checkpoints/        where it goes on after a stop (`corpuskit.training.checkpoint`)
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from corpuskit.engine.progress import Watch, silent
from corpuskit.tokens.shards import open_shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.checkpoint import save_model
from corpuskit.training.config import TrainConfig
from corpuskit.training.launch import launch, ranks_to_start
from corpuskit.training.machine import stop_signals, this_machine
from corpuskit.training.metrics import FILE as METRICS
from corpuskit.training.models import build_model, load_model, model_tokenizer
from corpuskit.training.plan import FILE as PLAN
from corpuskit.training.plan import check_same, read_plan
from corpuskit.training.trainer import Trainable, Trainer, TrainResult


def pretrain(
    shards: str | Path,
    folder: str | Path,
    config: TrainConfig | None = None,
    *,
    watch: Watch = silent,
    resume: bool = True,
) -> TrainResult:
    """Train a model from random weights on the `train` split of a shard folder, and write it to `folder`.

    A run that was stopped goes on from its newest checkpoint; a finished one is not run again; `resume=False` removes
    what is there. SIGTERM and SIGINT end the step, write a checkpoint and return with `finished=False`. Where
    the settings ask for several ranks (or the machine has several graphics cards), they are started as processes of
    their own; under `torchrun` each rank calls this with the same arguments.

    Raises UsageError for settings that do not fit the shards or the run in the folder, CorpuskitError for damaged
    shards, a full disk, or a training that diverges.
    """
    config = config or TrainConfig()
    if (ranks := ranks_to_start(config)) > 1:
        return launch(Path(shards), Path(folder), config, ranks, watch, resume)
    tokenizer = model_tokenizer(config.model, open_shards(shards, verify=False).tokenizer)
    return train(_Pretrained(config, tokenizer), Path(shards), Path(folder), config, watch, resume)


def train(
    subject: Trainable, shards: Path, folder: Path, config: TrainConfig, watch: Watch, resume: bool
) -> TrainResult:
    """Run or go on with the training of a subject; see `pretrain`."""
    training, held_out = open_shards(shards, "train"), open_shards(shards, "held_out")
    with this_machine(config.precision) as machine, stop_signals() as stop:
        if machine.rank == 0:
            if not resume:
                _clear(folder)
            folder.mkdir(parents=True, exist_ok=True)
        old = read_plan(folder) if resume else None
        if old is not None:
            check_same(old, config, subject.adapter, training, folder)
            if old.finished and old.result is not None:
                return TrainResult(**old.result)
        return Trainer(subject, training, held_out, folder, config, machine, old, watch).go(stop)


class _Pretrained:
    """A whole model, from random weights."""

    def __init__(self, config: TrainConfig, tokenizer: Tokenizer) -> None:
        self.config, self.tokenizer = config, tokenizer
        self.adapter: dict[str, Any] | None = None

    def fresh(self, sequence_length: int) -> Any:
        return build_model(self.config.model, self.tokenizer, sequence_length, self.config.seed)

    def restored(self, folder: Path) -> Any:
        return load_model(folder)

    def body(self, module: Any) -> Any:
        return module

    def save(self, module: Any, folder: Path) -> None:
        save_model(module, self.tokenizer, folder)


def _clear(folder: Path) -> None:
    """Remove what an earlier run left in the folder; files of others stay."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for name in (PLAN, METRICS, "model.safetensors", "adapter_model.safetensors"):
        (folder / name).unlink(missing_ok=True)
