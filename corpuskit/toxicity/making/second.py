"""Make the context model of a language: its texts, its fit, which windows it reads, and what its scores mean.

It learns from the labelled comments of the linear model, from sentences of templates (`making.templates`), and from
clean prose. The linear model's own scores are inputs and, where people's labels are few, part of the targets.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import text_buffers
from corpuskit.toxicity.context import Context, context_logits
from corpuskit.toxicity.features import score_windows, vectors, window_spans
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.fitting import fit, platt, raw_scores
from corpuskit.toxicity.making.network import Fitted, Settings, Vectors, fit_network
from corpuskit.toxicity.making.templates import (
    Sentence,
    Templates,
    read_templates,
    sentences,
    vary_english,
    vary_korean,
)
from corpuskit.toxicity.model import MOST, SUSPECT, Model, Second
from corpuskit.toxicity.scoring import WINDOW

Floats = npt.NDArray[np.float32]

LABELS = {
    "en": ("toxicity", "offensive", "threat", "insult", "identity_attack"),
    "ko": ("toxicity", "offensive", "threat", "identity_attack"),
}
DEFAULTS = Settings()
SENTENCES = {"en": 150, "ko": 150}
"""Sentences of each template, at most."""
SEED = 7
WORDS = 30_000
"""Words with a pretrained vector that ship."""
IN_CONTEXT = 0.12
"""Share of the template sentences that stand before or behind a piece of clean prose."""

CONTEXT_SHARE = {
    "en": {"toxicity": 0.85, "offensive": 0.5, "threat": 1.0, "insult": 0.85, "identity_attack": 0.85},
    "ko": {"toxicity": 0.7, "offensive": 0.4, "threat": 1.0, "identity_attack": 1.0},
}
"""What the context model's logit weighs in the mean of it and the linear model's."""

CLEAN_OVER = {
    "en": {"toxicity": 0.006, "offensive": 0.008, "threat": 0.003, "insult": 0.006, "identity_attack": 0.003},
    "ko": {"toxicity": 0.005, "offensive": 0.008, "threat": 0.002, "identity_attack": 0.0012},
}
"""Share of the clean windows, none of which taught and each a text by itself, that score over 0.8: this fixes what a
probability means."""

CROWD = {"en": (1.0, 1.5), "ko": (2.5, 4.5)}
"""See `corpuskit.toxicity.model.Second.crowd`."""

GATE_RECALL = 0.97
"""Share of the abusive texts, held out from the fit of the gate, that the context model is given to read."""


@dataclass(frozen=True)
class Taught:
    """Texts for the network: float32[texts, labels] targets (NaN: not said) and float32[texts] importance."""

    texts: list[str]
    targets: Floats
    importance: Floats

    def __add__(self, other: Taught) -> Taught:
        return Taught(
            self.texts + other.texts,
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.importance, other.importance]),
        )


def taught(texts: Sequence[str], targets: Floats, importance: float = 1.0) -> Taught:
    return Taught(list(texts), targets.astype(np.float32), np.full(len(texts), importance, np.float32))


def window_logits(model: Model, texts: Sequence[str]) -> Floats:
    """float32[texts, L]: the linear logits of each text as one window; those of nothing where it has no words."""
    data, offsets = text_buffers(list(texts))
    everything = np.ones(len(texts), np.bool_)
    windows = score_windows(data, offsets, everything, model.weights, 80, model.shortest, model.syllables)
    logits = np.full((len(texts), len(model.labels)), model.offset, np.float64)
    first = np.flatnonzero(np.diff(windows.document, prepend=-1))
    logits[windows.document[first]] = model.logits(windows.raw[first])
    return logits.astype(np.float32)


def _probabilities(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def _windows(texts: Sequence[str]) -> list[str]:
    """The windows of texts, their spaces single."""
    pieces = (texts[document][start:end] for document, start, end in window_spans(list(texts), WINDOW).tolist())
    return [re.sub(r"\s+", " ", piece) for piece in pieces if len(piece) > 15]


def template_sentences(
    language: str, clean: Sequence[str], each: int | None = None, templates: Templates | None = None, seed: int = SEED
) -> Taught:
    """Sentences of the templates, some of them beside a piece of a clean text."""
    vary = {"en": vary_english, "ko": vary_korean}[language]
    made = sentences(templates or read_templates(language), each or SENTENCES[language], seed, vary)
    generator = random.Random(seed)
    texts = []
    for sentence in made:
        text = sentence.text
        if clean and generator.random() < IN_CONTEXT:
            piece = " ".join(generator.choice(clean).split()[: generator.randint(4, 18)])
            text = f"{piece}. {text}" if generator.random() < 0.5 else f"{text} {piece}."
        texts.append(text)
    return taught(texts, template_targets(language, made))


def template_targets(language: str, made: Sequence[Sentence]) -> Floats:
    return np.array([[s.labels.get(label, 0.0) for label in LABELS[language]] for s in made], np.float32)


def clean_windows(language: str, data: Path, packages: Path | None) -> list[str]:
    """Windows of clean prose in an order drawn at random: a part of them teaches, and the rest calibrates."""
    generator = random.Random(SEED)
    if language == "ko":
        pages = _windows(read.korean_prose(data))
        public = _windows(read.petitions(data, read.PETITION_MONTHS))
        clean = generator.sample(pages, min(6_000, len(pages))) + generator.sample(public, min(10_000, len(public)))
    else:
        assert packages is not None
        prose, mail = _windows(read.english_prose(packages)), _windows(read.emails(packages))
        clean = generator.sample(prose, 7_000) + generator.sample(mail, 9_000)
        clean += generator.sample(read.wordnet(packages), 9_000)
    generator.shuffle(clean)
    return clean


def english_tweets(data: Path, model: Model, count: int = 7_000) -> Taught:
    """Tweets: what people said and what the linear model says, half each; hatred as people said it."""
    tweets = read.davidson(data)
    tweets = tweets.take(np.sort(np.random.default_rng(SEED).permutation(len(tweets.texts))[:count]))
    texts = [re.sub(r"\s+", " ", text) for text in tweets.texts]
    linear = _probabilities(window_logits(model, texts))
    targets = np.full((len(texts), len(LABELS["en"])), np.nan, np.float32)
    targets[:, 0] = targets[:, 1] = 0.5 * tweets.targets[:, 0] + 0.5 * linear[:, model.labels.index("toxicity")]
    for label in ("threat", "insult"):
        targets[:, LABELS["en"].index(label)] = linear[:, model.labels.index(label)]
    targets[:, LABELS["en"].index("identity_attack")] = tweets.targets[:, read.ENGLISH.index("identity_attack")]
    return taught(texts, targets, 0.8)


def korean_labelled(comments: read.Examples, labels: Sequence[str], importance: float = 1.0) -> Taught:
    """Labelled comments or sentences; what the linear model's labels say of threats is nothing."""
    targets = np.full((len(comments.texts), len(LABELS["ko"])), np.nan, np.float32)
    targets[:, 0] = targets[:, 1] = comments.targets[:, labels.index("toxicity")]
    if "identity_attack" in labels:
        targets[:, -1] = comments.targets[:, labels.index("identity_attack")]
    return taught(comments.texts, targets, importance)


def korean_contrast(labels: Sequence[str], count: int = 4_000) -> Taught:
    """Some of the contrast sentences that the linear model learns from."""
    own = read.contrast("ko", labels) + read.contrast("ko-tone", labels)
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(own.texts))[:count])
    return korean_labelled(own.take(chosen), labels, 0.7)


def clean_targets(language: str, model: Model, texts: Sequence[str]) -> Taught:
    """Clean prose. It may hold a curse, so that what the linear model finds is believed in part."""
    linear = _probabilities(window_logits(model, texts))[:, model.labels.index("toxicity")]
    targets = np.zeros((len(texts), len(LABELS[language])), np.float32)
    targets[:, 0] = 0.7 * np.minimum(0.6, linear)
    targets[:, 1] = np.minimum(0.8, linear)
    return taught(texts, targets)


def fit_context(language: str, model: Model, texts: Taught, pretrained: Vectors, settings: Settings) -> Fitted:
    logits = window_logits(model, texts.texts)
    labels = LABELS[language]
    return fit_network(texts.texts, texts.targets, texts.importance, logits, model.linear, labels, pretrained, settings)


def fit_gate(model: Model, abusive: Sequence[str], clean: Sequence[str]) -> tuple[npt.NDArray[np.int8], float, float]:
    """(column, slope, offset) of the linear weights that choose windows, so that GATE_RECALL of the abusive pass."""
    texts = [*abusive, *clean]
    targets = np.repeat([1.0, 0.0], [len(abusive), len(clean)]).astype(np.float32)
    held = np.arange(len(texts)) % 10 == 0
    bits = len(model.weights).bit_length() - 1
    rows = vectors(*text_buffers(texts), bits, model.shortest, model.syllables)
    importance = np.where(held, 0, 1).astype(np.float32)
    shown = np.where(held, np.nan, targets)[:, None].astype(np.float32)
    weights, _ = fit(rows, shown, importance, np.zeros(len(texts), np.float32), bits, epochs=2)
    column = np.rint(weights[:, 0] / (max(float(np.abs(weights).max()), 1e-6) / 127)).astype(np.int8)
    raw = raw_scores(*rows, column[:, None].astype(np.float32))[:, 0]
    slope, offset = platt(raw[held], targets[held], np.ones(int(held.sum())))
    least = np.quantile(raw[held & (targets > 0)], 1 - GATE_RECALL)
    return column, slope, float(np.log(SUSPECT / (1 - SUSPECT)) - slope * least) if slope > 0 else offset


def fit_second(
    language: str,
    model: Model,
    abuse: Taught,
    clean: Sequence[str],
    pretrained: Vectors,
    settings: Settings = DEFAULTS,
) -> Model:
    """The model with a context model that learned from `abuse` (labelled texts of all kinds) and half of `clean`."""
    teaching, held = clean[: len(clean) // 2], clean[len(clean) // 2 :]
    fitted = fit_context(language, model, abuse + clean_targets(language, model, teaching), pretrained, settings)
    context = fitted.pack(WORDS)
    abusive = [t for t, worst in zip(abuse.texts, np.nanmax(abuse.targets, axis=1), strict=True) if worst > 0.6]
    column, slope, offset = fit_gate(model, abusive, teaching)
    mix = calibrate(language, model, context, held)
    return replace(model.with_second(Second(context, column, (slope, offset), mix, CROWD[language])))


def calibrate(language: str, model: Model, context: Context, clean: Sequence[str]) -> npt.NDArray[np.float64]:
    """float64[K, 3]: `Second.mix`, so that CLEAN_OVER of the clean windows score over 0.8."""
    data, offsets = text_buffers(list(clean))
    spans = np.column_stack([offsets[:-1], offsets[1:]]).astype(np.int64)
    linear = window_logits(model, clean)
    answers = context_logits(context, model.linear, data, spans, linear)
    linear = np.clip(linear, -MOST, MOST)
    mix = np.zeros((len(context.labels), 3))
    for row, label in enumerate(context.labels):
        own = CONTEXT_SHARE[language][label]
        mixed = own * answers[:, row] + (1 - own) * linear[:, model.mixed_with(label)]
        mix[row] = own, 1 - own, np.log(0.8 / 0.2) - float(np.quantile(mixed, 1 - CLEAN_OVER[language][label]))
    return mix
