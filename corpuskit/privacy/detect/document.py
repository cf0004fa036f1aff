"""Passports, and driving licences of English-speaking countries: forms so common that only a word beside one tells.

British licences follow DVLA's form (five characters of the surname, the birth date, initials, two check characters);
American ones differ by state, and share a letter or two followed by digits.
"""

from __future__ import annotations

import re

from corpuskit.privacy.finding import Candidate

_NUMBER = r"(?P<number>[MSRODG][0-9]{3}[A-Z][0-9]{4}|[A-Z]{1,2}[0-9]{6,8}|[0-9]{9})(?![0-9A-Za-z])"
_AFTER = re.compile(rf"(?:여권|passport)(?:[^0-9\n]{{0,24}}[^0-9A-Za-z\n])?{_NUMBER}", re.IGNORECASE)
_BEFORE = re.compile(rf"(?<![0-9A-Za-z]){_NUMBER}[^0-9A-Za-z\n]{{1,6}}$")


_LICENCE = re.compile(
    r"licen[cs]e(?:[^0-9A-Z\n]{0,4}(?:number|no|num|#|is|id))*[^0-9A-Za-z\n]{1,4}"
    r"(?P<number>(?-i:[A-Z9]{5}[0-9]{6}[A-Z9]{2}[0-9A-Z]{3}|[A-Z]{1,2}[0-9]{5,14}"
    r"|[A-Z][0-9]{3}(?:-[0-9]{3,4}){2,4}|[0-9]{7,10}))(?![0-9A-Za-z-])",
    re.IGNORECASE,
)


def passport(text: str, start: int, end: int) -> list[Candidate]:
    """A passport number after the word for a passport, or just before it in brackets."""
    match = _AFTER.match(text, start) or _BEFORE.search(text, max(0, start - 18), start)
    if match is None:
        return []
    number = match["number"]
    if not (number[0].isdigit() or number[0].isupper() or (len(number) == 9 and number[0] in "msrodg")):
        return []
    return [Candidate(*match.span("number"), "passport", 0.85)]


def licence(text: str, start: int, end: int) -> list[Candidate]:
    """A driving licence's number after the words for it."""
    match = _LICENCE.search(text, start, min(len(text), end + 50))
    return [Candidate(*match.span("number"), "drivers_licence", 0.75)] if match is not None else []
