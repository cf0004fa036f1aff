"""The compiled pass marks exactly what the anchors match, so the fast answer is the slow answer."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.inputs import as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.keywords import compile_keywords, occurrences
from corpuskit.privacy.detect import DETECTORS
from corpuskit.privacy.find import find, structured
from corpuskit.privacy.finding import Candidate
from corpuskit.privacy.fold import fold
from corpuskit.privacy.marks import ANCHORS, KEYWORDS, Mark, find_marks
from corpuskit.privacy.reserved import without_reserved

ALPHABET = "0123456789 -.()/+,_~·:@abfAFZ로길동리가읍면공일이삼호\n\u00a0–é생계좌%&\\*"
KEYWORD_PIECES = [word for words in KEYWORDS.values() for word in words]


ANY_RUN = re.compile(ANCHORS[Mark.NUMBER].pattern.replace("{6,}", "*"))


def slow_marks(text: str) -> set[tuple[int, int, int]]:
    marks = set()
    for mark, anchor in ANCHORS.items():
        if mark in KEYWORDS:
            for word in KEYWORDS[mark]:
                found = re.finditer(f"(?=({re.escape(word)}))", text, re.IGNORECASE | re.ASCII)
                marks |= {(int(mark), *match.span(1)) for match in found}
        else:
            marks |= {(int(mark), *match.span()) for match in anchor.finditer(text)}
    return marks


def fast_marks(texts: list[str]) -> list[set[tuple[int, int, int]]]:
    rows, _ = find_marks(*text_buffers(texts))
    sets: list[set[tuple[int, int, int]]] = [set() for _ in texts]
    for text, mark, start, end in rows.tolist():
        assert (mark, start, end) not in sets[text]
        sets[text].add((mark, start, end))
    return sets


def slow_candidates(text: str) -> set[Candidate]:
    """Every detector on everything: numbers over every run of digits however short, the others at every anchor."""
    text = fold(text).text
    found = set()
    for run in ANY_RUN.finditer(text):
        found |= set(DETECTORS[Mark.NUMBER](text, *run.span()))
    for mark, start, end in slow_marks(text):
        if mark != Mark.NUMBER:
            found |= set(DETECTORS[Mark(mark)](text, start, end))
    return set(without_reserved(text, sorted(found)))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text(st.sampled_from(ALPHABET), max_size=60) | st.text(max_size=30), max_size=4))
@example(["1" * 7, "12.34.56.78", "AB12", "a123 Main", "로 3", "2001:db8::1", "x" * 20])
@example(["1 2 3    4 5 6 7 8 9 0 1 2", "1234567", "", "@"])
def test_marks_are_the_anchors(texts: list[str]) -> None:
    assert fast_marks(texts) == [slow_marks(text) for text in texts]


HANGUL = [
    "국민의 권리를 지키는",
    "공",
    "일이삼",
    "사오",
    "육칠팔구",
    "륙",
    "영",
    " ",
    "  ",
    ". ",
    ",",
    "-",
    "!",
    "\n",
    "漢字를",
    "각하",
]


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from([*HANGUL, *HANGUL, "7", "a@b", "·", "ㅡ", "로 3", "20.생", "Ａ", "😀"]), max_size=60).map(
        "".join
    )
)
def test_marks_are_the_anchors_in_long_stretches_of_hangul(text: str) -> None:
    assert fast_marks([text, "가" * 40, text]) == [slow_marks(text), set(), slow_marks(text)]


@pytest.mark.parametrize("before", range(70))
def test_a_run_of_number_words_is_marked_wherever_it_stands(before: int) -> None:
    text = "가" * before + "공일공 일이삼사" + "힣" * 70 + "공 일. 이  삼-사 오 육"
    assert fast_marks([text]) == [slow_marks(text)]
    assert len(slow_marks(text)) == 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*KEYWORD_PIECES, " ", "x", "PASSWORD", "출", "생"]), max_size=12).map("".join))
def test_keywords_are_found_in_any_overlap(text: str) -> None:
    assert fast_marks([text]) == [slow_marks(text)]


def test_many_marks_need_more_room_than_expected() -> None:
    text = "@" * 50_000
    assert len(fast_marks([text])[0]) == 50_000


def test_a_keyword_too_short_for_the_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="'he' is shorter than 3 bytes"):
        compile_keywords({"he": 1})


def test_keywords_report_longer_and_shorter_words_that_overlap() -> None:
    keywords = compile_keywords({"her": 1, "she": 2, "hers": 3, "ers": 4, "hersheys": 5, "한": 6})
    rows = occurrences(*text_buffers(["ushers", "한HER", "", "he", "HersheyS"]), keywords)
    found = {tuple(row) for row in rows.tolist()}
    assert found == {
        *((0, 2, 1, 4), (0, 1, 2, 5), (0, 3, 2, 6), (0, 4, 3, 6)),
        *((1, 6, 0, 1), (1, 1, 1, 4)),
        *((4, 1, 0, 3), (4, 3, 0, 4), (4, 4, 1, 4), (4, 2, 3, 6), (4, 5, 0, 8)),
    }


@given(
    st.lists(
        st.text("abABCcé가각", min_size=3, max_size=8), min_size=1, max_size=12, unique_by=lambda word: word.lower()
    ),
    st.lists(st.text("abABCcé가각 ", max_size=40), max_size=4),
)
def test_keywords_are_found_wherever_a_plain_search_finds_them(words: list[str], texts: list[str]) -> None:
    rows = occurrences(*text_buffers(texts), compile_keywords({word: kind for kind, word in enumerate(words)}))
    wanted = {
        (number, kind, at, at + len(word))
        for number, text in enumerate(texts)
        for kind, word in enumerate(words)
        for at in range(len(text))
        if text.lower().startswith(word.lower(), at)
    }
    assert {tuple(row) for row in rows.tolist()} == wanted
    assert len(rows) == len(wanted)


PIECES = [
    *(
        "010-1234-5678",
        "02)345-6789",
        "+82 10 1234 5678",
        "공일공 일이삼사 오육칠팔",
        "0 1 0 1 2 3 4 5 6 7 8",
        "010123456789",
    ),
    *("(415) 555-0132", "+1-212-555-0199 x22", "+44 20 7946 0958", "900101-1234567", "123-45-67891", "11-12-345678-90"),
    *(
        "4111 1111 1111 1111",
        "536-22-1234",
        "987-65-4321",
        "8.8.8.8",
        "1.2.3.4.5",
        "2001:4860:4860::8888",
        "hong@naver.com",
    ),
    *(
        "kim (at) example.com",
        "DE89370400440532013000",
        "서울시 강남구 테헤란로 152",
        "123 Main Street",
        "계좌 110-123-456789",
        "1990-03-05생",
        "M12345678",
        "901010-1******",
        "121[.]166[.]38.204",
        "203(dot)14",
        "postcode: M1 1AE",
        "gb82west12345698765432",
        "a@회사.한국으로",
    ),
    *(
        "전화 ",
        "주민번호 ",
        "여권 ",
        "생년월일 ",
        "카드 ",
        "order ",
        " ",
        "",
        "-",
        ".",
        "입니다",
        "x",
        "1",
        "\n",
        "+",
        "(",
        "    ",
    ),
]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_marked_places_give_what_the_whole_text_gives(text: str) -> None:
    assert set(structured(as_texts([text]))[0]) == slow_candidates(text)


def test_texts_give_what_the_whole_text_gives(samples: Path) -> None:
    texts = varied_texts(samples, limit=4_000_000)
    fast = [set(row) for row in structured(as_texts(texts))]
    assert sum(map(len, fast)) > 100
    for text, row in zip(texts, fast, strict=True):
        if fold(text).text == text:
            assert row == slow_candidates(text)


def varied_texts(shared_data: Path, limit: int) -> list[str]:
    """Korean and English prose, technical texts and feeds, with personal data strewn in; about `limit` bytes."""
    rng = random.Random(3)
    texts: list[str] = []
    for path in sorted((shared_data / "duplicates/petitions").iterdir()):
        texts += [json.loads(line)["content"] for line in path.read_text(encoding="utf-8").splitlines()]
    texts += (shared_data / "duplicates/mccormick/articles_1000.train").read_text(encoding="utf-8").splitlines()
    for pattern in ("prose/**/*.md", "extraction/wcxb/ground-truth/*.json", "feeds/**/*.xml"):
        texts += [path.read_text(encoding="utf-8", errors="replace") for path in sorted(shared_data.glob(pattern))]
    rng.shuffle(texts)
    chosen, size = [], 0
    for text in texts:
        words = text.split(" ")
        for _ in range(3):
            words.insert(rng.randrange(len(words) + 1), rng.choice(PIECES))
        chosen.append(" ".join(words))
        size += len(text.encode())
        if size > limit:
            break
    return chosen


def test_find_settles_what_the_detectors_propose() -> None:
    found = find(["전화 010-1234-5678, 메일 hong@naver.com"])[0]
    assert [(item.type, item.text) for item in found] == [("phone", "010-1234-5678"), ("email", "hong@naver.com")]
