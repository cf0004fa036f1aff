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
from corpuskit.errors import UsageError, require
from corpuskit.tokens.shards import Shards, open_shards
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.checkpoint import save_model
from corpuskit.training.config import ModelConfig, TrainConfig
from corpuskit.training.launch import launch, ranks_to_start
from corpuskit.training.machine import stop_signals, this_machine
from corpuskit.training.metrics import FILE as METRICS
from corpuskit.training.models import (
    build_model,
    check_vocabulary,
    context_length,
    family_of,
    load_model,
    model_tokenizer,
)
from corpuskit.training.plan import FILE as PLAN
from corpuskit.training.plan import check_same, read_plan
from corpuskit.training.trainer import Trainable, Trainer, TrainResult

CONTINUED_RATE = 3e-4
"""Peak learning rate of a trained model that goes on, where none is given."""


def pretrain(
    shards: str | Path,
    folder: str | Path,
    config: TrainConfig | None = None,
    *,
    watch: Watch = silent,
    resume: bool = True,
) -> TrainResult:
    """Train a model on the `train` split of a shard folder, and write it to `folder`.

    It starts from random weights, or from the trained model that `config.from_` names.

    A run that was stopped goes on from its newest checkpoint; a finished one is not run again; `resume=False` removes
    what is there. SIGTERM and SIGINT end the step, write a checkpoint and return with `finished=False`. Where
    the settings ask for several ranks (or the machine has several graphics cards), they are started as processes of
    their own; under `torchrun` each rank calls this with the same arguments.

    Raises UsageError for settings that do not fit the shards or the run in the folder, CorpuskitError for damaged
    shards, a full disk, or a training that diverges.
    """
    config = config or TrainConfig()
    if config.from_ is not None:
        return _continue(Path(config.from_), Path(shards), Path(folder), config, watch, resume)
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


def _continue(base: Path, shards: Path, folder: Path, config: TrainConfig, watch: Watch, resume: bool) -> TrainResult:
    """Go on with the pretraining of the model in `base`."""
    if not (base / "config.json").is_file():
        raise UsageError(f"from: no model at {base}: it has no config.json")
    subject = _Continued(base, open_shards(shards, verify=False))
    known = config.model_copy(
        update={"model": ModelConfig(kind=subject.kind), "learning_rate": config.learning_rate or CONTINUED_RATE}
    )
    if (ranks := ranks_to_start(config)) > 1:
        return launch(shards, folder, config, ranks, watch, resume)
    return train(subject, shards, folder, known, watch, resume)


class _Continued:
    """A trained model that goes on, with its own tokenizer."""

    def __init__(self, base: Path, shards: Shards) -> None:
        """Raises UsageError for a model of no known family, or shards that do not fit it."""
        self.base, self.tokenizer = base, load_tokenizer(base)
        settings = require("transformers", "train").AutoConfig.from_pretrained(base, local_files_only=True)
        try:
            self.kind = family_of(settings).kind
        except UsageError as error:
            raise UsageError(f"from: {base}: {error}") from error
        plan = read_plan(base)
        known = {self.tokenizer.digest, *([] if plan is None else [plan.tokenizer])}
        if shards.manifest.tokenizer.sha256 not in known:
            raise UsageError(
                f"{shards.folder} was written with another tokenizer than {base} has: write the shards with its own "
                f"(tokens: {{tokenizer: {base}}})"
            )
        limit, length = context_length(settings), shards.manifest.sequence_length
        if limit is not None and length > limit:
            raise UsageError(f"{shards.folder} has windows of {length} tokens, and {base} reads {limit}")
        self.adapter: dict[str, Any] | None = {"from": str(base), "base": weights_digest(base)}

    def fresh(self, sequence_length: int) -> Any:
        model = load_model(self.base)
        check_vocabulary(model, self.tokenizer, self.base)
        return model

    def restored(self, folder: Path) -> Any:
        return load_model(folder)

    def body(self, module: Any) -> Any:
        return module

    def save(self, module: Any, folder: Path) -> None:
        save_model(module, self.tokenizer, folder)


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
