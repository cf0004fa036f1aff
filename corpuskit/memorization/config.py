"""What an audit is told: the keys under `audit` in a recipe."""

from __future__ import annotations

from pydantic import Field, field_validator

from corpuskit.engine.stage import Configured


class CanaryConfig(Configured):
    """Canaries (Carlini et al. 2019, The Secret Sharer, arXiv:1802.08232): secrets that the recipe plants itself."""

    count: int = Field(default=16, ge=1)
    """Secrets for each number of copies."""
    copies: list[int] = Field(default=[0, 1, 4, 16], min_length=1)
    """How often secrets are planted; 0 makes twins that are never planted, the null to compare with."""
    digits: int = Field(default=4, ge=2, le=6)
    """Digits of a secret: 4 makes 10,000 possible ones, and an exposure of up to 13.3 bits."""
    coins: int = Field(default=64, ge=0)
    """Further secrets, each planted or not by the toss of a coin: guessing the tosses from the model bounds epsilon."""
    coin_copies: int = Field(default=4, ge=1)
    """How often a secret whose coin says so is planted."""
    seed: int = Field(default=0, ge=0)
    """Seed of the secrets and their sentences."""

    @field_validator("copies")
    @classmethod
    def _copies(cls, copies: list[int]) -> list[int]:
        if any(number < 0 for number in copies) or len(set(copies)) < len(copies):
            raise ValueError(f"copies are different numbers from 0 up, not {copies}")
        return sorted(copies)


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
