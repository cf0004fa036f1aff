"""Which tokens a model must guess: whole words for an encoder, spans for an encoder-decoder, all but some for goldfish.

Every choice is a hash of the seed, the sample's number and the place, so that it needs no random state: the same sample
is masked alike on any rank, in any worker and after a resume, and anew when a later epoch brings its window again.
"""

from __future__ import annotations

import json
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.windows import IGNORED, Numbers

GOLDFISH_CONTEXT = 13
"""Tokens whose hash decides (Hans et al. 2024, arXiv:2406.10209, section 3.1: h = 13)."""


@nb.njit(cache=True, nogil=True)
def _hash(a: np.uint64, b: np.uint64) -> np.uint64:
    x = np.uint64(a + np.uint64(np.uint64(b + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)))
    x = np.uint64(np.uint64(x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    x = np.uint64(np.uint64(x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    return np.uint64(x ^ (x >> np.uint64(31)))


@nb.njit(cache=True, nogil=True)
def _share(a: np.uint64, b: np.uint64) -> float:
    return float(_hash(a, b) >> np.uint64(11)) / 9007199254740992.0


@nb.njit(cache=True, nogil=True)
def goldfish_targets(inputs: Numbers, targets: Numbers, positions: Numbers, every: int) -> Numbers:
    """`targets` with one in `every` set to IGNORED, chosen by a hash of the 13 tokens before it, in their order.

    The hash reads no further back than the document (or the window) goes, so a passage that many documents share loses
    the same tokens wherever 13 of its tokens precede them. Targets with fewer tokens before them are kept.
    """
    out = targets.copy()
    rows, length = inputs.shape
    for r in range(rows):
        for t in range(length):
            if positions[r, t] + 1 < GOLDFISH_CONTEXT or targets[r, t] == IGNORED:
                continue
            key = np.uint64(0)
            for back in range(GOLDFISH_CONTEXT - 1, -1, -1):
                key = _hash(key, np.uint64(inputs[r, t - back]))
            if key % np.uint64(every) == np.uint64(0):
                out[r, t] = IGNORED
    return out


def word_starts(tokenizer: Tokenizer) -> npt.NDArray[np.bool_]:
    """bool[vocabulary]: tokens that begin a word, by the mark that the tokenizer's kind gives them."""
    starts = np.ones(tokenizer.vocabulary, np.bool_)
    kind = json.loads(tokenizer.json)["model"]["type"]
    for token, number in tokenizer.reference.get_vocab(with_added_tokens=True).items():
        if kind == "WordPiece":
            starts[number] = not token.startswith("##")
        else:
            letters = token[:1].isalpha() or ord(token[:1] or " ") >= 0x80
            starts[number] = token[:1] in "ĠĊ▁" or not letters
    return starts


@nb.njit(cache=True, nogil=True)
def mask_words(
    inputs: Numbers,
    samples: Numbers,
    starts: npt.NDArray[np.bool_],
    special: npt.NDArray[np.bool_],
    seed: int,
    share: float,
    mask: int,
) -> tuple[Numbers, Numbers]:
    """(inputs with masked words, targets that are the hidden tokens there and IGNORED elsewhere).

    Whole-word masking as in BERT (Devlin et al. 2018, section 3.1 and the later release): a word is chosen with the
    probability `share`; of its tokens 80 % become `mask`, 10 % a random token, 10 % stay.
    """
    hidden = inputs.copy()
    targets = np.full_like(inputs, IGNORED)
    rows, length = inputs.shape
    vocabulary = len(starts)
    for r in range(rows):
        key = _hash(np.uint64(seed), np.uint64(samples[r]))
        chosen = False
        for t in range(length):
            token = inputs[r, t]
            if special[token]:
                chosen = False
                continue
            if t == 0 or starts[token] or special[inputs[r, t - 1]]:
                chosen = _share(key, np.uint64(3 * t)) < share
            if chosen:
                targets[r, t] = token
                way = _share(key, np.uint64(3 * t + 1))
                if way < 0.8:
                    hidden[r, t] = mask
                elif way < 0.9:
                    hidden[r, t] = np.int64(_hash(key, np.uint64(3 * t + 2)) % np.uint64(vocabulary))
    return hidden, targets


def span_counts(length: int, density: float, mean: float) -> tuple[int, int]:
    """(tokens hidden, spans) in a window: `density` of its tokens in spans of `mean` tokens on average."""
    noise = min(max(round(length * density), 1), length - 1)
    return noise, min(max(round(noise / mean), 1), noise, length - noise)


def corrupt_spans(
    inputs: Numbers,
    documents: Numbers,
    padding: npt.NDArray[np.bool_],
    samples: Numbers,
    seed: int,
    density: float,
    mean: float,
    sentinels: Numbers,
    begin: int,
    end: int,
) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """Span corruption (Raffel et al. 2019, section 3.1.4): (encoder inputs, their documents, decoder inputs, targets,
    the decoder's documents), int64[rows, T - noise + spans] twice and int64[rows, D] three times.

    Each hidden span becomes one sentinel in the encoder's input, counted from `sentinels[0]` in each document. The
    target is each sentinel followed by what it hides; that of a document is closed, as T5's, by one more sentinel and
    `end`. The decoder's input is the target moved by one, with `begin` first in each document. A span belongs to the
    document of its first token; what it hides of the next document, and padding, is not learned from. D is what the
    fullest row needs, rounded up to a multiple of 16.
    """
    noise, spans = span_counts(inputs.shape[1], density, mean)
    spans = min(spans, len(sentinels) - 1)
    arrays = _corrupted(inputs, documents, padding, samples, seed, noise, spans, sentinels, begin, end)
    encoder, encoder_documents, decoder, targets, decoder_documents, filled = arrays
    width = min(-(-int(filled.max(initial=1)) // 16) * 16, decoder.shape[1])
    return encoder, encoder_documents, decoder[:, :width], targets[:, :width], decoder_documents[:, :width]


@nb.njit(cache=True, nogil=True)
def _corrupted(
    inputs: Numbers,
    documents: Numbers,
    padding: npt.NDArray[np.bool_],
    samples: Numbers,
    seed: int,
    noise: int,
    spans: int,
    sentinels: Numbers,
    begin: int,
    end: int,
) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers, Numbers]:
    rows, length = inputs.shape
    width = -(-(noise + 3 * spans) // 16) * 16  # at most, where each span is of another document
    encoder = np.empty((rows, length - noise + spans), np.int64)
    encoder_documents = np.empty_like(encoder)
    targets = np.full((rows, width), IGNORED, np.int64)
    decoder = np.full((rows, width), begin, np.int64)
    decoder_documents = np.empty_like(decoder)
    filled = np.zeros(rows, np.int64)
    for r in range(rows):
        key = _hash(np.uint64(seed), np.uint64(samples[r]))
        hidden = _parts(noise, spans, _hash(key, np.uint64(1)))
        shown = _parts(length - noise, spans, _hash(key, np.uint64(2)))
        at = e = d = number = 0
        document = -1
        learned = False
        for s in range(spans):
            for _ in range(shown[s]):
                encoder[r, e] = inputs[r, at]
                encoder_documents[r, e] = documents[r, at]
                e += 1
                at += 1
            if documents[r, at] != document:
                d = _close(targets, decoder_documents, r, d, document, learned, sentinels[number], end)
                document, number, learned = documents[r, at], 0, False
            encoder[r, e] = sentinels[number]
            encoder_documents[r, e] = document
            e += 1
            if not padding[r, at]:
                targets[r, d] = sentinels[number]
                learned = True
            decoder_documents[r, d] = document
            d += 1
            number += 1
            for _ in range(hidden[s]):
                if documents[r, at] == document and not padding[r, at]:
                    targets[r, d] = inputs[r, at]
                decoder_documents[r, d] = document
                d += 1
                at += 1
        d = _close(targets, decoder_documents, r, d, document, learned, sentinels[number], end)
        decoder_documents[r, d:] = document
        filled[r] = d
        for i in range(1, d):
            same = decoder_documents[r, i] == decoder_documents[r, i - 1]
            if same and targets[r, i - 1] != IGNORED:
                decoder[r, i] = targets[r, i - 1]
    return encoder, encoder_documents, decoder, targets, decoder_documents, filled


@nb.njit(cache=True, nogil=True)
def _close(
    targets: Numbers,
    documents: Numbers,
    row: int,
    place: int,
    document: int,
    learned: bool,
    sentinel: int,
    end: int,
) -> int:
    """Close the target of a document that something was learned of; the next free place."""
    if not learned:
        return place
    targets[row, place], targets[row, place + 1] = sentinel, end
    documents[row, place], documents[row, place + 1] = document, document
    return place + 2


@nb.njit(cache=True, nogil=True)
def _parts(total: int, parts: int, key: np.uint64) -> Numbers:
    """int64[parts]: positive lengths that sum to `total`, every way of cutting equally likely."""
    lengths = np.zeros(parts, np.int64)
    cuts = parts - 1
    part = 0
    for i in range(total):
        lengths[part] += 1
        gaps = total - 1 - i
        if cuts and gaps and _share(key, np.uint64(i)) * gaps < cuts:
            part += 1
            cuts -= 1
    return lengths


def special_ids(tokenizer: Tokenizer, size: int) -> npt.NDArray[np.bool_]:
    """bool[size]: ids of special tokens, and of none at all above the vocabulary."""
    special = np.zeros(size, np.bool_)
    added: list[dict[str, Any]] = json.loads(tokenizer.json)["added_tokens"]
    special[[token["id"] for token in added if token["special"]]] = True
    special[tokenizer.vocabulary :] = True
    return special
