"""One canonical form for each value, so that equal values have equal hashes and pseudonyms however they are written.

Detector, hash, pseudonym, ledger and audit share this form. It is: a date as ISO 8601, a phone number as E.164, an
e-mail address with its '@' and dots and a Unicode domain, an IP address in its shortest form (RFC 5952), a MAC address
or a number as its letters and digits, a postal address as its words with the usual abbreviations written out. A secret
or a base58 address is case-sensitive and stays as it is.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from corpuskit.errors import require
from corpuskit.privacy.detect.birth import read_date
from corpuskit.privacy.detect.contact import DOT, SPELT_SIGN
from corpuskit.privacy.detect.network import BROKEN_DOT
from corpuskit.privacy.fold import fold
from corpuskit.privacy.marks import NUMBER_WORDS

DIGEST_BYTES = 8
_WORDS_AND_LETTERS = str.maketrans(NUMBER_WORDS + "oil", "001234566789" + "011")
_EXTENSION = re.compile(r"[ ,]*(?:ext\.?|extension|x|내선) ?[0-9]{1,5}$")
_TRUNK = re.compile(r"\( ?0 ?\)")
_PLACES = {
    "서울특별시": "서울",
    "서울시": "서울",
    "세종특별자치시": "세종",
    "세종시": "세종",
    **{f"{name}광역시": name for name in ("부산", "대구", "인천", "광주", "대전", "울산")},
    **{f"{name}시": name for name in ("부산", "대구", "인천", "대전", "울산")},
    "경기도": "경기",
    "강원도": "강원",
    "강원특별자치도": "강원",
    "충청북도": "충북",
    "충청남도": "충남",
    "전라북도": "전북",
    "전북특별자치도": "전북",
    "전라남도": "전남",
    "경상북도": "경북",
    "경상남도": "경남",
    "제주도": "제주",
    "제주특별자치도": "제주",
}
_STREETS = {
    "st": "street",
    "ave": "avenue",
    "av": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "ln": "lane",
    "dr": "drive",
    "ct": "court",
    "pl": "place",
    "sq": "square",
    "ter": "terrace",
    "pkwy": "parkway",
    "hwy": "highway",
    "cir": "circle",
    "apt": "apartment",
    "ste": "suite",
    "fl": "floor",
    "rm": "room",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
}


def canonical(type: str, value: str) -> str:
    """The canonical form of a value of a type (see the module). Equal values have equal forms; it never fails."""
    return _FORMS.get(type, _letters_and_digits)(fold(value).text.strip())


def value_digest(type: str, value: str, key: bytes) -> bytes:
    """Keyed BLAKE2b (RFC 7693) of the canonical form of a value, `DIGEST_BYTES` bytes."""
    message = f"{type}\0{canonical(type, value)}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message, digest_size=DIGEST_BYTES, key=key, person=b"corpuskit pii").digest()


def _letters_and_digits(value: str) -> str:
    return "".join(character for character in value.lower() if character.isalnum())


def _resident(value: str) -> str:
    return "".join(c for c in value.lower().translate(_WORDS_AND_LETTERS) if c.isalnum() or c == "*")


def _ip(value: str) -> str:
    plain = re.sub(BROKEN_DOT, ".", value.lower())
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return plain


def _email(value: str) -> str:
    plain = DOT.sub(".", SPELT_SIGN.sub("@", value.lower()).replace(" at ", "@"))
    local, sign, host = "".join(plain.replace(",", ".").split()).rpartition("@")
    if "xn--" in host:
        with contextlib.suppress(UnicodeError):
            host = host.encode("ascii").decode("idna")
    return unicodedata.normalize("NFC", f"{local}{sign}{host}")


def _date(value: str) -> str:
    read = read_date(value)
    return read.isoformat() if isinstance(read, datetime.date) else _letters_and_digits(value)


def _exact(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def _crypto(value: str) -> str:
    return value.lower() if re.match(r"0x|(?:bc|tb|ltc|addr)1", value, re.IGNORECASE) else value


def _handle(value: str) -> str:
    return value.lower().lstrip("@")


def _person(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())


def _address(value: str) -> str:
    words = re.findall(r"[^\W_]+", value.lower())
    return "".join(_PLACES.get(word, _STREETS.get(word, word)) for word in words)


def _phone(value: str) -> str:
    spelt = _EXTENSION.sub("", _TRUNK.sub(" ", value.lower())).translate(_WORDS_AND_LETTERS)
    digits = "".join(character for character in spelt if character.isascii() and character.isdigit())
    return e164(digits, spelt.lstrip(" (").startswith("+"))


@lru_cache(maxsize=8192)
def e164(digits: str, international: bool) -> str:
    """A phone number's digits in E.164, or the digits alone where no numbering plan has them.

    A number without a country code is read as Korean or else British where it begins with 0, as North American where
    it has ten other digits; `international` says that a '+' came before the digits.
    """
    for prefix in ("00", "011"):
        if not international and digits.startswith(prefix) and len(digits) > 10:
            rest = digits.removeprefix(prefix)
            if (number := _in_plan("+" + rest, None)) is not None:
                return number
    if international and (number := _in_plan("+" + digits, None)) is not None:
        return number
    if not international:
        for region in ("KR", "GB") if digits.startswith("0") else ("US", "KR") if len(digits) != 8 else ("KR",):
            if (number := _in_plan(digits, region)) is not None:
                return number
        if digits.startswith(("82", "44", "1")) and (number := _in_plan("+" + digits, None)) is not None:
            return number
    if digits.startswith("82") and len(digits) >= 10:
        return "+82" + digits[2:].removeprefix("0")
    if not international and digits.startswith("01"):
        return "+82" + digits[1:]
    if not international and len(digits) == 10 and digits[0] in "23456789":
        return "+1" + digits
    if len(digits) == 11 and digits.startswith("1"):
        return "+" + digits
    return ("+" if international else "") + digits


def _in_plan(value: str, region: str | None) -> str | None:
    """The number in E.164 where libphonenumber's metadata has it."""
    phonenumbers = require("phonenumbers", "privacy")
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


_FORMS: dict[str, Callable[[str], str]] = {
    "ip": _ip,
    "email": _email,
    "phone": _phone,
    "resident_registration": _resident,
    "birth_date": _date,
    "secret": _exact,
    "url_credentials": _exact,
    "crypto_address": _crypto,
    "handle": _handle,
    "person": _person,
    "place": _person,
    "organization": _person,
    "address": _address,
}
