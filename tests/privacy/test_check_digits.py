"""Check digits against published examples, and against every single wrong digit."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from corpuskit.privacy.detect import checks

CARDS = ("4539148803436467", "79927398713", "378282246310005", "6011000990139424", "0", "18")
BUSINESSES = ("1208147521", "2148635102", "1248100998")  # Korean companies print theirs on every page
IBANS = ("GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947")
BITCOIN = ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "1111111111111111111114oLvT2")
SEGWIT = (
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",  # BIP 173
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",  # BIP 350
    "a1lqfn3a",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "?1v759aa",
)


def wrong_digits(value: str) -> list[str]:
    """Every string that differs from this one in one digit."""
    return [
        value[:place] + digit + value[place + 1 :]
        for place, old in enumerate(value)
        if old.isdigit()
        for digit in "0123456789"
        if digit != old
    ]


@pytest.mark.parametrize("value", CARDS)
def test_luhn(value: str) -> None:
    assert checks.luhn(value)
    assert not any(map(checks.luhn, wrong_digits(value)))


def test_luhn_is_the_sum_of_its_definition() -> None:
    chance = random.Random(0)
    for _ in range(500):
        digits = "".join(chance.choices("0123456789", k=chance.randint(2, 19)))
        total = 0
        for place, digit in enumerate(reversed(digits)):
            value = int(digit) * (2 if place % 2 else 1)
            total += value - 9 if value > 9 else value
        assert checks.luhn(digits) == (total % 10 == 0)


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def test_resident_registration_numbers() -> None:
    """Weights 2 to 9 and 2 to 5, (11 - sum mod 11) mod 10; 13 instead of 11 for foreigners (seventh digit 5 to 8)."""
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    chance, seen = random.Random(1), set()
    for seventh in "0123456789" * 60:
        front = "".join(chance.choices("0123456789", k=6)) + seventh + "".join(chance.choices("0123456789", k=5))
        offset = 13 if seventh in "5678" else 11
        right = str((offset - weighted(front, weights) % 11) % 10)
        seen.add((seventh, right))
        assert [digit for digit in "0123456789" if checks.resident(front + digit)] == [right]
    assert len(seen) > 90


@pytest.mark.parametrize("value", BUSINESSES)
def test_business_registration_numbers(value: str) -> None:
    assert checks.business(value)
    assert not any(map(checks.business, wrong_digits(value)[-9:]))


def test_business_registration_numbers_follow_their_definition() -> None:
    """Weights 1 3 7 1 3 7 1 3 5; of the ninth digit times five both digits count."""
    chance = random.Random(2)
    for _ in range(500):
        front = "".join(chance.choices("0123456789", k=9))
        total = weighted(front[:8], (1, 3, 7, 1, 3, 7, 1, 3)) + int(front[8]) * 5 + int(front[8]) * 5 // 10
        right = str((10 - total % 10) % 10)
        assert [digit for digit in "0123456789" if checks.business(front + digit)] == [right]


@pytest.mark.parametrize("value", IBANS)
def test_ibans(value: str) -> None:
    assert checks.iban(value)
    assert not any(map(checks.iban, wrong_digits(value)))
    assert not checks.iban(value[:4] + value[5] + value[4] + value[6:]) or value[4] == value[5]


@pytest.mark.parametrize("value", BITCOIN)
def test_base58(value: str) -> None:
    assert checks.base58(value)
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    for place in range(1, len(value)):
        other = alphabet[(alphabet.index(value[place]) + 1) % 58]
        assert not checks.base58(value[:place] + other + value[place + 1 :])


@pytest.mark.parametrize("value", ["0OIl", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN0", "z" * 60, ""])
def test_what_is_not_base58(value: str) -> None:
    assert not checks.base58(value)


@pytest.mark.parametrize("value", SEGWIT)
def test_bech32(value: str) -> None:
    assert checks.bech32(value)
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    for place in range(value.rindex("1") + 1, len(value)):
        other = alphabet[(alphabet.index(value[place].lower()) + 1) % 32]
        assert not checks.bech32(value[:place] + other + value[place + 1 :])
    first = "c" if value[0] in "bB" else "b"
    assert not checks.bech32(first + value[1:])


@pytest.mark.parametrize(
    "value",
    ["", "1", "pzry9x0s0muk", "1pzry9x0s0muk", "bc1b08d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bcqw508d6qejxtdg4y5r3zar"],
)
def test_what_is_not_bech32(value: str) -> None:
    assert not checks.bech32(value)


def test_months_have_their_days() -> None:
    days = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
    for month in range(-1, 15):
        for day in range(-1, 34):
            assert checks.month_and_day(month, day) == (month in days and 1 <= day <= days.get(month, 0))


def test_each_check_looks_at_all_of_its_value() -> None:
    checked: list[tuple[Callable[[str], bool], str]] = [
        (checks.luhn, "4539148803436467"),
        (checks.iban, "NO9386011117947"),
        (checks.base58, BITCOIN[0]),
        (checks.bech32, SEGWIT[0]),
    ]
    for check, value in checked:
        assert not check(value[:-1])
