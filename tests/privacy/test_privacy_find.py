"""What counts as personal data, and where it stands."""

from __future__ import annotations

import time
import unicodedata
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.privacy import find
from corpuskit.privacy.fold import fold


def types_in(text: str, **options: object) -> list[tuple[str, str]]:
    return [(item.type, item.text) for item in find([text], **options)[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize("templates", ["TUNED", "HELD_OUT", "WAYS"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_invented_values_in_sentences_are_found(labelled: ModuleType, templates: str, language: str) -> None:
    examples = list(labelled.examples({language: getattr(labelled, templates)[language]}, 20, seed=11))
    found = find([example.text for example in examples], language)
    hits = wrong = wanted = 0
    for example, row in zip(examples, found, strict=True):
        wanted += len(example.values)
        for start, end, type in example.values:
            hits += any(item.type == type and item.start < end and start < item.end for item in row)
        for item in row:
            wrong += not any(item.type == t and item.start < end and s < item.end for s, end, t in example.values)
    assert wanted > 200
    assert hits / wanted > 0.97
    assert hits / (hits + wrong) > 0.97


@pytest.mark.parametrize("language", ["ko", "en"])
def test_what_only_looks_like_personal_data_is_left(labelled: ModuleType, language: str) -> None:
    for line in labelled.NEGATIVE[language].splitlines():
        assert types_in(line.replace("{{", "{").replace("}}", "}")) == []


@pytest.mark.parametrize(
    "particle", ["입니다", "이고", "로", "으로", "에게", "은", "이에요", "이라고", "도", "。", ")", "번"]
)
@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("email", "hong@naver.com"),
        ("phone", "010-1234-5678"),
        ("phone", "01012345678"),
        ("phone", "02-345-6789"),
        ("resident_registration", "900101-1234567"),
        ("ip", "121.53.104.157"),
        ("iban", "DE89370400440532013000"),
        ("card", "4539-1488-0343-6467"),
        ("us_ssn", "536-22-1234"),
    ],
)
def test_particles_hide_nothing(type: str, value: str, particle: str) -> None:
    assert types_in(f"그것은{value}{particle}") == [(type, value)]
    assert types_in(f"({value}{particle}") == [(type, value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("전화 ０１０－１２３４－５６７８ 로", "０１０－１２３４－５６７８"),
        ("전화 01\u200b0-12\u200d34-56\ufeff78 로", "01\u200b0-12\u200d34-56\ufeff78"),
        ("전화 𝟎𝟏𝟎-𝟏𝟐𝟑𝟒-𝟓𝟔𝟕𝟖 로", "𝟎𝟏𝟎-𝟏𝟐𝟑𝟒-𝟓𝟔𝟕𝟖"),
        ("공일공 일이삼사 오육칠팔이에요", "공일공 일이삼사 오육칠팔"),
        ("공일공-1234-오육칠팔", "공일공-1234-오육칠팔"),
        ("0 1 0 1 2 3 4 5 6 7 8", "0 1 0 1 2 3 4 5 6 7 8"),
        ("0.1.0.1.2.3.4.5.6.7.8", "0.1.0.1.2.3.4.5.6.7.8"),
        ("👨‍👩‍👧 010-1234-5678 🇰🇷", "010-1234-5678"),
        ("e\u0301 x\ud800 010-1234-5678", "010-1234-5678"),
        ("hong(at)naver.com", "hong(at)naver.com"),
        ("hong골뱅이naver.com", "hong골뱅이naver.com"),
        ("hong 골뱅이 네이버 닷컴", "hong 골뱅이 네이버 닷컴"),
        ("john at example dot com", "john at example dot com"),
        ("JOHN AT EXAMPLE DOT COM", "JOHN AT EXAMPLE DOT COM"),
        ("이메일 hong @ naver.com", "hong @ naver.com"),
        ("010 ㅡ 1234 ㅡ 5678", "010 ㅡ 1234 ㅡ 5678"),
        ("(+82) 10-1234-5678", "(+82) 10-1234-5678"),
        ("010-123-4567", "010-123-4567"),
        ("hong＠naver．com입니다", "hong＠naver．com"),
    ],
)
def test_hidden_values_are_seen_with_their_original_span(text: str, value: str) -> None:
    found = find([text])[0]
    assert [item.text for item in found] == [value]
    assert text[found[0].start : found[0].end] == value


def test_decomposed_hangul_keeps_offsets_of_the_callers_string() -> None:
    text = unicodedata.normalize("NFD", "계좌 국민 110-123-456789 이고 공일공 일이삼사 오육칠팔")
    assert [item.type for item in find([text])[0]] == ["bank_account", "phone"]
    for item in find([text])[0]:
        assert text[item.start : item.end] == item.text
    assert unicodedata.normalize("NFC", find([text])[0][1].text) == "공일공 일이삼사 오육칠팔"


@pytest.mark.parametrize("text", ["10.0.0.1", "192.168.0.7", "127.0.0.1", "fe80::1234:5678", "2001:db8::1"])
def test_private_addresses_count_only_when_asked_for(text: str) -> None:
    line = f"host {text} up"
    assert types_in(line) == []
    assert types_in(line, private_addresses=True) in ([("ip", text)], [])
    assert types_in("host 10.0.0.1 up", private_addresses=True) == [("ip", "10.0.0.1")]


def test_only_wanted_types_are_reported_but_all_compete() -> None:
    assert types_in("card 4539148803436467", types=["phone"]) == []
    assert types_in("a@b.com 010-1234-5678", types=["phone"]) == [("phone", "010-1234-5678")]


def test_an_unknown_type_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'email'"):
        find(["x"], types=["emial"])


def test_one_string_is_no_list_of_texts() -> None:
    with pytest.raises(UsageError, match="list"):
        find("010-1234-5678")


def test_nulls_empty_and_binary_texts_have_no_findings() -> None:
    assert find([None, "", "\0\0\0", "\ufeff", "\ud800\udfff"]) == [[], [], [], [], []]
    assert find([]) == []
    assert types_in("\0a@b.com\0") == [("email", "a@b.com")]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.none() | st.text(st.characters() | st.sampled_from("0123456789-@.공일이\u200b")), max_size=4))
def test_spans_are_in_order_and_index_the_callers_strings(texts: list[str | None]) -> None:
    for text, row in zip(texts, find(texts, min_score=0.0), strict=True):
        position = 0
        for item in row:
            assert text is not None
            assert position <= item.start < item.end <= len(text)
            assert text[item.start : item.end] == item.text
            position = item.end


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from("%&\\;#xu0123456789abcdef")))
def test_folding_names_where_each_character_came_from(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    position = 0
    for start, end in zip(folded.starts.tolist(), folded.ends.tolist(), strict=True):
        assert position <= start < end <= len(text)
        position = end


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("０１２－ａ＠", "012-a@"),
        ("٣४𝟓", "345"),
        ("𝐀𝐛", "Ab"),
        ("1–2—3−4－5ㅡ6‐7", "1-2-3-4-5-6-7"),
        ("1·2ㆍ3・4‧5", "1.2.3.4.5"),
        ("1\u00a02\u20093\u30004", "1 2 3 4"),
        ("1\u200b2\u31643\u00ad4\x005\ufe0f6\u20607", "1234567"),
        ("%31%2D2%EC%A0%84&#51;&#x2d;4&ndash;5&nbsp;6&shy;7", "1-2전3-4-5 67"),
        ("\\u0031\\u002d2\\n3\\t4\\/5\\\\u002d6", "1-2\n3\t4/5-6"),
        ("100% & co; 5%zz &foo; &#; \\q \\ud800", "100% & co; 5%zz &foo; &#; \\q \\ud800"),
    ],
)
def test_folding_gives_one_spelling(text: str, folded: str) -> None:
    assert fold(text).text == folded


def test_folding_composes_hangul_as_unicode_does() -> None:
    text = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert fold(unicodedata.normalize("NFD", text)).text == text


REPEATED = [
    *(
        "1",
        "1 ",
        "1-",
        "1.",
        "0-",
        "010-",
        "공",
        "공일",
        "이 ",
        "12-34",
        "1:",
        "::",
        "a@",
        "@",
        "@a.",
        "a.",
        "a-",
        "(at)",
        "a (at) ",
    ),
    *(
        " dot ",
        "x at y dot ",
        "DE12 ",
        "AB12",
        "a" * 19 + "-",
        "sk-",
        "eyJa.",
        "로 1",
        "길1",
        "구 로 1",
        "서울 ",
        "강남구 ",
    ),
    *(
        "가로 1-",
        "1 A ",
        "1 Main ",
        "12 Oak Hill ",
        "born ",
        "생일 ",
        "생일1",
        "여권 ",
        "password=",
        "token:a",
        "-----BEGIN RSA ",
    ),
    *(
        "카톡 아이디 ",
        "http://a:b@",
        "://",
        "(",
        "+1",
        "+82 ",
        "1/",
        "일생",
        "p.o. box ",
        "비번 1",
        "\n1",
        "０",
        "\u200b1",
        "ᄀ",
        "19900101",
    ),
    *("-----BEGIN RSA PRIVATE KEY-----", "bearer ", "twitter id ", "A1b2", "전화 ", "1 , Apt 4 , "),
]


@pytest.mark.parametrize("piece", REPEATED)
def test_no_repetition_takes_long(piece: str) -> None:
    small, large = piece * (20_000 // len(piece)), piece * (100_000 // len(piece))
    find([small])
    began = time.process_time()
    find([large, large + "!"])
    assert time.process_time() - began < 6.0, f"{piece!r} takes too long"


def test_cost_grows_with_length_alone() -> None:
    piece = "전화 010-1234-5678, 메일 hong@naver.com, 서울시 강남구 테헤란로 152. 그리고 여러 가지 이야기를 나누었다. "
    text = piece * (3_000_000 // len(piece.encode()))
    found = find([text], types=["email"])[0]
    assert len(found) == text.count("@")
