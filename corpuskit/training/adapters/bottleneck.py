"""The bottleneck adapter (Houlsby et al. 2019, arXiv:1902.00751, section 2.1) as a tuner of `peft`.

    h  <-  h + W_up f(W_down h + b_down) + b_up        W_down [m, d], W_up [d, m], m much smaller than d

It follows each feed-forward (Pfeiffer et al. 2020, arXiv:2005.00247, section 3), with `after: both` behind each
attention too (Houlsby). W_up and both biases begin at zero, so that an adapter just added changes nothing.

Importing this module makes the method known to `peft` as BOTTLENECK, and needs `peft`: import it through `require`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import PeftType, register_peft_method
from torch import nn
from transformers.activations import ACT2FN

from corpuskit.training.models import FAMILIES

NAME = "BOTTLENECK"


@dataclass
class BottleneckConfig(PeftConfig):
    """What `adapter_config.json` holds for a bottleneck."""

    target_modules: str | list[str] | None = field(default=None)
    exclude_modules: str | list[str] | None = field(default=None)
    bottleneck: int = field(default=32)
    non_linearity: str = field(default="relu")
    layers_to_transform: list[int] | int | None = field(default=None)
    layers_pattern: str | None = field(default=None)
    modules_to_save: list[str] | None = field(default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType.BOTTLENECK


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """A module with bottlenecks behind it, one a name; the active ones follow each other."""

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")
    other_param_names = ()

    def __init__(self, base_layer: nn.Module, name: str, config: BottleneckConfig, hidden: int) -> None:
        super().__init__()
        self.base_layer, self.hidden = base_layer, hidden
        self.bottleneck_down, self.bottleneck_up = nn.ModuleDict(), nn.ModuleDict()
        self.activations: dict[str, Any] = {}
        self.merged_adapters: list[str] = []
        self._disable_adapters = False
        self._active_adapter = name
        self.update_layer(name, config)

    def update_layer(self, name: str, config: BottleneckConfig, **others: Any) -> None:
        down, up = nn.Linear(self.hidden, config.bottleneck), nn.Linear(config.bottleneck, self.hidden)
        nn.init.normal_(down.weight, std=0.02)
        for zero in (down.bias, up.weight, up.bias):
            nn.init.zeros_(zero)
        self.bottleneck_down[name], self.bottleneck_up[name] = down, up
        self.activations[name] = ACT2FN[config.non_linearity]
        self._move_adapter_to_device_of_base_layer(name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def forward(self, *given: Any, **named: Any) -> Any:
        out = self.base_layer(*given, **named)
        if self.disable_adapters:
            return out
        hidden = out[0] if isinstance(out, tuple) else out
        for name in self.active_adapters:
            if name in self.bottleneck_down:
                down, up = self.bottleneck_down[name], self.bottleneck_up[name]
                added = up(self.activations[name](down(hidden.to(down.weight.dtype))))
                hidden = hidden + added.to(hidden.dtype)
        return (hidden, *out[1:]) if isinstance(out, tuple) else hidden

    def merge(self, *given: Any, **named: Any) -> None:
        raise NotImplementedError("a bottleneck is not linear, so no weights equal it")

    def unmerge(self) -> None:
        raise NotImplementedError("a bottleneck is never merged")


class BottleneckModel(BaseTuner):
    """A model whose feed-forwards (and attentions) are followed by bottlenecks."""

    prefix = "bottleneck_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping = {name: family.feed_forward for name, family in FAMILIES.items()}  # noqa: RUF012  (peft's own)

    def _create_and_replace(
        self,
        peft_config: BottleneckConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        **others: Any,
    ) -> None:
        if isinstance(target, BottleneckLayer):
            target.update_layer(adapter_name, peft_config)
            return
        settings = self.model.config
        hidden = getattr(settings, "hidden_size", None) or settings.d_model
        layer = BottleneckLayer(target, adapter_name, peft_config, hidden)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)
        self._replace_module(parent, target_name, layer, target)

    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        setattr(parent, child_name, new_module)
        place = next(child.parameters(), torch.empty(0)).device
        if place.type != "meta":
            for name, module in new_module.named_modules():
                if self.prefix in name:
                    module.to(place)


def _register() -> None:
    """`register_peft_method` wants a member of the enumeration, which has no door for new ones."""
    if NAME in PeftType.__members__:
        return
    member = str.__new__(PeftType, NAME)
    member._name_ = member._value_ = NAME
    PeftType._member_map_[NAME] = member
    PeftType._value2member_map_[NAME] = member
    PeftType._member_names_.append(NAME)
    type.__setattr__(PeftType, NAME, member)
    register_peft_method(name=NAME.lower(), config_cls=BottleneckConfig, model_cls=BottleneckModel)


_register()
