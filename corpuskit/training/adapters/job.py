"""The keys `adapt` and `compare`: the trained model, fine-tuned in one way, and in several ways compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.tokens.job import TOKENS
from corpuskit.training.adapters import AdaptConfig, CompareConfig
from corpuskit.training.adapters.config import COMPARISON
from corpuskit.training.job import BASE, trained

ADAPTER = "models/lora"


def _adapt_jobs(config: AdaptConfig, sections: Sections) -> Iterator[Job]:
    folder = adapter_folder(config)
    yield Job(
        "adapter",
        folder,
        version=2,
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


def _compare_jobs(config: CompareConfig, sections: Sections) -> Iterator[Job]:
    yield Job(
        "comparison",
        COMPARISON,
        version=2,
        settings=settings_of(config),
        reads=(BASE, TOKENS),
        libraries=("torch", "transformers", "peft"),
        work=lambda run, watch: _compare(run, config, watch),
    )


def _compare(run: Path, config: CompareConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.training.adapters import compare
    from corpuskit.training.adapters.report import write_comparison

    comparison = compare(run / BASE, run / TOKENS, run / COMPARISON, config, watch=watch)
    write_comparison(comparison.value, run / COMPARISON)
    return {"says": comparison.sentence(), "ways": comparison.table().to_pylist()}


ADAPT = JobKey(
    "adapt",
    summary="Fine-tune the trained model, with a small adapter or in its own weights.",
    settings=AdaptConfig,
    needs="train",
    jobs=_adapt_jobs,
)
COMPARE = JobKey(
    "compare",
    summary="Fine-tune the trained model in several ways, and compare what each gains, forgets and costs.",
    settings=CompareConfig,
    needs="train",
    jobs=_compare_jobs,
)
