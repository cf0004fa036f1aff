"""Values of which a part is hidden: `930417-2******`, `010-48**-1936`, `4539-48**-****-0242`.

What is left still tells a person from others: birth date and sex, half a phone number, six digits of a card.
"""

from __future__ import annotations

import re

from corpuskit.privacy.detect import checks
from corpuskit.privacy.detect.label import label
from corpuskit.privacy.finding import Candidate

_M = "[*xX●○◯■□#]"
_C = "[0-9*xX●○◯■□#]"
_REACH = 24
_LEFT = 4
"""Digits that a hidden phone number or card must still show."""
_RESIDENT = re.compile(
    rf"(?<![0-9A-Za-z])[0-9]{{2}}(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])[-. ]{{1,3}}"
    rf"(?P<rest>[1-8][0-9]{{0,5}}{_M}{{1,7}})(?!{_C})"
)
_PHONE = re.compile(
    rf"(?<![0-9A-Za-z])(?:\+82[- ]?|0)1[016-9][-. ]{_C}{{3,4}}[-. ]{_C}{{4}}(?!{_C})"
    rf"|(?<![0-9A-Za-z])01[016-9](?:[0-9]{{3,4}}{_M}{{4}}|{_M}{{3,4}}[0-9]{{4}})(?!{_C})"
    rf"|(?<![0-9A-Za-z])\(?[2-9][0-9]{{2}}\)?[-. ]{_C}{{3}}[-. ]{_C}{{4}}(?!{_C})"
)
_CARD = re.compile(rf"(?<![0-9A-Za-z])[3-9][0-9]{{3}}(?:[-. ]?{_C}{{4}}){{3}}(?![-. ]?{_C})")
_HIDES = re.compile(_M)


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """A hidden value around the run of hiding signs that begins at `start`."""
    if text[start - 1 : start] == text[start]:
        return []  # the run began before, and was looked at there
    first, last = max(0, start - _REACH), min(len(text), end + _REACH)
    found: list[Candidate] = []
    for pattern, type in ((_RESIDENT, "resident_registration"), (_PHONE, "phone"), (_CARD, "card")):
        found += [
            Candidate(*match.span(), type, 0.9 if type == "resident_registration" else 0.7)
            for match in pattern.finditer(text, first, last)
            if match.start() <= start < match.end() and _is_hidden(text, match, type)
        ]
    return found


def _is_hidden(text: str, match: re.Match[str], type: str) -> bool:
    value = match[0]
    signs = _HIDES.findall(value)
    if not signs or len({sign.lower() for sign in signs}) > 1:
        return False
    shown = sum("0" <= character <= "9" for character in value)
    if type == "resident_registration":
        if not checks.month_and_day(int(match["month"]), int(match["day"])):
            return False
        rest = match["rest"]
        whole = len(rest) in (6, 7) or (len(rest) == 8 and rest.endswith(signs[0]))
        return whole and ("-" in value or label(text, match.start()).name == "resident")
    if type == "phone":
        korean = value.startswith(("01", "+82"))
        return shown >= _LEFT + 3 if korean else shown >= _LEFT + 3 and label(text, match.start()).name == "phone"
    return shown >= _LEFT and len(signs) >= 2
