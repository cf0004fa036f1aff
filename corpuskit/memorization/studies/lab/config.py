"""Settings of the lab: how much is planted, how often, and which models are trained on it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from corpuskit.engine.stage import Configured

ARMS = ("raw", "deduplicated", "scrubbed", "goldfish", "adapter", "private")
"""What is done against memorization in each arm: nothing, the stages against duplicates, `personal_data`, or
training with `goldfish`. `adapter` and `private` fine-tune a model of clean text on the raw corpus with LoRA, without
and with differential privacy."""


class LabConfig(Configured):
    """The small form, for some minutes on two cores. `larger()` is the form behind published figures."""

    documents: int = Field(default=12, ge=4)
    """Planted documents for each number of copies; the never planted ones (0 copies) are four times as many."""
    copies: tuple[int, ...] = (0, 1, 8, 64, 128)
    """How many times planted documents are in the corpus."""
    secrets: int = Field(default=8, ge=2)
    """Telephone numbers for each number of copies."""
    secret_copies: tuple[int, ...] = (0, 1, 4, 16, 64)
    """How many times documents with a telephone number are in the corpus."""
    digits: int = Field(default=3, ge=2, le=4)
    """Last digits of a telephone number that are the secret: 3 make 1,000 possible ones, exposure up to 10 bits."""
    coins: int = Field(default=100, ge=8)
    """Documents of random words, each planted four times or not at all by the toss of a coin."""
    fuzzy_copies: int = Field(default=16, ge=2)
    """Copies of further documents, in each of which every tenth word is another one."""
    background: int = Field(default=1500, ge=100)
    """Documents around what is planted, each different."""
    fresh: int = Field(default=200, ge=20)
    """Documents that no model sees: what a token of ordinary text costs it."""
    arms: tuple[str, ...] = ARMS[:4]
    """Which arms are run; raw always is, since the others are measured against it."""
    widths: tuple[int, ...] = (128,)
    """Widths of the models; three layers each."""
    seeds: tuple[int, ...] = (0,)
    """Seeds: each makes another corpus and other first weights."""
    sequence_length: int = Field(default=128, ge=96)
    batch: int = Field(default=16, ge=1)
    """Windows a step."""
    learning_rate: float = Field(default=3e-3, gt=0)
    goldfish: int = Field(default=4, ge=2)
    """In the arm goldfish, one token in so many stays out of the loss."""
    epsilon: float = Field(default=8.0, gt=0)
    """Privacy of a window that the arm private may spend."""
    adapter_epochs: float = Field(default=4.0, gt=0)
    """Passes over the raw corpus in the arms adapter and private."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)

    @field_validator("copies", "secret_copies")
    @classmethod
    def _with_none(cls, copies: tuple[int, ...]) -> tuple[int, ...]:
        if 0 not in copies or len(copies) < 2 or min(copies) < 0:
            raise ValueError(f"copies need 0 (the ones to compare with) and another number, not {list(copies)}")
        return tuple(sorted(set(copies)))

    @field_validator("arms")
    @classmethod
    def _known(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(arms) - set(ARMS):
            raise ValueError(f"no arm '{sorted(unknown)[0]}'; there are {', '.join(ARMS)}")
        return tuple(arm for arm in ARMS if arm in {"raw", *arms})

    @classmethod
    def larger(cls, **changes: Any) -> LabConfig:
        """64 documents for each number of copies, three seeds, three sizes."""
        given: dict[str, Any] = {
            "documents": 64, "copies": (0, 1, 2, 4, 8, 16, 32, 64, 128), "secrets": 16, "digits": 4, "coins": 200,
            "background": 12_000, "widths": (64, 128, 192), "seeds": (0, 1, 2),
        }  # fmt: skip
        return cls(**(given | changes))
