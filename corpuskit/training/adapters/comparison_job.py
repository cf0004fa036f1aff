"""The key `compare`: the trained model, fine-tuned in several ways, and what each gains, costs and forgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import BASE, TOKENS, Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.training.adapters import CompareConfig

COMPARISON = "evaluations/adapters"


def _jobs(config: CompareConfig, sections: Sections) -> Iterator[Job]:
    yield Job(
        "comparison",
        COMPARISON,
        version=1,
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


KEY = JobKey("compare", needs="train", jobs=_jobs)
