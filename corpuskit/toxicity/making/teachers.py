"""Two packaged English classifiers that label texts for ours: what they learned from data that we do not have.

- `toxic-comment-classifier` 0.3.0 (MIT): a bidirectional LSTM over 20,000 words with the six labels of the Jigsaw
  toxic comment challenge, read here from its HDF5 weights without Keras.
- `alt-profanity-check` 1.9.1 (MIT): a calibrated linear support vector machine over word counts.

Their wheels are read from a folder as they were downloaded (`pip download --no-deps`) and only with the known digest,
since one of them holds pickles.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError, UsageError, require

Array = npt.NDArray[np.float32]

WHEELS = {
    "toxic_comment_classifier-0.3.0-py3-none-any.whl": "e5af0f052dbb0493d585b5b486dd9b61ec13d54c0e3e2ad93c519114bb404948",  # noqa: E501
    "alt_profanity_check-1.9.1-py3-none-any.whl": "cccb8ce072306bac21188670777a25cfb1de978aa8c7a93c8e4a43c03b3945c3",
}
_TIMES = 100  # words that the LSTM reads: the last ones of a text
_WORDS = 20_000


def read_checked(path: Path, sha256: str) -> bytes:
    """The bytes of a file. Raises UsageError where it is absent and CorpuskitError where its digest is another."""
    if not path.is_file():
        raise UsageError(f"{path}: not there; docs/toxicity.md says how to download it")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise CorpuskitError(f"{path}: its SHA-256 is {digest}, and {sha256} was expected; download it again")
    return content


class _WordCounts:
    """Stands for the Keras tokenizer in its pickle, as a plain holder of its fields."""

    word_index: dict[str, int]
    filters: str


class _OnlyTables(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known: dict[str, Any] = {
            "OrderedDict": OrderedDict,
            "defaultdict": defaultdict,
            "int": int,
            "Tokenizer": _WordCounts,
        }
        if name not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a tokenizer")
        return known[name]


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x)), np.float32)


class ToxicCommentClassifier:
    """Probabilities of toxic, severe_toxic, obscene, threat, insult and identity_hate: float32[texts, 6]."""

    def __init__(self, folder: Path):
        h5py = require("h5py", "toxicity")
        name = "toxic_comment_classifier-0.3.0-py3-none-any.whl"
        with zipfile.ZipFile(io.BytesIO(read_checked(folder / name, WHEELS[name]))) as wheel:
            tokenizer = _OnlyTables(io.BytesIO(wheel.read("toxic_classifier/model/tokenizer.pickle"))).load()
            with h5py.File(io.BytesIO(wheel.read("toxic_classifier/model/model.weights.h5")), "r") as weights:
                layers = weights["layers"]

                def values(path: str) -> Array:
                    return np.asarray(layers[path], np.float32)

                self.embedding = values("embedding/vars/0")
                self.directions = [
                    [values(f"bidirectional/{way}_layer/cell/vars/{number}") for number in range(3)]
                    for way in ("forward", "backward")
                ]
                self.dense = [(values(f"{name}/vars/0"), values(f"{name}/vars/1")) for name in ("dense", "dense_1")]
        self.index = {word: rank for word, rank in tokenizer.word_index.items() if rank < _WORDS}
        self.filters = str.maketrans(dict.fromkeys(tokenizer.filters, " "))

    @property
    def vocabulary(self) -> list[str]:
        """The words that the classifier knows, the commonest first."""
        return sorted(self.index, key=self.index.__getitem__)

    def __call__(self, texts: Sequence[str], batch: int = 512) -> Array:
        rows = np.zeros((len(texts), _TIMES), np.int64)
        for number, text in enumerate(texts):
            words = text.lower().translate(self.filters).split()
            known = [self.index[word] for word in words if word in self.index][-_TIMES:]
            if known:
                rows[number, -len(known) :] = known
        parts = [self._batch(rows[start : start + batch]) for start in range(0, len(rows), batch)]
        return np.concatenate(parts) if parts else np.zeros((0, 6), np.float32)

    def _batch(self, rows: npt.NDArray[np.int64]) -> Array:
        highest = []
        for way, (kernel, recurrent, bias) in enumerate(self.directions):
            inputs = (self.embedding @ kernel + bias)[rows[:, ::-1] if way else rows]
            units = recurrent.shape[0]
            state = np.zeros((len(rows), units), np.float32)
            cell = np.zeros_like(state)
            top = np.full_like(state, -np.inf)
            for time in range(_TIMES):
                gates = inputs[:, time] + state @ recurrent
                cell = _sigmoid(gates[:, units : 2 * units]) * cell + _sigmoid(gates[:, :units]) * np.tanh(
                    gates[:, 2 * units : 3 * units]
                )
                state = _sigmoid(gates[:, 3 * units :]) * np.tanh(cell)
                np.maximum(top, state, out=top)
            highest.append(top)
        (kernel, bias), (last_kernel, last_bias) = self.dense
        hidden = np.maximum(np.concatenate(highest, 1) @ kernel + bias, 0)
        return _sigmoid(hidden @ last_kernel + last_bias)


class ProfanityCheck:
    """Probability that a text is offensive: float32[texts]."""

    def __init__(self, folder: Path):
        joblib = require("joblib", "toxicity")
        require("sklearn", "toxicity")
        name = "alt_profanity_check-1.9.1-py3-none-any.whl"
        with zipfile.ZipFile(io.BytesIO(read_checked(folder / name, WHEELS[name]))) as wheel:
            self.vectorizer, self.model = (
                joblib.load(io.BytesIO(wheel.read(f"profanity_check/data/{part}.joblib")))
                for part in ("vectorizer", "model")
            )

    def __call__(self, texts: Sequence[str]) -> Array:
        return np.asarray(self.model.predict_proba(self.vectorizer.transform(texts))[:, 1], np.float32)
