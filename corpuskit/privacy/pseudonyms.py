"""Invented values in the form of the real ones, from ranges that belong to nobody.

| type | range | why nobody has it |
|---|---|---|
| email, url_credentials | example.com | reserved, RFC 2606 |
| phone, North American | exchange 555, numbers 0100 to 0199 | set aside for fiction by the NANP |
| phone, Korean | exchanges that begin with 0 | exchange codes never begin with 0, the trunk prefix |
| phone, others | +999 | a country code that the ITU assigned to no country |
| resident_registration | seventh digit 9 or 0 | born in the nineteenth century |
| business_registration | tax office 000, wrong check digit | no such office |
| drivers_licence | region 00 | no such region |
| passport | letter X | no issuer of the supported forms uses it |
| card | first digit 0 | kept for ISO/TC 68, no network issues it (ISO/IEC 7812) |
| bank_account | begins with 000 | no branch has the number |
| iban | country XX | user-assigned in ISO 3166, no country's |
| ip | 192.0.2.0/24, 2001:db8::/32 | for documentation, RFC 5737 and RFC 3849 |
| us_ssn | area 000 | never issued, SSA |
| us_itin | area 900, group 00 | outside the groups that the IRS issues |
| crypto_address | check digits wrong | no wallet accepts it |
| address | ZIP 00000; 가상시 | no such places |
| birth_date | 1801 to 1899 | nobody alive |
"""

from __future__ import annotations

from collections.abc import Callable

from corpuskit.privacy.detect.checks import business, luhn


def pseudonym(type: str, number: int, original: str) -> str:
    """The invented value with a number, in the form of `original`.

    Equal numbers give equal values. The value depends on the original's form (its country, its separators), never on
    its content.
    """
    form = _FORMS.get(type)
    return form(number, original) if form else f"{type}-{number}"


def _separator(original: str) -> str:
    return "-" if any(not (c.isalnum() or c in "+()") for c in original) else ""


def _phone(number: int, original: str) -> str:
    digits = "".join(c for c in original if c.isdigit())
    gap = _separator(original)
    if original.startswith("+") and not original.startswith(("+82", "+1")):
        return f"+999{gap}{number % 10**8:08d}"
    korean = original.startswith(("+82", "공", "영")) or (digits.startswith("0") and not digits.startswith("00"))
    if korean:
        return f"010{gap}0{number // 10000 % 1000:03d}{gap}{number % 10000:04d}"
    area = 201 + number // 100 % 799
    return f"{area}{gap or '-'}555{gap or '-'}01{number % 100:02d}"


def _resident(number: int, original: str) -> str:
    month, day = number % 12 + 1, number // 12 % 28 + 1
    return f"{number // 336 % 100:02d}{month:02d}{day:02d}{_separator(original)}9{number % 10**6:06d}"


def _business(number: int, original: str) -> str:
    body = f"000{number // 10000 % 100:02d}{number % 10000:04d}"
    last = next(digit for digit in "0123456789" if not business(body + digit))
    return f"{body[:3]}-{body[3:5]}-{body[5:]}{last}"


def _card(number: int, original: str) -> str:
    body = f"0{number % 10**14:014d}"
    digits = body + next(digit for digit in "0123456789" if luhn(body + digit))
    gap = _separator(original)
    return gap.join(digits[i : i + 4] for i in range(0, 16, 4))


def _iban(number: int, original: str) -> str:
    body = f"{number % 10**16:016d}"
    check = 98 - int(f"{body}333300") % 97
    return f"XX{check:02d}{body}"


def _ip(number: int, original: str) -> str:
    return f"2001:db8::{number % 65536:x}" if ":" in original else f"192.0.2.{number % 256}"


def _birth(number: int, original: str) -> str:
    year, month, day = 1801 + number % 99, number // 99 % 12 + 1, number // 1188 % 28 + 1
    return f"{year}년 {month}월 {day}일" if "년" in original else f"{year}-{month:02d}-{day:02d}"


def _address(number: int, original: str) -> str:
    if original.isascii():
        return f"{number % 10**6} Example Street, Anytown 00000"
    return f"가상시 예시구 보기로 {number % 10**6}"


_FORMS: dict[str, Callable[[int, str], str]] = {
    "email": lambda number, original: f"user{number}@example.com",
    "url_credentials": lambda number, original: f"https://user{number}:password@example.com",
    "phone": _phone,
    "resident_registration": _resident,
    "business_registration": _business,
    "drivers_licence": lambda number, original: f"00-00-{number % 10**6:06d}-00",
    "passport": lambda number, original: f"X{number % 10**8:08d}",
    "card": _card,
    "bank_account": lambda number, original: f"000-{number // 10**6 % 1000:03d}-{number % 10**6:06d}",
    "iban": _iban,
    "ip": _ip,
    "us_ssn": lambda number, original: f"000-{number // 10000 % 99 + 1:02d}-{number % 10000:04d}",
    "us_itin": lambda number, original: f"900-00-{number % 10000:04d}",
    "crypto_address": lambda number, original: f"1{'x' * 20}{number % 10**8:08d}",
    "secret": lambda number, original: f"invented-secret-{number}",
    "address": _address,
    "birth_date": _birth,
    "handle": lambda number, original: f"{'@' if original.startswith('@') else ''}invented_user_{number}",
    "person": lambda number, original: f"Person{number}" if original.isascii() else f"가명{number}",
    "place": lambda number, original: f"Place{number}" if original.isascii() else f"가상지{number}",
    "organization": lambda number, original: f"Organization{number}" if original.isascii() else f"가상단체{number}",
}
