"""Settings of instruction tuning: the keys under `instruct` in a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from corpuskit.engine.stage import Configured

if TYPE_CHECKING:
    from corpuskit.training.instruct.dialogues import Reader

Precision = Literal["auto", "float32", "bfloat16"]

OWN_REWARDS = ("right", "toxicity", "personal_data")
"""Rewards that need no reward model. Others are heads of one, or `module:function`."""


class LoraPolicy(Configured):
    """Train low-rank matrices added to the weights (Hu et al. 2021, arXiv:2106.09685), which stay unchanged."""

    rank: int = Field(default=8, ge=1)
    """Rank of the added matrices."""
    alpha: float = Field(default=16, gt=0)
    """Scale of what they add, over the rank."""


class ReadsFiles(Configured):
    """How files of conversations are read."""

    fields: dict[Literal["text", "messages", "prompt", "answer", "system", "chosen", "rejected"], str] = Field(
        default_factory=dict
    )
    """Names of the fields in the files, where they are not found by themselves: {prompt: question, answer: reply}."""
    bad_records: Literal["skip", "fail"] = "skip"
    """skip: records that cannot be read are left out and listed in bad_records.jsonl, as long as they are at most a
    tenth of a file. fail: the first one is an error."""

    def reader(self) -> Reader:
        """What reads the files with these settings."""
        from corpuskit.training.instruct.dialogues import Reader

        return Reader({str(ours): theirs for ours, theirs in self.fields.items()}, self.bad_records)


class Tuning(ReadsFiles):
    """What every method has in common."""

    learning_rate: float = Field(default=5e-4, gt=0)
    """Peak learning rate."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Norm that gradients are clipped to."""
    precision: Precision = "auto"
    """auto computes in bfloat16 where the processor has instructions for it."""
    checkpoint_every: int | None = Field(default=None, ge=1)
    """Steps between checkpoints. Default: five in all."""
    seed: int = Field(default=0, ge=0)
    """Seed of the order of the data and of what is drawn."""


class SftConfig(Tuning):
    """Supervised fine-tuning on demonstrations, with the loss on the answers alone."""

    demonstrations: str | None = None
    """JSON lines to learn from. Default: the set that ships with corpuskit."""
    held_out: str | None = None
    """JSON lines to validate on. Default: the held-out part of the set that ships, where that is learned from."""
    epochs: float = Field(default=3, gt=0)
    """Passes over the demonstrations."""
    batch: int = Field(default=8, ge=1)
    """Windows a step, each packed with several conversations that do not see each other."""
    sequence_length: int | None = Field(default=None, ge=16)
    """Tokens of a window. Default: what the model reads, but not more than the four longest conversations."""
    too_long: Literal["error", "cut"] = "error"
    """A conversation longer than a window is an error, or loses the start of its prompt."""
    warmup: float = Field(default=0.05, ge=0, le=0.5)
    """Share of the steps over which the learning rate rises from nothing."""
    lora: LoraPolicy | None = None
    """Train an adapter instead of the whole model."""


class RewardConfig(Tuning):
    """A reward model with a head for each kind of preference, such as helpful and safe."""

    preferences: str | None = None
    """JSON lines to learn from. Default: the set that ships with corpuskit."""
    held_out: str | None = None
    """JSON lines to judge on. Default: the held-out part of the set that ships, where that is learned from."""
    epochs: float = Field(default=3, gt=0)
    """Passes over the preferences."""
    batch: int = Field(default=16, ge=1)
    """Pairs a step."""
    centre: float = Field(default=0.01, ge=0)
    """Weight of the squared mean reward of a pair, which keeps rewards near 0 (Eisenstein et al. 2023,
    arXiv:2312.09244, section 3)."""
    too_long: Literal["error", "cut"] = "error"
    """A pair longer than the model reads is an error, or loses the start of its prompt."""
    warmup: float = Field(default=0.05, ge=0, le=0.5)
    """Share of the steps over which the learning rate rises from nothing."""


class PpoConfig(Tuning):
    """Reinforcement learning from feedback with proximal policy optimization. The learning rate stays as it is."""

    prompts: list[str] | None = None
    """JSON lines files whose prompts are answered. Default: the practice that ships, requests with known answers."""
    rewards: dict[str, float] = Field(default_factory=lambda: {"helpful": 1.0, "safe": 1.0}, min_length=1)
    """Weight of each reward: the heads of the reward model by name, `right` for answers that the prompts' records name,
    `toxicity` and `personal_data` for corpuskit's own scorers (as penalties), or a function of your own,
    `module:function`."""
    steps: int = Field(default=100, ge=1)
    """Rounds of answering and learning."""
    batch: int = Field(default=64, ge=2)
    """Prompts answered a step."""
    minibatch: int = Field(default=32, ge=1)
    """Answers an update of the weights learns from."""
    epochs: int = Field(default=2, ge=1)
    """Passes over the answers of a step."""
    answer_tokens: int = Field(default=48, ge=1)
    """Tokens of an answer at most."""
    temperature: float = Field(default=1.0, gt=0)
    """Temperature that answers are drawn at."""
    kl: float = Field(default=0.05, ge=0)
    """KL coefficient: penalty for each nat of divergence from the initial model, taken from each token's reward."""
    missing_end: float = Field(default=1.0, ge=0)
    """Taken from the reward of an answer that does not end within `answer_tokens`."""
    gamma: float = Field(default=1.0, gt=0, le=1)
    """Discount of later rewards."""
    lam: float = Field(default=0.95, ge=0, le=1)
    """Lambda of generalized advantage estimation."""
    clip: float = Field(default=0.2, gt=0)
    """Ratio of probabilities beyond 1 that an update may gain from."""
    value_clip: float = Field(default=0.2, gt=0)
    """How far an update may gain from moving a value."""
    value_weight: float = Field(default=0.5, ge=0)
    """Weight of the value's loss."""
    entropy_weight: float = Field(default=0.0, ge=0)
    """Weight of a bonus for entropy."""
    value_learning_rate: float | None = Field(default=None, gt=0)
    """Learning rate of the value model. Default: the policy's."""
    kl_limit: float = Field(default=30.0, gt=0)
    """Mean divergence of an answer, in nats, that ends the run."""
    length_limit: float = Field(default=3.0, gt=1)
    """Growth of the mean answer's length over the first step's that ends the run."""
    samples: int = Field(default=8, ge=0)
    """Prompts whose greedy answers before and after are written down."""
    lora: LoraPolicy | None = None
    """Train an adapter: policy, value and reference then share one set of weights."""

    @model_validator(mode="after")
    def _fits(self) -> PpoConfig:
        if self.minibatch > self.batch:
            raise ValueError(f"a minibatch of {self.minibatch} is more than the batch of {self.batch}")
        return self


class AlternativeConfig(Tuning):
    """What DPO and GRPO have in common; both run through TRL."""

    steps: int = Field(default=100, ge=1)
    """Optimizer steps."""
    batch: int = Field(default=16, ge=2)
    """Pairs or answers a step."""
    beta: float = Field(default=0.1, ge=0)
    """How strongly the model is held to where it started."""


class DpoConfig(AlternativeConfig):
    """Direct preference optimization (Rafailov et al. 2023, arXiv:2305.18290)."""

    preferences: str | None = None
    """JSON lines to learn from. Default: the set that ships with corpuskit."""


class GrpoConfig(AlternativeConfig):
    """Group relative policy optimization (Shao et al. 2024, arXiv:2402.03300, section 4)."""

    prompts: list[str] | None = None
    """JSON lines files whose prompts are answered. Default: the practice that ships."""
    rewards: dict[str, float] = Field(default_factory=lambda: {"helpful": 1.0, "safe": 1.0}, min_length=1)
    """Weight of each reward, as for ppo."""
    group: int = Field(default=4, ge=2)
    """Answers to a prompt that are compared with each other."""
    answer_tokens: int = Field(default=48, ge=1)
    """Tokens of an answer at most."""

    @model_validator(mode="after")
    def _whole_groups(self) -> GrpoConfig:
        if self.batch % self.group:
            raise ValueError(f"a batch of {self.batch} answers is no whole number of groups of {self.group}")
        return self


class GainsConfig(ReadsFiles):
    """What the tuning brought, on requests that no part of it has seen."""

    held_out: str | None = None
    """JSON lines of requests with right answers. Default: the held-out part of the set that ships."""
    draws: int = Field(default=4, ge=1)
    """Answers drawn for each request, in addition to the greedy one."""
    answer_tokens: int = Field(default=48, ge=1)
    """Tokens of an answer at most."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draws and of the bootstrap."""


class InstructConfig(Configured):
    """Instruction tuning: demonstrations, then rewards from preferences, then reinforcement learning."""

    sft: SftConfig = SftConfig()
    """Supervised fine-tuning of the trained model."""
    reward: RewardConfig | None = None
    """A reward model from preferences. Default: one from the set that ships, where a reward of ppo or grpo is a head of
    one."""
    ppo: PpoConfig | None = None
    """Reinforcement learning with the rewards."""
    dpo: DpoConfig | None = None
    """Direct preference optimization, through TRL."""
    grpo: GrpoConfig | None = None
    """Group relative policy optimization, through TRL."""
    gains: GainsConfig | None = GainsConfig()
    """Measure on held-out requests what each step brought."""

    @property
    def reward_model(self) -> RewardConfig | None:
        """The reward model to train, as asked for or because the rewards need one."""
        names = [name for part in (self.ppo, self.grpo) if part is not None for name in part.rewards]
        heads = [name for name in names if name not in OWN_REWARDS and ":" not in name]
        return self.reward or (RewardConfig() if heads else None)
