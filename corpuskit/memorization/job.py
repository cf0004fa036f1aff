"""The key `audit`: what the trained model memorised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpuskit.engine.identity import settings_of
from corpuskit.engine.job import CORPUS, Job, JobKey, Sections
from corpuskit.engine.progress import Watch
from corpuskit.errors import UsageError
from corpuskit.memorization.canaries import CANARIES
from corpuskit.memorization.config import AuditConfig
from corpuskit.tokens.job import TOKENS
from corpuskit.training.job import BASE

AUDIT = "audits"
"""The folder of a run's audits, inside its folder."""


def _jobs(config: AuditConfig, sections: Sections) -> Iterator[Job]:
    _check_measurable(config, sections)
    yield Job(
        "audit",
        AUDIT,
        version=3,
        settings=settings_of(config),
        reads=(BASE, TOKENS, CORPUS),
        libraries=("torch", "transformers", "presidio-analyzer"),
        work=lambda folder, watch: _audit(folder, config, watch),
    )


def _check_measurable(config: AuditConfig, sections: Sections) -> None:
    """Raises UsageError, before anything is trained, where the recipe's model cannot be audited so."""
    train, tokens = sections.get("train"), sections.get("tokens")
    if train is not None and train.model.kind != "decoder":
        raise UsageError(
            f"audit: the audit measures causal models, and the recipe trains an {train.model.kind} "
            "(train: model: kind), which reads later tokens too: remove the key 'audit', or train a decoder"
        )
    length = config.prefix + config.suffix
    context = (train and train.sequence_length) or (tokens and tokens.sequence_length)
    if context and length > context:
        raise UsageError(
            f"audit: windows of {length} tokens (prefix {config.prefix} and suffix {config.suffix}) do not fit the "
            f"model's context of {context} (sequence_length): choose a smaller prefix or suffix"
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
