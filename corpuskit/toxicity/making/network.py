"""Fit the context model (`corpuskit.toxicity.context`) with torch, and put its weights into 8 bits.

Words that have a pretrained vector keep it: only a projection of it is learned, so that a word that no sentence held
is read like its neighbours. Parts of a word's vector are left out at random (Srivastava et al. 2014, "Dropout"), so
that the network does not lean on one of them. Adam (Kingma and Ba 2015), one thread, a fixed order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.errors import require
from corpuskit.kernels.arrow import Bytes, Offsets, text_buffers
from corpuskit.kernels.ngram_hash import FEATURES_A_WORD, word_buckets, word_key
from corpuskit.toxicity.context import LOGIT_MOST, LOGIT_SCALE, Context, Linear, word_logits
from corpuskit.toxicity.tokens import MARKS, MOST_TOKENS, read_tokens, token_room

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

WIDTH = 32
UNITS = 40
HIDDEN = 40
GRAM_BITS = 14
GRAMS_A_WORD = 28
"""N-grams of a word that teach; the rest of a longer word is read only in use."""


@dataclass(frozen=True)
class Vectors:
    """Pretrained word vectors: `words` and float32[words, dimensions]. Empty where a language has none."""

    words: list[str]
    values: Floats


NO_VECTORS = Vectors([], np.zeros((0, 0), np.float32))


@nb.njit(cache=True, nogil=True)
def _read_all(data: Bytes, offsets: Offsets, room: Any) -> Any:
    chunk, kinds, symbols, bounds, marked = room
    texts = len(offsets) - 1
    starts = np.zeros(texts + 1, np.int64)
    keys = np.empty(texts * MOST_TOKENS, np.uint64)
    marks = np.empty(texts * MOST_TOKENS, np.uint8)
    places = np.empty((texts * MOST_TOKENS, 2), np.int64)
    letters = np.empty(1 << 20, np.uint16)
    used = 0
    filled = 0
    for text in range(texts):
        count = read_tokens(data, offsets[text], offsets[text + 1], chunk, kinds, symbols, bounds, marked)
        if used + bounds[count] > len(letters):
            larger = np.empty(2 * len(letters) + bounds[count], np.uint16)
            larger[:used] = letters[:used]
            letters = larger
        letters[used : used + bounds[count]] = symbols[: bounds[count]]
        for token in range(count):
            keys[filled] = np.uint64(marked[token])
            if not marked[token]:
                keys[filled] = word_key(symbols, bounds[token], bounds[token + 1])
            marks[filled] = marked[token]
            places[filled, 0] = used + bounds[token]
            places[filled, 1] = used + bounds[token + 1]
            filled += 1
        used += bounds[count]
        starts[text + 1] = filled
    return starts, keys[:filled].copy(), marks[:filled].copy(), places[:filled].copy(), letters[:used].copy()


@nb.njit(cache=True, nogil=True)
def _describe(letters: Any, places: Any, linear: Any, orders: Any, gram_bits: int, labels: int) -> Any:
    """Buckets int32[words, GRAMS_A_WORD] (-1: none) and linear logits float32[words, labels] of words."""
    weights, slope, offset = linear
    bits, shortest, syllables = orders
    buckets = np.empty(FEATURES_A_WORD, np.int64)
    grams = np.full((len(places), GRAMS_A_WORD), -1, np.int32)
    logits = np.zeros((len(places), labels), np.float32)
    for word in range(len(places)):
        start, end = places[word, 0], places[word, 1]
        count = word_buckets(letters, start, end, gram_bits, shortest, syllables, buckets)
        for gram in range(min(count, GRAMS_A_WORD)):
            grams[word, gram] = buckets[gram]
        word_logits(letters, start, end, weights, slope, offset, bits, shortest, syllables, buckets, logits[word])
    return grams, logits


@dataclass(frozen=True)
class Tokenised:
    """Texts as numbers of word types: type 0 to MARKS - 1 are marks, the others words."""

    starts: Integers
    types: npt.NDArray[np.int32]
    grams: npt.NDArray[np.int32]
    """int32[types, GRAMS_A_WORD]: buckets, -1 where there is none."""
    logits: Floats
    """float32[types, L]: the linear model's logits of each type alone."""
    vectors: Integers
    """int64[types]: the row of the pretrained vectors, -1 where there is none."""


def keys_of(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """The key of each word that is a single token; 0 for one that is not."""
    starts, keys, marks, _, _ = _read_all(*text_buffers(list(words)), token_room())
    single = (np.diff(starts) == 1) & (marks[np.minimum(starts[:-1], len(marks) - 1)] == 0)
    return np.asarray(np.where(single, keys[np.minimum(starts[:-1], len(keys) - 1)], 0), np.uint64)


def tokenise(texts: Sequence[str], linear: Linear, labels: int, vocabulary: npt.NDArray[np.uint64]) -> Tokenised:
    """Texts as word types. `vocabulary` uint64[V] are the keys of the pretrained vectors."""
    starts, keys, marks, places, letters = _read_all(*text_buffers(list(texts)), token_room())
    _, first, inverse = np.unique(np.where(marks > 0, marks.astype(np.uint64), keys), True, True)
    words = marks[first] == 0
    number = np.where(words, MARKS + np.cumsum(words) - 1, marks[first]).astype(np.int32)
    orders = (len(linear.weights).bit_length() - 1, linear.shortest, linear.syllables)
    scale = (linear.weights, linear.slope[:labels], linear.offset[:labels])
    grams, logits = _describe(letters, places[first[words]], scale, orders, GRAM_BITS, labels)
    order = np.argsort(vocabulary)
    wanted = keys[first[words]]
    at = np.minimum(np.searchsorted(vocabulary[order], wanted), len(vocabulary) - 1) if len(vocabulary) else None
    rows = np.full(len(wanted), -1, np.int64)
    if at is not None:
        rows = np.where(vocabulary[order][at] == wanted, order[at], -1)
    return Tokenised(
        starts,
        number[inverse.reshape(-1)],
        np.concatenate([np.full((MARKS, GRAMS_A_WORD), -1, np.int32), grams]),
        np.concatenate([np.zeros((MARKS, labels), np.float32), logits]),
        np.concatenate([np.full(MARKS, -1), rows]),
    )


@dataclass(frozen=True)
class Settings:
    epochs: int = 2
    batch: int = 48
    rate: float = 5e-3
    seed: int = 1
    gram_dropout: float = 0.7
    vector_dropout: float = 0.15
    lexical_dropout: float = 0.2
    word_dropout: float = 0.1
    window_dropout: float = 0.25
    """How often each part is left out: a word's n-grams, its pretrained vector, its linear logits, the whole word, and
    what the linear model says of the window."""
    noise: float = 0.15
    """Standard deviation of the noise added to pretrained vectors, so that a word is learned with its neighbours."""


def _network(dimensions: int, linear_labels: int, labels: int) -> Any:
    torch = require("torch", "toxicity")
    nn = torch.nn

    class Network(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.grams = nn.EmbeddingBag((1 << GRAM_BITS) + 1, WIDTH, mode="sum", padding_idx=1 << GRAM_BITS)
            nn.init.normal_(self.grams.weight, std=0.1)
            self.projection = nn.Linear(max(dimensions, 1), WIDTH, bias=False)
            self.marks = nn.Parameter(torch.randn(MARKS, WIDTH) * 0.3)
            self.lexical = nn.Parameter(torch.randn(linear_labels, WIDTH) * 0.1)
            self.bias = nn.Parameter(torch.zeros(WIDTH))
            self.lstm = nn.LSTM(WIDTH, UNITS, batch_first=True, bidirectional=True)
            self.dropout = nn.Dropout(0.15)
            self.hidden = nn.Linear(2 * UNITS + linear_labels, HIDDEN)
            self.output = nn.Linear(HIDDEN, labels)

        def vectors(self, grams: Any, counts: Any, pretrained: Any, logits: Any, marks: Any, keep: Any) -> Any:
            """float32[types, WIDTH] of the types of a batch; `keep` float32[types, 3] leaves parts out."""
            value = self.grams(grams) / counts[:, None] * keep[:, :1]
            value = value + self.projection(pretrained) * keep[:, 1:2]
            value = value + (logits @ self.lexical) * keep[:, 2:]
            value = torch.where((marks >= 0)[:, None], self.marks[marks.clamp(min=0)], value)
            return value + self.bias

        def forward(self, vectors: Any, rows: Any, lengths: Any, window: Any, word_keep: Any) -> Any:
            x = vectors[rows] * word_keep[..., None]
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True, padding_value=-2.0)
            pooled = states.max(dim=1).values
            features = torch.cat([self.dropout(pooled), window], dim=1)
            return self.output(self.dropout(torch.relu(self.hidden(features))))

    torch.manual_seed(1)
    return Network()


class Fitted:
    """A trained network and the pretrained vectors that it reads."""

    def __init__(self, network: Any, linear: Linear, linear_labels: int, labels: tuple[str, ...], vectors: Vectors):
        self.network, self.linear, self.linear_labels, self.labels, self.vectors = (
            network,
            linear,
            linear_labels,
            labels,
            vectors,
        )

    def logits(self, texts: Sequence[str], window_logits: Floats) -> Floats:
        """float32[texts, K]: what the network answers before its weights are put into 8 bits."""
        torch = require("torch", "toxicity")
        network = self.network.eval()
        vocabulary = keys_of(self.vectors.words) if self.vectors.words else np.zeros(0, np.uint64)
        read = tokenise(texts, self.linear, self.linear_labels, vocabulary)
        kinds = np.arange(len(read.grams))
        with torch.no_grad():
            vectors = network.vectors(*_parts(read, kinds, self.vectors.values), torch.ones(len(kinds), 3))
            answers = []
            for text, window in enumerate(window_logits):
                types = read.types[read.starts[text] : read.starts[text + 1]].astype(np.int64)[None]
                shown = torch.from_numpy(_scaled(window[None]))
                count = torch.tensor([types.shape[1]])
                answers.append(network(vectors, torch.from_numpy(types), count, shown, torch.ones(types.shape))[0])
        return np.array([answer.numpy() for answer in answers], np.float32)

    def pack(self, most_words: int) -> Context:
        """The weights as they ship, with the first `most_words` pretrained vectors."""
        torch = require("torch", "toxicity")
        network = self.network.eval()
        with torch.no_grad():
            keys = keys_of(self.vectors.words[:most_words]) if self.vectors.words else np.zeros(0, np.uint64)
            known = np.flatnonzero(keys)
            _, first = np.unique(keys[known], return_index=True)
            rows = known[first]
            projected = np.zeros((0, WIDTH), np.float32)
            if len(rows):
                projected = network.projection(torch.from_numpy(self.vectors.values[rows])).numpy()
            words, word_scale = _to_bytes(projected)
            grams, gram_scale = _to_bytes(network.grams.weight[:-1].numpy())
            lstm = network.lstm

            def ways(name: str) -> Floats:
                return np.stack(
                    [np.ascontiguousarray(getattr(lstm, f"{name}_l0{way}").numpy().T) for way in ("", "_reverse")]
                )

            return Context(
                labels=self.labels,
                keys=keys[rows],
                words=words,
                word_scale=word_scale,
                grams=grams,
                gram_scale=gram_scale,
                marks=network.marks.numpy().copy(),
                lexical=network.lexical.numpy().copy(),
                bias=network.bias.numpy().copy(),
                inputs=ways("weight_ih"),
                recurrent=ways("weight_hh"),
                gate_bias=ways("bias_ih") + ways("bias_hh"),
                hidden=np.ascontiguousarray(network.hidden.weight.numpy().T),
                hidden_bias=network.hidden.bias.numpy().copy(),
                output=np.ascontiguousarray(network.output.weight.numpy().T),
                output_bias=network.output.bias.numpy().copy(),
            )


def _scaled(window_logits: Floats) -> Floats:
    return np.asarray(np.clip(window_logits / LOGIT_SCALE, -LOGIT_MOST, LOGIT_MOST), np.float32)


def _parts(read: Tokenised, kinds: Integers, pretrained: Floats, noise: Floats | None = None) -> tuple[Any, ...]:
    """What the network makes the vectors of word types from: n-grams, their counts, vectors, logits, marks."""
    torch = require("torch", "toxicity")
    grams = read.grams[kinds]
    counts = np.maximum((grams >= 0).sum(axis=1), 1).astype(np.float32)
    rows = read.vectors[kinds]
    known = np.zeros((len(kinds), max(pretrained.shape[1], 1)), np.float32)
    if pretrained.shape[1]:
        known[rows >= 0] = pretrained[rows[rows >= 0]]
        if noise is not None:
            known[rows >= 0] += noise[rows >= 0]
    return tuple(
        torch.from_numpy(array)
        for array in (
            np.where(grams < 0, 1 << GRAM_BITS, grams).astype(np.int64),
            counts,
            known,
            read.logits[kinds],
            np.where(kinds < MARKS, kinds, -1).astype(np.int64),
        )
    )


def _to_bytes(values: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """(int8[rows, columns], float32[columns]): whole numbers and what a step is worth in each column."""
    most = np.abs(values).max(axis=0) if len(values) else np.ones(values.shape[1])
    scale = (np.maximum(most, 1e-6) / 127).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def fit_network(
    texts: Sequence[str],
    targets: Floats,
    importance: Floats,
    window_logits: Floats,
    linear: Linear,
    labels: tuple[str, ...],
    vectors: Vectors,
    settings: Settings,
) -> Fitted:
    """Fit a network. `targets` float32[texts, labels] are probabilities (NaN: not said); `importance` float32[texts];
    `window_logits` float32[texts, L] is what the linear model says of each text."""
    torch = require("torch", "toxicity")
    torch.manual_seed(settings.seed)
    torch.set_num_threads(1)
    linear_labels = window_logits.shape[1]
    network = _network(vectors.values.shape[1], linear_labels, len(labels))
    vocabulary = keys_of(vectors.words) if vectors.words else np.zeros(0, np.uint64)
    read = tokenise(texts, linear, linear_labels, vocabulary)
    window = _scaled(window_logits)
    lengths = np.diff(read.starts)
    usable = np.flatnonzero(lengths > 0)
    generator = np.random.default_rng(settings.seed)
    optimizer = torch.optim.Adam(network.parameters(), settings.rate)
    steps = settings.epochs * (len(usable) // settings.batch)
    step = 0
    network.train()
    for _ in range(settings.epochs):
        order = generator.permutation(usable)
        pools = [order[i : i + 50 * settings.batch] for i in range(0, len(order), 50 * settings.batch)]
        batches = []
        for pool in pools:
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            batches += [pool[i : i + settings.batch] for i in range(0, len(pool) - settings.batch + 1, settings.batch)]
        for number in generator.permutation(len(batches)):
            rows = batches[number]
            longest = int(lengths[rows].max())
            at = read.starts[rows][:, None] + np.minimum(np.arange(longest), lengths[rows][:, None] - 1)
            kinds, inverse = np.unique(read.types[at], return_inverse=True)
            rates = (settings.gram_dropout, settings.vector_dropout, settings.lexical_dropout)
            keep = (generator.random((len(kinds), 3)) >= rates).astype(np.float32)
            keep[read.vectors[kinds] < 0, 0] = 1.0  # all that a word without a vector of its own has
            noise = generator.standard_normal((len(kinds), vectors.values.shape[1]), dtype=np.float32)
            parts = _parts(read, kinds, vectors.values, np.float32(settings.noise) * noise)
            x = network.vectors(*parts, torch.from_numpy(keep))
            shown = (generator.random((len(rows), 1)) >= settings.window_dropout).astype(np.float32)
            logits = network(
                x,
                torch.from_numpy(inverse.reshape(at.shape)),
                torch.from_numpy(lengths[rows]),
                torch.from_numpy(window[rows] * shown),
                torch.from_numpy((generator.random(at.shape) >= settings.word_dropout).astype(np.float32)),
            )
            wanted = targets[rows]
            weight = np.where(np.isnan(wanted), 0, importance[rows][:, None]).astype(np.float32)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, torch.from_numpy(np.nan_to_num(wanted)), torch.from_numpy(weight), reduction="sum"
            ) / max(float(weight.sum()), 1e-6)
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * min(1.0, step / 40, max(0.02, 1.5 * (1 - step / steps)))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step += 1
    return Fitted(network, linear, linear_labels, labels, vectors)
