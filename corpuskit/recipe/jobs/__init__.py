"""What follows once the corpus is clean: token shards, a pretrained model, an adapter, an audit. One file a key."""

from __future__ import annotations

from corpuskit.engine.job import Job, JobKey, Sections
from corpuskit.memorization import job as audit
from corpuskit.tokens import job as tokens
from corpuskit.training import job as train
from corpuskit.training.adapters import comparison_job as compare
from corpuskit.training.adapters import job as adapt
from corpuskit.training.evaluation import job as evaluate
from corpuskit.training.instruct import job as instruct

JOBS: tuple[JobKey, ...] = (tokens.KEY, train.KEY, adapt.KEY, compare.KEY, instruct.KEY, evaluate.KEY, audit.KEY)
"""The keys that make jobs, in the order in which a run does them."""


def jobs(sections: Sections, last: str | None = None) -> list[Job]:
    """The jobs of a recipe, in order; with `last`, those up to and with that key."""
    found: list[Job] = []
    for entry in JOBS:
        section = sections.get(entry.key)
        if section is not None:
            found += entry.jobs(section, sections)
        if entry.key == last:
            break
    return found
