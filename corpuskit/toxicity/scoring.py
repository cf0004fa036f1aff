"""Score texts with the shipped models: a probability for each label, and where the worst window of a text is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.errors import UsageError, nearest
from corpuskit.inputs import Languages, Texts, as_languages, as_texts, language_code
from corpuskit.kernels.arrow import Bytes, Offsets, text_buffers
from corpuskit.toxicity.features import score_windows
from corpuskit.toxicity.model import shipped

LABELS = (
    "toxicity",
    "offensive",
    "severe_toxicity",
    "obscene",
    "threat",
    "insult",
    "identity_attack",
    "origin",
    "appearance",
    "politics",
    "age",
    "gender",
)
"""Every label that one of the shipped models has.

`toxicity`: abuse, as the sentence means it. `offensive`: rude words or abuse, whoever is meant: what annotators of
comments and tweets count. `identity_attack`: hateful, an attack on people for the group that they belong to; curses and
insults alone are none. `threat`: harm that is announced or wished. The other labels come from the linear model alone.
"""

RULED = ("toxicity", "threat", "identity_attack")
"""The labels that the stage `toxicity` has a limit for."""

LANGUAGES = ("en", "ko")
WINDOW = 40
"""Words in a window."""

ISOLATED = 0.02
"""Share of a text's windows whose abuse does not make the text abusive: one curse on a page of fifty windows."""

HANGUL_SHARE = 0.2
"""A text whose language is not given is read as Korean where this share of its letters is Hangul."""


@dataclass(frozen=True)
class Scores:
    """What `assess` finds in n texts."""

    labels: npt.NDArray[np.float32]
    """float32[n, LABELS]: the highest probability in any window; NaN where no model has the label for the text."""
    windows: npt.NDArray[np.int64]
    """int64[n, 2]: start and end (characters) of the window with the highest toxicity; -1 where there is none."""
    sustained: npt.NDArray[np.float32]
    """float32[n, RULED]: the highest probability that more than an isolated share of the windows reach; NaN where no
    model has the label for the text. In a text of few windows it is that of the worst."""
    passages: pa.Table
    """Each window over a limit: `document` (position of the text), `start`, `end` (characters), `toxicity`, and
    `label`, the first label of `RULED` that is over its limit."""


@nb.njit(cache=True, nogil=True)
def _sustained(values: Any, isolated: float) -> Any:
    below = len(values) - 1 - min(int(isolated * len(values)), len(values) - 1)
    return np.partition(values, below)[below]


@nb.njit(cache=True, nogil=True)
def _reduce(document: Any, values: Any, ruled: Any, isolated: float, labels: Any, worst: Any, sustained: Any) -> None:
    start = 0
    while start < len(document):
        end = start
        text = document[start]
        while end < len(document) and document[end] == text:
            for label in range(values.shape[1]):
                value = values[end, label]
                if not np.isnan(value) and not (labels[text, label] >= value):
                    labels[text, label] = value
                    if label == 0:
                        worst[text] = end
            end += 1
        for place in range(len(ruled)):
            sustained[text, place] = _sustained(values[start:end, ruled[place]], isolated)
        start = end


def reduce_windows(
    texts: int,
    document: npt.NDArray[np.int64],
    spans: npt.NDArray[np.int64],
    values: npt.NDArray[np.float32],
    limits: Mapping[str, float],
    isolated: float,
) -> Scores:
    """Scores of `texts` texts from their windows, which are in the texts' order.

    `document` int64[windows], `spans` int64[windows, 2] (characters), `values` float32[windows, LABELS] (NaN: the model
    lacks the label). A window is a passage where a label of `limits` is over its limit.
    """
    labels = np.full((texts, len(LABELS)), np.nan, np.float32)
    worst = np.full(texts, -1, np.int64)
    sustained = np.full((texts, len(RULED)), np.nan, np.float32)
    columns = np.array([LABELS.index(label) for label in RULED])
    _reduce(document, values, columns, isolated, labels, worst, sustained)
    windows = np.full((texts, 2), -1, np.int64)
    windows[worst >= 0] = spans[worst[worst >= 0]]
    over = np.stack([values[:, LABELS.index(label)] > limits.get(label, np.inf) for label in RULED], axis=1)
    chosen = np.flatnonzero(over.any(axis=1))
    passages = pa.table(
        {
            "document": document[chosen],
            "start": spans[chosen, 0],
            "end": spans[chosen, 1],
            "toxicity": values[chosen, 0],
            "label": pa.array([RULED[place] for place in over[chosen].argmax(axis=1)], pa.string()),
        }
    )
    return Scores(labels, windows, sustained, passages)


@nb.njit(cache=True, nogil=True)
def _hangul_shares(data: Bytes, offsets: Offsets) -> Any:
    """float64[documents]: Hangul syllables and letters among all letters, in the first 16 KiB of each text."""
    shares = np.zeros(len(offsets) - 1)
    for document in range(len(offsets) - 1):
        hangul = 0
        letters = 0
        position = offsets[document]
        end = min(offsets[document + 1], position + 16384)
        while position < end:
            byte = data[position]
            if 0xE1 <= byte <= 0xED and position + 2 < end:
                code = ((np.int64(byte) & 0x0F) << 12) | ((np.int64(data[position + 1]) & 0x3F) << 6)
                # Jamo, compatibility jamo and syllables, to the 64 characters that share their first two bytes
                if 0x1100 <= code < 0x1200 or 0x3100 <= code < 0x3180 or 0xAC00 <= code < 0xD7C0:
                    hangul += 1
                letters += 1
                position += 3
                continue
            if 0x41 <= (byte & 0xDF) <= 0x5A or 0xC3 <= byte < 0xE0:
                letters += 1
            position += 1
        if letters:
            shares[document] = hangul / letters
    return shares


def _models(data: Bytes, offsets: Offsets, languages: pa.StringArray) -> npt.NDArray[np.str_]:
    """The model for each text: 'en', 'ko', or '' where none reads its language. One of no language goes by script."""
    by_script = np.where(_hangul_shares(data, offsets) >= HANGUL_SHARE, "ko", "en")
    known = np.array([code if code in LANGUAGES else "" if code else "?" for code in languages.to_pylist()], np.str_)
    return np.where(known == "?", by_script, known)


def assess(
    texts: Texts,
    language: Languages = None,
    window: int = WINDOW,
    limits: Mapping[str, float] | None = None,
    isolated: float = ISOLATED,
) -> Scores:
    """What the shipped models find in texts.

    A text is read in windows of about `window` words, whole sentences where they fit, and each label has its highest
    probability in any window. `language` is 'en' or 'ko' for all, or one code a text; a text whose code is null or
    'und' is read by its script, and one in another language has no scores. `limits` are the probabilities of labels of
    `RULED` above which a window becomes a passage, and `isolated` the share of the windows that `Scores.sustained`
    overlooks.

    Raises InputError for what are not texts or languages, UsageError for one language that no model reads or a limit
    of a label that has none.
    """
    unknown = set(limits or {}) - set(RULED)
    if unknown:
        raise UsageError(f"no limit can be set for {', '.join(sorted(unknown))}; limits are for {', '.join(RULED)}")
    array = as_texts(texts)
    data, offsets = text_buffers(array)
    languages = as_languages(language, len(array))
    if isinstance(language, str) and (code := language_code(language)) not in (*LANGUAGES, None):
        raise UsageError(f"no toxicity model reads the language '{code}'{nearest(language, LANGUAGES)}")
    models = _models(data, offsets, languages)
    readable = np.asarray(array.is_valid())
    parts = [_windows(code, data, offsets, (models == code) & readable, window) for code in LANGUAGES]
    document = np.concatenate([part[0] for part in parts])
    order = np.argsort(document, kind="stable")
    spans = np.concatenate([part[1] for part in parts])[order]
    values = np.concatenate([part[2] for part in parts])[order]
    return reduce_windows(len(array), document[order], spans, values, limits or {}, isolated)


def _windows(
    language: str, data: Bytes, offsets: Offsets, chosen: npt.NDArray[np.bool_], window: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Document, characters and float32[windows, LABELS] of the windows of the chosen texts."""
    if not chosen.any():
        return np.zeros(0, np.int64), np.zeros((0, 2), np.int64), np.zeros((0, len(LABELS)), np.float32)
    model = shipped(language)
    windows = score_windows(data, offsets, chosen, model.weights, window, model.shortest, model.syllables)
    values = np.full((len(windows.document), len(LABELS)), np.nan, np.float32)
    probabilities = model.probabilities(data, windows)
    for column, label in enumerate(model.all_labels):
        values[:, LABELS.index(label)] = probabilities[:, column]
    return windows.document, windows.characters, values


def score(texts: Texts, language: Languages = None) -> pa.Table:
    """One float32 column for each label, with probabilities in [0, 1]; null where no model has the label for the text.

    `texts` and `language` are those of `assess`, which also says where the worst window of a text is.
    """
    labels = assess(texts, language).labels
    return pa.table({label: pa.array(labels[:, column], from_pandas=True) for column, label in enumerate(LABELS)})
