"""A LoRA adapter (Hu et al. 2021, arXiv:2106.09685) on a trained model, through peft: only the adapter is written.

    models/lora/
      adapter_config.json, adapter_model.safetensors   loads with `peft.PeftModel.from_pretrained(base, folder)`
      tokenizer.json, training.json, metrics.jsonl, checkpoints/   as beside a pretrained model

Every linear layer but the output layer gets one. The run is the one of pretraining: exact order, exact resume.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.shards import Shards, open_shards
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.training.config import STYLES, AdaptConfig, Kind, ModelConfig, TrainConfig
from corpuskit.training.models import load_model
from corpuskit.training.plan import read_plan
from corpuskit.training.pretrain import train
from corpuskit.training.run import TrainResult, Watch

TASKS: dict[Kind, str | None] = {"decoder": "CAUSAL_LM", "encoder": None, "encoder-decoder": "SEQ_2_SEQ_LM"}


def finetune_lora(
    model: str | Path,
    shards: str | Path,
    folder: str | Path,
    config: AdaptConfig | None = None,
    *,
    watch: Watch = lambda message, done, total: None,
    resume: bool = True,
) -> TrainResult:
    """Train a LoRA adapter for the model in a folder on token shards, and write it to `folder`.

    The model is one that `pretrain` wrote, or any of the same classes whose `tokenizer.json` is the shards'. Stops and
    goes on like `pretrain`. Raises UsageError for a model that is not there or of no known class, CorpuskitError for
    shards of another tokenizer or windows longer than the model reads.
    """
    config, model = config or AdaptConfig(), Path(model)
    require("peft", "train")
    if not (model / "config.json").is_file():
        raise UsageError(f"no model at {model}: it has no config.json")
    subject = _Adapter(model, config)
    opened = open_shards(shards, verify=False)
    _check_fits(model, subject, opened)
    settings = TrainConfig(
        model=ModelConfig(kind=subject.kind),
        budget=config.budget,
        sequence_length=opened.manifest.sequence_length,
        batch=config.batch,
        mixture={config.source: 1.0} if config.source else None,
        learning_rate=config.learning_rate,
        optimizer="adamw",  # Muon keeps updates at full rank, and these matrices are of low rank by design
        weight_decay=0.0,
        seed=config.seed,
    )
    return train(subject, Path(shards), Path(folder), settings, watch, resume)


class _Adapter:
    def __init__(self, model: Path, config: AdaptConfig) -> None:
        transformers = require("transformers", "train")
        self.model, self.config = model, config
        self.tokenizer: Tokenizer = load_tokenizer(model)
        self.model_config = transformers.AutoConfig.from_pretrained(model, local_files_only=True)
        kinds = [kind for kind, styles in STYLES.items() if self.model_config.model_type in styles]
        if not kinds:
            raise UsageError(f"{model} is a '{self.model_config.model_type}'; an adapter is for one of {STYLES}")
        self.kind: Kind = kinds[0]
        with (model / "model.safetensors").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.adapter: dict[str, Any] | None = {**config.model_dump(mode="json"), "base": digest}

    def fresh(self, sequence_length: int) -> Any:
        peft, torch = require("peft", "train"), require("torch", "train")
        settings = peft.LoraConfig(
            r=self.config.rank,
            lora_alpha=self.config.alpha,
            lora_dropout=self.config.dropout,
            target_modules="all-linear",
            task_type=TASKS[self.kind],
            base_model_name_or_path=str(self.model),
        )
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
            torch.manual_seed(self.config.seed)
            return peft.get_peft_model(load_model(self.model), settings)

    def restored(self, folder: Path) -> Any:
        return require("peft", "train").PeftModel.from_pretrained(load_model(self.model), folder, is_trainable=True)

    def body(self, module: Any) -> Any:
        return module.get_base_model()

    def save(self, module: Any, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        module.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)  # peft's template, all of it still to be filled in
        self.tokenizer.save(folder)


def _check_fits(model: Path, subject: _Adapter, shards: Shards) -> None:
    plan = read_plan(model)
    digest = plan.tokenizer if plan is not None else subject.tokenizer.digest
    if digest != shards.manifest.tokenizer.sha256:
        raise CorpuskitError(f"{shards.folder} was written with another tokenizer than {model} has")
    length = getattr(subject.model_config, "max_position_embeddings", None)
    if length is not None and shards.manifest.sequence_length > length:
        raise CorpuskitError(
            f"{shards.folder} has windows of {shards.manifest.sequence_length} tokens, and {model} reads {length}: "
            "write the shards with a sequence_length that it reads"
        )
