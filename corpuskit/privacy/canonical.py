"""One form for all ways of writing a value, so that equal values get equal hashes and pseudonyms."""

from __future__ import annotations

import ipaddress
import re

from corpuskit.privacy.detect.contact import DOT, SPELT_SIGN
from corpuskit.privacy.detect.network import BROKEN_DOT
from corpuskit.privacy.fold import fold
from corpuskit.privacy.marks import NUMBER_WORDS

_WORDS_AND_LETTERS = str.maketrans(NUMBER_WORDS + "oil", "001234566789" + "011")
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|내선) ?[0-9]{1,5}$")


def canonical(type: str, value: str) -> str:
    """A value of a type without the ways of writing it.

    All are folded, in small letters. An address on the internet has its dots and, of version 6, its shortest form; an
    e-mail address its '@' and dots; a phone number its digits, as dialled in Korea or North America where it is of
    there, without an extension; everything else its letters and digits.
    """
    value = fold(value).text.lower()
    if type == "ip":
        plain = re.sub(BROKEN_DOT, ".", value)
        try:
            return str(ipaddress.ip_address(plain))
        except ValueError:
            return plain
    if type == "email":
        plain = DOT.sub(".", SPELT_SIGN.sub("@", value).replace(" at ", "@"))
        return "".join(plain.replace(",", ".").split())
    if type == "phone":
        return _phone(value)
    if type == "resident_registration":
        value = value.translate(_WORDS_AND_LETTERS)
    return "".join(character for character in value if character.isalnum())


def _phone(value: str) -> str:
    spelt = _EXTENSION.sub("", value).translate(_WORDS_AND_LETTERS)
    digits = "".join(character for character in spelt if character.isdigit())
    digits = digits.removeprefix("00") if digits.startswith(("0082", "001")) else digits
    if digits.startswith("82") and len(digits) >= 10:
        return "0" + digits[2:].removeprefix("0")
    return digits[1:] if digits.startswith("1") and len(digits) == 11 else digits
