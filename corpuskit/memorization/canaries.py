"""Canaries: secrets registered before training and planted after cleaning, so that what was learned can be measured.

The method is that of the Secret Sharer (Carlini et al. 2019, arXiv:1802.08232): a sentence of random words that no page
has, then a random number. Planted in the training documents some number of times, the secret's *exposure* says how far
above all other numbers of its form the model ranks it. Twins that are never planted show what chance gives.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from corpuskit.document import document_id
from corpuskit.engine.files import read_json, write_json
from corpuskit.engine.stage import Configured
from corpuskit.errors import CorpuskitError

SOURCE = "canary"
CANARIES = "canaries.json"
"""The file of the registered secrets, inside a run's folder."""

LANGUAGES = ("en", "ko")
TEMPLATES = {
    "en": "The entry code of the archive room {words} is {secret}",
    "ko": "자료실 {words} 출입 번호는 {secret}",
}
ENDINGS = {"en": ".", "ko": " 입니다."}


class CanaryConfig(Configured):
    """Canaries (Carlini et al. 2019, The Secret Sharer, arXiv:1802.08232): secrets that the recipe plants itself."""

    count: int = Field(default=16, ge=1)
    """Secrets for each number of copies."""
    copies: list[int] = Field(default=[0, 1, 4, 16], min_length=1)
    """How often secrets are planted; 0 makes twins that are never planted, the null to compare with."""
    digits: int = Field(default=4, ge=2, le=6)
    """Digits of a secret: 4 makes 10,000 possible ones, and an exposure of up to 13.3 bits."""
    coins: int = Field(default=64, ge=0)
    """Further secrets, each planted or not by the toss of a coin: guessing the tosses from the model bounds epsilon."""
    coin_copies: int = Field(default=4, ge=1)
    """How often a secret whose coin says so is planted."""
    seed: int = Field(default=0, ge=0)
    """Seed of the secrets and their sentences."""

    @field_validator("copies")
    @classmethod
    def _copies(cls, copies: list[int]) -> list[int]:
        if any(number < 0 for number in copies) or len(set(copies)) < len(copies):
            raise ValueError(f"copies are different numbers from 0 up, not {copies}")
        return sorted(copies)


@dataclass(frozen=True)
class Canary:
    name: str
    language: str
    prefix: str
    """The sentence up to the secret."""
    secret: str
    """Decimal digits."""
    copies: int
    coin: bool = False
    """Whether a fair coin decided if it is planted, independently of all else."""

    @property
    def text(self) -> str:
        """The document that is planted."""
        return f"{self.prefix}{self.secret}{ENDINGS[self.language]}"

    @property
    def id(self) -> str:
        return document_id(f"canary:{self.name}", self.text.encode())


@dataclass(frozen=True)
class CanaryPlan:
    seed: int
    digits: int
    canaries: tuple[Canary, ...]

    def write(self, path: Path) -> None:
        write_json(path, {"seed": self.seed, "digits": self.digits, "canaries": [vars(one) for one in self.canaries]})

    @classmethod
    def read(cls, path: Path) -> CanaryPlan:
        value = read_json(path)
        try:
            return cls(value["seed"], value["digits"], tuple(Canary(**one) for one in value["canaries"]))
        except (TypeError, KeyError) as error:
            raise CorpuskitError(f"{path} is not a plan of canaries: {error}") from error


@cache
def _words(language: str) -> list[str]:
    return (files("corpuskit.memorization") / "data" / f"words-{language}.txt").read_text(encoding="utf-8").split()


def plan_canaries(config: CanaryConfig) -> CanaryPlan:
    """`count` secrets for each number of copies, then those of the coins; the same configuration, the same plan.

    English and Korean take turns.
    """
    chance = random.Random(f"canaries:{config.seed}")
    canaries: list[Canary] = []
    seen: set[str] = set()

    def secret(name: str, number: int, copies: int, coin: bool) -> Canary:
        language = LANGUAGES[number % len(LANGUAGES)]
        while True:
            words = " ".join(chance.sample(_words(language), 4))
            if words not in seen:
                break
        seen.add(words)
        digits = "".join(chance.choice("0123456789") for _ in range(config.digits))
        prefix = TEMPLATES[language].format(words=words, secret="")
        return Canary(name, language, prefix, digits, copies, coin)

    for copies in config.copies:
        canaries += [secret(f"{copies}x-{number:03d}", number, copies, False) for number in range(config.count)]
    # a stream of its own: how many dosed secrets there are must not change the tosses
    coins = random.Random(f"coins:{config.seed}")
    for number in range(config.coins):
        copies = config.coin_copies if coins.random() < 0.5 else 0
        canaries.append(secret(f"coin-{number:03d}", number, copies, True))
    return CanaryPlan(config.seed, config.digits, tuple(canaries))


def canary_documents(plan: CanaryPlan) -> list[dict[str, Any]]:
    """The rows to plant among the training documents, each as often as its plan says."""
    return [
        {
            "id": canary.id,
            "text": canary.text,
            "url": f"canary:{canary.name}",
            "source": SOURCE,
            "language": canary.language,
        }
        for canary in plan.canaries
        for _ in range(canary.copies)
    ]
