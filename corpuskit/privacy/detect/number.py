"""Numbers: everything that is mostly digits, read once as groups and gaps, then told apart by form.

A run of digits and separators is cut into groups (`010-4827-1935` is 3, 4 and 4 digits). A *form* says which group
lengths a type has, and scores a value by its gaps, ranges, check digits and label. `run` says which readings hold.

Sources of the forms: resident numbers, 주민등록법 시행규칙; cards, ISO/IEC 7812 and the networks' published ranges;
social security numbers, SSA's rules of 2011; taxpayer numbers, IRS Publication 1915; IMEI, 3GPP TS 23.003; Aadhaar,
UIDAI (Verhoeff check); CPF, Receita Federal; Chinese identity numbers, GB 11643-1999; NHS numbers, NHS Data Dictionary;
개인통관고유부호, 관세청 고시. Phone numbers are in `phone`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from corpuskit.privacy.detect import checks, phone
from corpuskit.privacy.detect.label import label
from corpuskit.privacy.detect.run import Form, Span, Spans, Value, overlapping, standing
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.marks import NUMBER_WORDS

_GROUP = re.compile("[0-9]+")
_DATE = (
    r"(?:19|20)[0-9]{2}(?:-(?:0?[1-9]|1[0-2])-|\.(?:0?[1-9]|1[0-2])\.|/(?:0?[1-9]|1[0-2])/)(?:0?[1-9]|[12][0-9]|3[01])"
)
_ITEM = rf"(?:{_DATE}|[1-9][0-9]{{0,5}}(?:\.[0-9]{{1,6}})?|0(?:\.[0-9]{{1,6}})?)"
_PLAIN = re.compile(
    rf"{_DATE}(?:\.? [0-2][0-9])?|[0-9]{{1,3}}(?:,[0-9]{{3}}){{2,}}|(?=[0-9,]*[.-]){_ITEM}(?:,{_ITEM})+"
)
"""A date, with the hour or without, an amount with its thousands divided, dates and decimals in the cells of a table:
most of the runs that hold no value."""
_WORD_DIGITS = str.maketrans(NUMBER_WORDS, "001234566789")


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """What the numbers within `text[start:end]` are. The mark is a run of digits and separators."""
    if _PLAIN.fullmatch(text, start, end):
        return []
    spans = [match.span() for match in _GROUP.finditer(text, start, end)]
    found: list[Candidate] = []
    if not text[start:end].isascii():
        found += _spelt_resident(text, start, end)
        found += phone.spelt(text, start, end)
    if sum(b - a for a, b in spans) < _FEWEST:
        return found
    explained: list[Span] = []
    lengths = [b - a for a, b in spans]
    count = len(spans)
    for first in range(count):
        node = _BY_LENGTHS
        last = first
        while last < count and (below := node.below.get(lengths[last])) is not None:
            node = below
            if node.forms:
                value = Value(text, spans, first, last)
                for form in node.forms:
                    score = form.score(value)
                    if score:
                        explained.append(Span(first, last, Candidate(*_extent(value, form.type), form.type, score)))
            last += 1
        start = spans[first][0]
        if text[start] == "0" or (start and text[start - 1] == "+"):
            explained += phone.international(text, spans, first)
            explained += phone.scattered(text, spans, first)
        if lengths[first] == 1 and (first == 0 or lengths[first - 1] > 1):
            explained += _single_digits(text, spans, lengths, first)
    explained += phone.grouped(text, spans)
    explained += _accounts(text, spans, lengths)
    found += standing(text, spans, explained)
    return found


_FEWEST = 7


def _extent(value: Value, type: str) -> tuple[int, int]:
    """Where a value begins and ends, with the letter that belongs to it."""
    if type == "cn_id":
        return value.start, value.end + (len(value.digits) == 17)
    if type == "customs_code":
        return value.start - 1, value.end
    return phone.extent(value) if type == "phone" else (value.start, value.end)


# ---- identity numbers -------------------------------------------------------------------------------------------


def _resident(value: Value) -> float:
    digits = value.digits
    if not checks.month_and_day(int(digits[2:4]), int(digits[4:6])):
        return 0.0
    named, valid = value.says("resident"), checks.resident(digits)
    if digits[6] in "90":  # born in the nineteenth century: nobody alive, and what pseudonyms use
        return 0.0
    if value.denied("order", "account", "card"):
        return 0.6 if valid and value.gaps else 0.0
    if named:
        return 0.95
    if value.glued:
        return 0.0
    if value.whole:
        # Undivided digits: EAN-13 codes of Korean goods begin with 880, which reads as a birth in January 1988.
        return 0.7 if valid and not (digits.startswith("880") and checks.ean(digits)) else 0.0
    if value.gap == "-":
        return 0.99 if valid else 0.9
    return 0.7 if valid else 0.0


def _business(value: Value) -> float:
    digits = value.digits
    named = value.says("business")
    if digits.startswith("000"):
        return 0.0
    if value.denied("account") or (value.glued and not named):
        return 0.0
    if not checks.business(digits):
        return 0.6 if named else 0.0
    if value.gap == "-":
        return 0.6 if value.denied("order", "phone", "card") else 0.9
    return 0.85 if named else 0.6 if value.gaps and value.gap in "./_~" and value.label.name is None else 0.0


_LICENCE_REGIONS = frozenset(map(str, [*range(11, 27), 28]))


def _licence(value: Value) -> float:
    if value.digits[:2] not in _LICENCE_REGIONS or value.denied("account", "order"):
        return 0.0
    named = value.says("licence")
    if value.whole:
        return 0.95 if named else 0.0
    return 0.95 if named else 0.7 if value.gap not in (" ", "?", ",") else 0.0


_ITIN_GROUPS = frozenset([*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)])


def _is_taxpayer(digits: str) -> bool:
    return digits[:3] not in ("000", "666") and digits[3:5] != "00" and digits[5:] != "0000"


def _taxpayer(value: Value, ours: bool) -> float:
    """`ours`: whether the first digit is of this type."""
    if not ours or not _is_taxpayer(value.digits):
        return 0.0
    if value.says("taxpayer"):
        return 0.95
    if value.gap in ("", " ", ".", ",", "?") or value.denied("order", "account", "business", "phone", "passport"):
        return 0.0
    return 0.7


def _ssn(value: Value) -> float:
    return _taxpayer(value, value.digits[0] != "9")


def _itin(value: Value) -> float:
    return _taxpayer(value, value.digits[0] == "9" and int(value.digits[3:5]) in _ITIN_GROUPS)


def _labelled(name: str, valid: Callable[[str], bool]) -> Callable[[Value], float]:
    """The score of a number that only its label tells, and a check confirms."""

    def score(value: Value) -> float:
        return 0.95 if value.says(name) and valid(value.digits) else 0.0

    return score


def _cpf(value: Value) -> float:
    if not checks.cpf(value.digits):
        return 0.0
    if value.says("cpf"):
        return 0.95
    if value.denied("order", "account", "phone") or value.whole or value.gap in (" ", ","):
        return 0.0
    return 0.85 if value.gaps == [".", ".", "-"] else 0.7 if value.gap != "?" and len(value.groups) == 4 else 0.0


def _imei(value: Value) -> float:
    valid = checks.luhn(value.digits)
    if value.says("imei"):
        return 0.95 if valid else 0.7
    return 0.7 if valid and value.groups[0][:2] in ("35", "86", "01") and value.gap == "-" else 0.0


def _chinese(value: Value) -> float:
    check = value.digits if len(value.digits) == 18 else value.digits + value.after.upper()
    if len(check) != 18 or not checks.chinese(check):
        return 0.0
    return 0.97 if value.says("chinese") or not value.glued else 0.0


def _customs(value: Value) -> float:
    if value.before not in ("P", "p"):
        return 0.0
    ahead = value.text[value.start - 2 : value.start - 1] if value.start > 1 else ""
    if ahead.isascii() and ahead.isalnum():
        return 0.0
    return 0.95 if value.says("customs") else 0.7 if value.before == "P" else 0.0


# ---- cards and accounts -----------------------------------------------------------------------------------------

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


def _card(value: Value) -> float:
    digits = value.digits
    if digits[0] == "0" or not checks.luhn(digits) or len(set(digits)) < 2:
        return 0.0
    known = any(pattern.fullmatch(digits) for pattern, _ in _NETWORKS)
    if value.says("card"):
        return 0.99 if known else 0.8
    if not known or value.denied("order", "imei") or (value.whole and value.glued):
        return 0.0
    if value.gaps:
        return 0.95 if value.gap != "?" else 0.8
    return 0.75 if len(digits) in (15, 16) else 0.0


_BANKS = (
    "KB국민|국민|신한|우리|KEB하나|하나|IBK기업|기업|NH농협|농협|단위농협|지역농협|카카오|카뱅|토스|케이|케뱅"
    "|SC제일|제일|씨티|한국씨티"
    "|KDB산업|산업|수출입|부산|BNK부산|대구|DGB대구|iM|아이엠|광주|전북|경남|BNK경남|제주|SH수협|수협|신협"
    "|새마을금고|새마을|MG새마을"
    "|외환|우체국|산림조합|저축|HSBC|도이치|JP모간|BOA|중국공상|중국|중국건설"
)
_BANK_AFTER = re.compile(
    rf" ?[(\[/,]? ?(?:(?:{_BANKS})(?:은행|뱅크|금고|중앙회|\)| ?[(/]? ?[가-힣]{{2,4}}(?![가-힣])|(?![가-힣]))"
    r"|(?:농협|수협|신협|카뱅|케뱅|우체국|새마을금고)(?![가-힣]))"
)
_HOLDER_AFTER = re.compile(r" ?[(\[/,]? ?(?:예금주|입금자|수취인)")
_DATE_GROUPS = re.compile(r"(?:19|20)[0-9]{2}[-. /][0-9]{1,2}[-. /][0-9]{1,2}$")
_WORD_AHEAD = re.compile(r"[ (\[/,]{0,3}[가-힣A-Z]")
_ACCOUNT_DIGITS = range(10, 18)


def _accounts(text: str, spans: Spans, lengths: list[int]) -> Iterator[Span]:
    """Bank accounts: 8 to 17 digits of any grouping, told by a label or by a bank's name on either side."""
    count = len(spans)
    for first in range(count):
        best: Span | None = None
        total = 0
        labelled = label(text, spans[first][0]).name == "account"
        for last in range(first, min(first + 5, count)):
            total += lengths[last]
            if total > 17:
                break
            end = spans[last][1]
            if not labelled and not _WORD_AHEAD.match(text, end):
                continue
            if total < 8 or (
                last > first and (total not in _ACCOUNT_DIGITS or not _account_gaps(text, spans, first, last))
            ):
                continue
            score = _account_score(Value(text, spans, first, last))
            if score:
                best = Span(first, last, Candidate(spans[first][0], spans[last][1], "bank_account", score))
        if best is not None:
            yield best


def _account_gaps(text: str, spans: Spans, first: int, last: int) -> bool:
    gaps = [text[spans[k][1] : spans[k + 1][0]].strip() for k in range(first, last)]
    return all(len(gap) <= 1 and gap in ("", "-", ".", "_", "/", "~", "*") for gap in gaps)


def _account_score(value: Value) -> float:
    if _DATE_GROUPS.match(value.text[value.start : value.end]) or value.digits.startswith("000"):
        return 0.0
    if value.says("account"):
        return 0.85
    if value.denied("order", "card", "phone"):
        return 0.0
    if _BANK_AFTER.match(value.text, value.end) or _HOLDER_AFTER.match(value.text, value.end):
        return 0.75 if len(value.digits) >= 10 and value.gap not in (" ", ".") else 0.0
    return 0.0


# ---- digits one at a time, and in words -------------------------------------------------------------------------


def _single_digits(text: str, spans: Spans, lengths: list[int], first: int) -> Iterator[Span]:
    """Values spelt one digit at a time, `0 1 0 - 1 2 3 4 - 5 6 7 8`, to hide them."""
    for size, type in ((11, "phone"), (13, "resident_registration"), (16, "card")):
        last = first + size - 1
        if last >= len(spans) or any(length != 1 for length in lengths[first : last + 1]):
            return
        if last + 1 < len(spans) and lengths[last + 1] == 1:
            continue
        value = Value(text, spans, first, last)
        digits = value.digits
        if len(set(digits)) < 4:
            continue
        right = (
            digits.startswith("010")
            if type == "phone"
            else checks.month_and_day(int(digits[2:4]), int(digits[4:6])) and checks.resident(digits)
            if type == "resident_registration"
            else _card(value) > 0
        )
        if right:
            yield Span(first, last, Candidate(value.start, value.end, type, 0.75))


_S = "[- .]"
_SPELT_RESIDENT = re.compile(
    rf"(?<![{NUMBER_WORDS}0-9])(?P<date>(?:[{NUMBER_WORDS}0-9] ?){{5}}[{NUMBER_WORDS}0-9]){_S}{{0,3}}"
    rf"(?P<rest>(?:[{NUMBER_WORDS}0-9] ?){{6}}[{NUMBER_WORDS}0-9])(?![0-9])"
)


def _spelt_resident(text: str, start: int, end: int) -> Iterator[Candidate]:
    for match in overlapping(_SPELT_RESIDENT, text, start, min(len(text), end + 2)):
        digits = "".join(filter(str.isdigit, (match["date"] + match["rest"]).translate(_WORD_DIGITS)))
        spelt = sum(character in NUMBER_WORDS for character in match[0])
        if spelt >= 6 and digits[6] in "12345678" and checks.month_and_day(int(digits[2:4]), int(digits[4:6])):
            yield Candidate(*match.span(), "resident_registration", 0.92)


def _forms() -> tuple[Form, ...]:
    return (
        *phone.FORMS,
        Form("resident_registration", ((6, 7), (13,), (2, 2, 2, 7)), _resident),
        Form("business_registration", ((3, 2, 5), (10,)), _business),
        Form("drivers_licence", ((2, 2, 6, 2), (12,)), _licence),
        Form("us_ssn", ((3, 2, 4), (9,)), _ssn),
        Form("us_itin", ((3, 2, 4), (9,)), _itin),
        Form(
            "card",
            (
                *((4, 4, 4, 4), (16,), (8, 8), (15,), (4, 6, 5), (4, 6, 4), (14,), (13,), (17,), (18,), (19,)),
                *((4, 4, 4), (4, 4, 5), *((4, 4, 4, last) for last in (1, 2, 3, 5, 6, 7)), (4, 4, 4, 4, 3)),
            ),
            _card,
        ),
        Form("imei", ((15,), (2, 6, 6, 1), (8, 6, 1), (6, 2, 6, 1), (16,)), _imei),
        Form("cn_id", ((18,), (17,), (6, 8, 4), (6, 8, 3)), _chinese),
        Form("customs_code", ((12,),), _customs),
        Form("in_aadhaar", ((4, 4, 4), (12,)), _labelled("aadhaar", checks.aadhaar)),
        Form("br_cpf", ((3, 3, 3, 2), (9, 2), (11,)), _cpf),
        Form("uk_nhs", ((3, 3, 4), (10,)), _labelled("nhs", checks.nhs)),
        Form("patient_number", ((7,), (8,), (9,), (10,), (12,), (2, 6), (4, 4), (3, 5)), _labelled("patient", bool)),
    )


class _Node:
    """The forms whose group lengths lead here, and the nodes below by the length of the next group."""

    __slots__ = ("below", "forms")

    def __init__(self) -> None:
        self.below: dict[int, _Node] = {}
        self.forms: list[Form] = []


def _by_lengths() -> _Node:
    root = _Node()
    for form in _forms():
        for lengths in form.lengths:
            node = root
            for length in lengths:
                node = node.below.setdefault(length, _Node())
            node.forms.append(form)
    return root


_BY_LENGTHS = _by_lengths()
