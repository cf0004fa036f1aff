"""Score texts with the shipped models: a probability a label, and where the worst of a text stands."""

from __future__ import annotations

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
"""Every label that one of the shipped models has. The first six are detoxify's; `identity_attack` and those after it
come from Korean annotations where the share-alike model is installed."""

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
    """float32[n]: the highest toxicity that more than an isolated share of the windows reach; NaN where no model reads
    the text. In a text of few windows it is that of the worst."""
    passages: pa.Table
    """`document` (position of the text), `start`, `end` (characters) and `toxicity` of each window over the limit."""


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
    limit: float = 1.0,
    isolated: float = ISOLATED,
) -> Scores:
    """What the shipped models find in texts.

    A text is read in windows of about `window` words, whole sentences where they fit, and each label has its highest
    probability in any window. `language` is 'en' or 'ko' for all, or one code a text; a text whose code is null or
    'und' is read by its script, and one in another language has no scores. `limit` is the toxicity above which a
    window becomes a passage, and `isolated` the share of the windows that `Scores.sustained` overlooks.

    Raises InputError for what are not texts or languages, UsageError for one language that no model reads.
    """
    array = as_texts(texts)
    data, offsets = text_buffers(array)
    languages = as_languages(language, len(array))
    if isinstance(language, str) and (code := language_code(language)) not in (*LANGUAGES, None):
        raise UsageError(f"no toxicity model reads the language '{code}'{nearest(language, LANGUAGES)}")
    models = _models(data, offsets, languages)
    readable = np.asarray(array.is_valid())
    labels = np.full((len(array), len(LABELS)), np.nan, np.float32)
    windows = np.full((len(array), 2), -1, np.int64)
    sustained = np.full(len(array), np.nan, np.float32)
    found: list[npt.NDArray[Any]] = []
    values: list[npt.NDArray[Any]] = []
    for code in LANGUAGES:
        chosen = (models == code) & readable
        if not chosen.any():
            continue
        model = shipped(code)
        raw, spans, over, over_raw, lasting = score_windows(
            data,
            offsets,
            chosen,
            model.weights,
            window,
            model.raw_limit(limit),
            model.shortest,
            model.syllables,
            isolated,
        )
        probabilities = model.probabilities(raw)
        for column, label in enumerate(model.labels):
            labels[chosen, LABELS.index(label)] = probabilities[chosen, column]
        windows[chosen] = spans[chosen]
        found.append(over)
        values.append(model.toxicity(over_raw))
        sustained[chosen] = model.toxicity(lasting[chosen])
    spots = np.concatenate(found) if found else np.zeros((0, 3), np.int64)
    scores = np.concatenate(values) if values else np.zeros(0, np.float32)
    order = np.lexsort((spots[:, 1], spots[:, 0]))
    passages = pa.table(
        {
            "document": spots[order, 0],
            "start": spots[order, 1],
            "end": spots[order, 2],
            "toxicity": scores[order].astype(np.float32),
        }
    )
    return Scores(labels, windows, sustained, passages)


def score(texts: Texts, language: Languages = None) -> pa.Table:
    """One float32 column a label with probabilities in [0, 1]; null where no model has the label for the text.

    `texts` and `language` are those of `assess`, which also says where the worst of a text stands.
    """
    found = assess(texts, language).labels
    return pa.table({label: pa.array(found[:, column], from_pandas=True) for column, label in enumerate(LABELS)})
