"""The key `tokens`: a tokenizer, trained on the corpus or given, and the token shards that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import Field, model_validator

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import CORPUS, Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.engine.sizes import Count, Size
from corpuskit.engine.stage import Configured
from corpuskit.tokens.train import KINDS, Kind

TOKENS = "tokens"
"""The folder of the token shards, inside a run's folder."""


@dataclass(frozen=True)
class Planting:
    """Documents that another recipe key adds to the token shards (canaries, say)."""

    settings: dict[str, Any]
    """What decides which documents are added, as JSON."""
    writes: tuple[str, ...]
    """Files in which they are registered, relative to the run's folder."""
    documents: Callable[[Path], Sequence[Mapping[str, Any]]]
    """Registers them in the run's folder and returns them."""


@runtime_checkable
class Plants(Protocol):
    """Settings of a recipe key that may add documents of its own to the token shards."""

    def planting(self) -> Planting | None: ...


class TokenizerSection(Configured):
    train: Kind | None = None
    """Train a tokenizer of this kind on the corpus: bpe (byte-level), unigram or wordpiece."""
    vocabulary: int = Field(default=16_000, ge=260)
    """Tokens of a trained vocabulary."""
    sample: Size = Field(default=512 << 20, ge=1)
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


def _jobs(section: TokensSection, sections: Sections) -> Iterator[Job]:
    plantings: list[Planting] = []
    settings = settings_of(section)
    for key, other in sections.items():
        if isinstance(other, Plants) and (planting := other.planting()) is not None:
            plantings.append(planting)
            settings[f"planted by {key}"] = planting.settings
    path = section.tokenizer.path
    yield Job(
        "token shards",
        TOKENS,
        version=2,
        settings=settings,
        reads=(CORPUS,),
        libraries=("tokenizers", "gigatoken"),
        inputs=() if path is None else (_tokenizer_file(Path(path)),),
        writes=tuple(file for planting in plantings for file in planting.writes),
        work=lambda folder, watch: _tokens(folder, section, plantings, watch),
    )


def _tokenizer_file(path: Path) -> Path:
    return path / "tokenizer.json" if path.is_dir() else path


def corpus_files(folder: Path) -> list[Path]:
    return sorted((folder / "corpus").glob("*.parquet"))


def _tokens(folder: Path, section: TokensSection, plantings: Sequence[Planting], watch: Watch) -> dict[str, Any]:
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
    extra = [document for planting in plantings for document in planting.documents(folder)]
    manifest = write_shards(
        files,
        tokenizer,
        folder / TOKENS,
        sequence_length=section.sequence_length,
        shard_tokens=section.shard_tokens,
        hold_out=section.hold_out,
        extra_documents=extra,
        seed=section.seed,
        watch=watch,
    )
    train, held = manifest.train, manifest.held_out
    text = (
        f"{train.tokens:,} tokens to train on, {held.tokens:,} held out, vocabulary {manifest.tokenizer.vocabulary:,}, "
        f"{train.bytes_per_token:.2f} bytes a token"
    )
    if extra:
        text += f", {len(extra)} documents planted"
    return {
        "says": text,
        "tokens": train.tokens,
        "held_out_tokens": held.tokens,
        "vocabulary": manifest.tokenizer.vocabulary,
        "bytes_per_token": {code: round(counts.bytes_per_token, 3) for code, counts in train.by_language.items()},
        "bytes_per_token_by_source": {
            name: round(counts.bytes_per_token, 3) for name, counts in train.by_source.items()
        },
    }


KEY = JobKey(
    "tokens",
    summary="Train a tokenizer or take a given one, and write token shards.",
    settings=TokensSection,
    needs=None,
    jobs=_jobs,
)
