"""Texts and languages in every form that people hold them in, and the same errors from every public function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpuskit import contamination, duplicates, language, privacy, quality, toxicity
from corpuskit.contamination import prepare
from corpuskit.errors import InputError
from corpuskit.inputs import as_languages, as_texts, known_languages, language_code
from corpuskit.tokens import train_tokenizer

TEXTS = ["a b", None, "한글"]


@pytest.mark.parametrize(
    "given",
    [
        TEXTS,
        tuple(TEXTS),
        ["a b", float("nan"), "한글"],
        np.array(TEXTS, object),
        pa.array(TEXTS),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_containers(given: Any) -> None:
    assert as_texts(given).to_pylist() == TEXTS


def test_generators_pandas_polars_and_datasets() -> None:
    assert as_texts(text for text in TEXTS).to_pylist() == TEXTS
    pandas = pytest.importorskip("pandas")
    for dtype in (None, object, "string", "category"):
        assert as_texts(pandas.Series(TEXTS, index=[5, 6, 9], dtype=dtype)).to_pylist() == TEXTS
    assert as_texts(pandas.Series([float("nan")] * 2)).to_pylist() == [None, None]
    assert as_texts(["a", pandas.NA]).to_pylist() == ["a", None]
    assert as_texts(pytest.importorskip("datasets").Dataset.from_dict({"text": TEXTS})["text"]).to_pylist() == TEXTS
    assert as_texts(pytest.importorskip("polars").Series(TEXTS)).to_pylist() == TEXTS


def test_no_texts_and_lone_surrogates() -> None:
    assert as_texts([]).type == as_texts(pa.chunked_array([], pa.string())).type == pa.large_string()
    assert as_texts(["a\ud800b", None]).to_pylist() == ["a\ufffdb", None]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("one text", "pass a list"),
        (b"one text", "pass a list"),
        ({"text": "a"}, "pass one column"),
        ({"a", "b"}, "pass one column"),
        (["a", 1], r"texts\[1\] is a int"),
        (pa.array([1]), "holds int64"),
        (None, "is a NoneType"),
        (7, "is a int"),
    ],
)
def test_what_are_no_texts(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_texts(given)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("ko", "ko"),
        ("KO", "ko"),
        ("kor", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR.UTF-8", "ko"),
        ("kor_Hang", "ko"),
        ("cmn_Hans", "zh"),
        ("zh-Hant-TW", "zh"),
        ("arb_Arab", "ar"),
        ("nob", "no"),
        ("fil", "tl"),
        ("tl", "tl"),
        ("yue", "yue"),
        ("iw", "he"),
        ("und", None),
        ("", None),
    ],
)
def test_language_codes(written: str, code: str | None) -> None:
    assert language_code(written) == code


def test_every_language_that_is_identified_has_its_own_code() -> None:
    assert {code: language_code(code) for code in language.LANGUAGES} == {code: code for code in language.LANGUAGES}


@pytest.mark.parametrize(
    ("written", "hint"), [("korean", "'ko'"), ("jp", "'ja'"), ("xx", "common codes"), ("en-", "language code")]
)
def test_what_is_no_language(written: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        language_code(written)
    assert known_languages(pa.array([written, "kor"])).to_pylist() == [None, "ko"]


def test_thai_is_compared_by_characters_whether_its_language_is_known_or_not() -> None:
    thai = "วันนี้อากาศดีมาก เราจึงไปเดินเล่นที่สวนสาธารณะด้วยกัน เห็นดอกไม้สวยงามมากมายและสัตว์ตัวเล็กน่ารัก " * 4
    texts = [thai, thai.replace("สวยงาม", "งดงาม", 1)]
    for code in (None, "tha", "th"):
        assert duplicates.cluster(texts, 0.8, code).kept.tolist() == [True, False]


def test_one_language_for_all_or_one_a_text() -> None:
    assert as_languages(None, 2).to_pylist() == [None, None]
    assert as_languages("kor", 2).to_pylist() == ["ko", "ko"]
    assert as_languages(["en", float("nan"), "eng"], 3).to_pylist() == ["en", None, "en"]
    with pytest.raises(InputError, match="2 texts and 1 languages"):
        as_languages(["en"], 2)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "identify": language.identify,
    "measure": quality.measure,
    "measure_as": lambda texts, *rest: quality.measure_as("datatrove", texts, *rest),
    "clean_lines": quality.clean_lines,
    "clean_lines_as": lambda texts: quality.clean_lines_as("datatrove", texts),
    "clean_korean": quality.clean_korean,
    "cluster": lambda texts, *rest: duplicates.cluster(texts, 0.8, *rest),
    "signatures": duplicates.signatures,
    "passages": duplicates.passages,
    "check": lambda texts: contamination.check(texts, prepare([])),
    "find": privacy.find,
    "scrub": privacy.scrub,
    "score": toxicity.score,
    "assess": toxicity.assess,
    "train_tokenizer": train_tokenizer,
}
WITH_LANGUAGE = ("measure", "measure_as", "cluster", "signatures", "find", "scrub", "score", "assess")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_refuses_a_bare_str_in_the_same_words(name: str) -> None:
    with pytest.raises(InputError, match="'texts' is one str; pass a list"):
        FUNCTIONS[name]("one text")


@pytest.mark.parametrize("name", WITH_LANGUAGE)
def test_every_function_refuses_languages_in_the_same_words(name: str) -> None:
    with pytest.raises(InputError, match="2 texts and 1 languages"):
        FUNCTIONS[name](["a", "b"], ["en"])
    with pytest.raises(InputError, match="not a language code"):
        FUNCTIONS[name](["a"], ["xx"])
