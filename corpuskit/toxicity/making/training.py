"""Make the model files that ship, from the data folder and a folder of packages; the same weights each time.

English learns from tweets that people labelled and from two packaged classifiers (`toxicity.making.teachers`), which
label public-domain texts, single words of their vocabulary, and texts spliced from both: Hinton et al. 2015,
"Distilling the Knowledge in a Neural Network", with soft targets. Korean learns from comments that people labelled.
Both learn what is clean from prose, public petitions or e-mails, and from contrast sentences of our own. The context
model of each file is made by `toxicity.making.second`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.ngram_hash import MOST_SYLLABLES, SHORTEST
from corpuskit.toxicity.features import COLUMNS, SHORTEST_GRAM, vectors, window_spans
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.card import card
from corpuskit.toxicity.making.examples import ENGLISH, KOREAN, KOREAN_SHARE_ALIKE, Examples, clean
from corpuskit.toxicity.making.fitting import fit, fit_optimum, platt, raw_scores
from corpuskit.toxicity.making.network import NO_VECTORS, Vectors
from corpuskit.toxicity.making.second import (
    clean_windows,
    english_tweets,
    fit_second,
    korean_contrast,
    korean_labelled,
    template_sentences,
)
from corpuskit.toxicity.making.teachers import ProfanityCheck, ToxicCommentClassifier
from corpuskit.toxicity.model import ABUSE_SHARE, Model, load

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
        self.profanity = ProfanityCheck(packages)

    def __call__(self, texts: Sequence[str]) -> Array:
        labels = self.six(texts)
        labels[:, 0] = 1 / (1 + np.exp(-(_logit(labels[:, 0]) + _logit(self.profanity(texts))) / 2))
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
    examples = read.labelled(tweets.texts, targets)
    examples += read.labelled(taught, teachers(taught), TEACHER_WEIGHT)
    examples += clean(_sample(prose, 20_000, generator) + read.declaration(data, "eng"), ENGLISH)
    return examples + read.contrast("en", ENGLISH)


HUMAN_TRUST = 0.7
"""How much the annotators' share counts against the teachers' probability in the target of a tweet."""

TEACHER_WEIGHT = 0.2
"""Importance of a text that teachers labelled alone, where a tweet has 1: there are thirty such texts to a tweet."""


def korean_comments(data: Path, sites: Sequence[str], labels: Sequence[str]) -> Examples:
    """Labelled comments of some sites ('curse', 'beep', 'kmhas'), which site each is from noted."""
    readers = {"curse": read.curse_detection, "beep": read.beep, "kmhas": read.kmhas}
    examples = read.labelled([], np.zeros((0, len(labels)), np.float32))
    for number, site in enumerate(sites, 1):
        examples += readers[site](data, labels).of_site(number)
    return examples


def korean_examples(data: Path, comments: Examples, labels: Sequence[str]) -> Examples:
    """What a Korean model learns from: labelled `comments`, Korean and English prose, petitions, sentences of our own.

    Each kind is a site of its own, so that what it is for is not learned as the meaning of its words.
    """
    generator = np.random.default_rng(SEED)
    tweets = read.davidson(data)
    some = tweets.take(np.sort(generator.permutation(len(tweets.texts))[:4_000]))
    english = read.examples(some.texts, labels, {"toxicity": some.targets[:, 0]}, 0.5)
    prose = windows(read.korean_prose(data))
    public = windows(read.petitions(data, read.PETITION_MONTHS))
    calm = _sample(prose, 12_000, generator) + _sample(public, 20_000, generator) + read.declaration(data, "kor")
    own = read.contrast("ko", labels, KOREAN_CONTRAST_WEIGHT).of_site(CONTRAST)
    own += read.contrast("ko-tone", labels, 1.0).of_site(TONE)
    return comments + english + clean(calm, labels).of_site(PROSE) + own


PROSE, CONTRAST, TONE = 4, 5, 6
"""Sites of what is no comment: the comments' own numbers are lower, and 0 is the English tweets'."""

KOREAN_CONTRAST_WEIGHT = 2.0
"""Importance of a Korean contrast sentence of words, where a comment and a sentence of tone have 1."""


def prior_shift(targets: Array) -> float:
    """What turns the log-odds among examples with these targets into those among texts with ABUSE_SHARE."""
    share = float(np.nanmean(targets))
    return float(np.log(ABUSE_SHARE / (1 - ABUSE_SHARE)) - np.log(share / (1 - share)))


def fit_model(examples: Examples, labels: Sequence[str], about: dict[str, Any], exact: bool = False) -> Model:
    """A calibrated model with integer weights of the examples.

    `exact` is for some thousand comments with one annotation each, from several sites: shorter n-grams and whole
    syllables, and the optimum under a prior (`toxicity.making.fitting`) where many soft labels are read over by a
    few passes of AdaGrad.
    """
    held = np.arange(len(examples.texts)) % HELD_OUT == 0
    orders = (SHORTEST, MOST_SYLLABLES) if exact else (SHORTEST_GRAM, 0)
    rows = vectors(*text_buffers(examples.texts), BITS, *orders)
    learning = np.where(held, 0, examples.importance).astype(np.float32)
    shown = examples.targets.copy()
    shown[held] = np.nan
    if exact:
        weights = fit_optimum(rows, shown, learning, examples.lead, examples.sites, BITS)
    else:
        weights, _ = fit(rows, shown, learning, examples.lead, BITS)
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127
    whole = np.zeros((len(weights), COLUMNS), np.int8)
    whole[:, : len(labels)] = np.rint(weights / scale)
    raw = raw_scores(*rows, whole[:, : len(labels)].astype(np.float32))
    if exact:  # sentences made to be told apart are easier than any that people write
        held &= (examples.sites > 0) & (examples.sites < CONTRAST)
    lines = [
        platt(raw[held, column], examples.targets[held, column], examples.importance[held])
        for column in range(len(labels))
    ]
    slope, offset = np.array(lines).T
    if exact:
        offset = offset + prior_shift(examples.targets[held, 0])
    return Model(tuple(labels), whole, slope, offset, about, *orders)


@dataclass(frozen=True)
class Shipped:
    """A model file that ships: what its two models learn from, and under which licence it is."""

    language: str
    labels: tuple[str, ...]
    """The linear model's."""
    licence: str
    provenance: tuple[str, ...]
    """Whose texts and whose models taught it, and what those models had learned from."""
    sites: tuple[str, ...] = ()
    """Korean: the sites whose comments it learns from."""

    def fit(self, data: Path, packages: Path | None) -> Model:
        """The linear model, then the context model on top of it."""
        return self.fit_context(self.fit_linear(data, packages), data, packages)

    def fit_linear(self, data: Path, packages: Path | None) -> Model:
        examples = self._examples(data, packages)
        about = {
            "language": self.language,
            "licence": self.licence,
            "provenance": list(self.provenance),
            "examples": len(examples.texts),
        }
        return fit_model(examples, self.labels, about, exact=self.language == "ko")

    def fit_context(self, linear: Model, data: Path, packages: Path | None) -> Model:
        clean = clean_windows(self.language, data, packages)
        abuse = template_sentences(self.language, clean[:4_000])
        pretrained = NO_VECTORS
        if self.language == "en":
            abuse += english_tweets(data, linear)
            pretrained = Vectors(*read.glove(_needed(packages)))
        else:
            abuse += korean_labelled(korean_comments(data, self.sites, self.labels), self.labels)
            abuse += korean_contrast(self.labels)
        about = linear.about | {"provenance": list(self.provenance)}
        about["context_examples"] = len(abuse.texts) + len(clean) // 2
        return replace(fit_second(self.language, linear, abuse, clean, pretrained), about=about)

    def _examples(self, data: Path, packages: Path | None) -> Examples:
        if self.language == "en":
            return english_examples(data, _needed(packages))
        return korean_examples(data, korean_comments(data, self.sites, self.labels), self.labels)


def _needed(packages: Path | None) -> Path:
    if packages is None:
        raise UsageError(
            "the English model needs the folder with the packages that teach it; docs/toxicity.md says which"
        )
    return packages


_OWN = "contrast sentences and sentence templates written for corpuskit (Apache-2.0)"
_KOREAN_CLEAN = (
    "clean text: React documentation in Korean (CC-BY-4.0), TensorFlow documentation in Korean (Apache-2.0), public "
    "petitions of the Blue House of April and May 2019 (CC0), the Universal Declaration of Human Rights"
)
_CURSE = "2runo's Curse-detection-data: 5,825 comments of Korean forums, a curse or not (MIT)"

SHIPPED = {
    "english.npz": Shipped(
        "en",
        ENGLISH,
        "Apache-2.0",
        (
            "Davidson et al. 2017: 24,783 tweets labelled hate, offensive, neither (MIT)",
            "teacher toxic-comment-classifier 0.3.0 (MIT), an LSTM. Its package does not say what it learned from; "
            "its six labels are those of the Jigsaw Toxic Comment Classification Challenge 2018: comments on "
            "Wikipedia's talk pages (CC-BY-SA-3.0), crowd labels (CC0)",
            "teacher alt-profanity-check 1.9.1 (MIT), a linear model that learned, as its package says, from the "
            "tweets of Davidson et al. and the same challenge",
            "word vectors GloVe 6B, 50 dimensions (Pennington et al. 2014; PDDL-1.0), which learned from Wikipedia "
            "of 2014 and Gigaword 5",
            "clean text: SpamAssassin e-mails of 2002 (CC0), State of the Union addresses and Moby-Dick (public "
            "domain), definitions and examples of WordNet 3.1 (WordNet licence), the Universal Declaration of Human "
            "Rights",
            _OWN,
        ),
    ),
    "korean.npz": Shipped("ko", KOREAN, "Apache-2.0", (_CURSE, _KOREAN_CLEAN, _OWN), ("curse",)),
    "share-alike/korean.npz": Shipped(
        "ko",
        KOREAN_SHARE_ALIKE,
        "CC-BY-SA-4.0",
        (
            _CURSE,
            "BEEP! (Moon et al. 2020): 8,367 comments on Korean entertainment news (CC-BY-SA-4.0)",
            "K-MHaS (Lee et al. 2022), validation part: 8,776 comments on Korean news (CC-BY-SA-4.0)",
            _KOREAN_CLEAN,
            _OWN,
        ),
        ("curse", "beep", "kmhas"),
    ),
}
"""The files that ship. The share-alike one learns from comments under CC-BY-SA-4.0 too and is itself under it."""


def train(
    data: Path,
    packages: Path | None,
    output: Path,
    languages: Sequence[str] = ("en", "ko"),
    linear: Path | None = None,
) -> dict[str, Path]:
    """Make the model files of SHIPPED and their cards in the folder `output`; the same data gives the same weights.

    A sum or an exponential function that the compiler or the processor rounds otherwise may move a weight in a million
    by one of its 255 steps, and with it the bytes.

    `data` is the data folder (`toxicity/`, `prose/`, `duplicates/`, `language/`), `packages` the folder with the
    packages that teach English (`toxicity.making.teachers`) and the texts and word vectors (`examples.PACKAGES`);
    Korean needs none. `linear` is a folder with model files whose linear models stay as they are, so that only the
    context models are made. Raises UsageError for a file that is missing or not the one that is meant.
    """
    (output / "share-alike").mkdir(parents=True, exist_ok=True)
    written = {}
    for name, kind in SHIPPED.items():
        if kind.language not in languages:
            continue
        written[name] = output / name
        if linear is None:
            model = kind.fit(data, packages)
        else:
            model = kind.fit_context(load(linear / name).without_second(), data, packages)
        model.save(output / name)
        written[name].with_suffix(".md").write_text(card(written[name]), encoding="utf-8")
    return written
