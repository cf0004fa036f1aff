"""What follows once the corpus is clean: token shards, a pretrained model, an adapter, an audit. Each is one job.

A job is a plain function of its feature with the recipe's settings; here stands only which folder it reads and writes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from corpuskit.engine.pipeline import Job, Watch
from corpuskit.engine.stage import Configured, package_digest
from corpuskit.errors import Stopped, UsageError
from corpuskit.memorization.config import AuditConfig
from corpuskit.tokens.train import KINDS, Kind
from corpuskit.training.config import AdaptConfig, Count, TrainConfig

if TYPE_CHECKING:
    from corpuskit.training import TrainResult

TOKENS, BASE, ADAPTER, AUDIT = "tokens", "models/base", "models/lora", "audits"


class TokenizerSection(Configured):
    train: Kind | None = None
    """Train a tokenizer of this kind on the corpus: bpe (byte-level), unigram or wordpiece."""
    vocabulary: int = Field(default=16_000, ge=260)
    """Tokens of a trained vocabulary."""
    sample: Count = Field(default=512 << 20, ge=1)
    """Bytes of text, drawn by hash, that a tokenizer is trained on."""
    path: str | None = None
    """Take this tokenizer.json (or a folder that holds one) instead."""

    @model_validator(mode="after")
    def _one(self) -> TokenizerSection:
        if (self.train is None) == (self.path is None):
            raise ValueError(f"give one of 'train' ({', '.join(KINDS)}) and 'path' (a tokenizer.json)")
        return self


class TokensSection(Configured):
    tokenizer: TokenizerSection = TokenizerSection(train="bpe")
    """The tokenizer, trained on the corpus or given."""
    sequence_length: int = Field(default=1024, ge=8)
    """Tokens of a training window."""
    shard_tokens: Count = Field(default=16 << 20, ge=1)
    """Tokens of a shard."""
    hold_out: float = Field(default=0.02, ge=0, lt=1)
    """Share of the text that no training sees, cut by document and near-duplicate cluster."""
    seed: int = Field(default=0, ge=0)
    """Seed of what is held out and sampled."""


@dataclass(frozen=True)
class Sections:
    tokens: TokensSection | None
    train: TrainConfig | None
    adapt: AdaptConfig | None
    audit: AuditConfig | None


@dataclass(frozen=True)
class FolderJob:
    """A job that is a function of the run's folder."""

    name: str
    folder: str
    config: dict[str, Any]
    owners: tuple[Any, ...]
    """Classes and functions whose packages hold the code that the result depends on."""
    work: Callable[[Path, Watch], dict[str, Any]]

    def settings(self) -> dict[str, Any]:
        return {"config": self.config, "code": [package_digest(owner) for owner in self.owners]}

    def run(self, run_folder: Path, watch: Watch) -> dict[str, Any]:
        return self.work(run_folder, watch)


def jobs(sections: Sections) -> list[Job]:
    """The jobs of a recipe, in order."""
    return list(_jobs(sections))


def _jobs(sections: Sections) -> Iterator[Job]:
    tokens, train, adapt, audit = sections.tokens, sections.train, sections.adapt, sections.audit
    if tokens is not None:
        planted = audit.canaries if audit is not None else None
        config = {"tokens": tokens.model_dump(mode="json"), "canaries": planted and planted.model_dump(mode="json")}
        owners = (TokensSection, _owner("corpuskit.tokens.shards", "Shards"))
        yield FolderJob(
            "token shards", TOKENS, config, owners, lambda folder, watch: _tokens(folder, tokens, audit, watch)
        )
    if train is not None:
        config = train.model_dump(mode="json")
        yield FolderJob("pretraining", BASE, config, (TrainConfig,), lambda folder, watch: _train(folder, train, watch))
    if adapt is not None:
        config = adapt.model_dump(mode="json")
        yield FolderJob("adapter", ADAPTER, config, (AdaptConfig,), lambda folder, watch: _adapt(folder, adapt, watch))
    if audit is not None:
        config = audit.model_dump(mode="json")
        yield FolderJob("audit", AUDIT, config, (AuditConfig,), lambda folder, watch: _audit(folder, audit, watch))


def _owner(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def corpus_files(folder: Path) -> list[Path]:
    return sorted((folder / "corpus").glob("*.parquet"))


def _tokens(folder: Path, section: TokensSection, audit: AuditConfig | None, watch: Watch) -> dict[str, Any]:
    from corpuskit.memorization.canaries import canary_documents, plan_canaries
    from corpuskit.tokens import load_tokenizer, sample_texts, train_tokenizer, write_shards

    files = corpus_files(folder)
    chosen = section.tokenizer
    if chosen.train is not None:
        watch("training the tokenizer", 0, 0)
        texts = sample_texts(files, chosen.sample, seed=section.seed)
        tokenizer = train_tokenizer(texts, chosen.vocabulary, chosen.train)
    else:
        assert chosen.path is not None
        tokenizer = load_tokenizer(chosen.path)
    canaries = []
    if audit is not None and audit.canaries is not None:
        plan = plan_canaries(audit.canaries)
        plan.write(folder / "canaries.json")  # registered before anything is trained
        canaries = canary_documents(plan)
    manifest = write_shards(
        files,
        tokenizer,
        folder / TOKENS,
        sequence_length=section.sequence_length,
        shard_tokens=section.shard_tokens,
        hold_out=section.hold_out,
        extra_documents=canaries,
        seed=section.seed,
        watch=watch,
    )
    train, held = manifest.train, manifest.held_out
    says = (
        f"{train.tokens:,} tokens to train on, {held.tokens:,} held out, vocabulary {manifest.tokenizer.vocabulary:,}"
    )
    if canaries:
        says += f", {len(canaries)} canary documents planted"
    per_token = {
        code: round(counts.text_bytes / max(counts.tokens, 1), 3) for code, counts in train.by_language.items()
    }
    return {
        "says": says,
        "tokens": train.tokens,
        "held_out_tokens": held.tokens,
        "vocabulary": manifest.tokenizer.vocabulary,
        "bytes_per_token": per_token,
    }


def _train(folder: Path, config: TrainConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training import pretrain

    return _trained(pretrain(folder / TOKENS, folder / BASE, config, watch=watch))


def _adapt(folder: Path, config: AdaptConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training import finetune_lora

    return _trained(finetune_lora(folder / BASE, folder / TOKENS, folder / ADAPTER, config, watch=watch))


def _trained(result: TrainResult) -> dict[str, Any]:
    if not result.finished:
        raise Stopped(
            f"training stopped ({result.stopped_by}) after {result.steps:,} steps, and everything is saved: "
            "run the same command again to go on"
        )
    says = f"{result.parameters / 1e6:.2f} M parameters, {result.tokens:,} tokens in {result.steps:,} steps"
    if result.bits_per_byte is not None:
        says += f"; held out {result.bits_per_byte:.3f} bits a byte"
    if result.unigram_bits_per_byte is not None:
        says += f" (token frequencies alone: {result.unigram_bits_per_byte:.3f})"
    return {"says": says, **asdict(result)}


def _audit(folder: Path, config: AuditConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.memorization import audit

    plan = folder / "canaries.json"
    result = audit(
        folder / BASE, folder / TOKENS, folder / AUDIT, config, canaries=plan if plan.exists() else None, watch=watch
    )
    return {"says": result.sentence(), **result.summary()}


def steps_of_document(folder: Path, document: str) -> list[int] | None:
    """Training steps of a run that read a document; [] where none did, None where the run trained no model."""
    from corpuskit.training import training_order

    found = training_order(folder / BASE, folder / TOKENS)
    if found is None:
        return None
    order, steps = found
    try:
        return order.steps_of(document, steps)
    except UsageError:  # it is held out, or has no text
        return []
