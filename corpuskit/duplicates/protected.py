"""What repeated text is left where it is: code, and quotations of several lines.

Lines of code are the same in many documents because a language has few ways to say a thing; a poem or a proverb is
quoted because people know it. Neither is boilerplate. Boilerplate is a single line, or at an end of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Protection = Literal["code", "quotations"]

_FENCED = re.compile(
    r"^[ \t]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_INDENTED = re.compile(r"(?:\A|(?<=\n\n))(?:(?: {4}|\t)[^\n]*(?:\n|\Z))+")
_STATEMENT = re.compile(
    r"""[ \t]*(?:
      \#!/.* | @\w+(?:\(.*)? | \#(?:include|define|ifn?def|endif|pragma)\b.* | <\?php.* | (?://|/\*|\*/).*
    | (?:from[ ][\w.]+[ ])?import[ ][\w{}*.,"' /@()-]+;?
    | (?:export|const|let|var|function|package|namespace|using|require)\b(?=.*[=({;]).*
    | (?:async[ ])?(?:def|class|struct|interface|enum|fn|func|impl)[ ]\w+.*[:({;]
    | (?:if|elif|else|for|while|try|except|with|switch|return|raise|throw|public|private|static)\b
      (?=.*[(\[{=<>_;]).*[:;{)\]]
    | [\w.\[\]]+[ ]*(?:[-+*/|&]?=|:=)[ ]*\S.* | [\w.]+\(.*\)[;,]? | [}\])]+[;,]?
    )[ \t]*(?:(?:\#|//).*)?""",
    re.VERBOSE,
)
_MARKED = re.compile(r"[ \t]*>")
_SENTENCE_END = re.compile(r"[.?!。！？…][\"'”’)\]」』]*\s*\Z")


def protected(
    text: str, start: int, end: int, kinds: tuple[Protection, ...], code: list[tuple[int, int]], paragraphs: bool
) -> bool:
    """Whether repeated lines (or `paragraphs`), `text[start:end]`, are left. `code` is `code_blocks(text)`."""
    if "code" in kinds:
        if any(first < end and start < last for first, last in code):
            return True
        lines = [line for line in text[start:end].split("\n") if line.strip()]
        if lines and sum(_STATEMENT.fullmatch(line.rstrip()) is not None for line in lines) * 2 >= len(lines):
            return True
    if "quotations" in kinds:
        lines = [line for line in text[start:end].split("\n") if line.strip()]
        if lines and all(_MARKED.match(line) for line in lines):
            return True
        if not paragraphs and len(lines) > 1 and text[:start].strip() and text[end:].strip():
            return _SENTENCE_END.search(lines[-1]) is not None
    return False


def code_blocks(text: str) -> list[tuple[int, int]]:
    """Fenced and indented code in Markdown, as spans."""
    fenced = [match.span() for match in _FENCED.finditer(text)] if "```" in text or "~~~" in text else []
    indented = [match.span() for match in _INDENTED.finditer(text)]
    return sorted(fenced + indented)


def without(start: int, end: int, code: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of a span that lie outside of code."""
    for first, last in code:
        if first < end and start < last:
            if start < first:
                yield start, first
            start = max(start, last)
    if start < end:
        yield start, end


_BOUND = re.compile(r"[.?!。！？…]+[\"'”’)\]」』]*(?=\s|\Z)\s*|(?<=[。！？])|\n+")


def whole_sentences(text: str, start: int, end: int) -> tuple[int, int]:
    """The longest run of whole sentences or lines within a span; empty where it holds none."""
    last = text.rfind("\n", 0, start) + 1
    margin = max(last, start - 400)
    bounds = [0] if margin == 0 else [last] if last == margin else []
    bounds += [match.end() for match in _BOUND.finditer(text, margin, min(len(text), end + 40))]
    bounds += [len(text)] if end >= len(text.rstrip()) else []
    first = next((bound for bound in bounds if bound >= start), end)
    after = max((bound for bound in bounds if bound <= end or not text[end:bound].strip()), default=start)
    return (first, min(after, len(text))) if first < after else (start, start)
