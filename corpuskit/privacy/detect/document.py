"""Passport numbers. Their forms are common to many codes, so only a word beside one makes it a passport."""

from __future__ import annotations

import re

from corpuskit.privacy.finding import Candidate

_NUMBER = r"(?P<number>[MSRODG][0-9]{3}[A-Z][0-9]{4}|[A-Z]{1,2}[0-9]{6,8}|[0-9]{9})(?![0-9A-Za-z])"
_AFTER = re.compile(rf"(?:여권|passport)(?:[^0-9\n]{{0,24}}[^0-9A-Za-z\n])?{_NUMBER}", re.IGNORECASE)
_BEFORE = re.compile(rf"(?<![0-9A-Za-z]){_NUMBER}[^0-9A-Za-z\n]{{1,6}}$")


def passport(text: str, start: int, end: int) -> list[Candidate]:
    """A passport number after the word for a passport, or just before it in brackets."""
    match = _AFTER.match(text, start) or _BEFORE.search(text, max(0, start - 18), start)
    if match is None or not (match["number"][0].isdigit() or match["number"][0].isupper()):
        return []
    return [Candidate(*match.span("number"), "passport", 0.85)]
