"""C4's line rules, as spans: golden lines, the slow version of the rule, and what the ledger can rebuild."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.inputs import as_texts
from corpuskit.kernels.unicode import code_points
from corpuskit.quality import clean_lines, measure
from corpuskit.quality.c4 import REASONS, count_sentences, line_verdict, removals


def verdict(line: str) -> str:
    data = np.frombuffer(line.encode() or b" ", np.uint8)
    return REASONS[line_verdict(data, 0, len(line.encode()), code_points())[0]]


def sentences(line: str) -> int:
    data = np.frombuffer(line.encode() or b" ", np.uint8)
    return int(count_sentences(data, 0, len(line.encode()), code_points()))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("This is a sentence.", ""),
        ('He said "yes it is."', ""),
        ("그는 어제 집에 갔다.", ""),
        ("これは ペン です。", ""),
        ("It ends in a mark.[12]", ""),
        ("It ends in a note. [citation needed]", ""),
        ("This line has no end", "no_terminal_punctuation"),
        ("This line trails off...", "no_terminal_punctuation"),
        ("Two words.", "few_words"),
        ("Please enable JavaScript to go on.", "javascript"),
        ("Read our Privacy Policy before you go.", "policy"),
        ("This site uses cookies for its ends.", "policy"),
        ("A " + "x" * 1001 + " is long.", "long_word"),
        ("A " + "x" * 1000 + " is long.", ""),
        ("A " + "가" * 1000 + " is long.", ""),
    ],
)
def test_why_a_line_goes(line: str, reason: str) -> None:
    assert verdict(line) == reason


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("One. Two! Three?", 3),
        ('He said "Stop." Then he left.', 2),
        ("J. R. Tolkien wrote it. It is long.", 2),
        ("It costs 3.50 dollars at example.com today.", 1),
        ("Wait... what was that? nothing at all.", 1 + 0 + 1),
        ("그는 갔다. 나는 남았다.", 2),
        ("これはペンです。それは本です。", 2),
        ("no end at all", 1),
        ("... !!", 0),
        ("", 0),
    ],
)
def test_how_many_sentences_a_line_has(line: str, count: int) -> None:
    assert sentences(line) == count


def slow_verdict(line: str) -> str:
    line = line.strip()
    words = line.split()
    if any(len(word) > 1000 for word in words):
        return "long_word"
    end = re.sub(r"(\s*(\[\d*]|\[edit]|\[citation needed]))+$", "", line).strip()
    if not end or end[-1] not in ".?!\"'”’。！？…」』؟۔।։" or end.endswith(("...", "…")):
        return "no_terminal_punctuation" if line else ""
    if len(words) < 3:
        return "few_words"
    low = line.lower()
    if "javascript" in low:
        return "javascript"
    policies = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
    return "policy" if any(phrase in low for phrase in policies) else ""


PIECES = [
    "a",
    "word ",
    "use cookies",
    "Use of cookies",
    "terms of use",
    "javascript",
    ".",
    "...",
    "…",
    "?",
    '"',
    " ",
    "[12]",
]
PIECES += ["[edit]", "[", "]", "가나다 ", "。", "\t", "use", " cookie policy", "{"]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_line_goes_for_the_reason_that_the_slow_version_gives(line: str) -> None:
    assert verdict(line) == slow_verdict(line)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=6).map("\n".join))
def test_the_spans_rebuild_the_text_and_a_second_pass_cuts_no_line(text: str) -> None:
    texts, (spans,) = clean_lines([text])
    new = texts[0].as_py()
    kept = [c for i, c in enumerate(text) if not any(span.start <= i < span.end for span in spans)]
    assert new == "".join(kept)
    expected = [
        re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", line)
        for line in text.split("\n")
        if not line.strip() or not slow_verdict(line)
    ]
    assert [line for line in new.split("\n") if line.strip()] == [line for line in expected if line.strip()]


def test_spans_are_characters_and_name_their_reason() -> None:
    text = "메뉴 열기\n한국어로 된 문장이다.[3] 끝이다.\nUse cookies"
    (spans,) = removals(as_texts([text]))
    assert [(text[s.start : s.end], s.type) for s in spans] == [
        ("메뉴 열기\n", "line.no_terminal_punctuation"),
        ("[3]", "reference_mark"),
        ("Use cookies", "line.no_terminal_punctuation"),
    ]


def c4(text: str) -> dict[str, Any]:
    values: dict[str, Any] = measure([text], "en")[0].as_py()["c4"]
    return values


def test_pages_are_judged_by_the_lines_that_stay() -> None:
    kept = "This line stays here. So does this one."
    assert c4(f"{kept}\nvar x = {{}}\nlorem ipsum dolor\n{kept}") == {
        "sentences": 4,
        "kept_lines": 0.5,
        "curly_bracket": False,
        "lorem_ipsum": False,
        "long_lines": 0,
    }
    assert c4("A line with { in it.")["curly_bracket"]
    assert c4("It says Lorem Ipsum here.")["lorem_ipsum"]
    assert c4("x" * 200)["long_lines"] == 1
    assert c4("x" * 199)["long_lines"] == 0
