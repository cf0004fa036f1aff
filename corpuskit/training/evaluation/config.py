"""Settings of an evaluation: the keys under `evaluate` in a recipe."""

from __future__ import annotations

from pydantic import Field

from corpuskit.engine.stage import Configured

EVALUATIONS = "evaluations/models"
"""The folder of the evaluation of a run's models, inside the run's folder."""


class EvaluateConfig(Configured):
    """What the trained models are asked, each with its adapters."""

    probes: bool = True
    """Ask the tasks of the built-in probe suite, in English and Korean."""
    tasks: tuple[str, ...] = ()
    """EvaluationTask files to ask besides."""
    shots: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Numbers of examples before each item: [0, 1, 2, 4, 8] gives a curve."""
    seeds: int = Field(default=1, ge=1)
    """Draws of examples for each number of them."""
    limit: int | None = Field(default=None, ge=1)
    """Items of each task that are asked at most."""
    chat: bool = False
    """Ask in conversations by the model's chat template; models without one are asked in plain text."""
    held_out: bool = True
    """Measure bits per byte of the held-out split."""
    held_out_tokens: int | None = Field(default=None, ge=1)
    """Held-out tokens that are read at most. Default: all."""
