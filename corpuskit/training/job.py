"""The key `train`: a small model, pretrained on the token shards."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.errors import CorpuskitError, Stopped, UsageError
from corpuskit.tokens.job import TOKENS
from corpuskit.training.config import TrainConfig

if TYPE_CHECKING:
    from corpuskit.engine.ledger import Story
    from corpuskit.training import TrainResult

BASE = "models/base"
"""The folder of the pretrained model, inside a run's folder."""
SHOWN_STEPS = 12


def _jobs(config: TrainConfig, sections: Sections) -> Iterator[Job]:
    yield Job(
        "pretraining",
        BASE,
        version=2,
        settings=settings_of(config),
        reads=(TOKENS,),
        libraries=("torch", "transformers"),
        inputs=() if config.from_ is None else tuple(sorted(Path(config.from_).glob("*.safetensors"))),
        work=lambda folder, watch: _train(folder, config, watch),
    )


def _train(folder: Path, config: TrainConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training import pretrain

    result = pretrain(folder / TOKENS, folder / BASE, config, watch=watch)
    return trained(result, f"corpuskit train --resume {shlex.quote(str(folder))}")


def trained(result: TrainResult, again: str = "the same command") -> dict[str, Any]:
    """What a training says of itself in run.json. Raises Stopped where it was told to stop before its end, with the
    command that goes on."""
    if not result.finished:
        raise Stopped(
            f"training stopped ({result.stopped_by}) after {result.steps:,} steps, and everything is saved; "
            f"to go on: {again}"
        )
    text = f"{result.parameters / 1e6:.2f} M parameters, {result.tokens:,} tokens in {result.steps:,} steps"
    if result.bits_per_byte is not None:
        text += f"; held out {result.bits_per_byte:.3f} bits a byte"
    if result.unigram_bits_per_byte is not None:
        text += f" (token frequencies alone: {result.unigram_bits_per_byte:.3f})"
    return {"says": text, **asdict(result)}


def training_history(folder: Path, document: str, story: Story) -> list[str]:
    """Lines for `corpuskit why`: the training steps that read a document of the corpus, where the run has trained."""
    if not (folder / BASE).is_dir():
        return []
    lines = []
    for row in story.kept:
        try:
            steps = steps_of_document(folder, row["id"])
        except CorpuskitError as error:  # a plan of another version, a shard that is gone: the other lines are right
            lines.append(f"training: the steps that read it are unknown: {error}")
            continue
        if steps:
            more = f" and {len(steps) - SHOWN_STEPS} more" if len(steps) > SHOWN_STEPS else ""
            lines.append(f"training: read in steps {', '.join(map(str, steps[:SHOWN_STEPS]))}{more}")
        elif steps is not None:
            lines.append("training: never read (held out, or not reached)")
    return lines


def steps_of_document(folder: Path, document: str) -> list[int] | None:
    """Training steps of a run that read a document; [] where none did, None where the run trained no model."""
    from corpuskit.training import training_order

    planned = training_order(folder / BASE, folder / TOKENS)
    if planned is None:
        return None
    order, steps = planned
    try:
        return order.steps_of(document, steps)
    except UsageError:  # it is held out, or has no text
        return []


KEY = JobKey(
    "train",
    summary="Pretrain a small model on the shards.",
    settings=TrainConfig,
    needs="tokens",
    jobs=_jobs,
)
