"""Optimizers, the course of the learning rate, and when a step is better not taken.

AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101) with betas 0.9 and 0.95, weight decay on matrices alone. Muon
(Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) for the matrices inside the layers, scaled to AdamW's
update size (Liu et al. 2025, arXiv:2502.16982, section 2.2) so that one learning rate serves both. Schedules: cosine to
a tenth (Hoffmann et al. 2022, arXiv:2203.15556), or warm-up, stable, decay (Hu et al. 2024, arXiv:2404.06395, section
4).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

from corpuskit.errors import require

COSINE_FLOOR = 0.1
DECAY_SHARE = 0.2
"""Share of the steps over which a wsd schedule goes down to nothing."""
SPIKE_WINDOW, SPIKE_LEAST, SPIKE_DEVIATIONS = 128, 32, 6.0
SPIKE_RISE = 0.5
"""Nats by which a spike rises at least: another source may well cost more, and its first steps are not skipped."""


def learning_rate(step: int, steps: int, peak: float, warmup: float, schedule: str) -> float:
    """The learning rate of a step (from 1) of `steps`."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return peak * step / rising
    if schedule == "wsd":
        falling = max(1, round(DECAY_SHARE * steps))
        return peak * min(1.0, (steps - step + 1) / falling)
    progress = (step - rising) / max(1, steps - rising)
    return peak * (COSINE_FLOOR + (1 - COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


def make_optimizers(model: Any, kind: str, weight_decay: float) -> list[Any]:
    """Optimizers that share out the trainable parameters of a model; `set_learning_rate` sets them all."""
    torch = require("torch", "train")
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    embeddings = {id(layer.weight) for layer in model.modules() if isinstance(layer, torch.nn.Embedding)}
    if (output := model.get_output_embeddings()) is not None:
        embeddings.add(id(output.weight))
    muon = []
    if kind == "muon":
        muon = [p for _, p in named if p.ndim == 2 and id(p) not in embeddings]
    taken = {id(parameter) for parameter in muon}
    rest = [parameter for _, parameter in named if id(parameter) not in taken]
    groups = [
        {"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    optimizers: list[Any] = [torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95), eps=1e-8, fused=True)]
    if muon:
        optimizers.append(torch.optim.Muon(muon, lr=0.0, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
    return optimizers


def set_learning_rate(optimizers: Iterable[Any], value: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = value


class Spikes:
    """Detects a loss above the mean of the last 128 by six standard deviations (Groeneveld et al. 2024, OLMo's
    SkipStep). `losses` is all its state."""

    def __init__(self, losses: Iterable[float] = ()) -> None:
        self.losses = deque(losses, SPIKE_WINDOW)

    def reason(self, loss: float, gradient_norm: float) -> str:
        """Why a step must not be taken; '' where it may."""
        if not math.isfinite(loss):
            return f"loss is {loss}"
        if not math.isfinite(gradient_norm):
            return f"gradient norm is {gradient_norm}"
        if len(self.losses) >= SPIKE_LEAST:
            mean = sum(self.losses) / len(self.losses)
            spread = math.sqrt(sum((earlier - mean) ** 2 for earlier in self.losses) / len(self.losses))
            if loss > mean + max(SPIKE_DEVIATIONS * spread, SPIKE_RISE):
                return f"loss {loss:.3f} is a spike above the last {len(self.losses)} ({mean:.3f} ± {spread:.3f})"
        return ""

    def add(self, loss: float) -> None:
        self.losses.append(loss)
