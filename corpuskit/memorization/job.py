"""The key `audit`: what the trained model memorised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import CORPUS, Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.memorization.canaries import CANARIES
from corpuskit.memorization.config import AuditConfig
from corpuskit.tokens.job import TOKENS
from corpuskit.training.job import BASE

AUDIT = "audits"
"""The folder of a run's audits, inside its folder."""


def _jobs(config: AuditConfig, sections: Sections) -> Iterator[Job]:
    yield Job(
        "audit",
        AUDIT,
        version=1,
        settings=settings_of(config),
        reads=(BASE, TOKENS, CORPUS),
        libraries=("torch", "transformers", "presidio-analyzer"),
        work=lambda folder, watch: _audit(folder, config, watch),
    )


def _audit(folder: Path, config: AuditConfig, watch: Watch) -> dict[str, Any]:
    from corpuskit.memorization import audit
    from corpuskit.memorization.measures.personal import personal_finder

    plan = folder / CANARIES
    result = audit(
        folder / BASE,
        folder / TOKENS,
        folder / AUDIT,
        config,
        canaries=plan if plan.exists() else None,
        corpus=sorted((folder / "corpus").glob("*.parquet")),
        personal=personal_finder(),
        watch=watch,
    )
    return {"says": result.sentence(), **result.summary()}


KEY = JobKey(
    "audit",
    summary="Measure what the trained model memorised.",
    settings=AuditConfig,
    needs="train",
    jobs=_jobs,
)
