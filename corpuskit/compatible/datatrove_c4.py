"""datatrove 0.10.1: its filters for C4 and mC4, English.

Lines are those of `str.splitlines`; sentences are those of spaCy's rule-based sentencizer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from corpuskit.compatible import Values
from corpuskit.document import Change
from corpuskit.errors import require

MAX_WORD = 1000
MIN_WORDS = 3
"""A line has at least so many words, none of more than MAX_WORD characters."""

_MARK = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_TERMINAL = (".", "?", "!", '"', "'")
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
LONG_LINE = 200
WHITE_SPACE = "white_space"


class Line(NamedTuple):
    start: int
    end: int
    """Without white space at its ends."""
    after: int
    """Where the next line begins."""
    reason: str
    """Why it goes; '' where it stays."""
    cut: str
    """Without reference marks."""


@cache
def _sentencizer() -> Any:
    pipeline = require("spacy", "compatible").blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline


def measure(text: str) -> Values:
    lines = list(_lines(text))
    kept = [line.cut for line in lines if not line.reason]
    policy = [line.cut for line in lines if line.reason == "policy"]
    javascript = [line.cut for line in lines if line.reason == "javascript"]
    return {
        "c4.sentences": sum(map(_sentences, kept)),
        "c4.kept_lines": len(kept) / len(lines) if lines else None,
        "c4.curly_bracket": any("{" in line for line in kept + policy),
        "c4.lorem_ipsum": any("lorem ipsum" in line.lower() for line in kept + policy + javascript),
        "c4.long_lines": sum(len(line) >= LONG_LINE for line in text.split("\n")),
    }


def changes(text: str) -> list[Change]:
    """What the filter for C4 cuts from a text that it keeps, in order: lines that stay are joined by line feeds."""
    found: list[Change] = []
    lines = list(_lines(text))
    last = max((number for number, line in enumerate(lines) if not line.reason), default=-1)
    at = 0
    begun = False
    for number, line in enumerate(lines):
        if line.reason:
            found.append(Change(at, line.after, f"line.{line.reason}" if line.end > line.start else WHITE_SPACE))
            at = line.after
            continue
        found.append(Change(at, line.start, WHITE_SPACE))
        at = line.start
        for mark in _MARK.finditer(text, line.start, line.end):
            begun = _pass_over(text, at, mark.start(), begun, found)
            found.append(Change(mark.start(), mark.end(), "reference_mark"))
            at = mark.end()
        begun = _pass_over(text, at, line.end, begun, found)
        between = "" if number == last else "\n"
        if text[line.end : line.after] != between:
            found.append(Change(line.end, line.after, WHITE_SPACE, between))
        at = line.after
    return [change for change in found if change.end > change.start]


def _pass_over(text: str, start: int, end: int, begun: bool, found: list[Change]) -> bool:
    """Goes from `start` to `end`, which stay but for white space at the new text's beginning; whether it has begun."""
    if not begun:
        stripped = end - len(text[start:end].lstrip())
        found.append(Change(start, stripped, WHITE_SPACE))
        return stripped < end
    return True


def _lines(text: str) -> Iterator[Line]:
    at = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        start = at + len(line) - len(line.lstrip()) if body else at
        at += len(line)
        # white space before a mark that is cut off stays, so that 'It ends. [12]' has no end
        cut = _MARK.sub("", body)
        yield Line(start, start + len(body), at, _reason(body.split(), cut), cut)


def _reason(words: list[str], cut: str) -> str:
    if any(len(word) > MAX_WORD for word in words):
        return "long_word"
    if not cut.endswith(_TERMINAL) or cut.endswith("..."):
        return "no_terminal_punctuation"
    if len(words) < MIN_WORDS:
        return "few_words"
    lower = cut.lower()
    if "javascript" in lower:
        return "javascript"
    return "policy" if any(policy in lower for policy in _POLICIES) else ""


def _sentences(line: str) -> int:
    pipeline = _sentencizer()
    pipeline.max_length = max(pipeline.max_length, len(line))
    return sum(1 for _ in pipeline(line).sents)
