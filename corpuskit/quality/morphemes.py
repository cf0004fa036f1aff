"""What makes Korean a language of sentences, by morphemes: its particles, endings and other function words.

Kiwi (kiwipiepy) cuts words into morphemes and tags them with the classes of the Sejong corpus. Unlike a list of last
syllables it tells the particle of 지금도 from the noun 지도.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from corpuskit.errors import require

Analyser = Literal["kiwi"]

ENDINGS = ("J", "E")
"""Tags of particles and of verb endings begin so."""
FUNCTION_WORDS = (*ENDINGS, "NP", "NNB", "MM", "MAJ", "VX", "VC")
"""The closed classes: those, pronouns, dependent nouns, determiners, conjunctive adverbs, auxiliary verbs, copulas."""
_CONTENT = ("N", "V", "M", "X", "I", "SL", "SH", "SN")
"""Tags of what an ending can follow: words of content, and those in other letters, characters or digits."""
PIECE = 10_000
"""A text is analysed in pieces of at most so many characters, cut at white space."""

_WORD = re.compile(r"\S+")


class Grammar(NamedTuple):
    """What a text has of them."""

    function_words: int
    """Distinct morphemes of the closed classes."""
    with_ending: int
    """Runs of characters between white space that hold a particle or ending and what it belongs to."""


@lru_cache(maxsize=1)
def _kiwi() -> Any:
    return require("kiwipiepy", "korean").Kiwi(num_workers=1)


def grammar(texts: Sequence[str], piece: int = PIECE) -> list[Grammar]:
    """The function words and endings of Korean texts. Raises MissingExtra where kiwipiepy is not installed."""
    kiwi = _kiwi()
    found = []
    for text in texts:
        seen: set[tuple[str, str]] = set()
        with_ending = 0
        for part in _pieces(text, piece):
            tokens = kiwi.tokenize(part)
            seen.update((token.form, token.tag[0]) for token in tokens if token.tag.startswith(FUNCTION_WORDS))
            words = np.array([word.start() for word in _WORD.finditer(part)], np.int64)
            endings, content = (
                np.searchsorted(words, [token.start for token in tokens if token.tag.startswith(tags)], "right")
                for tags in (ENDINGS, _CONTENT)
            )
            with_ending += len(np.intersect1d(endings, content))
        found.append(Grammar(len(seen), with_ending))
    return found


def _pieces(text: str, longest: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + longest
        if end < len(text):
            blank = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
            end = blank if blank > start else end
        yield text[start:end]
        start = end
