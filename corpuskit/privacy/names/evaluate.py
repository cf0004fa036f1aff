"""How well a name model does on labelled sentences: precision, recall and F1 of whole names, by type."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from corpuskit.privacy.finding import NAMES
from corpuskit.privacy.names.korean import korean_names, train
from corpuskit.privacy.names.labelled import Sentence
from corpuskit.privacy.names.people import korean_people


class Accuracy(NamedTuple):
    precision: float
    recall: float
    f1: float
    names: int
    """How many names of the type the sentences have."""


def evaluate(sentences: Sequence[Sentence], model: str | Path | None = None) -> dict[str, Accuracy]:
    """Accuracy by type: a hit has the type, the start and the end of a labelled name. Without a model, of the rules."""
    texts = [sentence.text for sentence in sentences]
    found = korean_people(texts) if model is None else korean_names(texts, model)
    return _accuracy(sentences, [{tuple(item[:3]) for item in row} for row in found])


def cross_validate(sentences: Sequence[Sentence], folds: int = 5) -> dict[str, Accuracy]:
    """Accuracy by type where each fold is judged by a model trained on the others."""
    answers: list[set[tuple[int | str | float, ...]]] = [set() for _ in sentences]
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(folds):
            model = Path(folder) / f"{fold}.crfsuite"
            train([sentence for number, sentence in enumerate(sentences) if number % folds != fold], model)
            held_out = range(fold, len(sentences), folds)
            for number, row in zip(held_out, korean_names([sentences[n].text for n in held_out], model), strict=True):
                answers[number] = {tuple(item[:3]) for item in row}
    return _accuracy(sentences, answers)


def _accuracy(
    sentences: Sequence[Sentence], answers: Sequence[set[tuple[int | str | float, ...]]]
) -> dict[str, Accuracy]:
    hits, given, wanted = Counter[str](), Counter[str](), Counter[str]()
    for sentence, answer in zip(sentences, answers, strict=True):
        for name in NAMES:
            labelled = {item for item in sentence.names if item[2] == name}
            proposed = {item for item in answer if item[2] == name}
            hits[name] += len(labelled & proposed)
            given[name] += len(proposed)
            wanted[name] += len(labelled)
    return {
        name: Accuracy(
            hits[name] / max(1, given[name]),
            hits[name] / max(1, wanted[name]),
            2 * hits[name] / max(1, given[name] + wanted[name]),
            wanted[name],
        )
        for name in NAMES
    }
