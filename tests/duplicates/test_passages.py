"""Passages that documents share are removed whole, as spans, and never through a word or a character."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from duplicates_stage_run import batch_of, measured, run_stage
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.duplicates import passages
from corpuskit.duplicates.stage import Passages
from corpuskit.engine.stage import CHANGES

NOTICE = "We use cookies to give you the best experience on our site."


def shown(texts: list[str | None], **options: Any) -> list[list[str]]:
    found = passages(texts, **options)
    return [[(text or "")[start:end] for start, end in spans] for text, spans in zip(texts, found, strict=True)]


def test_repeated_lines_stay_in_the_first_document_or_go_everywhere() -> None:
    texts = [f"First story.\n{NOTICE}\nIts end.", f"Second story.\n{NOTICE.upper()}\r\n", None, "Third\nstory"]
    assert shown(texts, unit="line", min_length=20) == [[], [NOTICE.upper() + "\r\n"], [], []]
    everywhere = shown(texts, unit="line", min_length=20, keep="none")
    assert everywhere == [[NOTICE + "\n"], [NOTICE.upper() + "\r\n"], [], []]
    assert shown(texts, unit="line", min_length=20, min_documents=3, keep="none") == [[], [], [], []]


def test_a_paragraph_ends_at_an_empty_line() -> None:
    shared = "A first line\nand a second one of the shared paragraph."
    texts = [f"{shared}\n\nOne end.", f"A start.\n \n{shared}\n\n\nAnother end."]
    assert shown(texts, unit="paragraph", min_length=20) == [[], [f"{shared}\n\n\n"]]


def test_repetition_within_one_document_is_no_passage() -> None:
    text = "\n".join([NOTICE] * 5)
    assert shown([text, "Other."], unit="line", min_length=20) == [[], []]
    assert shown([text, "Other."], min_length=20) == [[], []]


def test_substrings_are_cut_to_whole_words() -> None:
    shared = "시작하는 말은 서로 다르지만 이 문장만은 두 글에 똑같이 들어 있다는 것을 누구나 안다"
    texts = [f"앞{shared}고 한다.", f"뒤{shared}며 웃었다."]
    assert shown(texts, min_length=20, cut_to="word") == [[], [shared.removeprefix("시작하는 ").removesuffix("안다")]]
    han = "这个句子在两篇文章中完全相同没有任何区别只是前后不同而已"
    assert shown([f"甲{han}乙", f"丙{han}丁"], min_length=20, cut_to="word") == [[], [han]]


def test_neighbours_of_a_removed_passage_do_not_grow_together(tmp_path: Path) -> None:
    shared = "the very same words in the middle of two texts"
    stage = Passages(min_length=20, cut_to="word")
    batch = batch_of([{"text": f"alpha {shared} beta"}, {"text": f"gamma, {shared} delta"}, {"text": None}])
    (result,) = run_stage(stage, tmp_path, [batch])
    assert result.column("text").to_pylist() == [f"alpha {shared} beta", "gamma, delta", None]
    (span,) = result.column(CHANGES)[1].as_py()
    assert span == {"start": 7, "end": 8 + len(shared), "type": "repeated.substring", "replacement": ""}
    assert result.column("passages").to_pylist() == [
        {"spans": 0, "removed": 0, "share": 0.0},
        {"spans": 1, "removed": 1 + len(shared), "share": pytest.approx((1 + len(shared)) / (13 + len(shared)))},
        None,
    ]


@pytest.mark.parametrize(("unit", "length"), [("line", 20), ("substring", 60)])
def test_changes_rebuild_the_text_and_memory_does_not_matter(
    unit: Any, length: int, samples: Path, tmp_path: Path
) -> None:
    path = samples / "duplicates" / "petitions" / "petitions_2019-04"
    rows = [{"text": json.loads(line)["content"]} for line in path.open(encoding="utf-8")]
    parts = [batch_of(rows[start : start + 100]) for start in range(0, len(rows), 100)]
    stage = Passages(unit=unit, min_length=length, keep="none")
    wide = run_stage(stage, tmp_path / "wide", parts)
    tight = run_stage(stage, tmp_path / "tight", parts, memory=4_000_000)
    assert measured(stage, wide) == measured(stage, tight)
    assert sum(row["spans"] for row in measured(stage, wide) if row) > 0
    for part, result in zip(parts, wide, strict=True):
        for before, after, changes in zip(
            part.column("text").to_pylist(),
            result.column("text").to_pylist(),
            result.column(CHANGES).to_pylist(),
            strict=True,
        ):
            for change in reversed(changes):
                before = before[: change["start"]] + change["replacement"] + before[change["end"] :]
            assert before == after


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(alphabet="ab 가나.\n漢é", max_size=80), max_size=5),
    st.sampled_from(["line", "paragraph", "substring"]),
)
def test_spans_lie_in_order_within_the_text(texts: list[str], unit: Any) -> None:
    for text, spans in zip(texts, passages(texts, unit, min_length=8), strict=True):
        ends = [0]
        for start, end in spans:
            assert ends[-1] <= start < end <= len(text)
            assert end - start >= 8
            ends.append(end)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abc 가나다", min_size=60, max_size=120))
def test_a_copied_text_is_found_whole_but_for_its_edges(text: str) -> None:
    text = " ".join(text.split())
    found = passages([f"x {text} x", f"y {text} y"], min_length=8, cut_to="word")
    covered = sum(end - start for start, end in found[1])
    assert covered >= len(text) or len(text) < 8


PYTHON = [
    f"""#!/usr/bin/env python3
from typing import Any, Dict, List, Optional
import numpy as np

def f{number}(x):
    return x * {number} + {number * 7 % 13}

if __name__ == "__main__":  # run as a script
    raise SystemExit(f{number}(3))
"""
    for number in range(12)
]


def test_code_is_left_unless_it_is_not_protected() -> None:
    fenced = [
        f"Page {n}.\n\n```js\nlet [total, setTotal] = useState(0) // of page\n```\n\nThe end of {n}." for n in range(12)
    ]
    for texts in (PYTHON, fenced):
        assert not any(passages(texts, "line", min_length=30, min_documents=10, keep="none"))
        assert all(passages(texts, "line", min_length=30, min_documents=10, keep="none", protect=()))


def test_a_quotation_of_several_lines_is_left_and_a_footer_is_not() -> None:
    hymn = "The tide goes out beyond the harbour bar,\nAnd leaves the rowing boats aground."
    footer = "Copyright of the harbour office.\nAll rights are reserved by the port."
    texts = [f"Note {n}: my grandfather sang this.\n{hymn}\nWe asked why in {n}.\n{footer}" for n in range(12)]
    assert shown(texts, unit="line", min_length=30, min_documents=10, keep="none")[3] == [footer]
    quoted = [f"They wrote in {n}:\n> {NOTICE}\nand {n} more." for n in range(12)]
    assert not any(passages(quoted, "line", min_length=30, keep="none"))


def test_substrings_are_cut_to_whole_sentences() -> None:
    middle = (
        "the committee decided after a long debate that every boat in the harbour must carry two lamps and one bell"
    )
    texts = [f"In the spring of {year} {middle} each {what}." for year, what in ((1900, "week"), (1901, "month"))]
    assert shown(texts, min_length=60) == [[], []]
    whole = "Every boat must carry two lamps. The master of the port shall inspect them, and every bell too."
    texts = [
        f"In {year} it was said. So {whole} {what} disliked it." for year, what in ((1900, "Sailors"), (1901, "Bakers"))
    ]
    assert shown(texts, min_length=40) == [[], [f"So {whole} "]]


def test_a_share_of_the_documents_is_a_threshold_too() -> None:
    texts = [f"Own words {n}.\n{NOTICE}" if n < 10 else f"Only own words {n}." for n in range(100)]
    assert sum(map(len, passages(texts, "line", min_length=20, min_share=0.1, keep="none"))) == 10
    assert not any(passages(texts, "line", min_length=20, min_share=0.11, keep="none"))
