"""detoxify (https://github.com/unitaryai/detoxify) for those who bring its weights: offline, and weights alone.

detoxify's own offline switch still asks the hub for the configuration that the checkpoint names, and its loader runs
whatever a checkpoint pickles. Here the checkpoint is read as plain tensors, and its folder is used in place of the
hub's name, so that nothing is fetched and nothing is executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError, require
from corpuskit.inputs import Texts, as_texts
from corpuskit.toxicity.features import window_spans
from corpuskit.toxicity.scoring import ISOLATED, LABELS, Scores, reduce_windows

NAMES = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "identity_hate": "identity_attack",
}
"""Class names in some checkpoints -> the label that they mean here."""

BATCH_TOKENS = 8192
"""Tokens of a batch, padding counted."""


class Detoxify:
    """A detoxify checkpoint on a GPU where there is one.

    `checkpoint`: the .ckpt file; its folder holds config.json (with the checkpoint's number of labels) and the
    tokenizer's files. Raises UsageError for a file that is no such checkpoint.
    """

    def __init__(self, checkpoint: str | Path):
        torch = require("torch", "toxicity")
        library = require("detoxify.detoxify", "toxicity")
        path = Path(checkpoint)
        if not path.is_file():
            raise UsageError(f"{path}: no checkpoint is here")
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
            arguments = {**loaded["config"]["arch"]["args"], "model_type": str(path.parent)}
            classes = loaded["config"]["dataset"]["args"]["classes"]
            self.model, self.tokenizer = library.get_model_and_tokenizer(
                **arguments, state_dict=loaded["state_dict"], huggingface_config_path=str(path.parent)
            )
        except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise UsageError(
                f"{path} is no detoxify checkpoint that can be read without running it: {error}"
            ) from error
        except Exception as error:  # the unpickler's own error type, for a file that holds more than tensors
            raise UsageError(f"{path} holds more than weights, and is not loaded: {error}") from error
        self._torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(self.device).eval()
        self.classes = [NAMES.get(name, name) for name in classes]

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32[texts, classes]: probabilities, in batches of texts of like length."""
        torch = self._torch
        probabilities = np.zeros((len(texts), len(self.classes)), np.float32)
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        start = 0
        while start < len(order):
            longest, end = 1, start
            while end < len(order):
                longest = max(longest, len(texts[order[end]]) // 2 + 2)
                if end > start and longest * (end - start + 1) > BATCH_TOKENS:
                    break
                end += 1
            chosen = order[start:end]
            inputs = self.tokenizer([texts[n] for n in chosen], return_tensors="pt", truncation=True, padding=True)
            with torch.inference_mode():
                logits = self.model(**inputs.to(self.device))[0]
            probabilities[chosen] = torch.sigmoid(logits.float()).cpu().numpy()
            start = end
        return probabilities

    def assess(self, texts: Texts, window: int, limits: Mapping[str, float], isolated: float = ISOLATED) -> Scores:
        """What `corpuskit.toxicity.assess` gives, by this checkpoint: the worst window of each text for each label."""
        array = as_texts(texts)
        values: list[str | None] = array.to_pylist()
        spans = window_spans(array, window)
        predicted = self.predict([(values[document] or "")[start:end] for document, start, end in spans.tolist()])
        table = np.full((len(spans), len(LABELS)), np.nan, np.float32)
        for column, name in enumerate(self.classes):
            if name in LABELS:
                table[:, LABELS.index(name)] = predicted[:, column]
        if "toxicity" not in self.classes:
            table[:, 0] = predicted.max(1, initial=0.0)
        return reduce_windows(len(values), spans[:, 0].copy(), spans[:, 1:], table, limits, isolated)
