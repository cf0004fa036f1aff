"""Every type of number, divided in every way, in every carrier: recall by type, separator and carrier.

    python benchmarks/privacy_matrix.py [VALUES] [--misses]

Each of VALUES (5) invented values a type is written with each of 18 separators and put into each of 24 carriers: a
sentence, a form, JSON, CSV with and without heads, a URL, a log, tables, code. A hit has the value's type and exactly
its place.
"""

from __future__ import annotations

import collections
import json
import random
import string
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from corpuskit.privacy import find
from corpuskit.privacy.detect import checks

Random = random.Random

SEPARATORS = {
    "none": "",
    "hyphen": "-",
    "space": " ",
    "dot": ".",
    "en dash": "–",
    "non-breaking hyphen": "‑",
    "minus": "−",
    "full-width hyphen": "－",
    "middle dot": "·",
    "araea": "ㆍ",
    "Hangul eu": "ㅡ",
    "no-break space": "\u00a0",
    "Hangul filler": "\u3164-",
    "zero-width": "\u200b-",
    "percent": "%2D",
    "entity": "&#45;",
    "escape": "\\u002d",
    "slash": "/",
}


class Number(NamedTuple):
    type: str
    make: Callable[[Random], list[str]]
    """The groups of a value."""
    label: str
    key: str
    alone: bool
    """Whether the form tells the type without a label, where the groups are divided by '-'."""


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def _checked(body: str, check: Callable[[str], bool]) -> str:
    return body + next(digit for digit in string.digits if check(body + digit))


def _mobile(rng: Random) -> list[str]:
    return ["010", str(rng.randint(2000, 9999)), _digits(rng, 4)]


def _landline(rng: Random) -> list[str]:
    return [rng.choice(["02", "031", "051", "064", "070"]), str(rng.randint(2000, 9999)), _digits(rng, 4)]


def _nanp(rng: Random) -> list[str]:
    return [rng.choice(["415", "212", "646", "303"]), str(rng.randint(220, 499)), _digits(rng, 4)]


def _resident(rng: Random) -> list[str]:
    born = f"{rng.randint(50, 99):02d}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    value = next(
        v for v in (born + rng.choice("12") + _digits(rng, 5) + d for d in "0123456789" * 9) if checks.resident(v)
    )
    return [value[:6], value[6:]]


def _business(rng: Random) -> list[str]:
    value = _checked(f"{rng.randint(101, 899)}{rng.randint(1, 89):02d}{_digits(rng, 4)}", checks.business)
    return [value[:3], value[3:5], value[5:]]


def _licence(rng: Random) -> list[str]:
    return [str(rng.randint(11, 26)), f"{rng.randint(0, 24):02d}", _digits(rng, 6), _digits(rng, 2)]


def _card(rng: Random) -> list[str]:
    value = _checked(
        rng.choice(["4", "51", "9410"]).ljust(15, "x").replace("x", "{}").format(*_digits(rng, 14)), checks.luhn
    )
    return [value[i : i + 4] for i in range(0, 16, 4)]


def _ssn(rng: Random) -> list[str]:
    return [f"{rng.randint(1, 665):03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}"]


def _itin(rng: Random) -> list[str]:
    return [f"9{_digits(rng, 2)}", str(rng.randint(70, 88)), _digits(rng, 4)]


def _account(rng: Random) -> list[str]:
    return [rng.choice(["110", "302", "1002", "3333"]), _digits(rng, 3), _digits(rng, 6)]


def _aadhaar(rng: Random) -> list[str]:
    value = _checked(str(rng.randint(2, 9)) + _digits(rng, 10), checks.aadhaar)
    return [value[:4], value[4:8], value[8:]]


def _cpf(rng: Random) -> list[str]:
    body = _digits(rng, 9)
    value = next(v for v in (f"{body}{check:02d}" for check in range(100)) if checks.cpf(v))
    return [value[:3], value[3:6], value[6:9], value[9:]]


def _nhs(rng: Random) -> list[str]:
    while True:
        body = str(rng.randint(4, 7)) + _digits(rng, 8)
        for digit in string.digits:
            if checks.nhs(body + digit):
                return [body[:3], body[3:6], body[6:] + digit]


def _chinese(rng: Random) -> list[str]:
    body = f"110105{rng.randint(1950, 2005)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{_digits(rng, 3)}"
    value = next(body + last for last in "0123456789X" if checks.chinese(body + last))
    return [value[:6], value[6:14], value[14:]]


def _imei(rng: Random) -> list[str]:
    value = _checked("35" + _digits(rng, 12), checks.luhn)
    return [value[:2], value[2:8], value[8:14], value[14:]]


NUMBERS = {
    "mobile": Number("phone", _mobile, "연락처", "phone", True),
    "landline": Number("phone", _landline, "전화", "tel", True),
    "nanp": Number("phone", _nanp, "Phone", "phone_number", True),
    "resident": Number("resident_registration", _resident, "주민등록번호", "rrn", True),
    "business": Number("business_registration", _business, "사업자등록번호", "brn", True),
    "licence": Number("drivers_licence", _licence, "운전면허번호", "driver_license", True),
    "card": Number("card", _card, "카드번호", "card_number", True),
    "ssn": Number("us_ssn", _ssn, "SSN", "ssn", True),
    "itin": Number("us_itin", _itin, "ITIN", "itin", True),
    "account": Number("bank_account", _account, "계좌번호", "account_number", False),
    "aadhaar": Number("in_aadhaar", _aadhaar, "Aadhaar", "aadhaar", False),
    "cpf": Number("br_cpf", _cpf, "CPF", "cpf", False),
    "nhs": Number("uk_nhs", _nhs, "NHS number", "nhs_number", False),
    "chinese": Number("cn_id", _chinese, "身份证", "chinese_id", True),
    "imei": Number("imei", _imei, "IMEI", "imei", False),
}

CARRIERS: dict[str, tuple[str, bool]] = {
    "sentence": ("문서에 {label} {value}이라고 적혀 있다.", True),
    "English": ("The {label} is {value}, as written above.", True),
    "form": ("{label}: {value}\n다음 줄", True),
    "glued": ("{label}{value}입니다", True),
    "brackets": ("신청인({label} {value})", True),
    "key=value": ("user=7 {key}={value} ok=1", True),
    "quoted key": ('{key}="{value}"', True),
    "JSON": ('{{"id": 7, "{key}": "{value}", "ok": true}}', True),
    "camelCase": ('{{"user{Key}": "{value}"}}', True),
    "URL query": ("https://site.kr/a?n=1&{key}={value}&z=2", True),
    "first in query": ("https://site.kr/a?{key}={value}", True),
    "YAML": ("user:\n  {key}: {value}\n", True),
    "XML": ("<user><{key}>{value}</{key}></user>", True),
    "HTML table": ("<tr><td>{label}</td><td>{value}</td></tr>", True),
    "Markdown table": ("| name | {key} |\n|---|---|\n| kit | {value} |\n", True),
    "CSV with heads": ("name,{key},city\nkit,{value},Busan\nlee,{value},Seoul\n", True),
    "TSV with heads": ("name\t{key}\tcity\nkit\t{value}\tBusan\n", True),
    "log": ("2026-03-01 12:31:05,118 INFO user 17 {key}={value} done in 31 ms", True),
    "SQL": ("INSERT INTO t ({key}) VALUES ('{value}');", True),
    "semicolons": ("name;{key}\nkit;{value}\n", True),
    "CSV": ("마루나,{value},서울", False),
    "values side by side": ("{value},{other}", False),
    "hash sign": ("#{value} 확인", False),
    "question mark": ("번호가 뭐예요?{value}", False),
}
"""The text, and whether it names the value."""


class Case(NamedTuple):
    number: str
    separator: str
    carrier: str
    text: str
    start: int
    end: int


def cases(values: int, seed: int = 4) -> Iterator[Case]:
    """Every case. One that names nothing is left out for a type that only a label tells, and for undivided digits."""
    rng = Random(seed)
    for name, number in NUMBERS.items():
        for separator, sign in SEPARATORS.items():
            for carrier, (template, named) in CARRIERS.items():
                if not named and (not number.alone or sign in ("", " ", "\u00a0", "/", ".", "·", "ㆍ")):
                    continue
                if separator == "space" and carrier in ("URL query", "first in query"):
                    continue
                for _ in range(values):
                    value, other = (sign.join(number.make(rng)) for _ in range(2))
                    text = template.format(
                        label=number.label,
                        key=number.key,
                        Key="".join(word.capitalize() for word in number.key.split("_")),
                        value="\0",
                        other=other,
                    )
                    start = text.index("\0")
                    yield Case(name, separator, carrier, text.replace("\0", value), start, start + len(value))


def hits(cases: list[Case]) -> list[bool]:
    return [
        any(item.type == NUMBERS[case.number].type and (item.start, item.end) == (case.start, case.end) for item in row)
        for case, row in zip(cases, find([case.text for case in cases]), strict=True)
    ]


def main() -> None:
    values = next((int(word) for word in sys.argv[1:] if word.isdigit()), 5)
    every = list(cases(values))
    found = hits(every)
    print(f"{len(every):,} cases, recall {sum(found) / len(every):.4f}\n")
    for part in ("number", "separator", "carrier"):
        total, hit = collections.Counter[str](), collections.Counter[str]()
        for case, right in zip(every, found, strict=True):
            total[getattr(case, part)] += 1
            hit[getattr(case, part)] += right
        print(f"| {part} | recall |\n|---|--:|")
        for name in total:
            print(f"| {name} | {hit[name] / total[name]:.4f} |")
        print()
    if "--misses" in sys.argv:
        seen = set()
        for case, right in zip(every, found, strict=True):
            if not right and (case.number, case.separator, case.carrier) not in seen:
                seen.add((case.number, case.separator, case.carrier))
                print(json.dumps(case, ensure_ascii=False))


if __name__ == "__main__":
    main()
