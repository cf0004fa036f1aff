"""What a step runs: one module from a batch of windows to its loss, whole on every rank or in shards (FSDP2).

With FSDP2 (Zhao et al. 2023, arXiv:2304.11277; `torch.distributed.fsdp.fully_shard`) each rank keeps its share of every
weight, gradient and optimizer state, and gathers the weights of a layer when it computes that layer. The loss is inside
the module, because the output layer's weights are gathered like all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from corpuskit.errors import require
from corpuskit.training.loss import summed_cross_entropy
from corpuskit.training.machine import Machine
from corpuskit.training.models import output_head
from corpuskit.training.objectives import Objective

Parallel = Literal["auto", "ddp", "fsdp"]

BYTES_A_PARAMETER = 16
"""Weight, gradient and two moments of the optimizer, in float32."""


def make_learner(body: Any, objective: Objective, machine: Machine) -> Any:
    """A module whose `forward(tensors)` gives the summed loss in nats of an objective's tensors.

    `body` is the `transformers` model that it learns with.
    """
    torch = require("torch", "train")

    class Learner(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, tensors: dict[str, Any]) -> Any:
            with machine.autocast():
                hidden, targets = objective.hidden(self.body, tensors)
            return summed_cross_entropy(machine.narrowed(hidden), output_head(self.body), targets)

    return Learner()


def wants_shards(parallel: Parallel, machine: Machine, parameters: int) -> bool:
    """Whether to shard a model: as asked, or on a graphics card that the training would fill by more than half."""
    if machine.ranks == 1 or parallel != "auto":
        return machine.ranks > 1 and parallel == "fsdp"
    if not machine.device.startswith("cuda"):
        return False
    memory = require("torch", "train").cuda.get_device_properties(machine.device).total_memory
    return bool(parameters * BYTES_A_PARAMETER > memory / 2)


def shard(learner: Any, machine: Machine) -> None:
    """Leave each rank its share of the weights, layer by layer, in place."""
    torch = require("torch", "train")
    fully_shard = require("torch.distributed.fsdp", "train").fully_shard
    kind = machine.device.split(":")[0]
    mesh = require("torch.distributed.device_mesh", "train").init_device_mesh(kind, (machine.ranks,))
    done: list[str] = []
    for name, module in learner.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in done)
        if isinstance(module, torch.nn.ModuleList) and not inside:
            done.append(name)
            for layer in module:
                fully_shard(layer, mesh=mesh)
    fully_shard(learner, mesh=mesh)


@contextmanager
def gathered(learner: Any) -> Iterator[None]:
    """All weights on every rank while it lasts, so that the model inside can be called by itself."""
    shards = [module for module in learner.modules() if hasattr(module, "unshard")]
    for module in shards:
        module.unshard()
    try:
        yield
    finally:
        for module in shards:
            module.reshard()


def full_tensor(tensor: Any) -> Any:
    """The whole of a tensor that may be in shards; every rank has to ask for it."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
