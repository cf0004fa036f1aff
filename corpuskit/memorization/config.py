"""What an audit is told: the keys under `audit` in a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from corpuskit.engine.identity import settings_of
from corpuskit.engine.stage import Configured
from corpuskit.memorization.canaries import CANARIES, CanaryConfig, canary_documents, plan_canaries

if TYPE_CHECKING:
    from corpuskit.tokens.job import Planting


class DecodingPolicy(Configured):
    """How text is sampled from the model: the temperature, then how many of the likeliest tokens stay possible."""

    temperature: float = Field(default=1.0, gt=0)
    top_k: int | None = Field(default=None, ge=1)
    """Null keeps all tokens possible."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Nucleus (Holtzman et al. 2020, arXiv:1904.09751): the fewest of those tokens whose chances reach this sum, the
    likeliest at least. Null, like 1, leaves none out."""

    @property
    def name(self) -> str:
        name = f"temperature={self.temperature:g}" + (f",top_k={self.top_k}" if self.top_k else "")
        return name + (f",top_p={self.top_p:g}" if self.top_p else "")


class AuditConfig(Configured):
    windows: int = Field(default=2000, ge=1)
    """Windows of the training text that are tested, and as many of the held-out text."""
    prefix: int = Field(default=32, ge=1)
    """Tokens that the model is given."""
    suffix: int = Field(default=32, ge=1)
    """Tokens that it must complete verbatim."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of the intervals."""
    canaries: CanaryConfig | None = CanaryConfig()
    """Secrets planted before training, to measure their exposure; null plants none."""
    policies: tuple[DecodingPolicy, ...] = (DecodingPolicy(top_k=40),)
    """Ways of sampling, beside plain sampling, for which the probability of each suffix is computed."""
    documents: int = Field(default=500, ge=0)
    """Training documents, and as many held-out ones, on which membership is guessed; 0 leaves it out."""
    document_tokens: int = Field(default=256, ge=32)
    """Tokens of a document that are looked at, from its beginning; fewer where the model's context is shorter."""
    identifiers: int = Field(default=24, ge=0)
    """Hashes, UUIDs and long numbers of the text, of each form, that are ranked among fresh ones; 0 for none."""
    personal: int = Field(default=24, ge=0)
    """Pieces of personal data of each type, in the training text and as many in the held-out text, that the model is
    asked to complete; 0 for none. They are looked for only where the audit is given something that finds them."""
    near_verbatim: int = Field(default=200, ge=0)
    """Windows, of those that are half right token by token, after whose prefix the model writes, to see how close it
    comes to the suffix; 0 leaves it out."""
    generations: int = Field(default=32, ge=0)
    """Texts that the model writes from nothing, to be traced to the corpus; 0 leaves it out."""
    replayed: int = Field(default=256, ge=0)
    """Windows that are scored behind what stood before them in training, where the order of training is known."""
    reference: str | None = None
    """Folder of another model with the same tokenizer, to which the membership scores are compared."""
    cap: int = Field(default=8, ge=1)
    """Copies to which the decisions would cap a passage, and for which the effect is predicted."""
    batch: int = Field(default=64, ge=1)
    """Windows in one forward pass."""
    seed: int = Field(default=0, ge=0)
    """Seed of the sample of windows."""

    def planting(self) -> Planting | None:
        """The canary documents that the token shards receive; None where there are none."""
        from corpuskit.tokens.job import Planting

        if self.canaries is None:
            return None
        plan = plan_canaries(self.canaries)

        def documents(run_folder: Path) -> list[dict[str, Any]]:
            plan.write(run_folder / CANARIES)  # registered before anything is trained
            return canary_documents(plan)

        return Planting(settings_of(self.canaries), (CANARIES,), documents)
