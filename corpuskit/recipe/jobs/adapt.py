"""The key `adapt`: the trained model, fine-tuned with a small adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.pipeline import Job, Watch
from corpuskit.recipe.jobs.job import ADAPTER, BASE, TOKENS, FolderJob, JobKey, Sections
from corpuskit.recipe.jobs.train import trained
from corpuskit.training.config import AdaptConfig


def _jobs(config: AdaptConfig, sections: Sections) -> Iterator[Job]:
    settings = config.model_dump(mode="json")
    yield FolderJob("adapter", ADAPTER, settings, (AdaptConfig,), lambda folder, watch: _adapt(folder, config, watch))


def _adapt(folder: Path, config: AdaptConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training import finetune_lora

    return trained(finetune_lora(folder / BASE, folder / TOKENS, folder / ADAPTER, config, watch=watch))


KEY = JobKey("adapt", needs="train", jobs=_jobs)
