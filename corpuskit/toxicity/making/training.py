"""Make the model files that ship, from the data folder and the packages beside it; the same weights each time.

English learns from tweets that people labelled and from two packaged classifiers (`toxicity.making.teachers`), which
label public-domain texts, single words of their vocabulary, and texts spliced from both: Hinton et al. 2015,
"Distilling the Knowledge in a Neural Network", with soft targets. Korean learns from comments that people labelled.
Both learn what is clean from prose, public petitions or e-mails, and from contrast sentences of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.ngram_hash import MOST_SYLLABLES, SHORTEST
from corpuskit.toxicity.features import COLUMNS, SHORTEST_GRAM, vectors
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.card import card
from corpuskit.toxicity.making.examples import ENGLISH, KOREAN, KOREAN_SHARE_ALIKE, Examples, clean
from corpuskit.toxicity.making.fitting import fit, platt, raw_scores
from corpuskit.toxicity.making.optimum import fit_optimum
from corpuskit.toxicity.making.teachers import ProfanityCheck, ToxicCommentClassifier
from corpuskit.toxicity.model import ABUSE_SHARE, Model
from corpuskit.toxicity.windows import window_spans

BITS = 19
SEED = 20260
HELD_OUT = 10
"""One in so many examples is kept from the fit and calibrates it."""

Array = npt.NDArray[np.float32]


def windows(texts: Sequence[str], most: int = 40) -> list[str]:
    """Texts cut into the windows in which they are scored."""
    return [texts[document][start:end] for document, start, end in window_spans(texts, most).tolist()]


def _sample(texts: list[str], count: int, generator: np.random.Generator) -> list[str]:
    chosen = np.sort(generator.permutation(len(texts))[:count])
    return [texts[number] for number in chosen]


def _logit(probability: Array) -> Array:
    bounded = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(bounded / (1 - bounded)), np.float32)


class Teachers:
    """Both packaged classifiers as one: six labels, the first the mean (in logits) of what the two say."""

    def __init__(self, packages: Path):
        self.six = ToxicCommentClassifier(packages)
        self.one = ProfanityCheck(packages)

    def __call__(self, texts: Sequence[str]) -> Array:
        labels = self.six(texts)
        labels[:, 0] = 1 / (1 + np.exp(-(_logit(labels[:, 0]) + _logit(self.one(texts))) / 2))
        return labels


PHRASES = ("you are a {}", "the {} was there", "{} you", "I think all {} are", "you {}", "he said {} to them")


def _probes(vocabulary: list[str]) -> list[str]:
    """Each word that a teacher knows, alone and in short phrases."""
    return vocabulary + [phrase.format(word) for word in vocabulary for phrase in PHRASES]


def _insertions(words: list[str], texts: list[str], count: int, generator: np.random.Generator) -> list[str]:
    """Short pieces of texts, each with one or two of `words` put somewhere into it."""
    made = []
    for _ in range(count):
        piece = texts[generator.integers(len(texts))].split()[: int(generator.integers(3, 30))]
        for _ in range(int(generator.integers(1, 3))):
            piece.insert(int(generator.integers(len(piece) + 1)), words[generator.integers(len(words))])
        made.append(" ".join(piece))
    return made


def _splices(first: list[str], second: list[str], count: int, generator: np.random.Generator) -> list[str]:
    """Texts made of a few words of one text and a few of another."""
    made = []
    for _ in range(count):
        pieces = []
        for pool, longest in ((first, 10), (second, 16)):
            words = pool[generator.integers(len(pool))].split()
            size = int(generator.integers(2, longest))
            start = int(generator.integers(max(1, len(words) - size + 1)))
            pieces.append(" ".join(words[start : start + size]))
        made.append(" ".join(pieces if generator.random() < 0.5 else pieces[::-1]))
    return made


def english_examples(data: Path, packages: Path, tweets: Examples | None = None) -> Examples:
    """What the English model learns from. `tweets` are the labelled ones, all of them where not given."""
    generator = np.random.default_rng(SEED)
    teachers = Teachers(packages)
    tweets = read.davidson(data) if tweets is None else tweets
    prose = windows(read.english_prose(packages))
    mail = windows(read.emails(packages))
    targets = teachers(tweets.texts)
    for label in ("toxicity", "identity_attack"):
        column = ENGLISH.index(label)
        targets[:, column] = HUMAN_TRUST * tweets.targets[:, column] + (1 - HUMAN_TRUST) * targets[:, column]
    taught = _sample(mail, 60_000, generator)
    taught += _splices(tweets.texts, mail, 150_000, generator)
    probes = _probes(teachers.six.vocabulary)
    loaded = [
        word for word, score in zip(probes, teachers(probes)[:, 0], strict=True) if score > 0.2 and " " not in word
    ]
    taught += probes + _insertions(loaded, mail + prose, 400_000, generator)
    found = read.labelled(tweets.texts, targets)
    found += read.labelled(taught, teachers(taught), TEACHER_WEIGHT)
    found += clean(_sample(prose, 20_000, generator) + read.declaration(data, "eng"), ENGLISH)
    return found + read.contrast("en", ENGLISH)


HUMAN_TRUST = 0.7
"""How much the annotators' share counts beside the teachers' probability in the target of a tweet."""

TEACHER_WEIGHT = 0.2
"""Importance of a text that teachers labelled alone, where a tweet has 1: there are thirty such texts to a tweet."""


def korean_comments(data: Path, sites: Sequence[str], labels: Sequence[str]) -> Examples:
    """Labelled comments of some sites ('curse', 'beep', 'kmhas'), which site each is from noted."""
    readers = {"curse": read.curse_detection, "beep": read.beep, "kmhas": read.kmhas}
    found = read.labelled([], np.zeros((0, len(labels)), np.float32))
    for number, site in enumerate(sites, 1):
        found += readers[site](data, labels).of_site(number)
    return found


def korean_examples(data: Path, comments: Examples, labels: Sequence[str]) -> Examples:
    """What a Korean model learns from: labelled `comments`, Korean and English prose, petitions, sentences of our own.

    Each kind is a site of its own, so that what it is for is not learned as the meaning of its words.
    """
    generator = np.random.default_rng(SEED)
    tweets = read.davidson(data)
    some = tweets.take(np.sort(generator.permutation(len(tweets.texts))[:4_000]))
    english = read.examples(some.texts, labels, {"toxicity": some.targets[:, 0]}, 0.5)
    prose = windows(read.korean_prose(data))
    public = windows(read.petitions(data, PETITION_MONTHS))
    calm = _sample(prose, 12_000, generator) + _sample(public, 20_000, generator) + read.declaration(data, "kor")
    own = read.contrast("ko", labels, KOREAN_CONTRAST_WEIGHT).of_site(CONTRAST)
    own += read.contrast("ko-tone", labels, 1.0).of_site(TONE)
    return comments + english + clean(calm, labels).of_site(PROSE) + own


PROSE, CONTRAST, TONE = 4, 5, 6
"""Sites of what is no comment: the comments' own numbers are lower, and 0 is the English tweets'."""

KOREAN_CONTRAST_WEIGHT = 2.0
"""Importance of a Korean contrast sentence of words, where a comment and a sentence of tone have 1."""


PETITION_MONTHS = ("2019-04", "2019-05")
"""Months that the Korean models learn from; the later ones measure their false alarms."""


def prior_shift(targets: Array) -> float:
    """What turns the log-odds among examples with these targets into those among texts with ABUSE_SHARE."""
    share = float(np.nanmean(targets))
    return float(np.log(ABUSE_SHARE / (1 - ABUSE_SHARE)) - np.log(share / (1 - share)))


def fit_model(found: Examples, labels: Sequence[str], about: dict[str, Any], exact: bool = False) -> Model:
    """A calibrated model with integer weights of the examples.

    `exact` is for some thousand comments with one annotation each, from several sites: shorter n-grams and whole
    syllables, and the optimum under a prior (`toxicity.making.optimum`) where many soft labels are read over by a
    few passes of AdaGrad.
    """
    held = np.arange(len(found.texts)) % HELD_OUT == 0
    orders = (SHORTEST, MOST_SYLLABLES) if exact else (SHORTEST_GRAM, 0)
    rows = vectors(*text_buffers(found.texts), BITS, *orders)
    learning = np.where(held, 0, found.importance).astype(np.float32)
    shown = found.targets.copy()
    shown[held] = np.nan
    if exact:
        weights = fit_optimum(rows, shown, learning, found.lead, found.sites, BITS)
    else:
        weights, _ = fit(rows, shown, learning, found.lead, BITS)
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127
    whole = np.zeros((len(weights), COLUMNS), np.int8)
    whole[:, : len(labels)] = np.rint(weights / scale)
    raw = raw_scores(*rows, whole[:, : len(labels)].astype(np.float32))
    if exact:  # sentences made to be told apart are easier than any that people write
        held &= (found.sites > 0) & (found.sites < CONTRAST)
    lines = [
        platt(raw[held, column], found.targets[held, column], found.importance[held]) for column in range(len(labels))
    ]
    slope, offset = np.array(lines).T
    if exact:
        offset = offset + prior_shift(found.targets[held, 0])
    return Model(tuple(labels), whole, slope, offset, about, *orders)


@dataclass(frozen=True)
class Shipped:
    """A model file that ships, and how its examples are read from the data folder and the folder of packages."""

    language: str
    labels: tuple[str, ...]
    licence: str
    data: str
    examples: Callable[[Path, Path | None], Examples]

    def fit(self, data: Path, packages: Path | None) -> Model:
        found = self.examples(data, packages)
        about = {"language": self.language, "licence": self.licence, "data": self.data, "examples": len(found.texts)}
        return fit_model(found, self.labels, about, exact=self.language == "ko")


def _english(data: Path, packages: Path | None) -> Examples:
    if packages is None:
        raise UsageError(
            "the English model needs the folder with the packages that teach it; docs/toxicity.md says which"
        )
    return english_examples(data, packages)


SHIPPED = {
    "english.npz": Shipped("en", ENGLISH, "Apache-2.0", "Davidson et al. 2017 (MIT); teachers (MIT)", _english),
    "korean.npz": Shipped(
        "ko",
        KOREAN,
        "Apache-2.0",
        "Curse-detection-data (MIT)",
        lambda data, _: korean_examples(data, korean_comments(data, ["curse"], KOREAN), KOREAN),
    ),
    "share-alike/korean.npz": Shipped(
        "ko",
        KOREAN_SHARE_ALIKE,
        "CC-BY-SA-4.0",
        "Curse-detection-data (MIT); BEEP! and K-MHaS (CC-BY-SA-4.0)",
        lambda data, _: korean_examples(
            data, korean_comments(data, ["curse", "beep", "kmhas"], KOREAN_SHARE_ALIKE), KOREAN_SHARE_ALIKE
        ),
    ),
}
"""The files that ship. The share-alike one learns from comments under CC-BY-SA-4.0 too and is itself under it."""


def train(data: Path, packages: Path | None, output: Path, languages: Sequence[str] = ("en", "ko")) -> dict[str, Path]:
    """Make the model files of SHIPPED and their cards in the folder `output`; the same data gives the same weights.

    A sum or an exponential function that the compiler or the processor rounds otherwise may move a weight in a million
    by one of its 255 steps, and with it the bytes.

    `data` is the data folder (`toxicity/`, `prose/`, `duplicates/`, `language/`), `packages` the folder with the
    packages that teach English (`toxicity.making.teachers`) and the public-domain texts (`examples.PACKAGES`);
    Korean needs none. Raises UsageError for a file that is missing or not the one that is meant.
    """
    (output / "share-alike").mkdir(parents=True, exist_ok=True)
    written = {}
    for name, sort in SHIPPED.items():
        if sort.language in languages:
            written[name] = output / name
            sort.fit(data, packages).save(output / name)
            written[name].with_suffix(".md").write_text(card(written[name]), encoding="utf-8")
    return written
