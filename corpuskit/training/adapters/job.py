"""The key `adapt`: the trained model, fine-tuned, with a small adapter or in its own weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.job import ADAPTER, BASE, TOKENS, FolderJob, JobKey, Sections
from corpuskit.engine.pipeline import Job
from corpuskit.engine.progress import Watch
from corpuskit.training.adapters import AdaptConfig
from corpuskit.training.job import trained


def _jobs(config: AdaptConfig, sections: Sections) -> Iterator[Job]:
    settings = config.model_dump(mode="json")
    folder = ADAPTER if config.method == "lora" else f"models/{config.method}"
    yield FolderJob("adapter", folder, settings, (AdaptConfig,), lambda run, watch: _adapt(run, folder, config, watch))


def _adapt(run: Path, folder: str, config: AdaptConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training import finetune

    return trained(finetune(run / BASE, run / TOKENS, run / folder, config, watch=watch))


KEY = JobKey("adapt", needs="train", jobs=_jobs)
