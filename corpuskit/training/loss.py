"""Cross entropy from hidden states without the whole matrix of logits in memory.

Rows are taken in chunks: logits of a chunk, its loss, and at once its gradients, so that only the gradients stay
(Hsu et al. 2024, arXiv:2410.10989, section 3.2). torch 2.13 has the like as `F.linear_cross_entropy`, but sums a loss
over bfloat16 states in bfloat16 (8.50 where it is 9.03), so this is our own; it is at least as fast.
"""

from __future__ import annotations

from typing import Any

from corpuskit.errors import require
from corpuskit.tokens.windows import IGNORED
from corpuskit.training.models.states import OutputHead

CHUNK = 4 << 20
"""Logits of a chunk on a processor: 16 MB. A graphics card takes sixteen times as many."""


def chunk_rows(vocabulary: int, device: str) -> int:
    """Rows of a chunk."""
    return max(64, CHUNK * (1 if device == "cpu" else 16) // vocabulary)


def summed_cross_entropy(hidden: Any, head: OutputHead, targets: Any) -> Any:
    """Sum in nats of the cross entropy of targets[N] (IGNORED counts nothing) given hidden[N, W].

    Multiplies in the type of `hidden`; exponentials, the loss and the weight's gradient are summed in float32.
    """
    weight, bias = head.weight.to(hidden.dtype), None if head.bias is None else head.bias.to(hidden.dtype)
    rows = chunk_rows(len(weight), hidden.device.type)
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
                logits = head.finish(torch.nn.functional.linear(part, weight, bias).float())
                slope = None if head.cap is None else 1 - (logits / head.cap) ** 2  # of the cap: 1 - tanh^2
                counted = goal != IGNORED
                place = goal.clamp(min=0)[:, None]
                normalizer = torch.logsumexp(logits, -1, keepdim=True)
                total += ((normalizer - logits.gather(1, place))[:, 0] * counted).sum()
                gradient = logits.sub_(normalizer).exp_()
                gradient.scatter_add_(1, place, gradient.new_full((), -1.0).expand(place.shape))
                gradient *= counted[:, None]
                if slope is not None:
                    gradient *= slope
                if head.scale != 1.0:
                    gradient *= head.scale
                if bias is not None:
                    bias_gradient += gradient.sum(0)
                gradient = gradient.to(hidden.dtype)
                hidden_gradient[start : start + rows] = gradient @ weight
                weight_gradient += gradient.T @ part
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


def token_losses(hidden: Any, head: OutputHead, targets: Any) -> tuple[Any, Any]:
    """(float32[N]: the cross entropy in nats of each target, 0 where it is IGNORED; bool[N]: whether the target is the
    likeliest token). Takes no gradient."""
    torch = require("torch", "train")
    rows = chunk_rows(len(head.weight), hidden.device.type)
    losses, likeliest = [hidden.new_zeros(0, dtype=torch.float32)], [targets.new_zeros(0, dtype=torch.bool)]
    with torch.no_grad(), torch.autocast(hidden.device.type, enabled=False):
        for part, goal in zip(hidden.split(rows), targets.split(rows), strict=True):
            logits = head.logits(part.float())
            losses.append(torch.nn.functional.cross_entropy(logits, goal, ignore_index=IGNORED, reduction="none"))
            likeliest.append(logits.argmax(-1) == goal)
    return torch.cat(losses), torch.cat(likeliest)
