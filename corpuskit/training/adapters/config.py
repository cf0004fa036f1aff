"""Settings of fine-tuning (the recipe key `adapt`), of a comparison of methods (`compare`), and their defaults."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from corpuskit.engine.sizes import Count
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


TARGET = "target"
"""The source that a file's texts get."""


COMPARISON = "evaluations/adapters"
"""The folder of the comparison, inside a run's folder."""


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
    """lora: train each weight row's length apart from its direction (DoRA)."""
    bias: bool = False
    """lora: the second matrix has a bias. It can be merged where the model's own layers have one."""
    width: int = Field(default=32, ge=1)
    """bottleneck: width that hidden states are brought down to."""
    after: Literal["feed_forward", "both"] = "feed_forward"
    """bottleneck: one after each feed-forward, or after attention too."""
    activation: Literal["relu", "gelu", "silu", "tanh"] = "relu"
    """bottleneck: what lies between the two projections."""
    virtual_tokens: int = Field(default=16, ge=1)
    """prefix, prompt: number of virtual tokens before the text."""
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
            raise ValueError("replay mixes in the other sources: name the one that is learned as 'source'")
        return self

    @property
    def rate(self) -> float:
        """The peak learning rate."""
        return self.learning_rate or RATES[self.method]


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
        contenders = {}
        for method in self.methods:
            common = {"method": method, "source": self.target, "budget": self.budget, "batch": self.batch}
            given = common | {"seed": self.seed} | self.settings.get(method, {})
            contenders[method.replace("_", " ")] = AdaptConfig.model_validate(given)
            if method in self.replayed:
                share = f"{100 * self.replay:g} %"
                contenders[f"{method.replace('_', ' ')}, {share} replay"] = AdaptConfig.model_validate(
                    given | {"replay": self.replay}
                )
        return contenders
