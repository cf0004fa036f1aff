"""What a comparison of ways to fine-tune is told: the key `compare` of a recipe."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from corpuskit.engine.sizes import Count
from corpuskit.engine.stage import Configured
from corpuskit.training.adapters.config import AdaptConfig, Method
from corpuskit.training.adapters.target import TARGET
from corpuskit.training.config import Budget


class CompareConfig(Configured):
    """Fine-tune the trained model in several ways, and measure what each gains, costs and forgets."""

    source: str | None = None
    """What is learned: a source of the corpus."""
    file: str | None = None
    """What is learned: the texts of a JSON Lines file, with {"text"}, {"prompt", "answer"} or {"messages"} a line."""
    methods: tuple[Method, ...] = get_args(Method)
    """The ways, in the order of the table."""
    settings: dict[Method, dict[str, Any]] = Field(default_factory=dict)
    """Settings of single methods, with the keys of `adapt`: {lora: {rank: 16}}."""
    replay: float = Field(default=0.05, gt=0, lt=1)
    """Share of the tokens that comes from the other sources where a method is tried with replay too."""
    replayed: tuple[Method, ...] = ("lora", "full")
    """Methods that are tried a second time, with replay."""
    budget: Budget = Budget(epochs=1)
    """How long each is trained; epochs are passes over what is learned."""
    batch: int = Field(default=8, ge=1)
    """Windows a step."""
    seed: int = Field(default=0, ge=0)
    """Seed of first weights and the order of the data."""
    hold_out: float = Field(default=0.1, gt=0, lt=1)
    """Share of the file's texts that is held out."""
    held_out_tokens: Count | None = Field(default=None, ge=1)
    """Held-out tokens that a measurement reads at most. Default: all."""
    probes: int = Field(default=50, ge=0)
    """Items of each probe task; 0 leaves the probe suite out."""
    prompt: int = Field(default=64, ge=8)
    """Tokens of the prompt that speed is measured with."""
    tokens: int = Field(default=32, ge=1)
    """Tokens that are written after it."""
    batches: tuple[int, ...] = Field(default=(1, 8), min_length=1)
    """Sizes of batches that speed is measured with."""
    rounds: int = Field(default=7, ge=1)
    """How often each is timed; medians are reported."""
    clock: Literal["wall", "processor"] = "wall"
    """Time on the wall, or of the processor, which other programs on a machine do not lengthen."""
    smollm2: bool = False
    """Size and speed of the adapters on SmolLM2-135M too (the extra `smollm`)."""

    @model_validator(mode="after")
    def _fits(self) -> CompareConfig:
        if (self.source is None) == (self.file is None):
            raise ValueError("give what is learned: 'source' (of the corpus) or 'file' (JSON lines)")
        for method in self.settings.keys() - set(self.methods):
            raise ValueError(f"settings for {method}, which is not among the methods")
        self.contenders()
        return self

    @property
    def target(self) -> str:
        """The source that is learned."""
        return self.source or TARGET

    def contenders(self) -> dict[str, AdaptConfig]:
        """Name in the table -> settings of the fine-tuning."""
        found = {}
        for method in self.methods:
            common = {"method": method, "source": self.target, "budget": self.budget, "batch": self.batch}
            given = common | {"seed": self.seed} | self.settings.get(method, {})
            found[method.replace("_", " ")] = AdaptConfig.model_validate(given)
            if method in self.replayed:
                share = f"{100 * self.replay:g} %"
                found[f"{method.replace('_', ' ')}, {share} replay"] = AdaptConfig.model_validate(
                    given | {"replay": self.replay}
                )
        return found
