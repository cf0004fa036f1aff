"""Korean particles: which of two forms follows a word depends on whether its last syllable ends in a consonant."""

from __future__ import annotations

_CLOSED_DIGITS = "013678"
"""Digits whose Sino-Korean reading ends in a consonant: 영 (십), 일, 삼, 육, 칠, 팔."""


def closed(word: str) -> bool:
    """Whether the last syllable of a Hangul word ends in a consonant."""
    return (ord(word[-1]) - 0xAC00) % 28 > 0


def particle(word: str, after_consonant: str, after_vowel: str) -> str:
    """The word with the particle that follows it: particle('집', '을', '를') is '집을'."""
    return word + (after_consonant if closed(word) else after_vowel)


def after_number(number: int, after_consonant: str, after_vowel: str) -> str:
    """The particle that follows a number in digits, by how it is read aloud."""
    return after_consonant if str(number)[-1] in _CLOSED_DIGITS else after_vowel
