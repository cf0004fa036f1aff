"""Gradients of single examples from one backward pass over a batch, clipped and summed.

For a linear layer the gradient of one example's loss is the product of what came in and of the gradient of what went
out, summed over the example's tokens (Goodfellow 2015, arXiv:1510.01799). A LoRA adapter is two linear layers at each
place and nothing else, so hooks on them see all that is trained; its matrices are small, and so are the gradients.
"""

from __future__ import annotations

from typing import Any

from corpuskit.errors import CorpuskitError, require


class ExampleGradients:
    """Hooks on the trainable linear layers of a module; `clipped_sum` after each backward pass.

    The loss must be a sum over examples, and the batch the first dimension of every layer's input. Raises
    CorpuskitError where something else than the weight of a linear layer is to be trained.
    """

    def __init__(self, module: Any):
        torch = require("torch", "train")
        self._torch = torch
        self.layers: list[Any] = []
        weights = set()
        for layer in module.modules():
            if isinstance(layer, torch.nn.Linear) and layer.weight.requires_grad:
                self.layers.append(layer)
                weights.add(layer.weight)
        others = [
            name
            for name, parameter in module.named_parameters()
            if parameter.requires_grad and parameter not in weights
        ]
        if others:
            raise CorpuskitError(f"per-example gradients are for linear layers without bias, and {others[0]} is none")
        self._gradients: dict[Any, Any] = {}
        self._hooks = [layer.register_forward_hook(self._came_in) for layer in self.layers]

    @property
    def weights(self) -> list[Any]:
        return [layer.weight for layer in self.layers]

    def clipped_sum(self, norm: float) -> tuple[list[Any], Any]:
        """(sum over examples of their gradients, each scaled down to at most `norm` over all layers; norms[examples]).

        One tensor a layer, in the order of `weights`. Forgets the pass.
        """
        torch = self._torch
        gradients = [self._gradients.pop(layer) for layer in self.layers]
        norms = torch.sqrt(sum(gradient.flatten(1).square().sum(1) for gradient in gradients))
        scale = (norm / norms.clamp(min=1e-12)).clamp(max=1.0)
        return [torch.einsum("b,boi->oi", scale, gradient) for gradient in gradients], norms

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def _came_in(self, layer: Any, given: Any, result: Any) -> None:
        came = given[0].detach()
        came = came.reshape(len(came), -1, came.shape[-1])

        def went_out(gradient: Any) -> None:
            out = gradient.reshape(len(gradient), -1, gradient.shape[-1])
            self._gradients[layer] = self._torch.einsum("bto,bti->boi", out, came)

        if result.requires_grad:
            result.register_hook(went_out)
