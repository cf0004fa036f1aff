"""From tokens to hidden states, and from hidden states to logits, as each family computes them.

A window holds several documents, and none of them attends to another. Each layer's mask is the one that transformers
would use for that layer (full, or a sliding window) and, in addition, keeps documents apart. Logits are the output
layer's product, scaled and soft-capped where the family does so. Both are equal to what transformers computes for each
document alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpuskit.errors import require
from corpuskit.training.models.families import FAMILIES


@dataclass(frozen=True)
class OutputHead:
    """The layer that turns hidden states into logits: cap(scale * (hidden @ weight.T + bias))."""

    weight: Any
    """[V, W]"""
    bias: Any = None
    """[V], or None"""
    scale: float = 1.0
    """Factor of the logits: Granite divides them by `logits_scaling`."""
    cap: float | None = None
    """Soft cap c of the logits, c tanh(logits / c): Gemma (Gemma Team 2024, arXiv:2408.00118, section 2)."""

    def logits(self, hidden: Any) -> Any:
        """[..., V] in float32, from hidden[..., W]."""
        torch = require("torch", "train")
        weight = self.weight.to(hidden.dtype)
        bias = None if self.bias is None else self.bias.to(hidden.dtype)
        return self.finish(torch.nn.functional.linear(hidden, weight, bias).float())

    def finish(self, logits: Any) -> Any:
        """Scale and cap, from the product of states and weights."""
        if self.scale != 1.0:
            logits = logits * self.scale
        return logits if self.cap is None else self.cap * (logits / self.cap).tanh()


def output_head(model: Any) -> OutputHead:
    """The output layer of a model of a known family."""
    layer, config = model.get_output_embeddings(), model.config
    return OutputHead(
        layer.weight,
        getattr(layer, "bias", None),
        1 / getattr(config, "logits_scaling", 1.0),
        getattr(config, "final_logit_softcapping", None),
    )


def same_document(documents: Any, keys: Any = None) -> Any:
    """bool[B, 1, T, K]: whether query and key belong to one document, from the document number of each."""
    keys = documents if keys is None else keys
    return documents[:, None, :, None] == keys[:, None, None, :]


def causal_mask(length: int, device: Any) -> Any:
    """bool[T, T]: each token attends to itself and what precedes it."""
    torch = require("torch", "train")
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def layer_masks(config: Any, allowed: Any, queries: Any, keys: Any = None) -> Any:
    """What a model's layers take as `attention_mask`, from the pairs that are allowed where nothing slides.

    `allowed` is bool[B, 1, T, K]; `queries[B, T]` and `keys[B, K]` are positions in the document, by which a sliding
    window is measured. None where `allowed` is None: the model's own masks then say the same.
    """
    if allowed is None:
        return None
    keys = queries if keys is None else keys
    window = getattr(config, "sliding_window", None)
    sliding = allowed
    if window is not None:
        distance = queries[:, None, :, None] - keys[:, None, None, :]
        # a bidirectional window is half as wide on each side, and includes its edge
        near = distance < window if config.model_type != "modernbert" else distance.abs() <= window
        sliding = allowed & near
    family = FAMILIES[config.model_type]
    if family.masks == "by_type":
        masks = {"full_attention": allowed, "sliding_attention": sliding}
        return {name: _for_attention(config, mask) for name, mask in masks.items()}
    return _for_attention(config, sliding if config.model_type == "mistral" else allowed)


def packed_states(model: Any, tokens: Any, positions: Any, causal: bool) -> Any:
    """[B, T, W]: last hidden states of a decoder or an encoder over packed windows.

    `positions[B, T]` count from 0 in each document. A model with virtual tokens brings its own way
    (`corpuskit.training.adapters.virtual`).
    """
    if hasattr(model, "packed_states"):
        return model.packed_states(tokens, positions, causal)
    allowed = document_mask((positions == 0).cumsum(1), causal)
    settings = {"use_cache": False} if causal else {}
    return model.base_model(
        input_ids=tokens,
        position_ids=positions,
        attention_mask=layer_masks(model.config, allowed, positions),
        **settings,
    ).last_hidden_state


def prediction_states(model: Any, states: Any) -> Any:
    """The states that an encoder's output layer reads: its prediction head's transform of the last hidden states."""
    head = model.head if model.config.model_type == "modernbert" else model.cls.predictions.transform
    return head(states)


def sequence_states(model: Any, tokens: Any, documents: Any, decoder_tokens: Any, decoder_documents: Any) -> Any:
    """[B, D, W]: the states from which an encoder-decoder predicts, over packed windows.

    `documents[B, T]` and `decoder_documents[B, D]` number the document of each token on either side.
    """
    if hasattr(model, "sequence_states"):
        states = model.sequence_states(tokens, documents, decoder_tokens, decoder_documents)
    else:
        config = model.config
        read = model.encoder(
            input_ids=tokens, attention_mask=_for_attention(config, document_mask(documents, causal=False))
        ).last_hidden_state
        states = model.decoder(
            input_ids=decoder_tokens,
            attention_mask=_for_attention(config, document_mask(decoder_documents, causal=True)),
            encoder_hidden_states=read,
            encoder_attention_mask=_for_attention(config, same_document(decoder_documents, documents)),
            use_cache=False,
        ).last_hidden_state
    return states * model.model_dim**-0.5 if model.config.scale_decoder_outputs else states


def document_mask(documents: Any, causal: bool) -> Any:
    """bool[B, 1, T, T]: the pairs of tokens that may attend, given the document number of each; None where each window
    holds one document and the model's own mask is the same."""
    if bool((documents == documents[:, :1]).all()):
        return None
    mask = same_document(documents)
    return mask & causal_mask(documents.shape[1], documents.device) if causal else mask


def mask_for(model: Any, allowed: Any) -> Any:
    """A mask in the form that the model's attention adds or selects by."""
    return _for_attention(model.config, allowed)


def _for_attention(config: Any, allowed: Any) -> Any:
    """Eager attention adds its mask to the scores; the others select by it."""
    if allowed is None or config._attn_implementation != "eager":
        return allowed
    torch = require("torch", "train")
    zeros = torch.zeros(allowed.shape, dtype=torch.float32, device=allowed.device)
    return zeros.masked_fill(~allowed, torch.finfo(torch.float32).min)
