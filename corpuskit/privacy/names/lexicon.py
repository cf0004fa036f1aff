"""What Kiwi's dictionaries say of a word: is it part of people's names, or of other things' names?

kiwipiepy_model ships 250,000 names of several words with their Wikidata class (Q5 is a human), in `multi.dict`, and
113,000 titles of Korean encyclopaedias without a class, in `default.dict`. The parts of the first tell transliterated
names (조니, 뎁) from places and works; the titles that are a surname and two syllables, of which the same two follow
several surnames, tell Korean given names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from corpuskit.errors import CorpuskitError, require
from corpuskit.privacy.detect.words import words
from corpuskit.privacy.names.odds import NameOdds, hangul, name_odds

_HUMAN = frozenset({"Q5", "Q15632617", "Q1114461", "Q3658341", "Q15773317", "Q80447738", "Q15711870", "Q95074"})
"""A human; a fictional human; a character of comics, literature, television, anime, animation, fiction."""
_AMBIGUOUS = "Q22808320"
"""A page that lists humans of one name."""
_PARTS = re.compile(r"[\s·\-:,()~!?.]+")
_NO_GIVEN_NAME = frozenset("역면군읍시구리천산강국청관당사층도동용적번")
"""Last syllables of places and institutions, which titles of three syllables have more often than people."""
_NOUN_END = frozenset("대수선자회관용적화열식형어문절")
"""Last syllables of common nouns: 양자화, 문자열, 제헌절."""
_PLACE_LIKE, _RATHER = 3.0, -1.0
"""The least log odds of a full name: of one that ends like a place, and of another."""
_NOUNS = frozenset({"영화", "용하", "기술"})
"""After 이, 신 and other syllables that are surnames too: this film, uses, new technology."""


@dataclass(frozen=True)
class Lexicon:
    humans: frozenset[str]
    """Whole names of people of four syllables and more, without what stands between their words, that are no other
    thing's name too."""
    people: Counter[str]
    """In how many people's names of several words a word stands."""
    others: Counter[str]
    """In how many other things' names of several words it stands."""
    given: dict[str, int]
    """How many surnames stand before two syllables, in titles of three."""
    last: Counter[str]
    """The same by the last syllable of the two, where several surnames do."""
    titles: frozenset[str]
    surnames: frozenset[str]
    odds: NameOdds

    def part_of_a_name(self, word: str) -> bool:
        """Whether a word is mostly part of people's names."""
        people, others = self.people[word], self.others[word]
        if not hangul(word):
            return False
        if len(word) == 1:
            return people >= 8 and people > 4 * others
        return (people >= 2 and people >= 0.7 * (people + others)) or (people == 1 and not others and len(word) >= 3)

    def joined(self, word: str, least: int = 2) -> bool:
        """Whether a word is two parts of names, each in `least` names and more, without a space (브래드피트)."""
        if not hangul(word) or not 3 <= len(word) <= 9:
            return False
        if word[0] not in self.surnames and self.people[word[0]] >= 20 and self.part_of_a_name(word[1:]):
            return self.people[word[1:]] >= least
        return any(
            min(self.people[left], self.people[right]) >= least
            and self.people[left] > 3 * self.others[left]
            and self.people[right] > 3 * self.others[right]
            for left, right in ((word[:cut], word[cut:]) for cut in range(2, len(word) - 1))
        )

    def full_name(self, word: str) -> int:
        """How much a word looks like a Korean surname with a given name: 0 not, 1 hardly, 2 rather, 3 and 4 surely."""
        if not hangul(word):
            return 0
        if len(word) == 4 and word[:2] in self.surnames:
            return 3 if self.given.get(word[2:], 0) >= 2 else 0
        if len(word) != 3 or word[0] not in self.surnames or word[1:] in _NOUNS:
            return 0
        odds = self.odds.of(word)
        if word[2] in _NO_GIVEN_NAME:
            return 2 if odds >= _PLACE_LIKE and not self.others[word] and self.people[word] < 2 else 0
        if self.given.get(word[1:], 0) >= 2:
            return 4 if self.given[word[1:]] >= 5 else 3
        if self.people[word] >= 2:
            return 0
        odds += -4 if word[2] in _NOUN_END else 2 * (word in self.titles) - (self.others[word] > 0)
        return 2 if odds >= _RATHER else 1

    def alone(self, word: str) -> bool:
        """Whether a proper noun of two syllables is a given name (예진) or a surname with one syllable (장혁)."""
        if len(word) != 2 or not hangul(word) or self.others[word] > 2 or self.part_of_a_name(word):
            return False
        if self.given.get(word, 0) >= 3:
            return True
        short = word[0] in self.surnames and word[1] not in _NO_GIVEN_NAME and self.last[word[1]] >= 25
        return short and word not in self.titles


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon of the installed kiwipiepy_model; reading it takes about a second.

    Raises MissingExtra where kiwipiepy is not installed, CorpuskitError where its dictionaries are of another form.
    """
    folder = Path(str(require("kiwipiepy_model", "names").__file__)).parent
    surnames = words("korean_surnames")
    people, others = Counter[str](), Counter[str]()
    whole: dict[bool, set[str]] = {True: set(), False: set()}
    for name, _, note in _entries(folder / "multi.dict"):
        kind = note.strip("# ").partition(" ")[0]
        if kind != _AMBIGUOUS:
            parts = [part for part in _PARTS.split(name) if part]
            (people if kind in _HUMAN else others).update(set(parts))
            whole[kind in _HUMAN].add("".join(parts))
    titles, before = set[str](), defaultdict[str, set[str]](set)
    for name, tag, _ in _entries(folder / "default.dict"):
        if tag == "NNP":
            titles.add(name)
            if len(name) == 3 and hangul(name) and name[0] in surnames:
                before[name[1:]].add(name[0])
    if not people or not before:
        raise CorpuskitError(f"{folder} has no names of people: names without name_model want kiwipiepy_model 0.22+")
    given = {name: len(found) for name, found in before.items()}
    odds = name_odds(titles, surnames, given)
    last = Counter[str]()
    for name, count in given.items():
        if count > 1:
            last[name[1]] += count
    humans = frozenset(name for name in whole[True] - whole[False] if len(name) >= 4)
    return Lexicon(humans, people, others, given, last, frozenset(titles), surnames, odds)


def _entries(path: Path) -> list[tuple[str, str, str]]:
    """Form, tag and note of each entry of a dictionary."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise CorpuskitError(f"{path} does not exist: names without name_model want kiwipiepy_model 0.22+") from error
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(row[0], row[1], row[3] if len(row) > 3 else "") for row in rows if len(row) >= 2]
