"""What an audit shows of a text that it extracted: the words, but no number or address that could name a person."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_NUMBER = re.compile(r"\d[\d .-]+\d")
_LONG = 7
"""Digits from which a number may be somebody's: a telephone number without its prefix."""


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
