"""The gradient of a step, in the same bits whatever the number of ranks.

The windows of a step are cut into equal parts, and the parts are fixed when the run is planned: one rank computes them
one after another, several ranks share them out. What is left that could differ is the order of adding, and on a
processor the parts are added in float64, where it does not show: a float64 holds the sum of a few float32 exactly
unless they lie more than 26 bits apart. So one rank and four end in the same model, and a run may go on with another
number of ranks. A graphics card adds in float32, which is as good a gradient and not the same bits; so does FSDP.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from corpuskit.errors import UsageError, require
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.windows import IGNORED
from corpuskit.training.learner import full_tensor
from corpuskit.training.machine import Machine
from corpuskit.training.objectives import Objective

PART_TOKENS = 4_096
"""Tokens of a part on a processor: more is not faster there, and needs more memory."""
CUDA_BYTES_A_VALUE = 68
"""Bytes that training keeps for each token, layer and unit of width on a graphics card, in bfloat16 (Korthikanti et
al. 2022, arXiv:2205.05198, section 4.1: 34 values of two bytes)."""


def fitting_parts(batch: int, tokens: int, machine: Machine, layers: int, width: int) -> int:
    """Parts of a step of `batch` windows of `tokens` tokens: a power of two, and at least two where there are two
    windows, so that two ranks can take the step as one does."""
    limit: float = PART_TOKENS
    if machine.device.startswith("cuda"):
        memory = require("torch", "train").cuda.get_device_properties(machine.device).total_memory
        limit = memory / 2 / (CUDA_BYTES_A_VALUE * layers * width)
    parts = 2 if machine.device == "cpu" else 1
    while parts < batch and batch * tokens / parts > limit:
        parts *= 2
    return min(max(parts, machine.ranks), batch)


class StepGradients:
    """Computes the gradients of steps into the parameters of a learner (`corpuskit.training.learner`)."""

    def __init__(
        self, learner: Any, objective: Objective, order: TokenOrder, machine: Machine, parts: int, sharded: bool = False
    ) -> None:
        """Raises UsageError where the ranks are too many for the windows of a step."""
        parts = max(parts, machine.ranks)
        if sharded:  # all ranks gather weights together, so each needs as many parts
            parts += -parts % machine.ranks
        if parts > order.batch:
            raise UsageError(f"a batch of {order.batch} windows cannot be cut into {parts} parts or shared by as many")
        self.learner, self.objective, self.order, self.machine = learner, objective, order, machine
        self.parts, self.sharded = parts, sharded
        self.mine = np.array_split(np.arange(parts), machine.ranks)[machine.rank].tolist()
        self.parameters = [parameter for parameter in learner.parameters() if parameter.requires_grad]
        self._sums: Any = None
        self._views: list[Any] = []
        if not sharded and parts > 1:
            self._collect()

    def of(self, step: int) -> float:
        """Fill `grad` of every parameter with the gradient of a step's mean loss, and return that loss."""
        torch = require("torch", "train")
        windows = np.array_split(self.order.samples_at(step), self.parts)
        arrays = [self.objective.arrays(self.order.batch_of(windows[part]), windows[part]) for part in self.mine]
        learned = float(sum((part["targets"] != IGNORED).sum() for part in arrays))
        device = self.machine.device
        count = max(float(self.machine.sum(torch.tensor([learned], dtype=torch.float64, device=device))), 1.0)
        total = torch.zeros((), dtype=torch.float64, device=device)
        if self._sums is not None:
            self._sums.zero_()
        for number, part in zip(self.mine, arrays, strict=True):
            torch.manual_seed(step * self.parts + number)  # an adapter's dropout, the only draw there is
            loss = self.learner(self.machine.tensors(part)) / count
            (loss * self.machine.ranks if self.sharded else loss).backward()  # FSDP takes the mean over ranks
            total += loss.detach()
        if self._sums is not None:
            self.machine.sum(self._sums)
            for parameter, view in zip(self.parameters, self._views, strict=True):
                parameter.grad = view.to(parameter.dtype)
        return float(self.machine.sum(total))

    def clip(self, limit: float) -> float:
        """Scale the gradients down to a norm of at most `limit`; the norm that they had."""
        torch = require("torch", "train")
        return float(full_tensor(torch.nn.utils.clip_grad_norm_(self.parameters, limit)))

    def forget(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def _collect(self) -> None:
        """Add each parameter's gradient to its sum as soon as it is there, so that no second set of them is kept."""
        torch = require("torch", "train")
        kind = torch.float64 if self.machine.device == "cpu" else torch.float32
        sizes = [parameter.numel() for parameter in self.parameters]
        self._sums = torch.zeros(sum(sizes), dtype=kind, device=self.machine.device)
        for parameter, part in zip(self.parameters, self._sums.split(sizes), strict=True):
            view = part.view_as(parameter)
            self._views.append(view)
            parameter.register_post_accumulate_grad_hook(lambda tensor, view=view: _move(tensor, view))


def _move(parameter: Any, total: Any) -> None:
    total += parameter.grad
    parameter.grad = None
