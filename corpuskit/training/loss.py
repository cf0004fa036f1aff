"""Cross entropy from hidden states without the whole matrix of logits in memory.

Rows are taken in chunks: logits of a chunk, its loss, and at once its gradients, so that only the gradients stay
(Hsu et al. 2024, arXiv:2410.10989, section 3.2). torch 2.13 has this as `F.linear_cross_entropy`; older ones get ours.
"""

from __future__ import annotations

from typing import Any

from corpuskit.errors import require
from corpuskit.tokens.windows import IGNORED

CHUNK_ROWS = 1024


def summed_cross_entropy(hidden: Any, weight: Any, targets: Any, bias: Any = None) -> Any:
    """Sum in nats of the cross entropy of targets[N] (IGNORED counts nothing) given hidden[N, W] and weight[V, W].

    Computes in the type of `hidden` and sums in float32.
    """
    torch = require("torch", "train")
    functional = torch.nn.functional
    weight = weight.to(hidden.dtype)
    bias = None if bias is None else bias.to(hidden.dtype)
    if not hasattr(functional, "linear_cross_entropy"):
        return chunked_cross_entropy(hidden, weight, targets, bias)
    return functional.linear_cross_entropy(
        hidden,
        weight,
        targets,
        linear_bias=bias,
        reduction="sum",
        ignore_index=IGNORED,
        options=torch.nn.LinearCrossEntropyOptions(),
    )


def chunked_cross_entropy(hidden: Any, weight: Any, targets: Any, bias: Any = None, rows: int = CHUNK_ROWS) -> Any:
    """The same, by our own chunks."""
    torch = require("torch", "train")

    class Chunked(torch.autograd.Function):  # type: ignore[name-defined]
        @staticmethod
        def forward(context: Any, hidden: Any, weight: Any, bias: Any) -> Any:
            total = hidden.new_zeros((), dtype=torch.float32)
            hidden_gradient = torch.empty_like(hidden)
            weight_gradient = torch.zeros_like(weight, dtype=torch.float32)
            bias_gradient = torch.zeros(len(weight), dtype=torch.float32, device=weight.device)
            for start in range(0, len(hidden), rows):
                part, goal = hidden[start : start + rows], targets[start : start + rows]
                logits = torch.nn.functional.linear(part, weight, bias).float()
                total += torch.nn.functional.cross_entropy(logits, goal, ignore_index=IGNORED, reduction="sum")
                gradient = torch.softmax(logits, -1)
                counted = goal != IGNORED
                gradient[torch.arange(len(goal), device=goal.device), goal.clamp(min=0)] -= 1
                gradient *= counted[:, None]
                bias_gradient += gradient.sum(0)
                gradient = gradient.to(hidden.dtype)
                hidden_gradient[start : start + rows] = gradient @ weight
                weight_gradient += (gradient.T @ part).float()
            context.save_for_backward(hidden_gradient, weight_gradient.to(weight.dtype), bias_gradient)
            context.biased = bias is not None
            return total

        @staticmethod
        def backward(context: Any, *outer: Any) -> Any:
            hidden_gradient, weight_gradient, bias_gradient = context.saved_tensors
            scale = outer[0]
            of_bias = (bias_gradient * scale).to(weight_gradient.dtype) if context.biased else None
            return hidden_gradient * scale.to(hidden_gradient.dtype), weight_gradient * scale, of_bias

    return Chunked.apply(hidden, weight, bias)


def token_losses(hidden: Any, weight: Any, bias: Any, targets: Any) -> Any:
    """float32[N]: the cross entropy in nats of each target, 0 where it is IGNORED. Takes no gradient."""
    torch = require("torch", "train")
    parts = []
    with torch.no_grad():
        for start in range(0, len(hidden), CHUNK_ROWS):
            logits = torch.nn.functional.linear(
                hidden[start : start + CHUNK_ROWS].float(), weight.float(), None if bias is None else bias.float()
            )
            goal = targets[start : start + CHUNK_ROWS]
            parts.append(torch.nn.functional.cross_entropy(logits, goal, ignore_index=IGNORED, reduction="none"))
    return torch.cat(parts) if parts else torch.zeros(0)
