"""Who takes part in reinforcement learning: the policy that answers, the reference it is held to, the value model.

Two ways to hold them. Whole models: the policy, a frozen copy of it as reference, and a third with a value head.
Adapters: one set of frozen weights, with an adapter for the policy and one for the value model; the reference is the
weights with both switched off.
"""

from __future__ import annotations

import copy
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from corpuskit.errors import require
from corpuskit.training.instruct.answering import Answered
from corpuskit.training.instruct.config import LoraPolicy
from corpuskit.training.instruct.policy import add_adapter, body, restore_policy, with_adapter
from corpuskit.training.instruct.surrogate import log_probabilities
from corpuskit.training.machine import Machine
from corpuskit.training.models import output_head, read_weights

VALUE = "value"
"""Name of the value model's adapter, and of its file in a checkpoint."""


class Actors:
    """`policy` is trained through `policy_parameters`, the value model through `value_parameters`."""

    def __init__(
        self, start: Any, lora: LoraPolicy | None, temperature: float, seed: int, machine: Machine, value: Any = None
    ) -> None:
        """`value`: a model to begin the value model from (its weights below the head), else `start` serves."""
        torch = require("torch", "train")
        self.lora, self.temperature, self.machine = lora, temperature, machine
        self.head = torch.nn.Linear(start.config.hidden_size, 1)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)
        if lora is None:
            self.reference = copy.deepcopy(start).requires_grad_(False).eval().to(machine.device)
            self.critic = copy.deepcopy(start.base_model if value is None else value.base_model).to(machine.device)
            self.policy = start.to(machine.device)
            self.policy_parameters = list(self.policy.parameters())
            inside = list(self.critic.parameters())
        else:
            self.policy = with_adapter(start, lora, seed)
            add_adapter(self.policy, VALUE, lora, seed + 1)
            self.policy = self.policy.to(machine.device)
            named = [(name, parameter) for name, parameter in self.policy.named_parameters() if "lora_" in name]
            self.policy_parameters = [parameter for name, parameter in named if f".{VALUE}." not in name]
            inside = [parameter for name, parameter in named if f".{VALUE}." in name]
        self.head = self.head.to(machine.device)
        self.value_parameters = [*inside, *self.head.parameters()]
        self._as("default")

    def answering(self) -> Any:
        """The module to write answers with."""
        self._as("default")
        return self.policy

    def policy_outputs(self, answered: Answered) -> tuple[Any, Any]:
        """(log probabilities of the answers' tokens, entropies), float32[n, A] each."""
        self._as("default")
        return self._outputs(body(self.policy), answered)

    def reference_log_probabilities(self, answered: Answered) -> Any:
        """float32[n, A]. Takes no gradient."""
        with require("torch", "train").no_grad():
            if self.lora is None:
                return self._outputs(self.reference, answered)[0]
            with self.policy.disable_adapter():
                return self._outputs(body(self.policy), answered)[0]

    def values(self, answered: Answered) -> Any:
        """float32[n, A]: what is still to be earned, judged before each token of the answer is written."""
        self._as(VALUE)
        model = self.critic if self.lora is None else body(self.policy).base_model
        states = self._states(model, answered)
        return self.head(states.float())[..., 0]

    def save_value(self, folder: Path) -> None:
        """Write the value model into the policy's checkpoint."""
        tensors = {f"head.{name}": tensor for name, tensor in self.head.state_dict().items()}
        tensors |= {f"body.{name}": tensor.contiguous() for name, tensor in self._value_state().items()}
        require("safetensors.torch", "train").save_file(tensors, folder / f"{VALUE}.safetensors")

    def restore(self, folder: Path) -> None:
        """Bring back what `save_policy` and `save_value` wrote."""
        torch = require("torch", "train")
        restore_policy(self.policy, folder)
        tensors = read_weights(folder / f"{VALUE}.safetensors")
        state = self._value_state()
        with torch.no_grad():
            for name, tensor in tensors.items():
                owner, inner = name.split(".", 1)
                (self.head.state_dict() if owner == "head" else state)[inner].copy_(tensor)

    def _value_state(self) -> dict[str, Any]:
        if self.lora is None:
            return dict(self.critic.state_dict())
        return {name: tensor for name, tensor in self.policy.state_dict().items() if f".{VALUE}." in name}

    def _as(self, adapter: str) -> None:
        if self.lora is not None and self.policy.active_adapter != adapter:
            self.policy.set_adapter(adapter)

    def _outputs(self, model: Any, answered: Answered) -> tuple[Any, Any]:
        states = self._states(model.base_model, answered)
        return log_probabilities(output_head(model).logits(states) / self.temperature, answered.answers)

    def _states(self, model: Any, answered: Answered) -> Any:
        """[n, A, W]: the hidden states from which each token of the answer is predicted."""
        positions = (answered.mask.cumsum(1) - 1).clamp(min=0)
        with self.machine.autocast() if self.machine.bfloat16 else nullcontext():
            states = model(
                input_ids=answered.ids, attention_mask=answered.mask, position_ids=positions, use_cache=False
            ).last_hidden_state
        return self.machine.narrowed(states[:, answered.prompt_columns - 1 : -1])
