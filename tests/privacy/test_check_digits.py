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


def test_brazilian_numbers_follow_their_definition() -> None:
    """Weights 10 to 2, then 11 to 2; a remainder below 2 gives 0, another gives 11 less it."""
    chance = random.Random(3)

    def digit(front: str) -> str:
        rest = sum(int(d) * (len(front) + 1 - place) for place, d in enumerate(front)) % 11
        return "0" if rest < 2 else str(11 - rest)

    for _ in range(500):
        front = "".join(chance.choices("0123456789", k=9))
        first = digit(front)
        right = front + first + digit(front + first)
        accepted = [front + a + b for a in "0123456789" for b in "0123456789" if checks.cpf(front + a + b)]
        assert accepted == ([] if len(set(right)) == 1 else [right])
    assert checks.cpf("52998224725")
    assert not any(checks.cpf(d * 11) for d in "0123456789")


def test_british_health_numbers_follow_their_definition() -> None:
    """Weights 10 to 2; 11 less the remainder, 11 gives 0, and 10 is never given out."""
    chance, refused = random.Random(4), 0
    for _ in range(500):
        front = "".join(chance.choices("0123456789", k=9))
        check = (11 - sum(int(d) * (10 - place) for place, d in enumerate(front)) % 11) % 11
        accepted = [d for d in "0123456789" if checks.nhs(front + d)]
        assert accepted == ([] if check == 10 else [str(check)])
        refused += check == 10
    assert refused
    assert checks.nhs("9434765919")


def dihedral(a: int, b: int) -> int:
    """The product of two symmetries of a pentagon, as permutations of corners: 0 to 4 turn, 5 to 9 flip and turn."""

    def corners(element: int) -> tuple[int, ...]:
        turn = element % 5
        return tuple((turn + corner) % 5 if element < 5 else (turn - corner) % 5 for corner in range(5))

    product = tuple(corners(a)[corner] for corner in corners(b))
    return next(element for element in range(10) if corners(element) == product)


def test_indian_numbers_follow_verhoeff() -> None:
    permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    chance = random.Random(5)
    for _ in range(200):
        digits = "".join(chance.choices("0123456789", k=12))
        state = 0
        for place, digit in enumerate(reversed(digits)):
            value = int(digit)
            for _ in range(place):
                value = permutation[value]
            state = dihedral(state, value)
        assert checks.aadhaar(digits) == (state == 0 and digits[0] not in "01")
    fronts = [first + "".join(chance.choices("0123456789", k=10)) for first in "0123456789" for _ in range(10)]
    for front in fronts:
        accepted = [d for d in "0123456789" if checks.aadhaar(front + d)]
        assert len(accepted) == (0 if front[0] in "01" else 1)
    right = next(front + d for front in fronts[20:] for d in "0123456789" if checks.aadhaar(front + d))
    assert not any(map(checks.aadhaar, [wrong for wrong in wrong_digits(right) if wrong[0] not in "01"]))


def test_chinese_numbers_follow_their_definition() -> None:
    """ISO 7064 MOD 11-2: weight 2^(17 - place) of each digit, and a remainder of 1 with the check digit."""
    chance = random.Random(6)
    for _ in range(300):
        front = f"{chance.choice('12345678')}{chance.randrange(100_000):05}{chance.choice(['19', '20'])}"
        front += f"{chance.randrange(100):02}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
        front += f"{chance.randrange(1000):03}"
        total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(front))
        right = next(mark for mark in "0123456789X" if (total + "0123456789X".index(mark)) % 11 == 1)
        assert [mark for mark in "0123456789X" if checks.chinese(front + mark)] == [right]
        for bad in (
            front[:10] + "13" + front[12:],
            front[:12] + "32" + front[14:],
            front[:6] + "18" + front[8:],
            "0" + front[1:],
            "9" + front[1:],
            "A" + front[1:],
            front[:16] + "x",
        ):
            assert not any(checks.chinese(bad + mark) for mark in "0123456789X")


def test_base58_in_other_alphabets_and_its_length() -> None:
    ripple = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"  # the ledger's first account, public
    assert checks.ripple(ripple)
    assert not checks.ripple(ripple[:-1] + "a")
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    for size in (1, 2, 31, 32, 33):
        for number in (256 ** (size - 1), 256**size - 1):
            value = ""
            while number:
                number, place = divmod(number, 58)
                value = alphabet[place] + value
            assert checks.base58_length(value) == size
    assert checks.base58_length("1") == 0
