"""How much more often a syllable stands in a Korean full name than in another word that begins like one.

Of an encyclopaedia's titles of three syllables that begin with a surname's, most are people (황비홍) and some are not
(임진강); nothing says which. They are told apart by a naive Bayes model of two classes with hidden labels, fitted by
expectation maximization (Dempster, Laird and Rubin, 1977; for naive Bayes, Nigam et al., "Text classification from
labeled and unlabeled documents using EM", 2000). It begins with what is known: two syllables that follow five surnames
are a given name, and a title that begins with no surname is no Korean name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_SYLLABLES = ord("힣") - ord("가") + 1
_ROUNDS = 15
_UNSEEN = -1.0
_COUNTED = 0.1
"""What every syllable is counted beforehand, so that none is impossible."""
_AT_FIRST = ((5, 1.0), (2, 0.5), (0, 0.1))
"""(surnames that a given name follows at least, the share of such titles that are people before the first round)."""


def hangul(word: str) -> bool:
    return all("가" <= character <= "힣" for character in word)


class NameOdds(NamedTuple):
    """For each of three places, the log odds of each syllable there. The prior's are in the first."""

    first: dict[str, float]
    second: dict[str, float]
    third: dict[str, float]

    def of(self, word: str) -> float:
        """The log odds that three syllables that begin with a surname's are a person's name: above 0, rather yes."""
        return sum(odds.get(syllable, _UNSEEN) for odds, syllable in zip(self, word, strict=True))


def name_odds(titles: Collection[str], surnames: Collection[str], given: Mapping[str, int]) -> NameOdds:
    """The odds learned from titles. `given` says how many surnames stand before two syllables in titles of three."""
    words = sorted(title for title in titles if len(title) == 3 and hangul(title))
    codes = np.array([[ord(syllable) - ord("가") for syllable in word] for word in words]).T
    may_be = np.array([word[0] in surnames for word in words])
    follows = [given.get(word[1:], 0) for word in words]
    people = np.array([next(share for least, share in _AT_FIRST if number >= least) for number in follows]) * may_be
    for _ in range(_ROUNDS):
        # A title without a surname says nothing of how the others begin.
        things = [(1 - people) * may_be, 1 - people, 1 - people]
        odds = [_logs(codes[place], people) - _logs(codes[place], things[place]) for place in range(3)]
        odds[0] += np.log(people.sum() / (may_be.sum() - people.sum()))
        score = sum(odds[place][codes[place]] for place in range(3))
        people = may_be / (1 + np.exp(-score))
    return NameOdds(
        *({chr(ord("가") + code): float(odds[place][code]) for code in np.unique(codes[place])} for place in range(3))
    )


def _logs(codes: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The logarithm of each syllable's share of the weights."""
    counts = np.bincount(codes, weights, _SYLLABLES) + _COUNTED
    return np.asarray(np.log(counts / counts.sum()))
