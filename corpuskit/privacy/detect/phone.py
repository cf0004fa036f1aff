"""Phone numbers: Korean (mobile, landline, spelt in Hangul), North American, British, and any with a country code.

Korean forms follow 전기통신번호관리세칙 (01x mobile, 02 to 064 areas, 070 internet, 050x personal, 15xx to 18xx
service numbers); North American ones the NANP (area and exchange codes begin with 2 to 9). A number with a country code
is read as such before anything else. Numbers of other countries are checked against libphonenumber's metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from corpuskit.errors import require
from corpuskit.privacy.detect.label import label
from corpuskit.privacy.detect.run import Form, Span, Spans, Value, overlapping
from corpuskit.privacy.finding import Candidate

_WORDS = "공영일이삼사오육륙칠팔구"
_S = "[-. ()/_~*,]"
_SPOKEN = re.compile(
    r"(?:공일공|영일영)(?:에|의| ?다시) ?[공영일이삼사오육륙칠팔구]{3,4}(?:에|의| ?다시) ?"
    r"[공영일이삼사오육륙칠팔구]{4}"
)
_LETTERED = re.compile(
    rf"(?<![A-Za-z0-9])[0oO][1lI][0oO](?P<gap>{_S}{{0,3}})[0-9oOlI]{{3,4}}{_S}{{0,3}}[0-9oOlI]{{4}}(?![A-Za-z0-9])"
)
_SPELT = re.compile(rf"(?<![0-9])[공영0]{_S}?[일1]{_S}?[공영0](?:{_S}{{0,3}}[{_WORDS}0-9]){{8}}(?![0-9])")
_CALLED = re.compile(r"(?:으로|로|에|번으로|번)? ?(?:전화|연락|문의|문자|통화|상담)")
_INVENTED = re.compile(r"07700900[0-9]{3}|01[0-9]{2}4960[0-9]{3}")
"""What Ofcom set aside for films: no valid number, and written as one."""
_DATE = re.compile(r"(?:19|20)[0-9]{2}[-./ ][01]?[0-9][-./ ][0-3]?[0-9]")
_EXTENSION = re.compile(r"(?:,? ?(?:ext\.?|extension|x|내선) ?[0-9]{1,5})(?![0-9A-Za-z@._-])", re.IGNORECASE)
_LABELLED_REGIONS = ("GB", "DE", "FR", "IN", "IL", "BR", "AU", "JP", "CN", "IT", "ES")
_MOBILE_PREFIXES = ("010", "011", "016", "017", "018", "019")
_AREAS = frozenset(
    ["02", *(f"0{code}" for code in (*range(31, 34), *range(41, 45), *range(51, 56), *range(61, 65), 70, 80, 50))]
)
_AMERICAN = re.compile("1[2-9][0-9]{2}[2-9][0-9]{6}")
_MAX_DIGITS = 15  # E.164


def _digits_only(value: str) -> str:
    return "".join(character for character in value if "0" <= character <= "9")


def extent(value: Value) -> tuple[int, int]:
    """A phone number with its bracket and its extension."""
    text, start, end = value.text, value.start, value.end
    inside = text[start:end]
    if ")" in inside and "(" not in inside and text[start - 1 : start] == "(":
        start -= 1
    match = _EXTENSION.match(text, end)
    return start, match.end() if match is not None else end


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


def spelt(text: str, start: int, end: int) -> Iterator[Candidate]:
    """Korean mobile numbers in words for digits within a run, `공일공-1234-오육칠팔`."""
    for match in overlapping(_SPELT, text, start, min(len(text), end + 2)):
        words = sum(character in _WORDS for character in match[0])
        if words >= 3 or (words == 2 and match[0][0] in _WORDS):
            yield Candidate(*match.span(), "phone", 0.9)


# ---- Korean forms ------------------------------------------------------------------------------------------------


def _is_clean(value: Value) -> bool:
    """Whether no Latin letter goes on after the digits, as in a hash."""
    return not (value.after.isascii() and value.after.isalpha())


def _mobile(value: Value) -> float:
    digits = value.digits
    if digits.startswith("82"):
        digits = "0" + digits[2:].removeprefix("0")
    if not digits.startswith(_MOBILE_PREFIXES) or len(digits) not in (10, 11) or value.glued:
        return 0.0
    if digits[3:5] == "00":  # no exchange begins with 0; those with one 0 occur where people invent numbers
        return 0.0
    if value.gaps:
        return 0.95
    if digits.startswith("010") and len(digits) != 11:  # 010 is followed by eight digits; seven are no number
        return 0.0
    if value.denied("order") or not _is_clean(value):
        return 0.0
    if value.denied("account"):
        return 0.55
    return 0.85 if value.says("phone") or digits.startswith("010") else 0.0


def _landline(value: Value) -> float:
    digits = value.digits
    if digits.startswith("82"):
        digits = "0" + digits[2:].removeprefix("0")
        country = True
    else:
        country = False
    area = "02" if digits.startswith("02") else digits[:3]
    rest = len(digits) - len(area)
    if area not in _AREAS or value.glued or digits[len(area)] == "0":
        return 0.0
    if area == "050":
        if rest not in (8, 9):
            return 0.0
    elif rest not in (7, 8):
        return 0.0
    if value.says("phone"):
        return 0.95
    if value.denied("account") or not value.gaps:
        return 0.0
    first, last = value.gaps[0], value.gaps[-1]
    if len(value.groups) < 3 and not country:
        return 0.0
    if value.denied("order"):
        return 0.55 if ")" in first else 0.0
    if country:
        return 0.9
    if "-" in first or ")" in first:
        return 0.85
    if value.gap in ("/", "_", "~", "*"):
        return 0.6
    if value.gap == ".":
        return 0.6
    return 0.6 if first == last == " " and value.label.name is None and area != "02" else 0.0


def _service(value: Value) -> float:
    if value.digits[0] != "1" or value.digits[1] not in "568" or value.glued:
        return 0.0
    called = value.gap == "-" and _CALLED.match(value.text, value.end)
    return 0.8 if value.says("phone") or called else 0.0


# ---- North American forms ----------------------------------------------------------------------------------------


def _nanp(value: Value) -> float:
    digits = value.digits
    if len(digits) == 11:
        if digits[0] != "1":
            return 0.0
        digits = digits[1:]
    if digits[0] in "01" or digits[3] in "01" or digits[3:8] == "55501" or value.glued:
        return 0.0
    if value.before == "+" or _after_country_code(value) or ("," in value.gaps and value.gap != ","):
        return 0.0
    if len(value.groups) == 2 and value.gap == ",":
        return 0.0
    if value.says("phone"):
        return 0.95 if value.gaps else 0.75
    if value.whole or value.denied("order", "account", "taxpayer", "nhs", "patient"):
        return 0.0
    first, last = value.gaps[-2] if len(value.gaps) > 1 else "", value.gaps[-1]
    if ")" in first:
        return 0.9
    if len(value.groups) == 4 and value.gap == "-":
        return 0.8
    if first == last and first in ("-", "."):
        return 0.75
    if last == "-":
        return 0.6
    return 0.6 if first == last and first in ("/", "_", "~", "*") else 0.0


def _after_country_code(value: Value) -> bool:
    """Whether a '+' and other digits come before, so that these are the end of a longer number."""
    ahead = value.text[max(0, value.start - 6) : value.start]
    return re.search(r"\+[0-9]{1,3}[-. ()]{0,2}$", ahead) is not None


def _local(value: Value) -> float:
    return 0.75 if value.says("phone") and value.digits[0] not in "01" and not value.glued and value.gaps else 0.0


# ---- with a country code, and national forms of other countries ---------------------------------------------------


def international(text: str, spans: Spans, first: int) -> list[Span]:
    """A number with a country code whose first group is the run's `first`: after a '+' or '00'."""
    start = spans[first][0]
    plus = text[start - 1 : start] == "+" if start else False
    group = text[start : spans[first][1]]
    zeros = not plus and group.startswith("00") and len(group) <= 15 and group[2:3] != "0"
    if not plus and not zeros:
        return []
    digits, ends = "", []
    for last in range(first, min(first + 8, len(spans))):
        gap = text[spans[last - 1][1] : spans[last][0]] if last > first else ""
        if last > first and ("+" in gap or len(gap.strip()) > 2 or "," in gap):
            break
        part = text[slice(*spans[last])]
        bracketed = part == "0" and gap.endswith("(") and text[spans[last][1] : spans[last][1] + 1] == ")"
        digits += "" if bracketed else part
        if len(digits) > _MAX_DIGITS + 2 * zeros:
            break
        if len(digits) >= 8:
            ends.append((last, digits.removeprefix("00") if zeros else digits))
    value = Value(text, spans, first, first)
    if not ends or (plus and text[start - 2 : start - 1].isalnum() and start > 1 and text[start - 2].isascii()):
        return []
    begin = start - plus
    if plus and text[begin - 1 : begin] == "(" and begin:
        closed = text[spans[first][1] : spans[first][1] + 1] == ")"
        begin -= closed
    labelled = value.says("phone")
    for last, number in reversed(ends):
        if is_valid("+" + number):
            score = 0.97 if plus else 0.85 if labelled or number.startswith("82") else 0.0
            if score and not _is_reserved(number):
                return [_span(text, spans, first, last, begin, score)]
            return []
    american = [(last, number) for last, number in ends if plus and _AMERICAN.fullmatch(number)]
    for last, number in american:
        return [] if _is_reserved(number) else [_span(text, spans, first, last, begin, 0.95 if labelled else 0.9)]
    if plus and labelled and not _is_reserved(ends[-1][1]) and len(ends[-1][1]) <= _MAX_DIGITS:
        return [_span(text, spans, first, ends[-1][0], begin, 0.7)]
    last, number = ends[-1]
    grouped = plus and last > first and len(number) >= 10 and is_possible("+" + number)
    return [_span(text, spans, first, last, begin, 0.6)] if grouped and not _is_reserved(number) else []


def _span(text: str, spans: Spans, first: int, last: int, begin: int, score: float) -> Span:
    _, end = extent(Value(text, spans, first, last))
    return Span(first, last, Candidate(begin, end, "phone", score))


def scattered(text: str, spans: Spans, first: int) -> list[Span]:
    """A Korean mobile number in groups of any length, `010 1 2 3 4 5 6 7 8` or `010 12 34 56 78`."""
    if text[spans[first][0]] != "0" or spans[first][1] - spans[first][0] > 3:
        return []
    digits = ""
    for last in range(first, min(first + 10, len(spans))):
        digits += text[slice(*spans[last])]
        if not "010".startswith(digits[:3]) or len(digits) >= 11:
            break
    value = Value(text, spans, first, last)
    if len(digits) != 11 or digits[3] == "0" or len(set(digits)) < 5 or last - first < 4 or value.glued:
        return []
    return [Span(first, last, Candidate(value.start, value.end, "phone", 0.65))]


def _is_reserved(number: str) -> bool:
    """Whether a number with its country code is in a range that belongs to nobody."""
    national = number[2:]
    korean = number.startswith("82") and re.match(r"0?1[016-9]00", national) is not None
    american = number.startswith("1") and number[4:9] == "55501"
    unassigned = number.startswith("999") or (re.match(r"[0-9]{1,3}000[0-9]{3}", number) and not is_valid("+" + number))
    return korean or american or bool(unassigned)


def grouped(text: str, spans: Spans) -> Iterator[Span]:
    """National numbers in the groups of other countries, most of them told by a label."""
    for first in range(len(spans)):
        lead = text[spans[first][0]]
        bracket = text[spans[first][0] - 1 : spans[first][0]] if spans[first][0] else ""
        if bracket == "+" or spans[first][1] - spans[first][0] > 11:
            continue
        if lead != "0" and label(text, spans[first][0]).name != "phone":
            continue
        if spans[first][1] - spans[first][0] == 3 and text[slice(*spans[first])] in _MOBILE_PREFIXES:
            continue  # a Korean mobile number, which has forms of its own
        total = 0
        lasts: list[int] = []
        for last in range(first, min(first + 5, len(spans))):
            gap = text[spans[last - 1][1] : spans[last][0]] if last > first else ""
            if last > first and (gap.strip() not in ("", "-", ".", "/", ")") or len(gap) > 2):
                break
            total += spans[last][1] - spans[last][0]
            if total > 12:
                break
            if total >= 8 and (lead == "0" or last > first):
                lasts.append(last)
        for last in reversed(lasts):
            value = Value(text, spans, first, last)
            score = _national(value) if lead == "0" else _labelled(value)
            if score:
                yield Span(first, last, Candidate(*extent(value), "phone", score))
                break


def _national(value: Value) -> float:
    if not 9 <= len(value.digits) <= 12 or value.glued:
        return 0.0
    if _INVENTED.fullmatch(value.digits):
        return 0.6 if value.gaps and not value.digits.startswith("07700900") else 0.0
    if value.says("phone"):
        if value.text[value.start - 1 : value.start] == "(":
            return 0.7
        return 0.8 if any(is_valid(value.digits, region) for region in _LABELLED_REGIONS) else 0.0
    if value.label.name is None and value.gaps and set(value.gaps) <= {" ", "-", ") ", ")"}:
        return 0.6 if is_valid(value.digits, "GB") else 0.0
    return 0.0


def _labelled(value: Value) -> float:
    decimal = len(value.groups) == 2 and value.gap == "."
    if decimal or not value.says("phone") or value.glued or _DATE.match(value.text[value.start : value.end]):
        return 0.0
    return 0.6 if any(is_valid(value.digits, region) for region in _LABELLED_REGIONS) else 0.0


@lru_cache(maxsize=8192)
def is_valid(value: str, region: str | None = None) -> bool:
    """Whether libphonenumber's metadata has the number (after '+', or in a region)."""
    phonenumbers = require("phonenumbers", "privacy")
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(value, region)))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=8192)
def is_possible(value: str) -> bool:
    """Whether a number after '+' has a length that its country has."""
    phonenumbers = require("phonenumbers", "privacy")
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(value, None)))
    except phonenumbers.NumberParseException:
        return False


FORMS = (
    Form(
        "phone",
        (
            *((3, 4, 4), (3, 3, 4), (3, 8), (3, 7), (7, 4), (6, 4), (11,), (10,)),
            *((3, 4, 2, 2), (3, 2, 2, 4), (3, 2, 2, 2, 2), (3, 3, 2, 3), (2, 10), (12,), (13,)),
            *((2, 2, 4, 4), (2, 3, 4, 4), (2, 2, 3, 4), (2, 3, 3, 4), (2, 2, 8), (2, 3, 8), (4, 4, 4)),
        ),
        _mobile,
    ),
    Form(
        "phone",
        (
            *((2, 3, 4), (2, 4, 4), (3, 3, 4), (3, 4, 4), (2, 7), (2, 8), (3, 7), (3, 8), (9,), (10,), (11,), (12,)),
            *((4, 3, 4), (4, 4, 4), (4, 8), (5, 4), (6, 4), (2, 1, 3, 4), (2, 1, 4, 4), (2, 2, 3, 4), (2, 2, 4, 4)),
        ),
        _landline,
    ),
    Form("phone", ((4, 4), (8,)), _service),
    Form("phone", ((3, 3, 4), (1, 3, 3, 4), (10,), (11,), (3, 7), (1, 10)), _nanp),
    Form("phone", ((3, 4),), _local),
)
