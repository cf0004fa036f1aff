"""Number plates: Korean ones by their form, British and American ones beside a word that says so.

Korean plates: 자동차등록번호판 등의 기준에 관한 고시 (two or three digits, a syllable for the use, four
digits; old ones with the region in front).

British ones: DVLA INF104. American ones differ by state and share letters and digits.
"""

from __future__ import annotations

import re

from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.marks import PLATE_SYLLABLES

_REGIONS = "서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주"
_KOREAN = re.compile(rf"(?:(?P<region>{_REGIONS}) ?)?(?<![0-9])[0-9]{{1,3}}[{PLATE_SYLLABLES}] ?[0-9]{{4}}(?![0-9])")
_REACH = 10
_WORD = re.compile(r"차량|차 ?번호|번호판|자동차|plate|주차|넘버|견인", re.IGNORECASE)
_COUNTED = re.compile(
    r" ?(?:원|명|개|년|월|회|건|만|억|천|번|호|점|인|석|대|톤|권|주|세|위|가구|세대|킬로|미터|%|[,.][0-9])"
)
_COURT = re.compile(r"대법원|선고|판결|결정|사건|법원|판례|고등|지법|헌재|고단|고합|v\.|제 ?$")
"""Case numbers have the same form: `대법원 96도2753`."""
_WORD_REACH = 30
_LABELLED = re.compile(
    r"(?:plates?|vrm|reg(?:istration|\.)?)(?: ?(?:number|no|num|plate|mark)s?\.?)?(?:[\"']?\s?[:=#]\s?[\"']?"
    r"| is | was | )"
    r"(?P<value>(?-i:[A-Z]{2}[0-9]{2} ?[A-Z]{3}|[A-Z][0-9]{1,3} ?[A-Z]{3}|[A-Z]{3} ?[0-9]{1,3}[A-Z]"
    r"|[0-9]?[A-Z]{2,3}[- ]?[0-9]{3,4}|[0-9]{3}[- ]?[A-Z]{3}|[A-Z]{3}[- ]?[0-9]{4}|[A-Z]{1,3}[0-9]{2,4}[A-Z]{0,2}))"
    r"(?![0-9A-Za-z-])",
    re.IGNORECASE,
)


def korean(text: str, start: int, end: int) -> list[Candidate]:
    """A Korean plate whose four digits are `text[start:end]`."""
    for match in _KOREAN.finditer(text, max(0, start - _REACH), end):
        if match.end() != end:
            continue
        said = _WORD.search(text, max(0, match.start() - _WORD_REACH), match.start()) is not None
        digits = len(re.match(r"[0-9]*", match[0].lstrip(_HANGUL)).group())  # type: ignore[union-attr]
        if said or match["region"]:
            return [Candidate(*match.span(), "number_plate", 0.9)]
        around = text[max(0, match.start() - _WORD_REACH) : match.start()]
        year = " " in match[0] and text[start : start + 2] in ("19", "20")
        if digits < 2 or year or _COUNTED.match(text, end) or _COURT.search(around) or _COURT.match(text, end + 1):
            return []
        return [Candidate(*match.span(), "number_plate", 0.6)]
    return []


_HANGUL = "".join(sorted(set(_REGIONS) - {"|"})) + " "


def labelled(text: str, start: int) -> list[Candidate]:
    """A British or American plate after the word for one."""
    match = _LABELLED.match(text, start)
    return [Candidate(*match.span("value"), "number_plate", 0.8)] if match is not None else []
