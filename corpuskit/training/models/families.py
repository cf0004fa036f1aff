"""The model families that can be trained, and what differs between them.

A family is known by the `model_type` of its `config.json`. Its entry says what kind of model it is, which form of
attention mask its layers take, and which modules hold its feed-forward and attention blocks. All twelve are checked
against transformers' own loss (`tests/training/test_model_families.py`); any other is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from corpuskit.errors import UsageError, nearest
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.config import Kind

Masks = Literal["single", "by_type"]


@dataclass(frozen=True)
class Family:
    name: str
    """As its authors write it."""
    kind: Kind
    feed_forward: str
    """Regular expression of the modules that are feed-forward blocks, before their residual connection."""
    attention: str
    """The same for attention blocks."""
    masks: Masks = "single"
    """single: one mask for all layers. by_type: a dictionary with one for each of the config's `layer_types`."""
    prefix: bool = True
    """Whether attention takes keys and values that come from no token (prefix tuning)."""


def _like_llama(name: str, masks: Masks = "single") -> Family:
    return Family(name, "decoder", r".*\.mlp", r".*\.self_attn", masks)


FAMILIES: dict[str, Family] = {
    "llama": _like_llama("Llama"),
    "qwen2": _like_llama("Qwen2", "by_type"),
    "qwen3": _like_llama("Qwen3", "by_type"),
    "mistral": _like_llama("Mistral"),
    "gemma2": _like_llama("Gemma 2", "by_type"),
    "gemma3_text": _like_llama("Gemma 3", "by_type"),
    "granite": _like_llama("Granite"),
    "gpt2": Family("GPT-2", "decoder", r".*\.h\.\d+\.mlp", r".*\.h\.\d+\.attn"),
    "gpt_neox": Family("GPT-NeoX", "decoder", r".*\.layers\.\d+\.mlp", r".*\.layers\.\d+\.attention"),
    "bert": Family("BERT", "encoder", r".*\.layer\.\d+\.output\.dense", r".*\.attention\.output\.dense"),
    "modernbert": Family(
        "ModernBERT", "encoder", r".*\.layers\.\d+\.mlp", r".*\.layers\.\d+\.attn", masks="by_type", prefix=False
    ),
    "t5": Family("T5", "encoder-decoder", r".*\.DenseReluDense", r".*\.(SelfAttention|EncDecAttention)"),
}


def family_of(config: Any) -> Family:
    """The family of a transformers configuration. Raises UsageError, naming the model type, for any other."""
    family = FAMILIES.get(config.model_type)
    if family is None:
        known = ", ".join(family.name for family in FAMILIES.values())
        hint = nearest(config.model_type, FAMILIES)
        raise UsageError(f"the model is a '{config.model_type}'{hint}; the families that can be trained are {known}")
    return family


def kind_of(config: Any) -> Kind:
    """The kind of a model of any family, by its configuration."""
    if config.model_type in FAMILIES:
        return FAMILIES[config.model_type].kind
    if config.is_encoder_decoder:
        return "encoder-decoder"
    masked = any(name.endswith("MaskedLM") for name in config.architectures or ())
    return "encoder" if masked else "decoder"


def context_length(config: Any) -> int | None:
    """Tokens that a model reads at most; None where nothing limits them (T5's relative positions)."""
    for name in ("max_position_embeddings", "n_positions", "n_ctx"):
        if value := getattr(config, name, None):
            return int(value)
    return None


def end_tokens(model: Any, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Tokens after which a model writes no more: those of its generation settings, and the tokenizer's own."""
    named = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    listed = named if isinstance(named, list) else [] if named is None else [named]
    return tuple(dict.fromkeys((tokenizer.end, *map(int, listed))))
