"""DP-SGD (Abadi et al. 2016, arXiv:1607.00133) for a LoRA adapter: what a window of the shards adds to it is bounded.

Each step takes every window with the same small chance (Poisson sampling, which the accounting assumes), clips each
window's gradient, adds Gaussian noise to their sum, and divides by the expected number of windows. The unit of privacy
is a window: a text in several windows is protected that much less, which is one more reason to remove duplicates
first. The noise comes from a seeded generator so that a run can be repeated; whoever knows the seed can subtract it, so
keep the seed of a model that you publish to yourself.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from corpuskit.engine.progress import Watch, silent
from corpuskit.engine.stage import Configured
from corpuskit.errors import UsageError, require
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.shards import open_shards
from corpuskit.tokens.tokenizer import load_tokenizer
from corpuskit.tokens.windows import IGNORED
from corpuskit.training.loss import summed_cross_entropy
from corpuskit.training.models import load_model, output_head
from corpuskit.training.objectives import NextToken
from corpuskit.training.private.accountant import epsilon_spent, noise_for
from corpuskit.training.private.gradients import ExampleGradients

PRIVACY = "privacy.json"


class PrivateConfig(Configured):
    rank: int = Field(default=8, ge=1)
    """Rank of the added matrices."""
    alpha: float = Field(default=16, gt=0)
    """Scale of what they add, over the rank."""
    epsilon: float | None = Field(default=8.0, gt=0)
    """Privacy that the training may spend; the noise follows from it. Null where `noise` is given."""
    noise: float | None = Field(default=None, ge=0)
    """Standard deviation of the noise over `clip`, instead of `epsilon`; 0 gives plain clipped training."""
    delta: float = Field(default=1e-5, gt=0, lt=1)
    """Chance with which the bound may fail; well below one over the number of windows."""
    clip: float = Field(default=0.5, gt=0)
    """Norm to which each window's gradient is clipped."""
    batch: int = Field(default=64, ge=1)
    """Windows a step, on average."""
    steps: int = Field(default=200, ge=1)
    """Steps."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """Of Adam, constant."""
    physical_batch: int = Field(default=16, ge=1)
    """Windows in memory at once."""
    seed: int = Field(default=0, ge=0)
    """Seed of the first weights, the sampling and the noise."""

    @model_validator(mode="after")
    def _one(self) -> PrivateConfig:
        if (self.epsilon is None) == (self.noise is None):
            raise ValueError("give one of epsilon (what may be spent) and noise (the multiplier), the other null")
        return self


@dataclass(frozen=True)
class PrivateResult:
    folder: str
    windows: int
    steps: int
    noise: float
    epsilon: float
    """Spent, at `delta`; infinite without noise."""
    delta: float
    loss: float
    """Mean over the last tenth of the steps, in nats a token, of the windows as sampled."""
    clipped: float
    """Share of windows whose gradient was longer than `clip`."""


def finetune_private(
    model: str | Path,
    shards: str | Path,
    folder: str | Path,
    config: PrivateConfig | None = None,
    *,
    watch: Watch = silent,
) -> PrivateResult:
    """Train a LoRA adapter for a causal model on token shards with differential privacy, and write it to `folder`.

    The folder loads with `peft.PeftModel.from_pretrained`; `privacy.json` beside it states what was spent. Raises
    UsageError for a model that is not there, and where no noise keeps to `epsilon`.
    """
    config, model, folder = config or PrivateConfig(), Path(model), Path(folder)
    torch, peft = require("torch", "train"), require("peft", "train")
    if not (model / "config.json").is_file():
        raise UsageError(f"no model at {model}: it has no config.json")
    opened = open_shards(shards, "train")
    order = TokenOrder(opened, batch=1, seed=config.seed)
    windows = order.epoch_samples
    rate = min(1.0, config.batch / windows)
    noise = config.noise
    if noise is None:
        assert config.epsilon is not None
        noise = noise_for(config.epsilon, rate, config.steps, config.delta)
    settings = peft.LoraConfig(
        r=config.rank, lora_alpha=config.alpha, target_modules="all-linear", task_type="CAUSAL_LM",
        base_model_name_or_path=str(model),
    )  # fmt: skip
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(config.seed)
        adapted = peft.get_peft_model(load_model(model), settings).train()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    adapted = adapted.to(device)
    gradients = ExampleGradients(adapted)
    optimizer = torch.optim.Adam(gradients.weights, lr=config.learning_rate)
    chance = np.random.default_rng([config.seed, 1])
    generator = torch.Generator(device=device).manual_seed(config.seed)
    losses: list[float] = []
    clipped = seen = 0
    try:
        for step in range(config.steps):
            chosen = np.flatnonzero(chance.random(windows) < rate)
            totals = [torch.zeros_like(weight) for weight in gradients.weights]
            loss, tokens = 0.0, 0
            for start in range(0, len(chosen), config.physical_batch):
                part = chosen[start : start + config.physical_batch]
                lost, counted = _backward(adapted, order, part, device)
                sums, norms = gradients.clipped_sum(config.clip)
                for total, part_sum in zip(totals, sums, strict=True):
                    total += part_sum
                clipped += int((norms > config.clip).sum())
                loss, tokens, seen = loss + lost, tokens + counted, seen + len(part)
            for weight, total in zip(gradients.weights, totals, strict=True):
                dither = torch.empty_like(total).normal_(generator=generator) * (noise * config.clip)
                weight.grad = (total + dither) / config.batch
            optimizer.step()
            if tokens:
                losses.append(loss / tokens)
            watch(f"private training, loss {losses[-1] if losses else float('nan'):.3f}", step + 1, config.steps)
    finally:
        gradients.close()
    last = losses[-max(1, len(losses) // 10) :]
    result = PrivateResult(
        folder=str(folder),
        windows=windows,
        steps=config.steps,
        noise=noise,
        epsilon=epsilon_spent(rate, noise, config.steps, config.delta),
        delta=config.delta,
        loss=float(np.mean(last)) if last else float("nan"),
        clipped=clipped / max(seen, 1),
    )
    folder.mkdir(parents=True, exist_ok=True)
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    load_tokenizer(model).save(folder)
    stated = {"unit": "one window of the shards", "config": config.model_dump(mode="json"), **asdict(result)}
    (folder / PRIVACY).write_text(json.dumps(stated, indent=2) + "\n", encoding="utf-8")
    return result


def _backward(adapted: Any, order: TokenOrder, samples: np.ndarray[Any, Any], device: str) -> tuple[float, int]:
    """Backward pass of windows, each with the mean of its own tokens as its loss: (sum of losses, tokens)."""
    torch = require("torch", "train")
    objective = NextToken()
    arrays = objective.arrays(order.batch_of(samples), samples)
    tensors = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    body = adapted.get_base_model()
    hidden, targets = objective.hidden(body, tensors)
    counted = int((tensors["targets"] != IGNORED).sum())
    total = summed_cross_entropy(hidden, output_head(body), targets)
    # over a constant, not over the tokens that count: a window's share must not depend on the others in the batch
    (total / order.sequence_length).backward()
    return float(total.detach()), counted
