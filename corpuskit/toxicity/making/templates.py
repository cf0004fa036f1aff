"""Sentences made from templates: the same words in sentences that mean abuse and in sentences that do not.

A bag of words cannot tell "you are not stupid" from "you are stupid". These sentences teach the context model what
can: negation, quotation, who is spoken of and to whom. `data/templates-<language>.txt` explains its own grammar.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

_CHOICE = re.compile(r"\{([^{}]*)\}")
_LIST = re.compile(r"<([A-Z]+)>")
_PARTICLE = re.compile(r"(.)\(([가-힣 ]+)/([가-힣 ]+)\)")


@dataclass(frozen=True)
class Template:
    """A line of a template file: its family, the probability of each label, and the text with its choices."""

    family: str
    labels: dict[str, float]
    text: str


@dataclass(frozen=True)
class Templates:
    """A template file: lists of words by name, and templates that draw from them."""

    lists: dict[str, list[str]]
    templates: list[Template]

    def part(self, keep: Callable[[int], bool]) -> Templates:
        """The items of each list, and the templates, whose position `keep` accepts: for held-out measurements."""
        lists = {name: [item for i, item in enumerate(items) if keep(i)] for name, items in self.lists.items()}
        return Templates(lists, [template for i, template in enumerate(self.templates) if keep(i)])

    def without_families(self, families: Sequence[str]) -> Templates:
        return Templates(self.lists, [t for t in self.templates if t.family not in families])


@dataclass(frozen=True)
class Sentence:
    text: str
    family: str
    labels: dict[str, float]


def read_templates(language: str) -> Templates:
    """The templates of a language ('en', 'ko'). Raises ValueError where a line names a list that is not defined."""
    lists: dict[str, list[str]] = {}
    templates: list[Template] = []
    family, labels = "", dict[str, float]()
    for line in (files("corpuskit.toxicity") / f"data/templates-{language}.txt").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            family, _, names = line.strip("[]").partition(":")
            pairs = [name.partition("=") for name in names.split()]
            labels = {name: float(value or 1) for name, _, value in pairs}
        elif defined := re.match(r"([A-Z]+) = (.*)", line):
            lists[defined[1]] = defined[2].split("|")
        else:
            unknown = set(_LIST.findall(line)) - set(lists)
            if unknown:
                raise ValueError(f"templates-{language}.txt: no list is called {', '.join(sorted(unknown))}: {line}")
            templates.append(Template(family, labels, line))
    return Templates(lists, templates)


def draw(template: Template, lists: dict[str, list[str]], generator: random.Random) -> str:
    """One sentence of a template."""
    text = template.text
    while choice := _CHOICE.search(text):
        text = text[: choice.start()] + generator.choice(choice[1].split("|")) + text[choice.end() :]
    text = _LIST.sub(lambda name: generator.choice(lists[name[1]]), text)
    text = _PARTICLE.sub(_with_particle, text)
    return text[0].upper() + text[1:]


def _with_particle(match: re.Match[str]) -> str:
    """The syllable before a Korean particle, and the form of the particle that follows its last sound."""
    syllable, closed, open_ = match.groups()
    code = ord(syllable.strip("'\"") or "가") - 0xAC00
    return syllable + (closed if 0 <= code < 11172 and code % 28 else open_)


def sentences(
    templates: Templates, each: int, seed: int, vary: Callable[[str, random.Random], str] | None = None
) -> list[Sentence]:
    """Up to `each` different sentences of each template, in a fixed order; `vary` changes how one is written."""
    generator = random.Random(seed)
    made = []
    for template in templates.templates:
        seen: set[str] = set()
        for _ in range(2 * each):
            text = draw(template, templates.lists, generator)
            if text in seen:
                continue
            seen.add(text)
            made.append(Sentence(vary(text, generator) if vary else text, template.family, template.labels))
            if len(seen) == each:
                break
    return made


_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "$"})
_TAGS = ("smh", "lol", "#truth", "😂", "!!!", "#love", "🙏", "haha", "tbh", "ffs", "...", "🙄", "xx")


def vary_english(text: str, generator: random.Random) -> str:
    """A sentence as people type it: lower case, without its full stop, with a word spelled otherwise."""
    chance = generator.random()
    if chance < 0.30:
        return text.lower()
    if chance < 0.34:
        return text.upper()
    if chance < 0.42:
        return text.rstrip(".!?")
    if chance < 0.46:
        return "@user " + text
    if chance < 0.50:
        return f"{text} {generator.choice(_TAGS)}"
    if chance < 0.56:
        words = text.split(" ")
        long = [i for i, word in enumerate(words) if len(word) > 4]
        if long:
            place = generator.choice(long)
            words[place] = _misspelled(words[place], generator)
        return " ".join(words)
    return text


def _misspelled(word: str, generator: random.Random) -> str:
    at = generator.randrange(1, len(word) - 1)
    return generator.choice(
        [
            word.translate(_LEET),
            word[:at] + "*" + word[at + 1 :],
            word[:at] + word[at + 1 :],
            word[: at + 1] + word[at:],
            " ".join(word),
            ".".join(word),
        ]
    )


_KOREAN_TAGS = ("ㅋㅋ", "ㅋㅋㅋㅋ", "ㅎㅎ", "ㅠㅠ", "ㅉㅉ", "...", "!!", "^^", "ㅡㅡ", "ㄹㅇ")


def vary_korean(text: str, generator: random.Random) -> str:
    """A sentence as people type it: without its full stop or a space, with laughter."""
    chance = generator.random()
    if chance < 0.35:
        return text.rstrip(".")
    if chance < 0.50:
        return text.rstrip(".") + generator.choice(("", " ")) + generator.choice(_KOREAN_TAGS)
    if chance < 0.62 and " " in text:
        spaces = [i for i, letter in enumerate(text) if letter == " "]
        at = generator.choice(spaces)
        return (text[:at] + text[at + 1 :]).rstrip(".")
    return text
