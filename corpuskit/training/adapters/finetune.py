"""Fine-tuning a trained model on token shards: one entry for adapters and for the model's own weights.

The run is the one of pretraining: exact order, exact resume, the same log. For an adapter, only the adapter is
written (`folder.py` shows the files); the other methods write a whole model, as pretraining does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import CorpuskitError, UsageError, nearest, require
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.shards import Shards, open_shards
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.training.adapters.config import ADAPTERS, VIRTUAL, AdaptConfig
from corpuskit.training.adapters.folder import WEIGHTS, AdapterFile, weights_digest
from corpuskit.training.adapters.methods import attach, quiet, thaw, virtual_tokens
from corpuskit.training.checkpoint import save_model
from corpuskit.training.config import Budget, Kind, ModelConfig, TrainConfig
from corpuskit.training.models import check_vocabulary, context_length, family_of, load_model, read_weights
from corpuskit.training.plan import read_plan
from corpuskit.training.pretrain import train
from corpuskit.training.trainer import TrainResult


def finetune(
    model: str | Path,
    shards: str | Path,
    folder: str | Path,
    config: AdaptConfig | None = None,
    *,
    watch: Watch = silent,
    resume: bool = True,
) -> TrainResult:
    """Fine-tune the model in a folder on token shards, and write what was trained to `folder`.

    The model is one that `pretrain` wrote, or any of the same classes whose `tokenizer.json` is the shards'. Stops and
    goes on like `pretrain`. Raises UsageError for a model that is not there, of no known class, or of one that does
    not take the method; CorpuskitError for shards of another tokenizer or windows longer than the model reads.
    """
    config, model = config or AdaptConfig(), Path(model)
    require("peft", "train")
    if not (model / "config.json").is_file():
        raise UsageError(f"no model at {model}: it has no config.json")
    opened = open_shards(shards, verify=False)
    subject = _FineTuned(model, config, _first_tokens(opened, config.source))
    length = _window(model, subject, opened)
    settings = TrainConfig(
        model=ModelConfig(kind=subject.kind),
        budget=_budget(opened, config, length),
        sequence_length=length,
        batch=config.batch,
        mixture=_mixture(opened, config),
        learning_rate=config.rate,
        optimizer="adamw",  # Muon keeps updates at full rank, and adapters are of low rank by design
        weight_decay=0.0,
        seed=config.seed,
    )
    return train(subject, Path(shards), Path(folder), settings, watch, resume)


class _FineTuned:
    def __init__(self, model: Path, config: AdaptConfig, start: Sequence[int]) -> None:
        self.model, self.config, self.start = model, config, start
        self.tokenizer: Tokenizer = load_tokenizer(model)
        auto = require("transformers", "train").AutoConfig
        self.model_config = auto.from_pretrained(model, local_files_only=True)
        try:
            self.kind: Kind = family_of(self.model_config).kind
        except UsageError as error:
            raise UsageError(f"{model}: {error}") from error
        self.base = weights_digest(model)
        self.adapter: dict[str, Any] | None = {**config.model_dump(mode="json"), "base": self.base}

    def fresh(self, sequence_length: int) -> Any:
        model = load_model(self.model)
        check_vocabulary(model, self.tokenizer, self.model)
        return attach(model, self.config, str(self.model), self.start)

    def restored(self, folder: Path) -> Any:
        if self.config.method not in ADAPTERS:
            return thaw(load_model(folder), self.config.method)
        module = self.fresh(0)
        state = read_weights(folder / WEIGHTS)
        with quiet():
            require("peft", "train").set_peft_model_state_dict(module, state)
        return module

    def body(self, module: Any) -> Any:
        if self.config.method in VIRTUAL:
            return require("corpuskit.training.adapters.virtual", "train").VirtualBody(module)
        return module.get_base_model() if self.config.method in ADAPTERS else module

    def save(self, module: Any, folder: Path) -> None:
        if self.config.method not in ADAPTERS:
            save_model(module, self.tokenizer, folder)
            return
        folder.mkdir(parents=True, exist_ok=True)
        with quiet():
            module.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)  # peft's template, all of it still to be filled in
        self.tokenizer.save(folder)
        settings = self.config.model_dump(mode="json")
        AdapterFile(method=self.config.method, base=self.base, base_folder=str(self.model), settings=settings).write(
            folder
        )


def _window(model: Path, subject: _FineTuned, shards: Shards) -> int:
    """Tokens of a window, virtual ones not counted. Raises CorpuskitError for shards that do not fit the model."""
    plan = read_plan(model)
    trained_with = plan.tokenizer if plan is not None else None
    same_ids = subject.tokenizer.ids_digest == shards.tokenizer.ids_digest
    if not same_ids and trained_with != shards.manifest.tokenizer.sha256:
        raise CorpuskitError(f"{shards.folder} was written with another tokenizer than {model} has")
    limit = context_length(subject.model_config)
    length = shards.manifest.sequence_length
    if limit is not None and length > limit:
        raise CorpuskitError(
            f"{shards.folder} has windows of {length} tokens, and {model} reads {limit}: "
            "write the shards with a sequence_length that it reads"
        )
    count = virtual_tokens(subject.config)
    room = length if limit is None else limit - count
    if room < 8:
        raise UsageError(f"{model} reads {limit} tokens, and {count} virtual ones leave {max(room, 0)} for the text")
    return min(length, room)


def _mixture(shards: Shards, config: AdaptConfig) -> dict[str, float] | None:
    """Share of the tokens for each source: the one that is learned, and the others that are replayed, by their size."""
    if config.source is None:
        return None
    sizes = {name: counts.tokens for name, counts in shards.manifest.train.by_source.items()}
    present = {entry.source for entry in shards.entries}
    others = {name: size for name, size in sizes.items() if name != config.source and name in present and size}
    if not config.replay:
        return {config.source: 1.0}
    if not others:
        raise UsageError(f"{shards.folder} has no other source than '{config.source}' to replay")
    total = sum(others.values())
    shares = {name: config.replay * size / total for name, size in others.items()}
    return {config.source: 1 - config.replay, **shares}


def _budget(shards: Shards, config: AdaptConfig, length: int) -> Budget:
    """Epochs of a mixture with replay are passes over the source alone; what is replayed comes on top."""
    if not config.replay or config.budget.epochs is None:
        return config.budget
    windows = TokenOrder(shards, sequence_length=length, mixture={str(config.source): 1.0}).epoch_samples
    return Budget(steps=max(1, round(config.budget.epochs * windows / (1 - config.replay) / config.batch)))


def _first_tokens(shards: Shards, source: str | None) -> list[int]:
    """The beginning of a document to be learned: what virtual tokens start from. Raises UsageError for a source that
    the shards do not have."""
    sources = [entry.source for entry in shards.entries]
    if source is not None and source not in sources:
        raise UsageError(f"{shards.folder} has no source '{source}'{nearest(source, sources)}")
    number = sources.index(source) if source is not None else 0
    if not sources:
        raise UsageError(f"{shards.folder}: the {shards.name} split is empty")
    return [int(token) for token in shards.shards[number].document(0)]
