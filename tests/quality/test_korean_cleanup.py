"""Laughter is folded and news tails are found, and nothing else of a Korean text changes."""

from __future__ import annotations

import itertools
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.quality import clean_korean, measure
from corpuskit.quality.korean import changes


def cleaned(text: str) -> str:
    return str(clean_korean([text])[0][0].as_py())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("재밌었어요ㅋㅋㅋㅋ 또 가야지ㅎㅎ", "재밌었어요ㅋㅋ 또 가야지ㅎㅎ"),  # the syllable before the laugh stays
        ("너무하네ㅋ", "너무하네ㅋ"),
        ("2000000년 1111번", "2000000년 1111번"),  # digits are no laughter
        ("슬퍼요ㅠㅠㅠㅠㅠ 정말ㅜㅜㅜ", "슬퍼요ㅠㅠ 정말ㅜㅜ"),
        ("ㅠㅜㅠㅜ", "ㅠㅜ"),
        ("ㅋㅋㅋㅎㅎㅎ", "ㅋㅋㅎㅎ"),
        ("하하하하 네네네", "하하하하 네네네"),  # syllables are words
        ("와아아아 좋다!!!!", "와아아아 좋다!!!!"),
        ("2023-01-01에 01012345678번으로 연락했다.", "2023-01-01에 01012345678번으로 연락했다."),
        ("문의는 a@b.co.kr 또는 c@d.kr 로 하면 됩니다.", "문의는 a@b.co.kr 또는 c@d.kr 로 하면 됩니다."),
        ("나는 오늘 집에 가서 밥을 먹고 잤다", "나는 오늘 집에 가서 밥을 먹고 잤다"),
    ],
)
def test_runs_of_bare_letters_fold_to_two_and_nothing_else_changes(text: str, expected: str) -> None:
    assert cleaned(text) == expected


BODY = "서울시는 한강공원에 나무를 심었다고 밝혔다."


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ("\n홍길동 기자", "tail.byline"),
        ("\n홍길동 기자 hong@news.co.kr", "tail.byline"),
        ("\n한국일보 = 홍길동·김영희 기자", "tail.byline"),
        ("\n/홍길동 인턴기자", "tail.byline"),
        (" 홍길동 기자 hong@news.co.kr", "tail.byline"),
        ("\nhong@news.co.kr", "tail.email"),
        ("\n이메일: hong@news.co.kr", "tail.email"),
        ("\n<저작권자 ⓒ 새소식, 무단전재 및 재배포 금지>", "tail.rights"),
        ("\n무단전재 및 재배포를 금지합니다.", "tail.rights"),
        ("\nCopyright ⓒ 새소식. All rights reserved. 무단 전재 금지", "tail.rights"),
        (" <저작권자 ⓒ 새소식, 무단전재 및 재배포 금지>", "tail.rights"),
    ],
)
def test_the_tail_of_a_news_page_goes_as_a_span_of_its_kind(tail: str, kind: str) -> None:
    text = BODY + tail
    found = changes(text)
    assert [change.type for change in found] == [kind]
    assert cleaned(text) == BODY


@pytest.mark.parametrize(
    "text",
    [
        "홍길동 기자는 어제 회사를 그만두었다고 말했다.",
        "기자는 무단전재가 왜 나쁜 일인지 오래 설명했고, 독자들은 고개를 끄덕이며 저작권자의 마음을 헤아려 보았다.",
        f"홍길동 기자\n{BODY * 3}\n" + "\n".join(f"{BODY} {n}" for n in range(9)),  # not at the end
        "담당자에게 hong@news.co.kr 로 편지를 보내 주세요.",
    ],
)
def test_sentences_that_speak_of_reporters_and_rights_stay(text: str) -> None:
    assert cleaned(text) == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="가나다ㅋㅎㅠㅜ12 .\n기자홍길동@a<>ⓒ", max_size=60))
def test_the_spans_are_in_order_and_explain_the_new_text(text: str) -> None:
    found = changes(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    kept = [c for i, c in enumerate(text) if not any(change.start <= i < change.end for change in found)]
    assert cleaned(text) == "".join(kept)
    folded = [text[change.start : change.end] for change in found if not change.type.startswith("tail.")]
    assert all(set(piece) <= set("ㅋㅎㅠㅜ") for piece in folded)


def test_nulls_and_composed_syllables_stay_as_they_are() -> None:
    texts, spans = clean_korean([None, "", "각"])
    assert texts.to_pylist() == [None, "", "각"]
    assert spans == [[], [], []]
    assert unicodedata.is_normalized("NFC", cleaned("한글ㅋㅋㅋㅋ"))


def test_a_text_without_line_feeds_is_read_in_linear_time() -> None:
    assert cleaned("ㅋ" * 2_000_000) == "ㅋㅋ"
    assert len(cleaned("가" * 2_000_000)) == 2_000_000
    assert len(cleaned("[" * 500_000)) == 500_000


def test_plain_korean_keeps_the_mean_word_length_rule() -> None:
    from corpuskit.quality.rules import select

    (rule,) = select(["gopher.min_mean_word_length"], {})
    value = measure(["나는 오늘 집에 가서 밥을 먹고 잤다"], "ko")[0].as_py()["gopher"]["mean_word_length"]
    assert value >= rule.limit_for("ko")


def test_petitions_lose_nothing_but_laughter_and_tails(samples: Path) -> None:
    month = (samples / "duplicates/petitions/petitions_2019-05").read_text().splitlines()
    for line in month:
        text = json.loads(line)["content"]
        for change in changes(text):
            piece = text[change.start : change.end]
            assert change.type.startswith("tail.") or set(piece) <= {piece[0]} | set("ㅠㅜ")
