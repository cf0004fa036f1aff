"""Check digits of identity numbers, cards, accounts and ledger addresses."""

from __future__ import annotations

from hashlib import sha256

_BASE58 = {
    character: value for value, character in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}
_BECH32 = {character: value for value, character in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_RESIDENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BUSINESS_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    values = [int(digit) for digit in digits]
    return (sum(values[-1::-2]) + sum(_DOUBLED[value] for value in values[-2::-2])) % 10 == 0


def resident(digits: str) -> bool:
    """The check digit of a Korean resident registration number (13 digits), as given out until October 2020.

    Foreigners' numbers (seventh digit 5 to 8) add two.
    """
    total = sum(int(digit) * weight for digit, weight in zip(digits, _RESIDENT_WEIGHTS, strict=False))
    offset = 13 if digits[6] in "5678" else 11
    return (offset - total % 11) % 10 == int(digits[12])


def business(digits: str) -> bool:
    """The check digit of a Korean business registration number (10 digits)."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _BUSINESS_WEIGHTS, strict=False))
    ninth = int(digits[8]) * 5
    return (10 - (total + ninth // 10 + ninth) % 10) % 10 == int(digits[9])


def ean(digits: str) -> bool:
    """The check digit of an EAN-13 article number."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


def cpf(digits: str) -> bool:
    """The two check digits of a Brazilian CPF (11 digits), modulo 11."""
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(digit) * weight for digit, weight in zip(digits, range(length + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def nhs(digits: str) -> bool:
    """The check digit of a British NHS number (10 digits), modulo 11."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(digits[9])


_VERHOEFF_PRODUCT = tuple(
    tuple(
        (a + b) % 5 if a < 5 and b < 5 else (a + b) % 5 + 5 if a < 5 else (a - b) % 5 + 5 if b < 5 else (a - b) % 5
        for b in range(10)
    )
    for a in range(10)
)
_VERHOEFF_PERMUTATION = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4))


def aadhaar(digits: str) -> bool:
    """An Indian Aadhaar number (12 digits, the first 2 to 9): Verhoeff, "Error detecting decimal codes" (1969)."""
    if digits[0] in "01":
        return False
    state = 0
    permutation: tuple[int, ...] = _VERHOEFF_PERMUTATION[0]
    for digit in reversed(digits):
        state = _VERHOEFF_PRODUCT[state][permutation[int(digit)]]
        permutation = tuple(_VERHOEFF_PERMUTATION[1][value] for value in permutation)
    return state == 0


_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def chinese(value: str) -> bool:
    """A Chinese identity number (17 digits and a digit or X): GB 11643-1999, ISO 7064 MOD 11-2, with a birth date."""
    if not (value[:17].isdigit() and "1" <= value[0] <= "8" and value[6:8] in ("19", "20")):
        return False
    if not month_and_day(int(value[10:12]), int(value[12:14])):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _CHINESE_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == value[17]


def iban(value: str) -> bool:
    """ISO 7064 MOD 97-10 over an IBAN without spaces."""
    return int("".join(str(int(character, 36)) for character in value[4:] + value[:4])) % 97 == 1


def base58(value: str) -> bool:
    """Base58Check of a 21-byte payload: version and hash, then four bytes of double SHA-256."""
    number = 0
    for character in value:
        if character not in _BASE58:
            return False
        number = number * 58 + _BASE58[character]
    try:
        payload = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return sha256(sha256(payload[:21]).digest()).digest()[:4] == payload[21:]


_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_FROM_RIPPLE = str.maketrans(_RIPPLE, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")


def ripple(value: str) -> bool:
    """Base58Check in the alphabet of the XRP ledger."""
    return base58(value.translate(_FROM_RIPPLE))


def base58_length(value: str) -> int:
    """How many bytes a base58 value without leading zeros has."""
    number = 0
    for character in value:
        number = number * 58 + _BASE58[character]
    return (number.bit_length() + 7) // 8


def bech32(value: str) -> bool:
    """BIP 173 and BIP 350 over an address in one case."""
    prefix, separator, rest = value.lower().rpartition("1")
    if not separator or not prefix or any(character not in _BECH32 for character in rest):
        return False
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32[c] for c in rest]
    state = 1
    for item in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ item
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= generator if top >> bit & 1 else 0
    return state in (1, 0x2BC830A3)


def month_and_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]
