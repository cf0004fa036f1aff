"""Merging LoRA adapters into the weights of their model: the same outputs, none of the extra work, a plain checkpoint.

    LoRA, rsLoRA   W  <-  W + sum over adapters i of  w_i s_i B_i A_i,    s = alpha / r,  with rsLoRA alpha / sqrt(r)
    with a bias    b  <-  b + sum over i of  w_i s_i b_i                  where the model's layer has a bias
    DoRA           W  <-  m (W + s B A) / |W + s B A|                     |.| over each row of W; one adapter, weight 1

(Hu et al. 2021, arXiv:2106.09685, section 4.1; Kalajdzievski 2023, arXiv:2312.03732, theorem 3.2; Liu et al. 2024,
arXiv:2402.09353, equation 5.) Products are summed in float32 and stored in the number format of the model.

What is not linear in the weights cannot be merged, and is refused with the reason: a bottleneck, a prefix, a prompt,
several DoRA adapters or one at another weight than 1 (its row lengths belong to the sum that it was trained with).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.tokenizer import FILES
from corpuskit.training.adapters.folder import WEIGHTS, check_base, read_adapter, read_peft_config
from corpuskit.training.models import count_parameters, load_pretrained, read_weights

Adapters = Mapping[str | Path, float] | Sequence[tuple[str | Path, float]]

REFUSED = {
    "BOTTLENECK": "a bottleneck has a non-linearity between its two projections, so no weights equal it",
    "PREFIX_TUNING": "a prefix adds keys and values that come from no weights of the model",
    "PROMPT_TUNING": "a prompt adds embeddings of tokens that are in no text",
}
LINEAR_STARTS = (True, "gaussian", "orthogonal")
"""Values of `init_lora_weights` after which the model's own weights are what they were."""
VARIANTS = (
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "megatron_config",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
)
"""Settings of peft's LoRA that change what it computes, and that are merged only where they are off."""
PREFIX = "base_model.model."
KEPT = ("tokenizer.json", "tokenizer.model", "merges.txt", *FILES, "generation_config.json")
"""Files of the base's folder that the merged model gets too, where the base has them."""


@dataclass(frozen=True)
class Merged:
    folder: str
    parameters: int
    """Of the merged model, which are those of the base."""
    changed: int
    """Weight matrices that were changed."""
    adapters: dict[str, float]

    def sentence(self) -> str:
        parts = " + ".join(f"{weight:g} x {name}" for name, weight in self.adapters.items())
        return f"{parts} merged into {self.changed} matrices; {self.parameters:,} parameters, as before"


@dataclass(frozen=True)
class LoraUpdate:
    """What one LoRA adapter does to one layer, in float32."""

    a: Any
    """[r, in]"""
    b: Any
    """[out, r]"""
    scale: float
    bias: Any = None
    """[out], or None"""
    magnitude: Any = None
    """[out] row lengths of DoRA, or None"""

    def delta(self, weight: Any) -> Any:
        """[out, in]: what the adapter adds to weight[out, in] at weight 1."""
        low = self.b @ self.a * self.scale
        if self.magnitude is None:
            return low
        whole = weight + low
        return whole * (self.magnitude / whole.norm(dim=1))[:, None] - weight


def merge(base: str | Path, adapters: Adapters, out: str | Path) -> Merged:
    """Merge LoRA adapters at given weights into the model in a folder, and write the result to another.

    `adapters`: folder -> weight, or pairs. The result has the parameters of the base under the same names, and loads
    with `AutoModel....from_pretrained(out)`. Raises UsageError for an adapter that cannot be merged, with the reason;
    CorpuskitError for one that was trained on another model.
    """
    torch = require("torch", "train")
    weighted = [(Path(folder), weight) for folder, weight in _pairs(adapters)]
    base, out = Path(base), Path(out)
    if not (base / "config.json").is_file():
        raise UsageError(f"no model at {base}: it has no config.json")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: give another folder for the merged model")
    updates = [read_lora(base, folder, weight, len(weighted) > 1) for folder, weight in weighted]
    model = load_pretrained(base, dtype="auto")
    before = count_parameters(model)
    with torch.no_grad():
        changed = merge_into(model, [(update, weight) for update, (_, weight) in zip(updates, weighted, strict=True)])
    if count_parameters(model) != before:
        raise CorpuskitError(
            f"{base}: merging changed the number of parameters from {before} to {count_parameters(model)}"
        )
    require("transformers", "train").utils.logging.disable_progress_bar()
    model.save_pretrained(out)
    for file in base.iterdir():
        if file.name in KEPT or file.name.startswith("vocab"):
            (out / file.name).write_bytes(file.read_bytes())
    return Merged(str(out), before, changed, {str(folder): weight for folder, weight in weighted})


def merge_into(model: Any, updates: Sequence[tuple[Mapping[str, LoraUpdate], float]]) -> int:
    """Add to a model in memory, in place, what adapters (module name -> update) do at their weights; the number of
    matrices that were changed. Raises UsageError where a module is not there, shares its weights, or lacks a bias."""
    torch = require("torch", "train")
    owners: dict[int, str] = {}
    for name, module in model.named_modules():
        if isinstance(weight := getattr(module, "weight", None), torch.nn.Parameter):
            owners.setdefault(id(weight), name)
    names = sorted({name for update, _ in updates for name in update})
    for name in names:
        module = _module(model, name)
        if owners[id(module.weight)] != name:
            raise UsageError(
                f"an adapter on {name} cannot be merged: its weights are those of {owners[id(module.weight)]} too"
            )
        transposed = type(module).__name__ == "Conv1D"
        start = module.weight.detach().float()
        start = start.T if transposed else start
        total, bias = torch.zeros_like(start), None
        for update, weight in updates:
            if (lora := update.get(name)) is None:
                continue
            if lora.a.shape[1] != start.shape[1] or lora.b.shape[0] != start.shape[0]:
                raise UsageError(f"an adapter's {name} is for a layer of another shape than {list(start.shape)}")
            total += weight * lora.delta(start)
            if lora.bias is not None:
                bias = weight * lora.scale * lora.bias + (0 if bias is None else bias)
        if bias is not None:
            if module.bias is None:
                raise UsageError(f"an adapter on {name} adds a bias, and the model's layer has none to add it to")
            module.bias.copy_(module.bias.float() + bias)
        result = start + total
        module.weight.copy_(result.T if transposed else result)
    return len(names)


def read_lora(
    base: str | Path, folder: str | Path, weight: float = 1.0, several: bool = False
) -> dict[str, LoraUpdate]:
    """What the LoRA adapter in a folder does, by module name. `several`: it is to be merged with others.

    Raises UsageError for one that cannot be merged at this weight, with the reason.
    """
    read_adapter(folder)
    settings = read_peft_config(folder)
    kind = settings["peft_type"]
    if kind != "LORA":
        reason = REFUSED.get(kind, f"{kind} is not LoRA")
        raise UsageError(f"the adapter at {folder} cannot be merged: {reason}")
    if not math.isfinite(weight):
        raise UsageError(f"the adapter at {folder} has the weight {weight}: give a number")
    if settings.get("use_dora") and (several or weight != 1):
        why = "with others" if several else f"at weight {weight:g}"
        raise UsageError(
            f"the adapter at {folder} cannot be merged {why}: DoRA sets the length of each weight row for the sum that "
            "it was trained with; merge it alone at weight 1"
        )
    on = [name for name in VARIANTS if settings.get(name)]
    if settings.get("init_lora_weights", True) not in LINEAR_STARTS:
        on.append(f"init_lora_weights={settings['init_lora_weights']}")
    if settings.get("bias", "none") != "none":
        on.append(f"bias={settings['bias']}")
    if settings.get("modules_to_save"):
        on.append("modules_to_save")
    if on:
        raise UsageError(f"the adapter at {folder} cannot be merged here: it was made with {', '.join(on)}")
    check_base(base, folder)
    return _updates(Path(folder), settings)


def _updates(folder: Path, settings: dict[str, Any]) -> dict[str, LoraUpdate]:
    state = read_weights(folder / WEIGHTS)
    updates, used = {}, set()
    for key in sorted(state):
        if not key.endswith(".lora_A.weight"):
            continue
        stem = key.removesuffix(".lora_A.weight")
        name = stem.removeprefix(PREFIX)
        a = state[key].float()
        parts = {part: f"{stem}.{part}" for part in ("lora_B.weight", "lora_B.bias", "lora_magnitude_vector")}
        used |= {key, *parts.values()}
        rank = len(a)
        alpha = _pattern(settings.get("alpha_pattern"), name, settings["lora_alpha"])
        bias, magnitude = state.get(parts["lora_B.bias"]), state.get(parts["lora_magnitude_vector"])
        updates[name] = LoraUpdate(
            a,
            state[parts["lora_B.weight"]].float(),
            alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank),
            None if bias is None else bias.float(),
            None if magnitude is None else magnitude.float().flatten(),
        )
    left = sorted(set(state) - used)
    if left or not updates:
        raise UsageError(
            f"the adapter at {folder} cannot be merged: {left[0] if left else 'it is empty'} is no part of LoRA"
        )
    return updates


def _pattern(patterns: dict[str, float] | None, name: str, default: float) -> float:
    """peft's rule: the first pattern that ends the module's name decides."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return float(value)
    return float(default)


def _module(model: Any, name: str) -> Any:
    try:
        module = model.get_submodule(name)
    except AttributeError as error:
        raise UsageError(f"the adapter is for a model with a module {name}, and this one has none") from error
    if getattr(module, "weight", None) is None or module.weight.ndim != 2:
        raise UsageError(f"the adapter changes {name}, which is no linear layer here")
    return module


def _pairs(adapters: Adapters) -> list[tuple[str | Path, float]]:
    pairs = list(adapters.items()) if isinstance(adapters, Mapping) else list(adapters)
    if not pairs:
        raise UsageError("no adapter is given to merge")
    return pairs
