"""Invented values in the form of the real ones, from ranges that belong to nobody.

| type | range | why nobody has it |
|---|---|---|
| email, url_credentials | example.com | reserved, RFC 2606 |
| phone, North American | exchange 555, numbers 0100 to 0199 | set aside for fiction by the NANP |
| phone, Korean | exchanges that begin with 00 | exchange codes never begin with 0, the trunk prefix |
| phone, British | area 0000 | no such area |
| phone, others | national numbers that begin with 000 | no numbering plan gives them out |
| resident_registration | seventh digit 9 or 0 | born in the nineteenth century |
| business_registration | tax office 000, wrong check digit | no such office |
| drivers_licence | region 00 | no such region |
| passport | XX00 | no issuer uses the letters |
| card | first digit 0 | kept for ISO/TC 68, no network issues it (ISO/IEC 7812) |
| bank_account | begins with 000 | no branch has the number |
| iban | country XX | user-assigned in ISO 3166, no country's |
| ip | 240.0.0.0/4, 2001:db8::/32 | reserved, RFC 1112; for documentation, RFC 3849 |
| mac | 00-00-5E-00-53-xx | for documentation, RFC 7042 |
| us_ssn | area 000 | never issued, SSA |
| us_itin | area 900, group 00 | outside the groups that the IRS issues |
| cn_id, in_aadhaar, br_cpf, uk_nhs, imei | wrong check digit | no such number |
| uk_nino | prefix ZZ | never allocated, HMRC NIM39110 |
| number_plate | 00가 | Korean plates begin with 01 |
| customs_code | P000000... | numbers begin after it |
| crypto_address | check digits wrong | no wallet accepts it |
| address | ZIP 00000; 가상시 | no such places |
| birth_date | 1801 to 1899 | nobody alive |

None of them is a finding of this package, so scrubbing twice changes nothing. With a key the number of a pseudonym is
64 bits of the value's digest, cut to the size of its range, so two values can get one pseudonym: of n values about
n^2 / (2 * size) pairs do. Sizes: Korean phone 10^7, North American 79,900, other countries 10^6, IPv4 2.7 * 10^8,
IPv6 2^64, MAC 256, resident registration 3.4 * 10^10, card 10^14, most others 10^6 and more.
"""

from __future__ import annotations

from collections.abc import Callable

from corpuskit.privacy.canonical import canonical
from corpuskit.privacy.detect.checks import business, luhn
from corpuskit.privacy.fold import fold


def pseudonym(type: str, number: int, original: str) -> str:
    """The invented value with a number, in the form of `original`.

    Equal numbers give equal values. The value depends on the original's form (its country, its separators), never on
    its content.
    """
    form = _FORMS.get(type)
    return form(number, fold(original).text) if form else f"{type}-{number}"


def _separator(original: str) -> str:
    signs = [character for character in original if not (character.isalnum() or character in "+()")]
    return "-" if "-" in signs else next((sign for sign in signs if sign in ". /"), "-" if signs else "")


def _phone(number: int, original: str) -> str:
    whole = canonical("phone", original)
    gap = _separator(original)
    abroad = original.lstrip("( ").startswith(("+", "00"))
    if whole.startswith("+82") or not whole.startswith("+"):
        lead = f"+82{gap}10" if abroad else "010"
        return f"{lead}{gap}00{number // 10000 % 100:02d}{gap}{number % 10000:04d}"
    if whole.startswith("+1"):
        area = 201 + number // 100 % 799
        lead = f"+1{gap}" if abroad else ""
        return f"{lead}{area}{gap or '-'}555{gap or '-'}01{number % 100:02d}"
    if whole.startswith("+44"):
        return f"+44{gap}000{number % 10**6:06d}" if abroad else f"00000{gap or ' '}{number % 10**6:06d}"
    return f"+{_country(whole)}{gap}000{number % 10**6:06d}"


def _country(whole: str) -> str:
    import phonenumbers

    try:
        return str(phonenumbers.parse(whole, None).country_code)
    except phonenumbers.NumberParseException:
        return "999"


def _resident(number: int, original: str) -> str:
    month, day = number % 12 + 1, number // 12 % 28 + 1
    return f"{number // 336 % 100:02d}{month:02d}{day:02d}{_separator(original)}9{number // 33600 % 10**6:06d}"


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
    if ":" in original:
        parts = [f"{number >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0)]
        return "2001:db8::" + ":".join(parts).lstrip("0:") if number else "2001:db8::"
    value = 0xF0000000 | number % (0x0FFFFFFF - 1)
    return ".".join(str(value >> shift & 0xFF) for shift in (24, 16, 8, 0))


def _birth(number: int, original: str) -> str:
    year, month, day = 1801 + number % 99, number // 99 % 12 + 1, number // 1188 % 28 + 1
    return f"{year}년 {month}월 {day}일" if "년" in original else f"{year}-{month:02d}-{day:02d}"


def _address(number: int, original: str) -> str:
    if original.isascii():
        return f"{number % 10**6} Example Street, Anytown 00000"
    return f"가상시 예시구 보기로 {number % 10**6}"


def _grouped(digits: str, sizes: tuple[int, ...], gap: str) -> str:
    parts, position = [], 0
    for size in sizes:
        parts.append(digits[position : position + size])
        position += size
    return gap.join(parts)


_FORMS: dict[str, Callable[[int, str], str]] = {
    "email": lambda number, original: f"user{number}@example.com",
    "url_credentials": lambda number, original: f"https://user{number}:password@example.com",
    "phone": _phone,
    "resident_registration": _resident,
    "business_registration": _business,
    "drivers_licence": lambda number, original: f"00-00-{number % 10**6:06d}-00",
    "passport": lambda number, original: f"XX00{number % 10**6:06d}",
    "card": _card,
    "bank_account": lambda number, original: f"000-{number // 10**6 % 1000:03d}-{number % 10**6:06d}",
    "iban": _iban,
    "ip": _ip,
    "mac": lambda number, original: f"00-00-5E-00-53-{number % 256:02X}",
    "us_ssn": lambda number, original: f"000-{number // 10000 % 99 + 1:02d}-{number % 10000:04d}",
    "us_itin": lambda number, original: f"900-00-{number % 10000:04d}",
    "uk_nino": lambda number, original: f"ZZ{number % 10**6:06d}A",
    "uk_nhs": lambda number, original: f"000 {number // 10000 % 1000:03d} {number % 10000:04d}",
    "in_aadhaar": lambda number, original: _grouped(f"0000{number % 10**8:08d}", (4, 4, 4), " "),
    "br_cpf": lambda number, original: f"000.{number // 1000 % 1000:03d}.{number % 1000:03d}-00",
    "cn_id": lambda number, original: f"000000{18000101 + number % 90:08d}{number % 10000:04d}",
    "imei": lambda number, original: f"00-000000-{number % 10**6:06d}-0",
    "number_plate": lambda number, original: f"00가 {number % 10**4:04d}",
    "customs_code": lambda number, original: f"P000000{number % 10**6:06d}",
    "patient_number": lambda number, original: f"P-000-{number % 10**6:06d}",
    "crypto_address": lambda number, original: f"1{'x' * 20}{number % 10**8:08d}",
    "secret": lambda number, original: f"invented-secret-{number}",
    "address": _address,
    "birth_date": _birth,
    "handle": lambda number, original: f"{'@' if original.startswith('@') else ''}invented_user_{number}",
    "person": lambda number, original: f"Person{number}" if original.isascii() else f"가명{number}",
    "place": lambda number, original: f"Place{number}" if original.isascii() else f"가상지{number}",
    "organization": lambda number, original: f"Organization{number}" if original.isascii() else f"가상단체{number}",
}
