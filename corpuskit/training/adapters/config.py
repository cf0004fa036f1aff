"""What a fine-tuning is told: the key `adapt` of a recipe, and what each method's settings default to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpuskit.engine.stage import Configured
from corpuskit.training.config import Budget

Method = Literal["lora", "bottleneck", "prefix", "prompt", "full", "last_layer", "head"]

ADAPTERS: tuple[Method, ...] = ("lora", "bottleneck", "prefix", "prompt")
"""Methods that leave the model as it is and train a small addition; the others train weights of the model itself."""
VIRTUAL: tuple[Method, ...] = ("prefix", "prompt")
"""Methods that put virtual tokens before the text."""

RATES: dict[Method, float] = {
    "lora": 1e-3,
    "bottleneck": 1e-3,
    "prefix": 1e-2,
    "prompt": 3e-2,
    "full": 3e-4,
    "last_layer": 1e-3,
    "head": 1e-3,
}
"""Peak learning rates: the fewer numbers a method has, the larger a step it takes (Lester et al. 2021 go to 0.3)."""

OWNERS: dict[str, Method] = {
    **dict.fromkeys(("rank", "alpha", "dropout", "rslora", "dora", "bias"), "lora"),
    **dict.fromkeys(("width", "after", "activation"), "bottleneck"),
}


class AdaptConfig(Configured):
    """Fine-tune the trained model; with an adapter it stays as it is, and only the addition is written."""

    method: Method = "lora"
    """lora, bottleneck, prefix or prompt train an adapter; full, last_layer and head train the model's own weights: all
    of them, those of the last layer, or the output layer alone."""
    rank: int = Field(default=8, ge=1)
    """lora: rank of the added matrices."""
    alpha: float = Field(default=16, gt=0)
    """lora: scale of what they add, over the rank (over its square root with rslora)."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """lora: share of the adapter's inputs that is dropped while training."""
    rslora: bool = False
    """lora: scale by alpha over the square root of the rank (rsLoRA)."""
    dora: bool = False
    """lora: train each weight row's length beside its direction (DoRA)."""
    bias: bool = False
    """lora: the second matrix has a bias. It can be merged where the model's own layers have one."""
    width: int = Field(default=32, ge=1)
    """bottleneck: width that hidden states are brought down to."""
    after: Literal["feed_forward", "both"] = "feed_forward"
    """bottleneck: one after each feed-forward, or after attention too."""
    activation: Literal["relu", "gelu", "silu", "tanh"] = "relu"
    """bottleneck: what lies between the two projections."""
    virtual_tokens: int = Field(default=16, ge=1)
    """prefix, prompt: how many virtual tokens stand before the text."""
    source: str | None = None
    """Learn from the documents of this source alone. Default: all."""
    replay: float = Field(default=0.0, ge=0, lt=1)
    """Share of the training tokens that comes from all other sources, against forgetting. Needs `source`."""
    budget: Budget = Budget(epochs=1)
    """How long to train; epochs are passes over the source."""
    batch: int = Field(default=8, ge=1)
    """Windows a step."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate. Default: the method's."""
    seed: int = Field(default=0, ge=0)
    """Seed of the adapter's first weights and the order of the data."""

    @model_validator(mode="after")
    def _fits(self) -> AdaptConfig:
        owners = OWNERS | ({"virtual_tokens": self.method} if self.method in VIRTUAL else {"virtual_tokens": "prefix"})
        for name in sorted(self.model_fields_set & owners.keys()):
            changed = getattr(self, name) != type(self).model_fields[name].default
            if changed and owners[name] != self.method:
                raise ValueError(f"'{name}' is a setting of {owners[name]}, and the method is {self.method}")
        if self.dora and self.bias:
            raise ValueError("dora and bias do not go together: give one of them")
        if self.replay and self.source is None:
            raise ValueError("replay mixes in the sources beside the one that is learned: name that one as 'source'")
        return self

    @property
    def rate(self) -> float:
        """The peak learning rate."""
        return self.learning_rate or RATES[self.method]
