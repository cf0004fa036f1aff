"""The kernels cut texts exactly as the slow version says, and texts in any form come out the same."""

from __future__ import annotations

import unicodedata

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.duplicates.shingles import Shingling, prepare, shingles
from corpuskit.duplicates.signatures import sets
from corpuskit.inputs import as_languages, as_texts
from corpuskit.kernels.normal_form import compose

KOREAN = "서울시는 오늘 한강변에 새로운 자전거 도로를 만들었다고 밝혔다. 공사는 지난해 봄에 시작되었다."
words = st.text(alphabet="abAB가각한글é漢字1 .,!-­ ㅋ́ß", max_size=60) | st.text(alphabet="aB9é한 ­", max_size=60)


def hashed(texts: list[str], language: str | None, shingling: Shingling) -> list[set[int]]:
    values, counts = sets(as_texts(texts), as_languages(language, len(texts)), shingling)
    ends = np.cumsum(counts)
    return [set(values[end - count : end].tolist()) for end, count in zip(ends, counts, strict=True)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(words, min_size=2, max_size=4), st.sampled_from(["en", "ko", None]), st.integers(1, 6), st.integers(1, 4)
)
def test_kernel_sets_share_what_the_slow_sets_share(
    texts: list[str], language: str | None, size: int, characters: int
) -> None:
    fast = hashed(texts, language, Shingling(size, characters))
    slow = [shingles(text, language, words=size, characters=characters) for text in texts]
    assert [len(one) for one in fast] == [len(one) for one in slow]
    ways = prepare(as_texts(texts), as_languages(language, len(texts))).ways
    for i in range(len(texts)):
        for j in range(i):
            if ways[i] == ways[j]:
                assert len(fast[i] & fast[j]) == len(slow[i] & slow[j])


def test_long_texts_are_read_in_blocks_without_loss() -> None:
    text = " ".join(f"w{number}" for number in range(20_000))
    assert len(hashed([text], "en", Shingling())[0]) == 20_000 - 4
    korean = " ".join(f"낱말{number}이" for number in range(5_000))
    assert len(hashed([korean], "ko", Shingling())[0]) == len(shingles(korean, "ko"))


def test_case_punctuation_spacing_and_normal_form_do_not_matter() -> None:
    plain = "the quick brown fox jumps over the lazy dog on a café terrace"
    loud = unicodedata.normalize("NFD", "The QUICK brown\tfox -- jumps; over the lazy\n\ndog, on a “Café” terrace!!")
    assert hashed([plain], "en", Shingling()) == hashed([loud], "en", Shingling())
    decomposed = unicodedata.normalize("NFD", KOREAN)
    assert hashed([KOREAN], None, Shingling()) == hashed([decomposed], None, Shingling())


def test_a_text_shorter_than_a_shingle_is_one_shingle() -> None:
    for language in ("en", "ko"):
        for text in ("", "!!!", "하나", "word"):
            assert len(hashed([text], language, Shingling())[0]) == 1
    empty, marks, other = (hashed([text], "en", Shingling())[0] for text in ("  \n", "!!!", "???"))
    assert not empty & marks
    assert not marks & other


def test_the_way_of_cutting_follows_language_or_script() -> None:
    texts = [KOREAN, "An English text with 한글 inside it, mostly English words.", KOREAN, "", None]
    assert prepare(as_texts(texts), as_languages(["en", None, "und", None, None], 5)).ways.tolist() == [0, 0, 1, 0, 0]
    foreign = as_texts(["これは日本語の文章です", "ภาษาไทย"])
    assert prepare(foreign, as_languages(["ja", "th"], 2)).ways.tolist() == [1, 1]


def test_four_particle_edits_leave_a_short_news_text_alike() -> None:
    edited = KOREAN.replace("서울시는", "서울시가").replace("한강변에", "한강변").replace("공사는", "공사가")
    edited = edited.replace("봄에", "봄")
    left, right = shingles(KOREAN, "ko"), shingles(edited, "ko")
    assert len(left & right) / len(left | right) >= 0.7


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=8))
def test_compose_is_unicodes_nfc(texts: list[str | None]) -> None:
    composed = compose(texts).to_pylist()
    for text, result in zip(texts, composed, strict=True):
        assert result == (None if text is None else unicodedata.normalize("NFC", text))


def test_compose_finds_every_code_point_that_nfc_changes() -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    changed = [character for character in characters if unicodedata.normalize("NFC", character) != character]
    assert compose(changed).to_pylist() == [unicodedata.normalize("NFC", character) for character in changed]
    pairs = [unicodedata.normalize("NFD", character) for character in characters]
    pairs = [pair for pair in pairs if len(pair) > 1]
    assert compose(pairs).to_pylist() == [unicodedata.normalize("NFC", pair) for pair in pairs]
