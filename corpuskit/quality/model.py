"""A quality score learned from examples: the probability that a text is one of the good ones.

A linear model over hashed words, pairs of words and character 4-grams, calibrated by Platt's method (Platt 1999,
"Probabilistic Outputs for Support Vector Machines") on scores of texts that the scoring model had not seen. It is a
plain `.npz` of numbers, without objects, and a Markdown model card next to it.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.inputs import Texts, as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.unicode import code_points
from corpuskit.kernels.words import word_hash
from corpuskit.quality.features import BITS, features, fit, mean_weights, mean_weights_of
from corpuskit.statistics import fit_logistic

FOLDS = 4
EPOCHS = 6
RATE = 0.5
FEWEST = 20
"""Examples of each sort that training needs."""
FORMAT = 1

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Report:
    """How well the model tells texts apart that it had not seen (FOLDS-fold cross-validation)."""

    good: int
    """Distinct good examples."""
    bad: int
    auc: float
    """Probability that a good text scores above a bad one."""
    accuracy: float
    """Share of texts on the right side of 0.5."""
    calibration_error: float
    """Mean distance between score and share of good texts, over ten bins of equal size."""
    deciles: tuple[float, ...]
    """The scores that 10, 20, ... 90 % of the good texts stay below."""


@dataclass(frozen=True)
class Model:
    """A trained quality score."""

    weights: npt.NDArray[np.float32]
    """float32[2**18]: one for each hashed feature."""
    bias: float
    slope: float
    """Platt's two numbers: score = 1 / (1 + exp(-(slope * raw + intercept)))."""
    intercept: float
    report: Report

    def score(self, texts: Texts) -> Scores:
        """The probability that each text is a good one: float64[texts], NaN for a null text."""
        strings = as_texts(texts)
        data, offsets = text_buffers(strings)
        raw = mean_weights(data, offsets, code_points(), self.weights, self.bias)
        scores = _sigmoid(self.slope * raw + self.intercept)
        scores[~strings.is_valid().to_numpy(zero_copy_only=False)] = np.nan
        return scores

    def save(self, path: str | Path) -> None:
        """Writes the model to `path` (`.npz`) and its card to the same name with `.md`."""
        target = _npz(path)
        numbers = np.array([FORMAT, self.bias, self.slope, self.intercept], np.float64)
        report = np.frombuffer(json.dumps(asdict(self.report)).encode(), np.uint8)
        with target.open("wb") as stream:
            np.savez_compressed(stream, weights=self.weights, numbers=numbers, report=report)
        target.with_suffix(".md").write_text(card(self), encoding="utf-8")


def load(path: str | Path) -> Model:
    """A saved model. Raises UsageError where there is none, CorpuskitError where the file is not one."""
    source = _npz(path)
    if not source.is_file():
        raise UsageError(f"quality: model '{source}' does not exist; 'corpuskit quality train' makes one")
    try:
        with np.load(source, allow_pickle=False) as stored:
            weights, numbers = stored["weights"], stored["numbers"]
            report = json.loads(stored["report"].tobytes())
        if (
            weights.shape != (1 << BITS,)
            or weights.dtype != np.float32
            or numbers.shape != (4,)
            or numbers[0] != FORMAT
        ):
            raise ValueError("of another version")
        report["deciles"] = tuple(report["deciles"])
        bias, slope, intercept = numbers[1:].tolist()
        return Model(weights, bias, slope, intercept, Report(**report))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise CorpuskitError(f"{source}: not a quality model: {error}") from error


def _npz(path: str | Path) -> Path:
    if Path(path).suffix != ".npz":
        raise UsageError(f"quality: a model's name ends in .npz: '{path}'")
    return Path(path)


def train(good: Texts, bad: Texts, seed: int = 0) -> Model:
    """The model that tells `good` texts from `bad` ones. The same examples and seed give the same model.

    Equal texts count once. Raises UsageError for fewer than FEWEST distinct texts of a sort, and for a text in both.
    """
    given = (as_texts(good, "good"), as_texts(bad, "bad"))
    kept = [list(dict.fromkeys(text for text in texts.to_pylist() if text and text.strip())) for texts in given]
    both = set(kept[0]) & set(kept[1])
    if both:
        raise UsageError(f"quality: {len(both)} examples are good and bad at once, first {min(both)[:60]!r}")
    for sort, texts in zip(("good", "bad"), kept, strict=True):
        if len(texts) < FEWEST:
            raise UsageError(f"quality: {len(texts)} distinct {sort} examples; training needs at least {FEWEST}")
    examples = kept[0] + kept[1]
    labels = np.repeat([1.0, 0.0], [len(kept[0]), len(kept[1])])
    found, bounds = features(*text_buffers(pa.array(examples, pa.large_string())), code_points())
    fold_of = np.array([word_hash(text[:200]) % FOLDS for text in examples])
    raw = np.zeros(len(examples))
    generator = np.random.default_rng(seed)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        raw[outside] = mean_weights_of(found, bounds, outside, *_fit(found, bounds, inside, labels[inside], generator))
    weights, bias = _fit(found, bounds, np.arange(len(examples)), labels, generator)
    slope, intercept = _platt(raw, labels)
    scores = _sigmoid(slope * raw + intercept)
    return Model(weights, bias, slope, intercept, _report(scores, labels))


def train_files(good: str | Path, bad: str | Path, output: str | Path, seed: int = 0) -> Report:
    """Trains on two JSON Lines files (a `text` in each line) and saves the model to `output` (`.npz`, with its card).

    Raises UsageError for a file that is absent, a line without a text, and as `train` does.
    """
    _npz(output)
    model = train(_texts(Path(good)), _texts(Path(bad)), seed)
    model.save(output)
    return model.report


def _texts(path: Path) -> list[str]:
    if not path.is_file():
        raise UsageError(f"quality: examples '{path}' do not exist")
    texts = []
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UsageError(f"{path} line {number}: not JSON: {error}") from error
            if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                raise UsageError(f"{path} line {number}: no string under 'text'")
            texts.append(row["text"].encode("utf-8", "replace").decode())
    return texts


def _fit(
    found: npt.NDArray[np.int32],
    bounds: npt.NDArray[np.int64],
    texts: npt.NDArray[np.int64],
    labels: Scores,
    generator: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], float]:
    order = np.array([generator.permutation(len(texts)) for _ in range(EPOCHS)])
    weights, bias = fit(found, bounds, texts, labels, order, RATE)
    return weights, float(bias)


def _sigmoid(values: Scores) -> Scores:
    scores: Scores = 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))
    return scores


def _platt(raw: Scores, labels: Scores) -> tuple[float, float]:
    """(slope, intercept) fitted to Platt's smoothed targets."""
    positives = labels.sum()
    targets = np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    intercept, slope = fit_logistic(raw[:, None], targets)
    return float(slope), float(intercept)


def _report(scores: Scores, labels: Scores) -> Report:
    good, bad = np.sort(scores[labels > 0]), np.sort(scores[labels == 0])
    below = np.searchsorted(bad, good, "left") + np.searchsorted(bad, good, "right")
    order = np.argsort(scores, kind="stable")
    bins = [part for part in np.array_split(order, 10) if len(part)]
    gaps = [abs(scores[part].mean() - labels[part].mean()) * len(part) for part in bins]
    return Report(
        good=len(good),
        bad=len(bad),
        auc=float(below.sum() / (2 * len(good) * len(bad))),
        accuracy=float(((scores >= 0.5) == (labels > 0)).mean()),
        calibration_error=float(sum(gaps) / len(scores)),
        deciles=tuple(float(value) for value in np.quantile(good, np.arange(0.1, 0.95, 0.1))),
    )


def card(model: Model) -> str:
    """The model card, Markdown."""
    report = model.report
    deciles = "\n".join(
        f"| {10 * place} % | {value:.3f} |" for place, value in enumerate(report.deciles, 1)
    )  # fmt: skip
    return f"""# Quality score

The probability that a text belongs with the good examples rather than the bad ones, learned from
{report.good:,} good and {report.bad:,} bad distinct texts.

- **Model**: logistic regression over {1 << BITS:,} hashed words, pairs of words and character 4-grams, averaged over
  the text; {EPOCHS} epochs of AdaGrad; Platt calibration.
- **Use**: `quality: {{model: this-file.npz}}`, which measures `quality.model_score` and drops documents under the
  limit of the rule `quality.model_score` (0.5 unless `limits` says otherwise).
- **Limits**: it knows what its examples show, topics and names among it. A text unlike all of them gets a score too,
  and the score then means little. Short texts score less surely than long ones. The probability holds for the mix of
  good and bad texts of the examples.

Measured on texts that the scoring model had not seen ({FOLDS}-fold cross-validation):

| measure | value |
|---|---|
| area under the ROC curve | {report.auc:.4f} |
| accuracy at 0.5 | {report.accuracy:.4f} |
| calibration error (ten bins) | {report.calibration_error:.4f} |

A limit drops this share of the good examples:

| good examples dropped | limit |
|---|---|
{deciles}
"""
