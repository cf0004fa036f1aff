"""How the kernels read words: as people read them, and the same however they are spelled or cut."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.folded_words import folded_words, read_window, window_room
from corpuskit.kernels.ngram_hash import (
    FEATURES_A_WORD,
    LONGEST,
    MOST_SYLLABLES,
    SHORTEST,
    begins_syllable,
    pair_bucket,
    word_buckets,
    word_key,
)

LETTERS = "ㄱㄲㄳㄴㄵㄶㄷㄸㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅃㅄㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


def letters(word: str) -> str:
    """Hangul taken apart by Unicode's own decomposition, each part as its compatibility letter."""
    parts = unicodedata.normalize("NFD", word)
    leads = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
    tails = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
    found = ""
    for part in parts:
        code = ord(part)
        if 0x1100 <= code <= 0x1112:
            found += leads[code - 0x1100]
        elif 0x1161 <= code <= 0x1175:
            found += chr(0x314F + code - 0x1161)
        elif 0x11A8 <= code <= 0x11C2:
            found += tails[code - 0x11A8]
        else:
            found += part
    return found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("FUUUUCK", "fuck"),
        ("sh!t", "shit"),
        ("b1tch", "bitch"),
        ("f*ck", "fck"),
        ("f.u.c.k", "fuck"),
        ("f u c k", "fuck"),
        ("ｆｕｃｋ", "fuck"),
        ("fůck", "fuck"),
        ("fuсk", "fuck"),  # a Cyrillic es
        ("f\u200bu\u00adck", "fuck"),
        ("don't", "dont"),
        ("a$$hole", "asshole"),
        ("시1발", letters("시발")),
        ("씨@발", letters("씨발")),
        ("시 발", letters("시발")),
        ("병.신", letters("병신")),
        ("ㅂㅕㅇ신", letters("병신")),
        ("ㅅㅂ", "ㅅㅂ"),
        ("ㅅ ㅂ", "ㅅㅂ"),
    ],
)
def test_disguises_are_seen_through(text: str, word: str) -> None:
    assert word in folded_words(text)


def test_addresses_and_mentions_are_no_words() -> None:
    assert folded_words("@bitch_slayer see http://fuck.example/shit and www.shit.example") == ["see", "and"]


def test_plain_words_stay_whole() -> None:
    assert folded_words("Well, good books keep coming; 100 of them.") == [
        "well", "good", "books", "keep", "coming", "100", "of", "them",
    ]  # fmt: skip


@given(st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=2, max_size=8))
@settings(max_examples=200, deadline=None)
def test_hangul_is_its_letters_composed_or_not(word: str) -> None:
    plain = letters(word)
    if any(plain[i] == plain[i + 1] == plain[i + 2] for i in range(len(plain) - 2)):
        return  # rows of three equal letters are shortened
    assert folded_words(word) == [plain]
    assert folded_words(unicodedata.normalize("NFD", word)) == [plain]


@given(st.text(max_size=400), st.integers(3, 30))
@settings(max_examples=300, deadline=None)
def test_windows_tile_a_text_and_count_its_characters(text: str, most: int) -> None:
    data, offsets = text_buffers([text])
    room = window_room(most)
    stored = bytes(data[offsets[0] : offsets[1]]).decode()
    position, characters = int(offsets[0]), 0
    while position < offsets[1]:
        before = position
        position, read, first, last, words, _ = read_window(data, position, int(offsets[1]), most, *room)
        assert position > before
        assert bytes(data[before:position]).decode() == stored[characters : characters + read]
        assert 0 <= first <= last <= read
        if words:
            assert stored[characters + first : characters + last].strip()
        characters += read
    assert characters == len(stored)


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x80abc", b"\xed\xa0\x80\xed\xb0\x80 x", b"\xe1\x84", b"\xf0\x9f\x96", b"\x00" * 300]
)
def test_bytes_that_are_no_text_are_read_to_their_end(data: bytes) -> None:
    room = window_room(10)
    position = 0
    while position < len(data):
        following, *_ = read_window(np.frombuffer(data, np.uint8), position, len(data), 10, *room)
        assert following > position
        position = following


def _mix(value: int, bits: int) -> int:
    mask = (1 << 64) - 1
    for _ in range(2):
        value = ((value ^ (value >> 32)) * 0x9E3779B97F4A7C15) & mask
    return value >> (64 - bits)


def _hash(symbols: list[int], value: int = 0xCBF29CE484222325) -> int:
    for symbol in symbols:
        value = ((value ^ symbol) * 0x100000001B3) & ((1 << 64) - 1)
    return value


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("개새끼야", ["ㄱㅐ", "ㅅㅐ", "ㄲㅣ", "ㅇㅑ"]),
        ("닭값", ["ㄷㅏㄺ", "ㄱㅏㅄ"]),
        ("와ㅋㅋ", ["ㅇㅘㅋ", "ㅋ"]),  # the first of the letters closes the syllable
        ("ㅅㅂ놈", ["ㅅ", "ㅂ", "ㄴㅗㅁ"]),
        ("ㅠㅠ", ["ㅠ", "ㅠ"]),
        ("a4용지", ["a", "4", "ㅇㅛㅇ", "ㅈㅣ"]),
    ],
)
def test_syllables_are_found_again_among_their_letters(word: str, syllables: list[str]) -> None:
    [letters] = folded_words(word)[:1]
    array = np.array([ord(letter) for letter in letters], np.uint16)
    begins = [place for place in range(len(array)) if begins_syllable(array, 0, place, len(array))]
    found = [letters[a:b] for a, b in zip(begins, [*begins[1:], len(letters)], strict=True)]
    assert found == syllables


LETTERS = st.integers(2, 0xFFFF) | st.sampled_from([ord(letter) for letter in "ㄱㄴㅅㅏㅣㅗ"])


@given(st.lists(LETTERS, min_size=1, max_size=64), st.integers(8, 22), st.integers(0, MOST_SYLLABLES))
@settings(max_examples=200, deadline=None)
def test_buckets_are_those_of_the_definition(symbols: list[int], bits: int, syllables: int) -> None:
    array = np.array([7, *symbols, 9], np.uint16)  # neighbours that must not be read
    out = np.zeros(FEATURES_A_WORD, np.int64)
    count = word_buckets(array, 1, len(symbols) + 1, bits, SHORTEST, syllables, out)
    marked = [1, *symbols, 1]
    grams = [marked[a:b] for a in range(len(marked)) for b in range(a + SHORTEST, min(a + LONGEST, len(marked)) + 1)]
    expected = [_mix(_hash(symbols) ^ 0xD6E8FEB86659FD93, bits), *(_mix(_hash(gram), bits) for gram in grams)]
    begins = [place for place in range(len(symbols)) if begins_syllable(array, 1, place + 1, len(symbols) + 1)]
    pieces = [_hash(symbols[a:b]) for a, b in zip(begins, [*begins[1:], len(symbols)], strict=True)]
    for last in range(1, len(pieces) + 2):
        marked = [1, *pieces, 1][: last + 1]
        runs = [marked[-order:] for order in range(1, min(syllables, last + 1) + 1) if order > 1 or last <= len(pieces)]
        expected += [_mix(_hash(run, 0x51ED270B0F4D1A6F), bits) for run in runs]
    assert out[:count].tolist() == expected
    assert int(word_key(array, 1, len(symbols) + 1)) == _hash(symbols)
    first, second = np.uint64(_hash(symbols)), np.uint64(_hash(symbols[::-1]))
    mask = (1 << 64) - 1
    pair = ((int(first) * 0x9E3779B97F4A7C15) & mask) ^ ((int(second) + 0xD6E8FEB86659FD93) & mask)
    assert pair_bucket(first, second, bits) == _mix(pair, bits)
