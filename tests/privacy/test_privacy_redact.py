"""Columns of every Arrow type without their personal data."""

from __future__ import annotations

import pyarrow as pa
import pytest

from corpuskit.privacy import redact, redact_column, scrub, string_columns
from corpuskit.privacy.canonical import canonical, value_digest

MAIL, CLEAN = "write to hong@naver.com", "nothing here"


def test_texts_are_redacted_and_nulls_stay() -> None:
    assert redact([MAIL, None, CLEAN]) == ["write to <EMAIL>", None, CLEAN]


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pa.array([MAIL, None, CLEAN]), ["write to <EMAIL>", None, CLEAN]),
        (pa.array([MAIL], pa.large_string()), ["write to <EMAIL>"]),
        (pa.array([MAIL, CLEAN]).dictionary_encode(), ["write to <EMAIL>", CLEAN]),
        (pa.chunked_array([[MAIL], [], [CLEAN]]), ["write to <EMAIL>", CLEAN]),
        (pa.array([[MAIL], None, [], [CLEAN, MAIL]]), [["write to <EMAIL>"], None, [], [CLEAN, "write to <EMAIL>"]]),
        (pa.array([[MAIL], None], pa.large_list(pa.string())), [["write to <EMAIL>"], None]),
        (
            pa.array([[MAIL, CLEAN], [None, None]], pa.list_(pa.string(), 2)),
            [["write to <EMAIL>", CLEAN], [None, None]],
        ),
        (
            pa.array([{"a": MAIL, "b": {"c": [MAIL], "n": 3}}, None, {"a": None, "b": None}]),
            [{"a": "write to <EMAIL>", "b": {"c": ["write to <EMAIL>"], "n": 3}}, None, {"a": None, "b": None}],
        ),
        (
            pa.array([[("k", MAIL)], None, [("a@b.com", CLEAN), ("x", None)]], pa.map_(pa.string(), pa.string())),
            [[("k", "write to <EMAIL>")], None, [("<EMAIL>", CLEAN), ("x", None)]],
        ),
        (pa.array([1, None, 3]), [1, None, 3]),
    ],
)
def test_a_column_of_any_type_keeps_its_type_and_nulls(column: pa.Array, wanted: list[object]) -> None:
    redacted = redact_column(column)
    assert redacted.type == column.type
    assert redacted.to_pylist() == wanted
    if not isinstance(column, pa.ChunkedArray) and len(column) > 1:
        assert redact_column(column.slice(1)).to_pylist() == wanted[1:], "a slice has offsets of its own"


def test_the_name_of_a_field_is_context_for_its_values() -> None:
    column = pa.array([{"phone": "4153827719", "count": "4153827719"}])
    assert redact_column(column).to_pylist() == [{"phone": "<PHONE>", "count": "4153827719"}]
    assert redact_column(pa.array(["4153827719"]), name="mobile").to_pylist() == ["<PHONE>"]
    assert redact_column(pa.array(["4153827719"])).to_pylist() == ["4153827719"]


def test_an_address_of_a_page_is_redacted_in_place() -> None:
    column = pa.array(["https://a.org/u/zzq@oakmail.io/p1", "https://a.org/?mail=zzq%40oakmail.io&p=1"])
    assert redact_column(column).to_pylist()[0] == "https://a.org/u/<EMAIL>/p1"


def test_columns_that_hold_strings_are_named() -> None:
    fields = {"id": pa.string(), "text": pa.large_string(), "n": pa.int64(), "_x": pa.string()}
    fields |= {
        "tags": pa.list_(pa.string()),
        "meta": pa.struct([("a", pa.int8())]),
        "m": pa.map_(pa.string(), pa.int8()),
    }
    schema = pa.schema(list(fields.items()))
    assert string_columns(schema) == ["text", "tags", "m"]


def test_one_date_has_one_digest_in_twelve_spellings() -> None:
    spellings = ["1993년 4월 17일", "1993-04-17", "1993.4.17", "1993/04/17", "19930417", "930417", "93.04.17"]
    spellings += ["April 17, 1993", "17 April 1993", "17th of April, 1993", "Apr 17 1993", "04/17/1993", "17.04.1993"]
    assert {canonical("birth_date", spelling) for spelling in spellings} == {"1993-04-17"}


@pytest.mark.parametrize(
    ("wanted", "spellings"),
    [
        ("+442079461138", ["020 7946 1138", "+44 20 7946 1138", "+44 (0)20 7946 1138", "0044 20 7946 1138"]),
        (
            "+821048271935",
            ["010-4827-1935", "+82 10 4827 1935", "0082-10-4827-1935", "82 10 4827 1935", "O1O-4827-1935"],
        ),
        ("+14152738841", ["(415) 273-8841", "+1 415 273 8841", "1-415-273-8841", "415.273.8841 ext. 12"]),
    ],
)
def test_one_phone_number_has_one_form(wanted: str, spellings: list[str]) -> None:
    assert {canonical("phone", spelling) for spelling in spellings} == {wanted}


def test_secrets_that_differ_in_case_alone_are_two() -> None:
    assert value_digest("secret", "hK29vmQ7", b"k" * 32) != value_digest("secret", "hk29vmQ7", b"k" * 32)


def test_a_character_that_could_not_be_read_hides_no_value() -> None:
    """Sources put U+FFFD in the place of NUL and lone surrogates."""
    text = "Write to gull.ferry@oak\ufffdmail.io or call 010-\ufffd4848-7711."
    assert scrub([text], "en") == ["Write to <EMAIL> or call <PHONE>."]
