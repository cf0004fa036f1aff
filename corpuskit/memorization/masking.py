"""What an audit shows of a text that it extracted: no excerpt near personal data, and elsewhere no number.

The whole document is searched before anything is cut from it: a value that an edge of the excerpt cuts in two is still
found. What stands beside a value (a name, a street, an illness) is about the same person and has no form of its own,
so an excerpt near personal data is not shown at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpuskit.errors import MissingExtra
from corpuskit.privacy import find

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_NUMBER = re.compile(r"\d[\d .-]+\d")
_LONG = 7
"""Digits from which a number may be somebody's: a telephone number without its prefix."""


NEAR = 1000
"""Characters on both sides of an excerpt in which personal data keeps it from being shown."""


def excerpts(texts: Sequence[str], places: Sequence[tuple[int, int]]) -> list[str]:
    """Characters from `start` to before `end` of each whole text, as they may be shown.

    Where personal data (`corpuskit.privacy.find`) is within `NEAR` characters, a note says which types instead; where
    the parts that find it are not installed, nothing is shown.
    """
    try:
        findings = find(list(texts))
    except MissingExtra:
        return ["[withheld: personal data cannot be looked for, install corpuskit[privacy]]"] * len(texts)
    shown = []
    for text, (start, end), row in zip(texts, places, findings, strict=True):
        # a reserved value (someone@example.org) is no finding, but what stands beside it reads as somebody's
        places_of = [(one.start, one.end, one.type) for one in row] + addresses_and_numbers(text)
        near = sorted({kind for first, last, kind in places_of if first < end + NEAR and last > start - NEAR})
        shown.append(f"[withheld: near personal data ({', '.join(near)})]" if near else masked(text)[start:end])
    return shown


def masked(text: str) -> str:
    """The text with e-mail addresses and all numbers of two and more digits blotted out, its length kept."""
    text = _ADDRESS.sub(lambda found: "•" * len(found[0]), text)
    return _NUMBER.sub(lambda found: re.sub(r"\d", "•", found[0]), text)


def names_someone(text: str) -> bool:
    """Whether an e-mail address or a number of seven and more digits stands in the text."""
    return bool(addresses_and_numbers(text))


def addresses_and_numbers(text: str) -> list[tuple[int, int, str]]:
    """(start, end, 'email' or 'number') of what could name a person: addresses, numbers of seven and more digits."""
    found = [(match.start(), match.end(), "email") for match in _ADDRESS.finditer(text)]
    found += [
        (match.start(), match.end(), "number")
        for match in _NUMBER.finditer(text)
        if sum(character.isdigit() for character in match[0]) >= _LONG
    ]
    return sorted(found)
