"""Phone numbers: Korean (mobile, landline, spelt in Hangul), North American, British, and any with a country code.

Korean forms follow 전기통신번호관리세칙 (01x mobile, 02 to 064 areas, 070 internet, 050x personal, 15xx to 18xx
service numbers); North American ones the NANP (area and exchange codes begin with 2 to 9). Numbers of other countries
are checked against libphonenumber's metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from corpuskit.errors import require
from corpuskit.privacy.detect.label import label
from corpuskit.privacy.finding import Candidate

_DASHES = "‐‑‒–—−ㅡ"
_S = f"[-. ()/·_~*\u00a0{_DASHES}]"
_BEFORE = r"(?<![0-9])(?<![0-9][-.])"
_AFTER = r"(?![0-9])(?![-.][0-9])"
_AREA = r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50[2-8]?|80)"

_MOBILE = re.compile(
    rf"(?:(?:\+|(?<![0-9])00|(?<![0-9+]))82{_S}{{0,3}}(?:0{_S}?)?"
    rf"|{_BEFORE}\(?0{_S}?)1(?:0{_S}{{0,3}}[0-9]{{3,4}}"
    rf"|[16789]{_S}{{0,3}}[0-9]{{3,4}})(?P<gap>{_S}{{0,3}})[0-9]{{4}}{_AFTER}"
)
_LANDLINE = re.compile(
    rf"(?:(?P<country>(?:\+|(?<![0-9])00|(?<![0-9+]))82){_S}{{0,3}}0?"
    rf"|{_BEFORE}\(?0){_AREA}(?P<first>{_S}{{0,3}})[0-9]{{3,4}}(?P<gap>{_S}{{0,3}})[0-9]{{4}}{_AFTER}"
)
_SPOKEN = re.compile(
    r"(?:공일공|영일영)(?:에|의| ?다시) ?[공영일이삼사오육륙칠팔구]{3,4}(?:에|의| ?다시) ?"
    r"[공영일이삼사오육륙칠팔구]{4}"
)
_LETTERED = re.compile(
    rf"(?<![A-Za-z0-9])[0oO][1lI][0oO](?P<gap>{_S}{{0,3}})[0-9oOlI]{{3,4}}{_S}{{0,3}}[0-9oOlI]{{4}}(?![A-Za-z0-9])"
)
_SERVICE = re.compile(rf"{_BEFORE}1[568][0-9]{{2}}{_S}?[0-9]{{4}}{_AFTER}")
_SPACED = re.compile(rf"{_BEFORE}0 ?1 ?0(?:{_S}{{0,3}}[0-9]){{8}}{_AFTER}")
_WORDS = "공영일이삼사오육륙칠팔구"
_SPELT = re.compile(rf"(?<![0-9])[공영0]{_S}?[일1]{_S}?[공영0](?:{_S}{{0,3}}[{_WORDS}0-9]){{8}}(?![0-9])")
_NANP = re.compile(
    rf"(?:(?<![0-9+])(?:\+?1|001){_S}{{0,2}}|{_BEFORE}(?<!\+)(?<!\+[0-9] ))(?:\([2-9][0-9]{{2}}\){_S}{{0,2}}"
    rf"|[2-9][0-9]{{2}}(?P<first>[-. /\u00a0{_DASHES}]))"
    rf"[2-9][0-9]{{2}}(?P<gap>[-. \u00a0{_DASHES}])[0-9]{{4}}{_AFTER}"
)
_NANP_PLAIN = re.compile(rf"{_BEFORE}(?:\+?1)?[2-9][0-9]{{2}}[2-9][0-9]{{6}}{_AFTER}")
_LOCAL = re.compile(rf"{_BEFORE}[2-9][0-9]{{2}}[-. ][0-9]{{4}}{_AFTER}")
_WITH_COUNTRY = re.compile(rf"(?:\+|(?<![0-9])00)[1-9][0-9]{{0,2}}(?:{_S}{{0,3}}[0-9]{{1,5}}){{2,7}}(?![0-9])")
_NATIONAL = re.compile(
    rf"{_BEFORE}\(0[1-9][0-9]{{1,4}}\)[0-9]{{6,8}}{_AFTER}"
    rf"|{_BEFORE}\(?0[1-9][0-9]{{1,5}}\)?(?:[- /\u00a0][0-9]{{2,8}}){{1,4}}{_AFTER}"
    rf"|{_BEFORE}0[1-9][0-9]{{8,9}}{_AFTER}"
)
_GROUPED = re.compile(
    rf"{_BEFORE}\(?[0-9]{{2,5}}\)?(?:[- ./\u00a0][0-9]{{2,8}}){{2,4}}{_AFTER}"
    rf"|{_BEFORE}[6-9][0-9]{{4}}[- ]?[0-9]{{5}}{_AFTER}"
)
_DIGITS = re.compile("[0-9]")
_CALLED = re.compile(r"(?:으로|로|에|번으로|번)? ?(?:전화|연락|문의|문자|통화|상담)")
_INVENTED = re.compile(r"\(?07700\)?[ -]?900[ -]?[0-9]{3}|\(?01[0-9]{2}\)?[ -]?496[ -]?0[0-9]{3}")
"""What Ofcom set aside for films: no valid number, and written as one."""
_DATE = re.compile(r"(?:19|20)[0-9]{2}[-./ ][01]?[0-9][-./ ][0-3]?[0-9]")
_EXTENSION = re.compile(r"(?:,? ?(?:ext\.?|extension|x|내선) ?[0-9]{1,5})(?![0-9A-Za-z@._-])", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"(?:tel|hp|fax|phone|mobile|cell|ph|call|[tmhpfo])\.?$", re.IGNORECASE)
_LABELLED_REGIONS = ("GB", "DE", "FR", "IN", "IL", "BR", "AU", "JP", "CN")


def digits_of(value: str) -> str:
    """The ASCII digits of a value."""
    return "".join(filter(str.isdigit, value))


def digit_count(text: str, start: int, end: int) -> int:
    """How many ASCII digits stand in `text[start:end]`."""
    return len(_DIGITS.findall(text, start, end))


def overlapping(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Matches from every place where one begins: a match that turns out to be nothing must not hide the next."""
    match = pattern.search(text, start, end)
    while match is not None:
        yield match
        match = pattern.search(text, match.start() + 1, end)


def phones(text: str, start: int, end: int, digits: int) -> Iterator[Candidate]:
    """Phone numbers within a run of so many digits `text[start:end]`, with the '+' or '(' before it."""
    begin, limit = max(0, start - 2), min(len(text), end + 2)
    for least, pattern, score in _FORMS:
        if digits < least:
            continue
        for match in overlapping(pattern, text, begin, limit):
            sure = score(text, match)
            if sure:
                yield Candidate(
                    match.start() + _bracket(text, match), _with_extension(text, match.end()), "phone", sure
                )


def lettered(text: str, start: int, end: int) -> list[Candidate]:
    """A Korean mobile number with letters for digits, `O1O-1234-5678`."""
    match = _LETTERED.match(text, start)
    if match is None or sum(character.isdigit() for character in match[0]) < 6:
        return []
    return [Candidate(*match.span(), "phone", 0.8 if match["gap"] else 0.6)]


def spoken(text: str, start: int, end: int) -> list[Candidate]:
    """A Korean mobile number as it is read out, `공일공에 일이삼사에 오육칠팔`."""
    match = _SPOKEN.match(text, start)
    return [Candidate(*match.span(), "phone", 0.9)] if match is not None else []


def _with_extension(text: str, end: int) -> int:
    match = _EXTENSION.match(text, end)
    return match.end() if match else end


def _bracket(text: str, match: re.Match[str]) -> int:
    """1 where a match begins with a bracket that is not its own, -1 where its own stands before it, else 0."""
    value = match[0]
    if value.startswith("(") and ")" not in value:
        return 1
    return -(")" in value and "(" not in value and text[match.start() - 1 : match.start()] == "(")


def _in_a_word(text: str, match: re.Match[str]) -> bool:
    """Whether letters before the digits make them part of a name: `ab010...` does, `tel010-...` does not."""
    before = text[max(0, match.start() - 6) : match.start()]
    if not before or not before.isascii():
        before = before[-1:]
    if not before or not before[-1].isascii() or not (before[-1].isalpha() or before[-1] in "_=#&?%"):
        return False
    return _WORD_BEFORE.search(before) is None


def _mobile(text: str, match: re.Match[str]) -> float:
    if _in_a_word(text, match):
        return 0.0
    value = match[0]
    separated = not value[1:].isdigit()
    if value.startswith("0."):  # a decimal, a version
        return 0.0
    national = digits_of(value)[-10:]
    if national.startswith("010") and not separated:  # 010 is followed by eight digits; seven are a slip or no number
        return 0.0
    if separated:
        # '0.10 1234 5678' is a decimal; groups of a phone number are not parted by spaces and dots at once.
        return 0.95 if match["gap"] else 0.8
    says = label(text, match.start())
    if says == "order" or (
        text[match.end() : match.end() + 1].isascii() and text[match.end() : match.end() + 1].isalpha()
    ):
        return 0.0
    if says == "account":
        return 0.55
    return 0.85 if says == "phone" or value.startswith(("010", "+82")) else 0.0


def _landline(text: str, match: re.Match[str]) -> float:
    if _in_a_word(text, match):
        return 0.0
    says = label(text, match.start())
    if says == "phone":
        return 0.95
    if says == "account" or not match["gap"]:
        return 0.0
    if says == "order":
        return 0.55 if ")" in match["first"] else 0.0
    if match["country"]:
        return 0.9
    first, gap = match["first"], match["gap"]
    if "-" in first or ")" in first or any(dash in first for dash in _DASHES):
        return 0.85
    if first.strip() == "." and gap.strip() == ".":
        return 0.6
    return 0.6 if first == gap == " " and says is None and match[0][:2] != "02" else 0.0


def _service(text: str, match: re.Match[str]) -> float:
    says = label(text, match.start()) == "phone" or (match[0][4] == "-" and _CALLED.match(text, match.end()))
    return 0.8 if says and not _in_a_word(text, match) else 0.0


def _spaced(text: str, match: re.Match[str]) -> float:
    return 0.65 if len(set(match[0])) > 4 and not _in_a_word(text, match) else 0.0


def _spelt(text: str, match: re.Match[str]) -> float:
    spelt = sum(character in _WORDS for character in match[0])
    return 0.9 if spelt >= 3 or (spelt == 2 and match[0][0] in _WORDS) else 0.0


def _nanp(text: str, match: re.Match[str]) -> float:
    if _in_a_word(text, match):
        return 0.0
    says = label(text, match.start())
    if says == "phone":
        return 0.95
    if match[0].startswith("+"):
        return 0.9
    if says in ("order", "account", "taxpayer"):
        return 0.0
    first, gap = match["first"], match["gap"]
    if first is None:
        return 0.9
    return 0.75 if first == gap and first in "-." else 0.6 if gap == "-" else 0.0


def _labelled(text: str, match: re.Match[str]) -> float:
    return 0.75 if label(text, match.start()) == "phone" and not _in_a_word(text, match) else 0.0


def _nanp_plain(text: str, match: re.Match[str]) -> float:
    if match[0].startswith("+"):
        return 0.85
    return _labelled(text, match)


def _with_country(text: str, match: re.Match[str]) -> float:
    digits = digits_of(match[0])
    says = label(text, match.start())
    if not 8 <= len(digits) <= 17 or says == "order" or _in_a_word(text, match):
        return 0.0
    if match[0][0] == "0":
        return 0.8 if says == "phone" and _is_valid("+" + digits[2:], None) else 0.0
    if _is_valid(match[0], None):
        return 0.9
    if says == "phone":
        return 0.7
    return 0.6 if len(digits) >= 10 and not match[0][1:].isdigit() and _is_possible(match[0]) else 0.0


def _national(text: str, match: re.Match[str]) -> float:
    if _in_a_word(text, match) or not 9 <= len(digits_of(match[0])) <= 12:
        return 0.0
    says = label(text, match.start())
    if says == "phone" and match[0].startswith("(0"):
        return 0.7
    if says == "phone" and any(_is_valid(match[0], region) for region in _LABELLED_REGIONS):
        return 0.8
    if _INVENTED.fullmatch(match[0]):
        return 0.6
    if says in (None, "phone") and not match[0].isdigit() and _is_valid(match[0], "GB"):
        return 0.6
    return 0.0


def _grouped(text: str, match: re.Match[str]) -> float:
    if label(text, match.start()) != "phone" or _in_a_word(text, match) or _DATE.match(match[0]):
        return 0.0
    if len(digits_of(match[0])) < 8:
        return 0.0
    return 0.6 if any(_is_valid(match[0], region) for region in _LABELLED_REGIONS) else 0.0


@lru_cache(maxsize=4096)
def _is_valid(value: str, region: str | None) -> bool:
    phonenumbers = require("phonenumbers", "privacy")
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(value, region)))
    except phonenumbers.NumberParseException:
        return False


def _is_possible(value: str) -> bool:
    phonenumbers = require("phonenumbers", "privacy")
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(value, None)))
    except phonenumbers.NumberParseException:
        return False


_FORMS = (
    (10, _MOBILE, _mobile),
    (9, _LANDLINE, _landline),
    (8, _SERVICE, _service),
    (11, _SPACED, _spaced),
    (0, _SPELT, _spelt),
    (10, _NANP, _nanp),
    (10, _NANP_PLAIN, _nanp_plain),
    (7, _LOCAL, _labelled),
    (8, _WITH_COUNTRY, _with_country),
    (9, _NATIONAL, _national),
    (8, _GROUPED, _grouped),
)
"""(digits that the form has at least, the form, its score)."""
