"""The stage `filter`: conditions on any column, addresses, patterns, and a sample that does not depend on order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.document import documents, set_column
from corpuskit.errors import InputError, UsageError
from corpuskit.selection import Expression, select
from corpuskit.selection.stage import Filter

ROWS = [
    {"id": f"{number:032x}", "url": url, "text": text, "language": language, "published": date}
    for number, (url, text, language, date) in enumerate(
        [
            ("https://www.example.org/a?utm_source=x", "A ferry leaves at nine.", "en", "2024-05-01"),
            ("http://blog.example.org/b", "배는 아홉 시에 떠난다.", "ko", "2019-01-01"),
            ("https://notexample.org/c", "Nothing of it.", None, None),
            (None, None, "en", "2024-12-31T10:00:00Z"),
        ]
    )
]


def batch() -> pa.RecordBatch:
    words = pa.array([5, 4, None, 0], pa.int64())
    return set_column(documents(ROWS), "quality", pa.StructArray.from_arrays([words], ["words"]))


def kept(**options: Any) -> list[int]:
    stage = Filter(**options)
    measured = stage.measure(batch())
    broken = [rule.breaks(measured).to_pylist() for rule in stage.rules()]
    return [row for row in range(4) if not any(rule[row] for rule in broken)]


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("language == 'en'", [0, 3]),
        ("language in ['en', 'ko'] and quality.words >= 4", [0, 1]),
        ("not language == 'en'", [1]),
        ("language != 'en' or language is None", [1, 2]),
        ("language not in ['en']", [1]),
        ("3 < quality.words <= 4", [1]),
        ("quality.words * 2 - 1 > 8", [0]),
        ("quality.words / 2 == 2.5", [0]),
        ("quality.words > -1", [0, 1, 3]),
        ("url is None", [3]),
        ("text is not None and length(text) > 15", [0]),
        ("contains(text, 'ferry') or matches(text, '^배')", [0, 1]),
        ("startswith(lower(text), 'a ferry')", [0]),
        ("endswith(url, '/b')", [1]),
        ("year(published) >= 2024", [0, 3]),
        ("True", [0, 1, 2, 3]),
    ],
)
def test_conditions(where: str, rows: list[int]) -> None:
    assert kept(where=where) == rows
    assert select(pa.Table.from_batches([batch()]), where).column("id").to_pylist() == [ROWS[row]["id"] for row in rows]


def test_several_conditions_must_all_hold_and_the_first_that_fails_is_named() -> None:
    stage = Filter(where=("language == 'en'", "quality.words > 0"))
    measured = stage.measure(batch())
    failed = measured.column("filter").field("failed").to_pylist()
    assert failed == [None, "language == 'en'", "language == 'en'", "quality.words > 0"]
    (rule,) = stage.rules()
    assert (rule.name, rule.evidence) == ("filter.where", ("filter.failed",))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("language ==", "not an expression"),
        ("__import__('os').system('x')", "is not part of an expression"),
        ("open('x')", "unknown function"),
        ("lenght(text) > 1", "did you mean 'length'"),
        ("length(text, 'x') > 1", "gives 2 arguments"),
        ("contains(text, url)", "must be a string"),
        ("language in 'en'", "needs a list"),
        ("language is 'en'", "something else than None"),
        ("text[0] == 'a'", "is not part of an expression"),
        ("[x for x in text]", "is not part of an expression"),
        ("words ** 2 > 1", "not one of"),
        ("lambda: 1", "is not part of an expression"),
        ("(" * 5000 + ")" * 5000, "not an expression"),
    ],
)
def test_what_is_no_condition_is_refused_before_anything_runs(where: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Expression(where)
    with pytest.raises(ValidationError):
        Filter(where=where)


def test_absent_columns_and_types_that_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match=r"reads the column 'langage'.*did you mean 'language'"):
        kept(where="langage == 'en'")
    with pytest.raises(UsageError, match="cannot be computed"):
        kept(where="length(quality.words) > 1")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abc.()[]'\"<>=! +-*/,0123456789 notandorinislambda_:@", max_size=40))
def test_no_text_is_executed_or_breaks_the_reader(text: str) -> None:
    try:
        Expression(text)
    except InputError:
        return


def test_domains_and_addresses(tmp_path: Path) -> None:
    assert kept(keep_domains=["example.org"]) == [0, 1]
    assert kept(drop_domains=["blog.example.org"]) == [0, 2, 3]
    assert kept(drop_urls=["http://www.example.org/a/"]) == [1, 2, 3]
    assert kept(keep_urls=["https://blog.example.org/b?utm_source=mail"]) == [1]
    listed = tmp_path / "spam.txt"
    listed.write_text("# spam\nExample.org\n\n")
    stage = Filter(drop_domains=[str(listed)])
    assert stage.inputs() == [listed]
    assert kept(drop_domains=[str(listed)]) == [2, 3]
    with pytest.raises(UsageError, match=r"list 'absent\.txt' does not exist"):
        kept(drop_domains=["absent.txt"])


def test_patterns() -> None:
    assert kept(keep_matching={"text": "ferry|배"}) == [0, 1]
    assert kept(drop_matching={"text": "ferry", "url": "blog"}) == [2, 3]
    with pytest.raises(ValidationError, match="is not a pattern"):
        Filter(keep_matching={"text": "("})


def test_a_sample_is_the_same_in_any_order_and_a_smaller_one_is_part_of_it() -> None:
    many = documents([{"id": f"{number:032x}", "text": "x"} for number in range(4000)])

    def sample(share: float, seed: int = 0) -> set[str]:
        chosen = Filter(sample=share, seed=seed).measure(many).column("filter").field("sample")
        return set(many.column("id").filter(chosen).to_pylist())

    assert 900 < len(sample(0.25)) < 1100
    assert sample(0.1) < sample(0.25) < sample(0.5)
    assert len(sample(0.25) & sample(0.25, seed=1)) < 320
    assert Filter().rules() == []
