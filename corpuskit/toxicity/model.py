"""The files of the shipped models: integer weights a hashed bucket, and what turns a raw score into a probability."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError
from corpuskit.toxicity.features import LABELS, SHORTEST_GRAM

DATA = Path(str(files("corpuskit.toxicity"))) / "data"
FORMAT = 3

ABUSE_SHARE = 0.05
"""An exact model's score is the probability among windows of which this share is abusive. Comments hold ten times as
much, and a score must not depend on it (Saerens et al. 2002, "Adjusting the Outputs of a Classifier to New a Priori
Probabilities", equation 4)."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """A linear model over hashed words and n-grams of characters and syllables, for one language.

    The probability of label l in a window is `sigmoid(slope[l] * raw + offset[l])`, where `raw` is the product of the
    window's vector and column l of `weights`.
    """

    labels: tuple[str, ...]
    weights: npt.NDArray[np.int8]
    """int8[2**bits, LABELS]; columns beyond the labels are zero."""
    slope: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    about: dict[str, Any]
    """Language, licence, the data it was trained on."""
    shortest: int = SHORTEST_GRAM
    """Least order of the character n-grams that it reads, in symbols."""
    syllables: int = 0
    """Greatest order of the n-grams of whole syllables that it reads; 0 where it reads none."""

    def probabilities(self, raw: Floats) -> Floats:
        """float32[rows, labels] in [0, 1] of raw scores float32[rows, LABELS]; a raw score of -inf is 0."""
        scores = raw[:, : len(self.labels)].astype(np.float64) * self.slope + self.offset
        return (1.0 / (1.0 + np.exp(-np.clip(scores, -80.0, 80.0)))).astype(np.float32) * (
            raw[:, : len(self.labels)] > -np.inf
        )

    def toxicity(self, raw: Floats) -> Floats:
        """float32[rows] in [0, 1] of raw scores float32[rows] of the first label."""
        table = np.zeros((len(raw), LABELS), np.float32)
        table[:, 0] = raw
        return self.probabilities(table)[:, 0]

    def raw_limit(self, probability: float) -> float:
        """The raw score of the first label that stands for a probability; infinite at the ends."""
        if not 0.0 < probability < 1.0:
            return float("inf") if probability >= 1.0 else float("-inf")
        return float((np.log(probability / (1.0 - probability)) - self.offset[0]) / self.slope[0])

    def save(self, path: Path) -> None:
        """Write an npz file without objects; equal models are equal bytes."""
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
        )


def load(path: Path) -> Model:
    """Read a model. Raises CorpuskitError where the file is no model of this format."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
        labels = tuple(str(label) for label in found["labels"])
        weights = np.zeros((len(found["weights"]), LABELS), np.int8)
        weights[:, : len(labels)] = found["weights"]
        if int(found["format"]) != FORMAT or len(weights) & (len(weights) - 1) or not 1 <= len(labels) <= LABELS:
            raise ValueError(f"format {int(found['format'])}, {len(weights)} rows, {len(labels)} labels")
        about = json.loads(found["about"].tobytes().decode("utf-8"))
        orders = int(found["shortest"]), int(found["syllables"])
        return Model(labels, weights, found["slope"], found["offset"], about, *orders)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CorpuskitError(
            f"{path}: not a toxicity model of this version ({error}); make it again with corpuskit.toxicity.train"
        ) from error


@lru_cache(maxsize=4)
def shipped(language: str) -> Model:
    """The model of a language, 'en' or 'ko'. For Korean the share-alike file is used where it is installed."""
    names = {"en": ["english.npz"], "ko": ["share-alike/korean.npz", "korean.npz"]}[language]
    for name in names:
        if (DATA / name).is_file():
            return load(DATA / name)
    raise CorpuskitError(f"{DATA / names[-1]}: not there; install corpuskit again or run corpuskit.toxicity.train")
