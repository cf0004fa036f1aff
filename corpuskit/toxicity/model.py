"""The files of the shipped models: the linear model's integer weights, its calibration, and the context model."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError
from corpuskit.kernels.arrow import Bytes
from corpuskit.toxicity.context import Context, Linear, context_logits
from corpuskit.toxicity.features import COLUMNS, SHORTEST_GRAM, Windows

DATA = Path(str(files("corpuskit.toxicity"))) / "data"
FORMAT = 4

ABUSE_SHARE = 0.05
"""A Korean score is the probability among windows of which this share is abusive. Comments hold ten times as
much, and a score must not depend on it (Saerens et al. 2002, "Adjusting the Outputs of a Classifier to New a Priori
Probabilities", equation 4)."""

SUSPECT = 0.3
"""The context model reads a window where a linear probability of toxicity, or of being worth reading, is at least
this, and every window of a short text."""
SHORT = 2
"""Windows of a text that is always read: a sentence or two give the linear model little to go by."""

MEANS = {"offensive": "toxicity", "threat": "toxicity", "identity_attack": "toxicity"}
"""The linear label whose score is mixed with a label of the context model, where the linear model lacks the label."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Second:
    """The context model of a language, and how its answers become probabilities."""

    context: Context
    gate: npt.NDArray[np.int8]
    """int8[2**bits]: one more column of linear weights, for whether a window is worth reading."""
    gate_scale: tuple[float, float]
    """Slope and offset of the column's raw score."""
    mix: npt.NDArray[np.float64]
    """float64[K, 3]: what the context model's logit and the linear model's weigh in a label's logit, and the offset."""
    crowd: tuple[float, float]
    """How far a window of a long text is lowered: its logits by the logarithm of the text's number of windows times the
    first, and at most by the second. The more windows a text has, the more of them score high by chance."""


@dataclass(frozen=True)
class Model:
    """The models of one language: a linear one over hashed words and n-grams, and one that reads context.

    The linear probability of label l in a window is `sigmoid(slope[l] * raw + offset[l])`, where `raw` is the product
    of the window's vector and column l of `weights`.
    """

    labels: tuple[str, ...]
    """The linear model's labels; the context model has labels of its own."""
    weights: npt.NDArray[np.int8]
    """int8[2**bits, COLUMNS]; the column behind the labels decides which windows are read, those beyond are zero."""
    slope: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    about: dict[str, Any]
    """Language, licence, the data it was trained on."""
    shortest: int = SHORTEST_GRAM
    """Least order of the character n-grams that it reads, in symbols."""
    syllables: int = 0
    """Greatest order of the n-grams of whole syllables that it reads; 0 where it reads none."""
    second: Second | None = None

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The linear labels, then those that the context model alone has."""
        more = self.second.context.labels if self.second else ()
        return self.labels + tuple(label for label in more if label not in self.labels)

    def with_second(self, second: Second) -> Model:
        weights = self.weights.copy()
        weights[:, len(self.labels)] = second.gate
        return replace(self, weights=weights, second=second)

    def without_second(self) -> Model:
        weights = self.weights.copy()
        weights[:, len(self.labels)] = 0
        return replace(self, weights=weights, second=None)

    @property
    def linear(self) -> Linear:
        return Linear(self.weights, self.slope, self.offset, self.shortest, self.syllables)

    def logits(self, raw: Floats) -> npt.NDArray[np.float64]:
        """float64[windows, labels]: the linear logits of raw scores float32[windows, COLUMNS]."""
        return raw[:, : len(self.labels)].astype(np.float64) * self.slope + self.offset

    def suspects(self, windows: Windows) -> npt.NDArray[np.bool_]:
        """Which windows the context model reads."""
        if self.second is None:
            return np.zeros(len(windows.document), np.bool_)
        slope, offset = self.second.gate_scale
        gate = windows.raw[:, len(self.labels)].astype(np.float64) * slope + offset
        toxicity = self.logits(windows.raw)[:, self.labels.index("toxicity")]
        least = np.log(SUSPECT / (1 - SUSPECT))
        read: npt.NDArray[np.bool_] = (gate >= least) | (toxicity >= least) | (_siblings(windows) <= SHORT)
        return read

    def probabilities(self, data: Bytes, windows: Windows) -> Floats:
        """float32[windows, all_labels] in [0, 1]."""
        logits = self.logits(windows.raw)
        places = [self.labels.index(label) if label in self.labels else -1 for label in self.all_labels]
        table = np.stack([logits[:, at] if at >= 0 else logits[:, 0] for at in places], axis=1)
        if self.second is not None:
            read = self.suspects(windows)
            answers = context_logits(
                self.second.context, self.linear, data, windows.bytes[read], logits[read].astype(np.float32)
            )
            bounded = np.clip(logits[read], -MOST, MOST)
            rate, most = self.second.crowd
            lowered = np.minimum(rate * np.log(_siblings(windows)[read]), most)
            lowered[logits[read, self.labels.index("toxicity")] >= SURE] = 0.0
            for label, answer, (own, other, offset) in zip(
                self.second.context.labels, answers.T, self.second.mix, strict=True
            ):
                at = self.all_labels.index(label)
                table[read, at] = own * answer + other * bounded[:, self.mixed_with(label)] + offset - lowered
                if label not in self.labels:  # nothing but the context model knows of it
                    table[~read, at] = np.minimum(table[~read, at], UNREAD)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(table, -80.0, 80.0))), np.float32)

    def mixed_with(self, label: str) -> int:
        """The column of the linear label whose logit is mixed with a label of the context model."""
        return self.labels.index(label if label in self.labels else MEANS[label])

    def save(self, path: Path) -> None:
        """Write an npz file without objects; equal models are equal bytes."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        if self.second is not None:
            arrays = self.second.context.arrays() | {
                "gate": self.second.gate,
                "gate_scale": np.array(self.second.gate_scale),
                "mix": self.second.mix,
                "crowd": np.array(self.second.crowd),
            }
        np.savez_compressed(
            path,
            format=np.int64(FORMAT),
            labels=np.array(self.labels),
            weights=self.weights[:, : len(self.labels)],
            slope=self.slope,
            offset=self.offset,
            shortest=np.int64(self.shortest),
            syllables=np.int64(self.syllables),
            about=np.frombuffer(json.dumps(self.about, ensure_ascii=False, sort_keys=True).encode(), np.uint8),
            **arrays,  # type: ignore[arg-type]
        )


def _siblings(windows: Windows) -> npt.NDArray[np.int64]:
    """int64[windows]: how many windows the text of each has."""
    counts: npt.NDArray[np.int64] = np.bincount(windows.document, minlength=1)[windows.document]
    return counts


SURE = 2.5
"""A window whose linear toxicity has at least this logit is not lowered for the length of its text: what it says with
bad words is no accident of numbers."""
MOST = 6.0
"""The linear logit that is mixed with the context model's is cut off at plus and minus this, so that a word which the
linear model is sure of can still be overruled by what is said with it."""
UNREAD = -3.0
"""The highest logit, in a window that the context model did not read, of a label that only it has."""


def load(path: Path) -> Model:
    """Read a model. Raises CorpuskitError where the file is no model of this format."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        labels = tuple(str(label) for label in arrays["labels"])
        if not 1 <= len(labels) < COLUMNS:
            raise ValueError(f"{len(labels)} labels")
        weights = np.zeros((len(arrays["weights"]), COLUMNS), np.int8)
        weights[:, : len(labels)] = arrays["weights"]
        if int(arrays["format"]) != FORMAT or len(weights) & (len(weights) - 1):
            raise ValueError(f"format {int(arrays['format'])}, {len(weights)} rows")
        about = json.loads(arrays["about"].tobytes().decode("utf-8"))
        orders = int(arrays["shortest"]), int(arrays["syllables"])
        model = Model(labels, weights, arrays["slope"], arrays["offset"], about, *orders)
        context = Context.from_arrays(arrays)
        if context is None:
            return model
        slope, offset = arrays["gate_scale"].tolist()
        if arrays["mix"].shape != (len(context.labels), 3) or len(context.lexical) != len(labels):
            raise ValueError("the context model does not fit the linear one")
        rate, most = arrays["crowd"].tolist()
        second = Second(context, arrays["gate"], (slope, offset), arrays["mix"], (rate, most))
        return model.with_second(second)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise CorpuskitError(
            f"{path}: not a toxicity model of this version ({error}); make it again with `corpuskit toxicity train`"
        ) from error


@lru_cache(maxsize=4)
def shipped(language: str) -> Model:
    """The model of a language, 'en' or 'ko'. For Korean the share-alike file is used where it is installed."""
    names = {"en": ["english.npz"], "ko": ["share-alike/korean.npz", "korean.npz"]}[language]
    for name in names:
        if (DATA / name).is_file():
            return load(DATA / name)
    raise CorpuskitError(f"{DATA / names[-1]}: not there; install corpuskit again or run `corpuskit toxicity train`")
