"""What the quality measurements are: golden values by hand, the slow version, real texts and bad input."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_quality import measure as slowly
from slow_quality import words as slow_words

from corpuskit.kernels.unicode import code_points
from corpuskit.kernels.words import COUNTS, split_words, word_hash
from corpuskit.quality import measure
from corpuskit.quality.kernel import count
from corpuskit.quality.languages import settings as language_file


def one(text: str, language: str | None = "en") -> dict[str, Any]:
    row = measure([text], language).to_pylist()[0]
    return {f"{group}.{name}": value for group, values in row.items() for name, value in values.items()}


def lexicon(language: str) -> tuple[set[str], set[str]]:
    found = language_file(language)
    return {str(word) for word in found["stop_words"]}, set(found["endings"])


# --- golden values, computed by hand ---


def test_words_lose_the_punctuation_around_them_and_keep_that_inside() -> None:
    found = one('"Don\'t," she said -- twice; 3.14 times!')
    # Don't she said twice 3.14 times: 5 + 3 + 4 + 5 + 4 + 5 characters; '--' is a token and no word
    assert found["gopher.words"] == 6
    assert found["gopher.mean_word_length"] == pytest.approx(26 / 6)
    assert found["gopher.alphabetic_words"] == pytest.approx(5 / 7)


def test_han_and_kana_count_by_character_and_hangul_by_eojeol() -> None:
    assert one("今日は서울에 간다")["gopher.words"] == 5
    assert one("나는 오늘 집에 가서 밥을 먹고 잤다", "ko")["gopher.words"] == 7


def test_nothing_repeated_is_no_top_n_gram() -> None:
    assert one("The quick brown fox jumps over the lazy dog")["gopher.top_2_gram"] == 0
    korean = one("나는 오늘 집에 가서 밥을 먹고 잤다", "ko")
    assert [korean[f"gopher.top_{n}_gram"] for n in (2, 3, 4)] == [0, 0, 0]
    assert korean["gopher.mean_word_length"] == 2.0


def test_the_top_n_gram_covers_each_character_once() -> None:
    # 'ha ha' occurs three times in 'ha ha ha ha' and covers eight characters of sixteen
    found = one("ha ha ha ha nnn ooo pp")
    assert found["gopher.top_2_gram"] == pytest.approx(8 / 16)
    assert found["gopher.top_3_gram"] == pytest.approx(8 / 16)
    assert found["gopher.top_4_gram"] == 0


def test_of_equally_frequent_n_grams_the_one_that_covers_most_counts() -> None:
    assert one("a b x a b y long words z long words")["gopher.top_2_gram"] == pytest.approx(18 / 25)


def test_a_block_of_ten_words_twice_counts_whole_in_each_order() -> None:
    block = "b0 b1 b2 b3 b4 b5 b6 b7 b8 b9"
    filler = " ".join(f"f{i:02}" for i in range(80))
    found = one(f"{block} {filler} {block}")
    for n in range(5, 11):
        assert found[f"gopher.duplicate_{n}_gram"] == pytest.approx(40 / (40 + 240))
    assert found["gopher.top_2_gram"] == pytest.approx(8 / 280)


def test_lines_and_paragraphs() -> None:
    text = "- one\n- two\n\nwait...\nwait...\n\n- one\n- two\n"
    found = one(text)
    # six lines of 5, 5, 7, 7, 5, 5 characters; three paragraphs of 10, 14, 10
    assert found["gopher.duplicate_lines"] == pytest.approx(3 / 6)
    assert found["gopher.duplicate_line_characters"] == pytest.approx(17 / 34)
    assert found["gopher.duplicate_paragraphs"] == pytest.approx(1 / 3)
    assert found["gopher.duplicate_paragraph_characters"] == pytest.approx(10 / 34)
    assert found["gopher.bullet_lines"] == pytest.approx(4 / 6)
    assert found["gopher.ellipsis_lines"] == pytest.approx(2 / 6)
    assert found["gopher.symbol_ratio_ellipsis"] == pytest.approx(2 / 6)
    assert found["fineweb.line_punctuation"] == pytest.approx(2 / 6)
    assert found["fineweb.short_lines"] == 1
    assert found["fineweb.character_duplicates"] == pytest.approx(17 / 34)
    assert found["fineweb.new_lines"] == pytest.approx(8 / 6)


def test_stop_words_count_once_each_in_any_case() -> None:
    assert one("The the THE cat and the dog")["gopher.stop_words"] == 2
    assert one("le chat et le chien", "fr")["gopher.stop_words"] is None


def test_korean_particles_count_when_they_are_glued_to_words() -> None:
    found = one("서울은 한강의 북쪽에 있다", "ko")  # endings 은, 의, 에, 다 (있다 is a stop word as well)
    assert found["gopher.stop_words"] == 5
    assert found["korean.endings"] == 1
    assert one("카지노 바카라 토토 슬롯 추천", "ko")["korean.endings"] == 0


def test_korean_shares_of_hangul_and_bare_jamo() -> None:
    found = one("와 ㅋㅋㅋ ok", "ko")
    assert found["korean.hangul_share"] == pytest.approx(4 / 6)
    assert found["korean.jamo_share"] == pytest.approx(3 / 6)
    assert one("와 ㅋㅋㅋ", "en")["korean.hangul_share"] is None


# --- the compiled version is the slow one ---

ALPHABET = "ab AB.!\n\n \t…-#é한국의ㅋ漢カ1'\u200b\x00\U0001f600"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=ALPHABET, max_size=120) | st.text(max_size=60))
def test_any_text_measures_as_the_slow_version_says(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    for language in ("en", "ko"):
        expected = slowly(text, *lexicon(language))
        found = one(text, language)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-12), (language, name)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", "bb", "ccc", "D"]), max_size=60))
def test_repetition_is_what_the_slow_version_says(words: list[str]) -> None:
    text = " ".join(words)
    expected, found = slowly(text, set(), set()), one(text)
    for name in expected:
        if "gram" in name:
            assert found[name] == pytest.approx(expected[name], abs=1e-12), name


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=ALPHABET, max_size=60))
def test_each_word_has_its_place_and_hash(text: str) -> None:
    data = np.frombuffer(text.encode() or b" ", np.uint8)
    room = len(data) // 2 + 2
    hashes, starts, ends, lengths = np.empty(room, np.uint64), *(np.empty(room, np.uint32) for _ in range(3))
    count_ = split_words(data, 0, len(data), code_points(), hashes, starts, ends, lengths, np.zeros(COUNTS, np.int64))
    cut = [data[starts[i] : ends[i]].tobytes().decode() for i in range(count_)]
    assert cut == slow_words(text)
    assert [int(value) for value in hashes[:count_]] == [word_hash(word) for word in cut]
    assert [int(value) for value in lengths[:count_]] == [len(word) for word in cut]


def test_longer_texts_measure_as_the_slow_version_says(samples: Path) -> None:
    articles = (samples / "duplicates/mccormick/articles_1000.train").read_text().splitlines()[:25]
    petitions = (samples / "duplicates/petitions/petitions_2019-04").read_text().splitlines()[:25]
    prose = [path.read_text() for path in sorted((samples / "prose").rglob("*.md"))[:15]]
    korean = [json.loads(line)["content"] for line in petitions] + prose
    for language, texts in (("en", articles), ("ko", korean)):
        for text in texts:
            found, expected = one(text, language), slowly(text, *lexicon(language))
            for name, value in expected.items():
                assert found[name] == pytest.approx(value, abs=1e-12), name


# --- bad input ---


def test_nothing_to_measure_is_null_and_a_null_text_is_null_throughout() -> None:
    found = one("")
    assert found["gopher.words"] == 0
    assert found["gopher.top_2_gram"] is None
    rows = measure(["word", None, ""], ["en", "ko", None])
    assert rows.is_valid().to_pylist() == [True, False, True]
    assert rows.field("gopher").is_valid().to_pylist() == [True, False, True]
    assert len(measure([])) == 0


def test_surrogates_and_zero_bytes_are_characters_like_others() -> None:
    assert one("a\ud800b c\x00d")["gopher.words"] == 2


def test_as_many_languages_as_texts() -> None:
    with pytest.raises(ValueError, match="2 texts and 1 languages"):
        measure(["a", "b"], ["en"])


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_bytes_that_are_no_utf8_are_read_without_failing(content: bytes) -> None:
    data = np.frombuffer(content + b" ", np.uint8)
    counts = count(data, np.array([0, len(content)], np.int64), np.array([0]))
    assert counts.words[0, 1] <= len(content)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=ALPHABET, max_size=120), st.binary(max_size=40), st.integers(1, 9))
def test_a_long_text_is_read_in_pieces_and_measures_as_a_whole_one(text: str, content: bytes, piece: int) -> None:
    data = np.frombuffer(text.encode() + content + b" ", np.uint8)
    offsets = np.array([0, len(data) - 1], np.int64)
    for language in (-1, 0, 1):
        whole, pieces = (count(data, offsets, np.array([language]), size) for size in (1 << 20, piece))
        for expected, found in zip(whole, pieces, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_tables_grow_with_the_distinct_words_and_lines() -> None:
    words = [f"w{number % 5000}" for number in range(5_600)]  # more than a new table holds, and some n-grams again
    found, expected = one("\n".join(words)), slowly("\n".join(words), *lexicon("en"))
    for name in ("gopher.duplicate_lines", "gopher.top_2_gram", "gopher.duplicate_5_gram", "gopher.duplicate_10_gram"):
        assert found[name] == pytest.approx(expected[name], abs=1e-12), name


def test_memory_for_a_long_text_is_that_of_its_words() -> None:
    script = """
import resource, sys
import pyarrow as pa
from corpuskit.quality import measure
measure(["a few words"], "en")
texts = [pa.array([unit * (8_000_000 // len(unit))], pa.large_string()) for unit in ("\\n", "some words and more\\n")]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for text in texts:
    measure(text, "en")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 4 * 8_000_000


@pytest.mark.parametrize(
    "unit", ["a ", "word", "가나다 라마. ", "\n", ". ", "한", "漢", "the same line\n", "[1", "{", "...", "\x00"]
)
def test_cost_grows_with_the_length_alone(unit: str) -> None:
    def seconds(size: int) -> float:
        text = pa.array([unit * (size // len(unit.encode()))], pa.large_string())
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            measure(text, "ko")
            best = min(best, time.process_time() - start)
        return best

    seconds(1000)
    assert seconds(8_000_000) < 12 * seconds(1_000_000) + 0.2


def test_a_slice_measures_as_the_whole_does() -> None:
    texts = pa.array(["first text here", "second one", "third third third third"], pa.large_string())
    assert measure(texts.slice(1), "en").to_pylist() == measure(texts, "en").to_pylist()[1:]
