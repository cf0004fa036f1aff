"""The key `adapt`: the trained model, fine-tuned, with a small adapter or in its own weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import ADAPTER, BASE, TOKENS, Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.training.adapters import AdaptConfig
from corpuskit.training.job import trained


def _jobs(config: AdaptConfig, sections: Sections) -> Iterator[Job]:
    folder = adapter_folder(config)
    yield Job(
        "adapter",
        folder,
        version=1,
        settings=settings_of(config),
        reads=(BASE, TOKENS),
        libraries=("torch", "transformers", "peft"),
        work=lambda run, watch: _adapt(run, folder, config, watch),
    )


def adapter_folder(config: AdaptConfig) -> str:
    return ADAPTER if config.method == "lora" else f"models/{config.method}"


def _adapt(run: Path, folder: str, config: AdaptConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training import finetune

    return trained(finetune(run / BASE, run / TOKENS, run / folder, config, watch=watch))


KEY = JobKey("adapt", needs="train", jobs=_jobs)
