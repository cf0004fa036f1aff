"""Each method as a change to a model: what is added, what is trained, and with which numbers it begins.

LoRA (Hu et al. 2021, arXiv:2106.09685), rsLoRA (Kalajdzievski 2023, arXiv:2312.03732), DoRA (Liu et al. 2024,
arXiv:2402.09353), prefix tuning (Li and Liang 2021, arXiv:2101.00190) and prompt tuning (Lester et al. 2021,
arXiv:2104.08691) are `peft`'s; the bottleneck is ours (`bottleneck.py`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from corpuskit.errors import UsageError, require
from corpuskit.training.adapters.config import ADAPTERS, VIRTUAL, AdaptConfig
from corpuskit.training.config import Kind
from corpuskit.training.models import family_of

TASKS: dict[Kind, str] = {
    "decoder": "CAUSAL_LM",
    "encoder": "FEATURE_EXTRACTION",
    "encoder-decoder": "SEQ_2_SEQ_LM",
}
"""The names of the kinds in `peft`. That of an encoder only means that no label is involved."""


def attach(model: Any, config: AdaptConfig, base: str, start: Sequence[int]) -> Any:
    """The model made ready for fine-tuning: a `peft` model for an adapter, else the model itself with what is not
    trained frozen. `base` names the model. `start`: tokens that virtual tokens begin as.

    Raises UsageError where the model's class does not take the method.
    """
    torch = require("torch", "train")
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(config.seed)
        if config.method not in ADAPTERS:
            return thaw(model, config.method)
        adapted = require("peft", "train").get_peft_model(model, _settings(model, config, base))
    if config.method == "prompt":
        _start_prompt(adapted, start)
    elif config.method == "prefix":
        _start_prefix(adapted, start)
    return adapted


def thaw(model: Any, method: str) -> Any:
    """The model with the weights that `full`, `last_layer` or `head` trains, and no others, taking gradients.

    The head is the output layer. Where its weights are those of the input embeddings too, it gets copies of its own.
    Raises UsageError for the head of a T5, which is its embeddings by definition.
    """
    model.requires_grad_(method == "full")
    if method == "head":
        if model.config.model_type == "t5":
            raise UsageError("a t5 has no output layer of its own to train: give last_layer or full")
        layer = model.get_output_embeddings()
        if model.config.tie_word_embeddings:
            parameter = require("torch", "train").nn.Parameter
            layer.weight = parameter(layer.weight.detach().clone())
            if layer.bias is not None:  # BERT's has a second name, and a file would keep only one of the two
                layer.bias = parameter(layer.bias.detach().clone())
            model.config.tie_word_embeddings = False
        layer.requires_grad_(True)
    elif method == "last_layer":
        _last_layer(model).requires_grad_(True)
    return model


def virtual_tokens(config: AdaptConfig) -> int:
    """Places that the method takes before each text."""
    return config.virtual_tokens if config.method in VIRTUAL else 0


def trainable(module: Any) -> int:
    """Number of parameters that take gradients."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings in which `peft` talks to its own developers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _settings(model: Any, config: AdaptConfig, base: str) -> Any:
    peft = require("peft", "train")
    family = family_of(model.config)
    common: dict[str, Any] = {"task_type": TASKS[family.kind], "base_model_name_or_path": base}
    if config.method == "lora":
        return peft.LoraConfig(
            **common,
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            use_rslora=config.rslora,
            use_dora=config.dora,
            lora_bias=config.bias,
            target_modules="all-linear",
        )
    if config.method == "bottleneck":
        ours = require("corpuskit.training.adapters.bottleneck", "train")
        places = (family.feed_forward, family.attention)[: 1 if config.after == "feed_forward" else 2]
        return ours.BottleneckConfig(
            **common,
            target_modules="|".join(places),
            bottleneck=config.width,
            non_linearity=config.activation,
        )
    if config.method == "prompt":
        return peft.PromptTuningConfig(
            **common,
            num_virtual_tokens=config.virtual_tokens,
            num_transformer_submodules=1,  # in an encoder-decoder the prompt precedes the encoder's input
        )
    if not family.prefix:
        raise UsageError(f"{family.name} takes no prefix: its attention has no place for keys that no token made")
    return peft.PrefixTuningConfig(**common, num_virtual_tokens=config.virtual_tokens)


def _start_prompt(adapted: Any, start: Sequence[int]) -> None:
    """The embeddings of real tokens (Lester et al. 2021, section 3.2: better than random numbers)."""
    torch = require("torch", "train")
    weight = adapted.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        weight.copy_(adapted.get_base_model().get_input_embeddings().weight[_tokens(start, len(weight))])


def _start_prefix(adapted: Any, start: Sequence[int]) -> None:
    """Keys and values that the model itself gives real tokens (Li and Liang 2021, section 7.4)."""
    torch, transformers = require("torch", "train"), require("transformers", "train")
    weight = adapted.prompt_encoder["default"].embedding.weight
    base, settings = adapted.get_base_model(), adapted.peft_config["default"]
    tokens = _tokens(start, len(weight))[None]
    with torch.no_grad():
        if base.config.is_encoder_decoder:
            cache = transformers.EncoderDecoderCache(transformers.DynamicCache(), transformers.DynamicCache())
            read = base.encoder(input_ids=tokens).last_hidden_state
            base.decoder(input_ids=tokens, encoder_hidden_states=read, past_key_values=cache, use_cache=True)
            layers = cache.self_attention_cache.layers
        else:
            cache = transformers.DynamicCache()
            base.base_model(input_ids=tokens, past_key_values=cache, use_cache=True)
            layers = cache.layers
        heads = settings.num_attention_heads
        table = weight.view(len(weight), -1, heads, settings.token_dim // heads)
        each = 2 * settings.num_transformer_submodules  # rows of the table from one layer's keys to the next layer's
        for number in reversed(range(len(layers))):  # peft lets layers of an encoder-decoder share; the first one wins
            row = each * number % table.shape[1]
            table[:, row] = layers[number].keys[0].transpose(0, 1)
            table[:, row + 1] = layers[number].values[0].transpose(0, 1)


def _tokens(start: Sequence[int], count: int) -> Any:
    """The first `count` tokens, over again where there are fewer."""
    torch = require("torch", "train")
    return torch.tensor([start[place % len(start)] for place in range(count)])


def _last_layer(model: Any) -> Any:
    side = model.decoder if model.config.is_encoder_decoder else model.base_model
    return next(module for module in side.modules() if type(module).__name__ == "ModuleList")[-1]
