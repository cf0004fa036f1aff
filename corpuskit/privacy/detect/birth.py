"""Dates of birth: a full date beside a word that says that somebody was born on it."""

from __future__ import annotations

import datetime
import re

from corpuskit.privacy.detect.checks import month_and_day
from corpuskit.privacy.finding import Candidate

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb"
    r"|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
)
_YEAR = r"(?:19[0-9]{2}|20[0-2][0-9])"
_DATE = (
    rf"(?P<date>(?<![0-9])(?:(?P<y1>{_YEAR})(?: ?[-./] ?|년 ?)(?P<m1>[0-9]{{1,2}})(?: ?[-./] ?"
    rf"|월 ?)(?P<d1>[0-9]{{1,2}})(?![0-9])일?"
    rf"|(?P<m2>{_MONTH}) (?P<d2>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>{_YEAR})"
    rf"|(?P<d3>[0-9]{{1,2}})(?:st|nd|rd|th)?[ -](?:of )?(?P<m3>{_MONTH})(?:,? |-)(?P<y3>{_YEAR})"
    rf"|(?P<a4>[0-9]{{1,2}})[-./](?P<b4>[0-9]{{1,2}})[-./](?P<y4>{_YEAR})"
    rf"|(?P<y5>{_YEAR})(?P<m5>[0-9]{{2}})(?P<d5>[0-9]{{2}})"
    r"|(?P<y6>[0-9]{2})(?:(?P<k6>년 ?)|(?P<s6>[-./]?|[-./] ))(?P<m6>[0-9]{1,2})(?(k6)월 ?|(?P=s6))"
    r"(?P<d6>[0-9]{1,2})일?)(?![0-9]))"
)
_AFTER = re.compile(
    rf"(?P<word>생년월일|출생(?:일자|일)?|(?<!발)생일|태어난 ?날|date of birth|birth ?date|birthday|birth"
    rf"|born|d\.o\.b\.?"
    rf"|dob)(?P<gap>[^0-9\n]{{0,40}}?){_DATE}",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"{_DATE}\.?(?:에|날|,)? ?$", re.IGNORECASE)
_BORN_AFTER = re.compile(
    r"생(?![가-힣])|생(?:이|입니다|으로|인|은|임|의|과|에|까지|이며|이고)(?![가-힣])|생(?:이|입|으|인)"
)
_DIGIT = re.compile("[0-9]")
_SENTENCE_END = re.compile(r"[.!?] |다\.|요\.|;")
_BORN_GAP = re.compile(r"[ :,(]*(?:(?:in|at) [^0-9]{1,30}?)?[ ,]*(?:on )?(?:the )?", re.IGNORECASE)
_SHORT_GAP = 4
"""`생일은 95/08/21`, `생일 : 950821`: code points between the word and a date that needs no year of four digits."""
_STRICT = ("생년월일", "date of birth", "dob", "d.o.b", "d.o.b.", "birth date", "birthdate", "출생일", "출생일자")


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """A date after the word at `text[start:end]`, or just before it (`1990년 3월 5일생`, `... 출생`)."""
    begin = start - 8 if text[max(0, start - 8) : start].lower() == "date of " else start
    match = _AFTER.match(text, begin)
    if match is not None and match["word"].lower() in ("born", "birth") and not _BORN_GAP.fullmatch(match["gap"]):
        match = None
    if match is not None:
        strict = match["word"].lower() in _STRICT or (match["word"] == "생일" and len(match["gap"]) <= _SHORT_GAP)
        gap = match["gap"].replace("? ", " ") if strict else match["gap"]  # a question and its answer
        if not _SENTENCE_END.search(gap) and _is_date(match, strict):
            return [Candidate(*match.span("date"), "birth_date", 0.85)]
    word = text[start:end]
    if word in ("일생", "출생", "태어") and _DIGIT.search(text, max(0, start - 26), start):
        before = _BEFORE.search(text, max(0, start - 26), start + 1 if word == "일생" else start)
        if before is not None and _is_date(before, word == "출생"):
            close = before.end("date")
            return [Candidate(before.start("date"), close, "birth_date", 0.8)]
    return []


def born(text: str, start: int, end: int) -> list[Candidate]:
    """A date just before 생 (born) at `start`: `1990-03-05생`, `900305생`."""
    if _BORN_AFTER.match(text, start) is None:
        return []
    before = _BEFORE.search(text, max(0, start - 16), start)
    if before is None or not _is_date(before, True):
        return []
    begin, close = before.span("date")
    return [Candidate(begin, close + (". " in before["date"] and text[close] == "."), "birth_date", 0.8)]


def _is_date(match: re.Match[str], strict: bool) -> bool:
    """`strict` admits six bare digits (900305), which are a date only after a word that asks for one."""
    if match["y6"] is None:
        return _read(match) is not None
    if match["s6"] == "" and len(match["m6"] + match["d6"]) != 4:
        return False
    if not strict and match["k6"] is None:
        return False
    return _read(match) is not None


_ANY_DATE = re.compile(_DATE, re.IGNORECASE)
_CENTURY_PIVOT = 30
"""A year of two digits below this one is of the 21st century."""


def read_date(value: str) -> datetime.date | None:
    """The date that a value writes, in any of the forms that are found; None where it writes none.

    A numeric date without a year of four digits in front is read as year, month, day where that is a date, else as
    month, day, year, else as day, month, year.
    """
    match = _ANY_DATE.search(value)
    return _read(match) if match is not None else None


def _read(match: re.Match[str]) -> datetime.date | None:
    """The date of a match of `_DATE`."""
    for digit in "15":
        if match["y" + digit]:
            return _date(*(int(match[part + digit]) for part in "ymd"))
    for digit in "23":
        if match["y" + digit]:
            month = _MONTHS.index(match["m" + digit][:3].lower()) + 1
            return _date(int(match["y" + digit]), month, int(match["d" + digit]))
    if match["y4"]:
        year, first, second = int(match["y4"]), int(match["a4"]), int(match["b4"])
        return _date(year, first, second) or _date(year, second, first)
    first, second, third = int(match["y6"]), int(match["m6"]), int(match["d6"])
    for short, month, day in ((first, second, third), (third, first, second), (third, second, first)):
        in_order = (short, month, day) == (first, second, third)
        if (in_order or (match["s6"] or "").strip() in ("-", "/", ".")) and short < 100:
            read = _date(short + (2000 if short < _CENTURY_PIVOT else 1900), month, day)
            if read is not None:
                return read
    return None


def _date(year: int, month: int, day: int) -> datetime.date | None:
    if not month_and_day(month, day):
        return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
