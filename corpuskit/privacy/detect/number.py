"""Numbers: everything that is mostly digits, told apart by grouping, ranges, check digits and the words before it.

Sources of the forms: phone numbers, the Korean numbering rules (전기통신번호관리세칙), the North American Numbering
Plan and libphonenumber's metadata for the rest; resident numbers, 주민등록법 시행규칙; cards, ISO/IEC 7812 and the
networks' published ranges; social security numbers, SSA's rules of 2011; taxpayer numbers, IRS Publication 1915.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpuskit.privacy.detect import checks
from corpuskit.privacy.detect.label import label
from corpuskit.privacy.detect.phone import digit_count, digits_of, overlapping, phones
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.marks import NUMBER_WORDS

_S = "[- .\u00a0‐‑‒–—−]"
_C = "[- ./_*~\u00a0‐‑‒–—−]"
_BEFORE = r"(?<![0-9])(?<![0-9][-.,])(?<![A-Za-z_][-_])"
_AFTER = r"(?![0-9])(?![-.,][0-9])"

_RESIDENT = re.compile(
    rf"{_BEFORE}(?P<date>[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]"
    rf"|3[01]))(?P<gap>{_S}{{0,3}}|[/_~*])(?P<rest>[0-9]{{7}}){_AFTER}"
)
_MASKED_RESIDENT = re.compile(
    rf"{_BEFORE}[0-9]{{2}}(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])(?P<gap>{_S}{{1,3}})[1-8](?:[*＊●○xX]{{6}}"
    r"|[*＊●○xX]{5}(?![*＊●○xX]))"
)
"""Birth date and sex, the rest hidden: `901010-1******`."""
_MASK = 7
_SPELT_RESIDENT = re.compile(
    rf"(?<![{NUMBER_WORDS}0-9])(?P<date>(?:[{NUMBER_WORDS}0-9] ?){{5}}[{NUMBER_WORDS}0-9]){_S}{{0,3}}"
    rf"(?P<rest>(?:[{NUMBER_WORDS}0-9] ?){{6}}[{NUMBER_WORDS}0-9])(?![0-9])"
)
_WORD_DIGITS = str.maketrans(NUMBER_WORDS, "001234566789")
_BUSINESS = re.compile(rf"{_BEFORE}[0-9]{{3}}(?P<gap>{_S}{{0,3}})[0-9]{{2}}{_S}{{0,3}}[0-9]{{5}}{_AFTER}")
_LICENCE = re.compile(
    rf"{_BEFORE}(?P<region>[0-9]{{2}})(?P<gap>{_S}?)[0-9]{{2}}(?P=gap)[0-9]{{6}}(?P=gap)[0-9]{{2}}{_AFTER}"
)
_OLD_LICENCE = re.compile(
    r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전"
    r"|울산)[- ]{0,2}[0-9]{2}-[0-9]{6}-[0-9]{2}(?![0-9])"
)
_CARD = re.compile(
    rf"{_BEFORE}[0-9]{{4}}(?P<gap>{_C}{{0,3}})(?:[0-9]{{4}}{_C}{{0,3}}[0-9]{{4}}(?:{_C}{{0,3}}[0-9]{{1,7}})?"
    rf"|[0-9]{{6}}{_S}{{0,3}}[0-9]{{4,5}}){_AFTER}"
)
_TAXPAYER = re.compile(
    rf"{_BEFORE}(?!000|666)[0-9]{{3}}(?P<gap>{_S}?)(?!00)[0-9]{{2}}(?P=gap)(?!0000)[0-9]{{4}}{_AFTER}"
)
_ACCOUNT = re.compile(rf"{_BEFORE}[0-9]{{2,6}}(?:{_S}[0-9]{{1,8}}){{1,4}}{_AFTER}|{_BEFORE}[0-9]{{8,17}}{_AFTER}")
_BANK_AFTER = re.compile(
    r" ?[(\[]?(?:국민|신한|우리|하나|기업|농협|카카오|토스|케이|SC제일|제일|씨티|부산|대구|광주|전북|경남"
    r"|제주|수협|신협|산업|외환|우체국|새마을금고)"
    r"(?:은행|뱅크|\)| ?[가-힣]{2,4}[)\]])|"
    r" ?[(\[]?(?:농협|수협|신협|카뱅|우체국|새마을금고)(?![가-힣])"
)
_SINGLE_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ .·_\-]{1,3}[0-9](?![0-9])){9,15}")

_NETWORKS = (
    (re.compile(r"4[0-9]{12}(?:[0-9]{3}){0,2}"), "Visa"),
    (re.compile(r"5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"), "Mastercard"),
    (re.compile(r"3[47][0-9]{13}"), "American Express"),
    (re.compile(r"3(?:0[0-5]|[689][0-9])[0-9]{11,13}"), "Diners Club"),
    (re.compile(r"35(?:2[89]|[3-8][0-9])[0-9]{12,15}"), "JCB"),
    (re.compile(r"6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12,15}|62[0-9]{14,17}"), "Discover, UnionPay"),
    (re.compile(r"(?:50|5[6-9]|6[0-9])[0-9]{11,17}"), "Maestro"),
    (re.compile(r"9[0-9]{15}"), "Korean domestic"),
)
_ITIN_GROUPS = frozenset([*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)])
_LICENCE_REGIONS = frozenset(map(str, [*range(11, 27), 28]))


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """What the numbers within `text[start:end]` are. The mark is a run of digits and separators."""
    digits = digit_count(text, start, end)
    # '+' and '(' before the run belong to phone numbers alone; the rest lies inside it.
    found = list(phones(text, start, end, digits))
    if end - start >= 13 and end - start - digits >= 6:
        found += _spelt_resident(text, start, end)
    if digits >= 7:
        found += _masked_resident(text, start, end)
    if digits >= 8:
        found += _accounts(text, start, end)
    if digits >= 9:
        found += _taxpayers(text, start, end)
    if digits >= 10:
        found += _registered(text, start, end)
        found += _single_digits(text, start, end)
    if digits >= 12:
        found += _cards(text, start, end)
    return found


def _within(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    # Two characters past the run let look-ahead see what follows; no match reaches into them, they are no digits.
    return overlapping(pattern, text, start, min(len(text), end + 2))


def _glued(text: str, position: int) -> bool:
    """Whether a Latin letter or '_' stands before the position: the digits are part of a word."""
    before = text[position - 1 : position] if position else ""
    return before.isascii() and (before.isalpha() or (before in ("_", "#", "=", "/") and before != ""))


def _registered(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in _within(_RESIDENT, text, start, end):
        score = _resident_score(text, match)
        if score:
            yield Candidate(*match.span(), "resident_registration", score)
    for match in _within(_BUSINESS, text, start, end):
        digits = digits_of(match[0])
        says = label(text, match.start())
        separated = bool(match["gap"]) and match[0][3] in "-‐‑–"
        if not checks.business(digits):
            score = 0.6 if says == "business" else 0.0
        elif separated:
            score = 0.9 if says in (None, "business") else 0.6
        else:
            score = 0.85 if says == "business" else 0.0
        if score and says != "account":
            yield Candidate(*match.span(), "business_registration", score)
    for match in _within(_LICENCE, text, start, end):
        says = label(text, match.start())
        dashed = match["gap"] not in ("", " ", ".")
        if match["region"] in _LICENCE_REGIONS and says != "account" and (dashed or says == "licence"):
            yield Candidate(*match.span(), "drivers_licence", 0.95 if says == "licence" else 0.7)
    for match in _OLD_LICENCE.finditer(text, max(0, start - 5), min(len(text), end + 1)):
        if start <= match.end() - 1 < end:
            yield Candidate(*match.span(), "drivers_licence", 0.9)


def _spelt_resident(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in _within(_SPELT_RESIDENT, text, start, end):
        digits = digits_of((match["date"] + match["rest"]).translate(_WORD_DIGITS))
        spelt = sum(character in NUMBER_WORDS for character in match[0])
        if spelt >= 6 and digits[6] in "12345678" and checks.month_and_day(int(digits[2:4]), int(digits[4:6])):
            yield Candidate(*match.span(), "resident_registration", 0.92)


def _taxpayers(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in _within(_TAXPAYER, text, start, end):
        score = _taxpayer_score(text, match)
        if score:
            yield Candidate(*match.span(), "us_itin" if match[0][0] == "9" else "us_ssn", score)


def _masked_resident(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in overlapping(_MASKED_RESIDENT, text, start, min(len(text), end + _MASK)):
        dashed = match["gap"].strip(" .") != ""
        if checks.month_and_day(int(match["month"]), int(match["day"])) and (
            dashed or label(text, match.start()) == "resident"
        ):
            yield Candidate(*match.span(), "resident_registration", 0.9)


def _resident_score(text: str, match: re.Match[str]) -> float:
    digits = match["date"] + match["rest"]
    if not checks.month_and_day(int(digits[2:4]), int(digits[4:6])):
        return 0.0
    says = label(text, match.start())
    named, valid = says == "resident", checks.resident(digits)
    seventh = digits[6]
    if seventh in "90" and not named:  # born in the nineteenth century, or a corporation's number
        return 0.0
    if says in ("order", "account", "card"):
        return 0.6 if valid and match["gap"] else 0.0
    if named:
        return 0.95
    if match["gap"] in ("/", "_", "~", "*"):
        return 0.0
    if match["gap"].strip(" ."):
        return 0.99 if valid else 0.9
    # Undivided digits: EAN-13 codes of Korean goods begin with 880, which reads as a birth in January 1988.
    if not valid or digits.startswith("880") or _glued(text, match.start()):
        return 0.0
    return 0.7 if match["gap"] or says is None else 0.6


def _taxpayer_score(text: str, match: re.Match[str]) -> float:
    digits = digits_of(match[0])
    says = label(text, match.start())
    if digits[0] == "9" and int(digits[3:5]) not in _ITIN_GROUPS:
        return 0.0
    if says == "taxpayer":
        return 0.95
    if match["gap"] in ("", " ", ".") or says in ("order", "account", "business", "phone"):
        return 0.0
    return 0.7


def _cards(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in _within(_CARD, text, start, end):
        digits = digits_of(match[0])
        score = card_score(text, match.start(), digits, bool(match["gap"]))
        if score:
            yield Candidate(*match.span(), "card", score)


def _accounts(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in _within(_ACCOUNT, text, start, end):
        digits = digits_of(match[0])
        long_enough = 10 <= len(digits) <= 17 or (match[0] == digits and len(digits) >= 8)
        if not long_enough or _is_date(match[0]):
            continue
        if label(text, match.start()) == "account":
            yield Candidate(*match.span(), "bank_account", 0.85)
        elif _BANK_AFTER.match(text, match.end()):
            yield Candidate(*match.span(), "bank_account", 0.75)


def card_score(text: str, start: int, digits: str, grouped: bool) -> float:
    """How sure a run of 13 to 19 digits at `start` is a payment card; 0.0 where it is none."""
    if not checks.luhn(digits):
        return 0.0
    says = label(text, start)
    known = any(pattern.fullmatch(digits) for pattern, _ in _NETWORKS)
    if says == "card":
        return 0.99 if known else 0.8
    if not known or len(digits) < 13:
        return 0.0
    if says == "order" or (not grouped and _glued(text, start)) or len(set(digits)) < 2:
        return 0.0
    if grouped:
        return 0.95
    return 0.75 if len(digits) in (15, 16) else 0.0


def _is_date(value: str) -> bool:
    groups = re.split(_S, value)
    return len(groups) == 3 and len(groups[0]) == 4 and groups[0][:2] in ("19", "20") and int(groups[1]) <= 12


def _single_digits(text: str, start: int, end: int) -> Iterator[Candidate]:
    """Values spelt one digit at a time, `0 1 0 - 1 2 3 4 - 5 6 7 8`, to hide them."""
    for match in _within(_SINGLE_DIGITS, text, start, end):
        digits = digits_of(match[0])
        if len(set(digits)) < 4:
            continue
        if len(digits) == 11 and digits.startswith("010"):
            yield Candidate(*match.span(), "phone", 0.7)
        elif len(digits) == 13 and checks.month_and_day(int(digits[2:4]), int(digits[4:6])) and checks.resident(digits):
            yield Candidate(*match.span(), "resident_registration", 0.75)
        elif len(digits) == 16 and card_score(text, match.start(), digits, True):
            yield Candidate(*match.span(), "card", 0.75)
