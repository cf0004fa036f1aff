"""What each architecture learns from a batch of windows: the next token, hidden words, or hidden spans.

An objective turns a batch into the tensors of a step and runs the model up to its last hidden states; the loss itself
is the same for all (`corpuskit.training.loss`). Documents in one window never attend to each other.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from corpuskit.errors import CorpuskitError
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.windows import IGNORED, Batch, Numbers
from corpuskit.training.config import TrainConfig
from corpuskit.training.masking import (
    corrupt_spans,
    goldfish_targets,
    mask_words,
    special_ids,
    word_starts,
)
from corpuskit.training.models import packed_states, prediction_states, sequence_states

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
        states = packed_states(model, tensors["inputs"], tensors["positions"], causal=True)
        return states.flatten(0, 1), tensors["targets"].flatten()


class MaskedWords:
    """Masked language modelling with whole words."""

    def __init__(self, tokenizer: Tokenizer, seed: int) -> None:
        if tokenizer.mask is None:
            raise CorpuskitError("the encoder's tokenizer has no mask token: name it as mask_token")
        self.mask, self.seed = tokenizer.mask, seed
        self.starts = word_starts(tokenizer)
        self.special = special_ids(tokenizer, tokenizer.vocabulary)

    def arrays(self, batch: Batch, samples: Numbers) -> dict[str, Numbers]:
        inputs, targets = mask_words(
            batch.inputs, samples, self.starts, self.special, self.seed, MASKED_WORDS, self.mask
        )
        return {"inputs": inputs, "positions": batch.positions, "targets": targets}

    def hidden(self, model: Any, tensors: Tensors) -> tuple[Any, Any]:
        states = packed_states(model, tensors["inputs"], tensors["positions"], causal=False)
        chosen = tensors["targets"] != IGNORED
        return prediction_states(model, states[chosen]), tensors["targets"][chosen]


class Spans:
    """Span corruption."""

    def __init__(self, tokenizer: Tokenizer, seed: int) -> None:
        if not tokenizer.sentinels:
            raise CorpuskitError("the encoder-decoder's tokenizer has no <extra_id_0>")
        self.sentinels = np.array(tokenizer.sentinels, np.int64)
        self.seed, self.pad, self.end = seed, tokenizer.pad, tokenizer.end

    def arrays(self, batch: Batch, samples: Numbers) -> dict[str, Numbers]:
        documents = np.cumsum(batch.positions == 0, axis=1)
        padding = (batch.positions == 0) & (batch.targets == IGNORED) & (batch.inputs == self.pad)
        encoder, encoder_documents, decoder, targets, decoder_documents = corrupt_spans(
            batch.inputs,
            documents,
            padding,
            samples,
            self.seed,
            SPAN_DENSITY,
            SPAN_MEAN,
            self.sentinels,
            self.pad,
            self.end,
        )
        return {
            "inputs": encoder,
            "documents": encoder_documents,
            "decoder_inputs": decoder,
            "decoder_documents": decoder_documents,
            "targets": targets,
        }

    def hidden(self, model: Any, tensors: Tensors) -> tuple[Any, Any]:
        names = ("inputs", "documents", "decoder_inputs", "decoder_documents")
        states = sequence_states(model, *(tensors[name] for name in names))
        return states.flatten(0, 1), tensors["targets"].flatten()


def objective_of(config: TrainConfig, tokenizer: Tokenizer) -> Objective:
    """`tokenizer` is the model's own."""
    if config.model.kind == "encoder":
        return MaskedWords(tokenizer, config.seed)
    if config.model.kind == "encoder-decoder":
        return Spans(tokenizer, config.seed)
    return NextToken(config.goldfish, flagged=config.goldfish_documents == "decided")
