"""The context model: a small recurrent network over the words of a window, for windows that the linear model suspects.

The linear model adds up words, so that "you are not stupid" and "you are stupid" are alike to it. This one reads the
words in order, in both directions (Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; Schuster and Paliwal
1997, "Bidirectional Recurrent Neural Networks"), and keeps the highest of each unit's states (Collobert and Weston
2008, "A Unified Architecture for Natural Language Processing", section 3.3). A word is the sum of a vector of its own
where the vocabulary has one, the mean of the vectors of its hashed n-grams, and what the linear model says of the word
alone. The network also sees what the linear model says of the whole window.

Weights are 8-bit tables and small float arrays; the loops are compiled, and need no library for neural networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes
from corpuskit.kernels.ngram_hash import FEATURES_A_WORD, Symbols, word_buckets, word_key
from corpuskit.toxicity.features import LENGTH_FLOOR, WORD_VALUE
from corpuskit.toxicity.tokens import MARKS, MOST_TOKENS, Room, read_tokens, token_room

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

LOGIT_SCALE = 4.0
LOGIT_MOST = 3.0
"""The linear model's logits enter the network divided by the one and cut off at plus and minus the other."""

_KEPT = 1 << 13


@dataclass(frozen=True)
class Context:
    """The weights of a context model. D: size of a word's vector, H: units a direction, K: its labels."""

    labels: tuple[str, ...]
    keys: npt.NDArray[np.uint64]
    """uint64[V]: keys of the words that have a vector of their own, ascending."""
    words: npt.NDArray[np.int8]
    """int8[V, D]."""
    word_scale: Floats
    """float32[D]: what a step of `words` is worth."""
    grams: npt.NDArray[np.int8]
    """int8[2**bits, D]: vectors of hashed n-grams."""
    gram_scale: Floats
    """float32[D]."""
    marks: Floats
    """float32[MARKS, D]: vectors of the marks."""
    lexical: Floats
    """float32[L, D]: what the linear model's logits of a word add to its vector."""
    bias: Floats
    """float32[D]."""
    inputs: Floats
    """float32[2, D, 4H]: input weights of the two directions; gates in the order input, forget, cell, output."""
    recurrent: Floats
    """float32[2, H, 4H]."""
    gate_bias: Floats
    """float32[2, 4H]."""
    hidden: Floats
    """float32[2H + L, M]: from the highest states and the window's linear logits."""
    hidden_bias: Floats
    """float32[M]."""
    output: Floats
    """float32[M, K]."""
    output_bias: Floats
    """float32[K]."""

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """By name, for a model file."""
        stored = {field.name: getattr(self, field.name) for field in fields(self)}
        return {f"context_{name}": np.array(value) for name, value in stored.items()}

    @classmethod
    def from_arrays(cls, stored: Mapping[str, npt.NDArray[Any]]) -> Context | None:
        """The context model among the arrays of a model file; None where it holds none. Raises ValueError for
        shapes that do not fit together and KeyError for an array that is missing."""
        if "context_labels" not in stored:
            return None
        values: dict[str, Any] = {field.name: stored[f"context_{field.name}"] for field in fields(cls)}
        values["labels"] = tuple(str(label) for label in values["labels"])
        model = cls(**values)
        width, units = model.words.shape[1], model.recurrent.shape[1]
        labels = len(model.lexical)
        shapes = {
            "keys": (len(model.words),),
            "word_scale": (width,),
            "grams": (len(model.grams), width),
            "gram_scale": (width,),
            "marks": (MARKS, width),
            "lexical": (labels, width),
            "bias": (width,),
            "inputs": (2, width, 4 * units),
            "recurrent": (2, units, 4 * units),
            "gate_bias": (2, 4 * units),
            "hidden": (2 * units + labels, len(model.hidden_bias)),
            "output": (len(model.hidden_bias), len(model.labels)),
            "output_bias": (len(model.labels),),
        }
        for name, shape in shapes.items():
            if getattr(model, name).shape != shape:
                raise ValueError(f"context_{name} is {getattr(model, name).shape} and should be {shape}")
        if len(model.grams) & (len(model.grams) - 1) or (np.diff(model.keys.view(np.int64)) == 0).any():
            raise ValueError("context_grams is no power of two long, or context_keys repeats a key")
        return model


@nb.njit(cache=True, nogil=True)
def word_logits(
    symbols: Symbols,
    start: int,
    end: int,
    weights: Any,
    slope: Any,
    offset: Any,
    bits: int,
    shortest: int,
    syllables: int,
    buckets: Integers,
    out: Any,
) -> None:
    """Write the linear model's logits of one word alone, scaled and cut off, to `out` float32[labels]."""
    count = word_buckets(symbols, start, end, bits, shortest, syllables, buckets)
    squared = np.float64(WORD_VALUE * WORD_VALUE + count - 1)
    length = np.sqrt(max(squared, LENGTH_FLOOR))
    for label in range(len(out)):
        total = WORD_VALUE * np.int32(weights[buckets[0], label])
        for gram in range(1, count):
            total += np.int32(weights[buckets[gram], label])
        logit = (slope[label] * total / length + offset[label]) / LOGIT_SCALE
        out[label] = min(max(logit, -LOGIT_MOST), LOGIT_MOST)


@nb.njit(cache=True, nogil=True, inline="always")
def _sigmoid(x: Any) -> Any:
    return np.float32(1.0) / (np.float32(1.0) + np.exp(-x))


@nb.njit(cache=True, nogil=True)
def _recur(vectors: Any, count: int, backward: int, inputs: Any, recurrent: Any, bias: Any, top: Any) -> None:
    """Write the highest state of each unit of one direction to `top` float32[H]."""
    units = recurrent.shape[0]
    gates = np.empty(4 * units, np.float32)
    state = np.zeros(units, np.float32)
    cell = np.zeros(units, np.float32)
    top[:] = -2.0
    for step in range(count):
        vector = vectors[count - 1 - step if backward else step]
        gates[:] = bias
        for k in range(len(vector)):
            value = vector[k]
            for g in range(4 * units):
                gates[g] += value * inputs[k, g]
        for k in range(units):
            value = state[k]
            for g in range(4 * units):
                gates[g] += value * recurrent[k, g]
        for u in range(units):
            cell[u] = _sigmoid(gates[units + u]) * cell[u] + _sigmoid(gates[u]) * np.tanh(gates[2 * units + u])
            state[u] = _sigmoid(gates[3 * units + u]) * np.tanh(cell[u])
            top[u] = max(top[u], state[u])


@nb.njit(cache=True, nogil=True)
def _logits(
    data: Bytes,
    spans: Integers,
    window_logits: Floats,
    linear: Any,
    orders: Any,
    table: Any,
    network: Any,
    room: Any,
) -> Floats:
    weights, slope, offset = linear
    bits, shortest, syllables = orders
    keys, words, word_scale, grams, gram_scale, marks, lexical, bias = table
    inputs, recurrent, gate_bias, hidden, hidden_bias, output, output_bias = network
    chunk, kinds, symbols, bounds, marked = room
    width = words.shape[1]
    units = recurrent.shape[1]
    labels = len(lexical)
    gram_bits = 0
    while (1 << gram_bits) < len(grams):
        gram_bits += 1
    kept_keys = np.zeros(_KEPT, np.uint64)
    kept = np.empty((_KEPT, width), np.float32)
    buckets = np.empty(FEATURES_A_WORD, np.int64)
    alone = np.empty(labels, np.float32)
    vectors = np.empty((MOST_TOKENS + 1, width), np.float32)
    pooled = np.empty(2 * units + labels, np.float32)
    answer = np.empty((len(spans), output.shape[1]), np.float32)
    for row in range(len(spans)):
        count = read_tokens(data, spans[row, 0], spans[row, 1], chunk, kinds, symbols, bounds, marked)
        for token in range(count):
            if marked[token]:
                for k in range(width):
                    vectors[token, k] = marks[marked[token], k] + bias[k]
                continue
            start, end = bounds[token], bounds[token + 1]
            key = word_key(symbols, start, end)
            slot = np.int64(key >> np.uint64(20)) & (_KEPT - 1)
            if kept_keys[slot] != key:
                kept_keys[slot] = key
                grams_of_word = word_buckets(symbols, start, end, gram_bits, shortest, syllables, buckets)
                kept[slot] = 0.0
                for gram in range(grams_of_word):
                    for k in range(width):
                        kept[slot, k] += np.float32(grams[buckets[gram], k])
                for k in range(width):
                    kept[slot, k] = kept[slot, k] * gram_scale[k] / np.float32(grams_of_word) + bias[k]
                place = np.searchsorted(keys, key)
                if place < len(keys) and keys[place] == key:
                    for k in range(width):
                        kept[slot, k] += np.float32(words[place, k]) * word_scale[k]
                word_logits(symbols, start, end, weights, slope, offset, bits, shortest, syllables, buckets, alone)
                for label in range(labels):
                    for k in range(width):
                        kept[slot, k] += alone[label] * lexical[label, k]
            vectors[token] = kept[slot]
        if count == 0:
            vectors[0] = bias
            count = 1
        for way in range(2):
            highest = pooled[way * units : (way + 1) * units]
            _recur(vectors, count, way, inputs[way], recurrent[way], gate_bias[way], highest)
        for label in range(labels):
            logit = window_logits[row, label] / np.float32(LOGIT_SCALE)
            pooled[2 * units + label] = min(max(logit, np.float32(-LOGIT_MOST)), np.float32(LOGIT_MOST))
        answer[row] = output_bias
        for unit in range(len(hidden_bias)):
            value = hidden_bias[unit]
            for k in range(len(pooled)):
                value += pooled[k] * hidden[k, unit]
            if value > 0:
                for label in range(len(output_bias)):
                    answer[row, label] += value * output[unit, label]
    return answer


@dataclass(frozen=True)
class Linear:
    """What the context model needs of the linear one: int8[2**bits, L] weights, its calibration and its n-grams."""

    weights: npt.NDArray[np.int8]
    slope: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    shortest: int
    syllables: int


def context_logits(model: Context, linear: Linear, data: Bytes, spans: Integers, window_logits: Floats) -> Floats:
    """float32[windows, K]: logits of the windows `data[start:end]`, int64[windows, 2] spans of bytes.

    `window_logits` float32[windows, L] is what the linear model says of each window.
    """
    room: Room = token_room()
    labels = len(model.lexical)
    orders = (len(linear.weights).bit_length() - 1, linear.shortest, linear.syllables)
    table = (
        model.keys,
        model.words,
        model.word_scale,
        model.grams,
        model.gram_scale,
        model.marks,
        model.lexical,
        model.bias,
    )
    network = (
        model.inputs,
        model.recurrent,
        model.gate_bias,
        model.hidden,
        model.hidden_bias,
        model.output,
        model.output_bias,
    )
    return _logits(  # type: ignore[no-any-return]
        data,
        spans,
        np.ascontiguousarray(window_logits[:, :labels], np.float32),
        (linear.weights, linear.slope[:labels], linear.offset[:labels]),
        orders,
        table,
        network,
        room,
    )
