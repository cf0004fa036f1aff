"""datatrove 0.10.1: its filters for C4 and mC4, English.

Lines are those of `str.splitlines`; sentences are those of spaCy's rule-based sentencizer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from corpuskit.errors import require
from corpuskit.quality.c4 import MAX_WORD, MIN_WORDS
from corpuskit.quality.compatible import Values

_MARK = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_TERMINAL = (".", "?", "!", '"', "'")
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
LONG_LINE = 200


class Line(NamedTuple):
    text: str
    """Without white space at its ends and without reference marks."""
    kept: bool
    javascript: bool


@cache
def _sentencizer() -> Any:
    pipeline = require("spacy", "compatible").blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline


def measure(text: str) -> Values:
    prose = list(_prose(text))
    kept = [line.text for line in prose if line.kept]
    lines = len(text.splitlines())
    return {
        "c4.sentences": sum(map(_sentences, kept)),
        "c4.kept_lines": len(kept) / lines if lines else None,
        "c4.curly_bracket": any("{" in line.text for line in prose if not line.javascript),
        "c4.lorem_ipsum": any("lorem ipsum" in line.text.lower() for line in prose),
        "c4.long_lines": sum(len(line) >= LONG_LINE for line in text.split("\n")),
    }


def _prose(text: str) -> Iterator[Line]:
    """The lines with an end and enough words: those that stay, and those that speak of JavaScript or of a policy."""
    for line in text.splitlines():
        words = line.split()
        if any(len(word) > MAX_WORD for word in words):
            continue
        # white space before a mark that is cut off stays, so that 'It ends. [12]' has no end
        cut = _MARK.sub("", line.strip())
        if not cut.endswith(_TERMINAL) or cut.endswith("...") or len(words) < MIN_WORDS:
            continue
        lower = cut.lower()
        javascript = "javascript" in lower
        yield Line(cut, not javascript and not any(policy in lower for policy in _POLICIES), javascript)


def _sentences(line: str) -> int:
    pipeline = _sentencizer()
    pipeline.max_length = max(pipeline.max_length, len(line))
    return sum(1 for _ in pipeline(line).sents)
