"""What each architecture learns from a batch of windows: the next token, hidden words, or hidden spans.

An objective turns a batch into the tensors of a step and runs the model up to its last hidden states; the loss itself
is the same for all (`corpuskit.training.loss`). Documents in one window never attend to each other.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from corpuskit.errors import CorpuskitError, require
from corpuskit.tokens.tokenizer import MASK, Tokenizer
from corpuskit.tokens.windows import IGNORED, Batch, Numbers
from corpuskit.training.config import TrainConfig
from corpuskit.training.masking import (
    corrupt_spans,
    goldfish_targets,
    mask_words,
    span_counts,
    special_ids,
    word_starts,
)
from corpuskit.training.models import SENTINELS

MASKED_WORDS = 0.15
"""Share of words that an encoder must guess: BERT's."""
SPAN_DENSITY, SPAN_MEAN = 0.15, 3.0
"""Share of tokens that an encoder-decoder must guess, and tokens of a span: T5's."""

Tensors = dict[str, Any]


class Objective(Protocol):
    def arrays(self, batch: Batch, samples: Numbers) -> dict[str, Numbers]:
        """The arrays of a step; `targets` among them holds IGNORED where nothing is learned."""
        ...

    def hidden(self, model: Any, tensors: Tensors) -> tuple[Any, Any]:
        """(hidden[N, W], targets[N]): the states from which the output layer predicts, and what it should."""
        ...


class NextToken:
    """Causal language modelling. `goldfish`: leave one target in so many out; `flagged`: of flagged documents alone."""

    def __init__(self, goldfish: int = 0, flagged: bool = False) -> None:
        self.goldfish, self.flagged = goldfish, flagged

    def arrays(self, batch: Batch, samples: Numbers) -> dict[str, Numbers]:
        targets = batch.targets
        if self.goldfish and not self.flagged:
            targets = goldfish_targets(batch.inputs, targets, batch.positions, self.goldfish)
        elif self.goldfish and batch.flagged is not None and batch.flagged.any():
            left_out = goldfish_targets(batch.inputs, targets, batch.positions, self.goldfish)
            targets = np.where(batch.flagged, left_out, targets)
        return {"inputs": batch.inputs, "positions": batch.positions, "targets": targets}

    def hidden(self, model: Any, tensors: Tensors) -> tuple[Any, Any]:
        positions = tensors["positions"]
        mask = document_mask(_documents(positions), causal=True)
        states = model.base_model(
            input_ids=tensors["inputs"], position_ids=positions, attention_mask=mask, use_cache=False
        ).last_hidden_state
        return states.flatten(0, 1), tensors["targets"].flatten()


class MaskedWords:
    """Masked language modelling with whole words."""

    def __init__(self, tokenizer: Tokenizer, seed: int) -> None:
        mask = tokenizer.id_of(MASK)
        if mask is None:
            raise CorpuskitError(f"the encoder's tokenizer has no {MASK}")
        self.mask, self.seed = mask, seed
        self.starts = word_starts(tokenizer)
        self.special = special_ids(tokenizer, tokenizer.vocabulary)

    def arrays(self, batch: Batch, samples: Numbers) -> dict[str, Numbers]:
        inputs, targets = mask_words(
            batch.inputs, samples, self.starts, self.special, self.seed, MASKED_WORDS, self.mask
        )
        return {"inputs": inputs, "positions": batch.positions, "targets": targets}

    def hidden(self, model: Any, tensors: Tensors) -> tuple[Any, Any]:
        positions = tensors["positions"]
        mask = document_mask(_documents(positions), causal=False)
        modern = model.config.model_type == "modernbert"
        if modern and mask is not None:
            place = require("torch", "train").arange(positions.shape[1], device=positions.device)
            near = (place[:, None] - place[None, :]).abs() <= model.config.sliding_window
            mask = {"full_attention": mask, "sliding_attention": mask & near}
        states = model.base_model(
            input_ids=tensors["inputs"], position_ids=positions, attention_mask=mask
        ).last_hidden_state
        chosen = tensors["targets"] != IGNORED
        head = model.head if modern else model.cls.predictions.transform
        return head(states[chosen]), tensors["targets"][chosen]


class Spans:
    """Span corruption."""

    def __init__(self, tokenizer: Tokenizer, seed: int) -> None:
        sentinel = tokenizer.id_of("<extra_id_0>")
        if sentinel is None:
            raise CorpuskitError("the encoder-decoder's tokenizer has no <extra_id_0>")
        self.sentinel, self.seed, self.pad = sentinel, seed, tokenizer.pad

    def arrays(self, batch: Batch, samples: Numbers) -> dict[str, Numbers]:
        noise, spans = span_counts(batch.inputs.shape[1], SPAN_DENSITY, SPAN_MEAN)
        documents = np.cumsum(batch.positions == 0, axis=1)
        padding = (batch.positions == 0) & (batch.targets == IGNORED) & (batch.inputs == self.pad)
        encoder, encoder_documents, decoder, targets, decoder_documents = corrupt_spans(
            batch.inputs, documents, padding, samples, self.seed, noise, min(spans, SENTINELS), self.sentinel, self.pad
        )
        return {
            "inputs": encoder,
            "documents": encoder_documents,
            "decoder_inputs": decoder,
            "decoder_documents": decoder_documents,
            "targets": targets,
        }

    def hidden(self, model: Any, tensors: Tensors) -> tuple[Any, Any]:
        here, there = tensors["documents"], tensors["decoder_documents"]
        read = model.encoder(
            input_ids=tensors["inputs"], attention_mask=document_mask(here, causal=False)
        ).last_hidden_state
        states = model.decoder(
            input_ids=tensors["decoder_inputs"],
            attention_mask=document_mask(there, causal=True),
            encoder_hidden_states=read,
            encoder_attention_mask=there[:, None, :, None] == here[:, None, None, :],
            use_cache=False,
        ).last_hidden_state
        if model.config.scale_decoder_outputs:
            states = states * model.model_dim**-0.5
        return states.flatten(0, 1), tensors["targets"].flatten()


def objective_of(config: TrainConfig, tokenizer: Tokenizer) -> Objective:
    """`tokenizer` is the model's own."""
    if config.model.kind == "encoder":
        return MaskedWords(tokenizer, config.seed)
    if config.model.kind == "encoder-decoder":
        return Spans(tokenizer, config.seed)
    return NextToken(config.goldfish, flagged=config.goldfish_documents == "decided")


def document_mask(documents: Any, causal: bool) -> Any:
    """bool[B, 1, T, T]: which tokens each token may look at, given the document number of each; None where a window
    holds one document and the model's own mask is the same."""
    torch = require("torch", "train")
    if bool((documents == documents[:, :1]).all()):
        return None
    mask = documents[:, None, :, None] == documents[:, None, None, :]
    if causal:
        length = documents.shape[1]
        mask = mask & torch.ones(length, length, dtype=torch.bool, device=documents.device).tril()
    return mask


def output_layer(model: Any) -> tuple[Any, Any]:
    """(weight[V, W], bias[V] or None) of the layer that turns hidden states into logits."""
    layer = model.get_output_embeddings()
    return layer.weight, getattr(layer, "bias", None)


def _documents(positions: Any) -> Any:
    return (positions == 0).cumsum(1)
