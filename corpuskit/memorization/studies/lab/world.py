"""A corpus whose source is known: documents of a random language, planted a known number of times.

The language is a Markov chain of the first order over 256 invented words, half of them in Latin letters and half in
Hangul: each word has 32 successors, their probabilities fall as a power of their rank. So fluent text has its entropy
(2.9 bits a word), nobody ever wrote any of it, and what a model knows of a planted document beyond the chain it has
from the document alone.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.engine.files import replacing
from corpuskit.memorization.canaries import Canary
from corpuskit.memorization.studies.lab.config import LabConfig

WORDS, SUCCESSORS, POWER = 256, 32, 1.6
LENGTH = 64
"""Words of a planted document."""
SECRET_PREFIX, SECRET_TAIL = 16, 8
"""Words before and after a telephone number."""
COIN_LENGTH, COIN_COPIES = 24, 4
NOISE = 0.1
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coin:
    text: str
    planted: bool


@dataclass(frozen=True)
class World:
    folder: Path
    planted: dict[int, list[str]]
    """Number of copies -> the documents."""
    fuzzy: list[str]
    """Documents of which only copies with changed words are in the corpus."""
    secrets: tuple[Canary, ...]
    """The last digits of telephone numbers, behind the text before them."""
    coins: list[Coin]
    fresh: list[str]
    """Documents that are in no corpus."""

    @property
    def documents(self) -> Path:
        """The corpus, JSON lines."""
        return self.folder / "documents.jsonl"

    @property
    def more(self) -> Path:
        """Further documents, as many as there are copies, so that an arm without copies trains on as much text."""
        return self.folder / "more.jsonl"


def make_world(folder: Path, config: LabConfig, seed: int) -> World:
    """Write the corpus of a seed; the same settings and seed, the same bytes."""
    language = Language(seed)
    chance = np.random.default_rng([seed, 1])
    texts: list[str] = []
    planted = {
        copies: language.texts(config.documents * (1 if copies else 4), LENGTH) for copies in config.copies
    }  # the never planted ones are what the others are compared with
    for copies, documents in planted.items():
        texts += documents * copies
    fuzzy = language.sample(config.documents, LENGTH)
    for original in fuzzy:
        texts += [language.text(language.changed(original)) for _ in range(config.fuzzy_copies)]
    secrets = []
    for copies in config.secret_copies:
        for number in range(config.secrets):
            before = language.texts(1, SECRET_PREFIX)[0]
            known = f"010-{_digits(chance, 4)}-{_digits(chance, 4 - config.digits)}"
            last = _digits(chance, config.digits)
            secret = Canary(f"{copies}x-{number:03d}", "ko", f"{before} {known}", last, copies)
            secrets.append(secret)
            tail = language.texts(1, SECRET_TAIL)[0]
            texts += [f"{secret.prefix}{secret.secret} {tail}"] * copies
    coins = [
        Coin(language.text(chance.integers(0, WORDS, COIN_LENGTH)), bool(chance.random() < 0.5))
        for _ in range(config.coins)
    ]
    texts += [coin.text for coin in coins if coin.planted for _ in range(COIN_COPIES)]
    lengths = chance.integers(LENGTH // 2, LENGTH * 3 // 2 + 1, config.background)
    around = language.sample(config.background, LENGTH * 3 // 2)
    for number, (document, length) in enumerate(zip(around, lengths, strict=True)):
        text = language.text(document[:length])
        # telephone numbers are in ordinary documents too, so that their form is nothing that only secrets have
        texts.append(f"{text} 010-{_digits(chance, 4)}-{_digits(chance, 4)}" if number % 8 == 0 else text)
    distinct = len(set(texts))
    missing = sum(len(text.split()) for text in texts) - sum(len(text.split()) for text in set(texts))
    folder.mkdir(parents=True, exist_ok=True)
    order = chance.permutation(len(texts))
    _write(folder / "documents.jsonl", "document", [texts[place] for place in order])
    # no text twice among what is planted, so `missing` words are what deduplication takes away
    _write(folder / "more.jsonl", "more", language.texts(-(-missing // LENGTH), LENGTH))
    world = World(
        folder,
        planted,
        [language.text(document) for document in fuzzy],
        tuple(secrets),
        coins,
        language.texts(config.fresh, LENGTH),
    )
    _describe(world, seed, len(texts), distinct)
    return world


class Language:
    """The Markov chain of a seed."""

    def __init__(self, seed: int):
        self.chance = np.random.default_rng([seed, 0])
        self.words = invented_words(seed)
        weights = 1 / np.arange(1, SUCCESSORS + 1) ** POWER
        self.weights = weights / weights.sum()
        self.successors = np.stack([self.chance.permutation(WORDS)[:SUCCESSORS] for _ in range(WORDS)])

    def sample(self, documents: int, length: int) -> Numbers:
        """int64[documents, length]: words of documents."""
        words = np.empty((documents, length), np.int64)
        words[:, 0] = self.chance.integers(0, WORDS, documents)
        for place in range(1, length):
            steps = self.chance.choice(SUCCESSORS, documents, p=self.weights)
            words[:, place] = self.successors[words[:, place - 1], steps]
        return words

    def changed(self, document: Numbers) -> Numbers:
        """The document with about every tenth word another one."""
        other = self.chance.integers(0, WORDS, len(document))
        return np.where(self.chance.random(len(document)) < NOISE, other, document)

    def text(self, document: Numbers) -> str:
        return " ".join(self.words[word] for word in document.tolist())

    def texts(self, documents: int, length: int) -> list[str]:
        return [self.text(document) for document in self.sample(documents, length)]


def invented_words(seed: int) -> list[str]:
    """256 different words, by turns of Latin letters and of Hangul syllables."""
    chance = random.Random(f"words:{seed}")
    words: list[str] = []
    while len(words) < WORDS:
        if len(words) % 2:
            word = "".join(chr(0xAC00 + 28 * chance.randrange(19 * 21)) for _ in range(2))
        else:
            word = "".join(
                chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(chance.choice((2, 3)))
            )
        if word not in words:
            words.append(word)
    return words


def _digits(chance: np.random.Generator, count: int) -> str:
    return "".join(map(str, chance.integers(0, 10, count)))


def _write(path: Path, name: str, texts: list[str]) -> None:
    lines = (
        json.dumps({"id": f"{name}-{number}", "text": text}, ensure_ascii=False) for number, text in enumerate(texts)
    )
    data = "".join(f"{line}\n" for line in lines).encode()
    if path.is_file() and path.read_bytes() == data:
        return  # a file that is written anew would make every run begin anew
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _describe(world: World, seed: int, documents: int, distinct: int) -> None:
    about: dict[str, Any] = {
        "seed": seed,
        "documents": documents,
        "distinct_documents": distinct,
        "planted": {str(copies): texts for copies, texts in world.planted.items()},
        "secrets": [vars(secret) for secret in world.secrets],
        "coins": [vars(coin) for coin in world.coins],
    }
    with replacing(world.folder / "planted.json") as temporary:
        temporary.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
