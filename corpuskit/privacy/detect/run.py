"""A run of digits and separators as groups and gaps, and which readings of it hold together.

A value that is joined to other digits by '-', '.' or a comma of thousands holds only where those digits are explained
too: by another value, a date, or the number of a list's item. So values one after another are read
(`930417-2048163,01048271935`), and a part of a longer code is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from corpuskit.privacy.detect import checks
from corpuskit.privacy.detect.label import Label, label
from corpuskit.privacy.finding import Candidate

Spans = list[tuple[int, int]]
"""Where each group of a run begins and ends."""
_WORD_BEFORE = re.compile(
    r"(?:tel|hp|fax|phone|mobile|cell|ph|call|no|num|number|ssn|rrn|card|acct?|account|id|[tmhpfo])[._]?$",
    re.IGNORECASE,
)
_ID_KEY = re.compile(r"[a-z]{0,12}(?:id|no|num|idx|seq|key|code|hash|ts|time|date|page|v|ver)$", re.IGNORECASE)
IN_ADDRESS = re.compile(r"(?:://|www\.)\S{1,200}$")
"""The beginning of a URL, whose path goes on to the place."""


class Value:
    """Consecutive groups of a run, as one number."""

    __slots__ = (
        "_gap",
        "_label",
        "after",
        "before",
        "digits",
        "end",
        "first",
        "gaps",
        "groups",
        "last",
        "start",
        "text",
    )

    def __init__(self, text: str, spans: Spans, first: int, last: int):
        self.text = text
        self.first, self.last = first, last
        self.start, self.end = spans[first][0], spans[last][1]
        self.groups = [text[start:end] for start, end in spans[first : last + 1]]
        self.gaps = [text[spans[k][1] : spans[k + 1][0]] for k in range(first, last)]
        self.digits = "".join(self.groups)
        self.before = text[self.start - 1] if self.start else ""
        self.after = text[self.end : self.end + 1]
        self._label: Label | None = None
        self._gap: str | None = None

    @property
    def label(self) -> Label:
        if self._label is None:
            self._label = label(self.text, self.start)
        return self._label

    def says(self, *names: str) -> bool:
        """Whether the nearest label is one of these."""
        return self.label.name in names

    def denied(self, *names: str) -> bool:
        """Whether a label of one of these kinds is this value's own, so that it is no other kind of number."""
        return self.label.direct and self.label.name in names

    @property
    def whole(self) -> bool:
        """Whether the digits are undivided."""
        return not self.gaps

    @property
    def gap(self) -> str:
        """The sign that divides the groups, without spaces: '-' for `010 - 1234 - 5678`; '?' where the gaps differ."""
        if self._gap is None:
            signs = {gap.strip() or " " for gap in self.gaps}
            self._gap = signs.pop() if len(signs) == 1 else "?" if signs else ""
        return self._gap

    @property
    def glued(self) -> bool:
        """Whether the digits are part of a word or of an identifier, `ab010...`, `aid=0101...`; `tel010...` is not.

        A divided number after '_', '#', '/' or '=' is a value of its own; an undivided one is where its key is no id.
        """
        before = self.before
        if not before or not before.isascii():
            return False
        if before.isalpha():
            return _WORD_BEFORE.search(self.text, max(0, self.start - 10), self.start) is None
        if before not in "_=&?/%" or not self.whole:
            return False
        if self.label.name not in (None, "order") and self.label.direct:
            return False
        if before == "/":
            return IN_ADDRESS.search(self.text, max(0, self.start - 200), self.start) is not None
        if before in "=?&":
            key = self.text[max(0, self.start - 24) : self.start - 1]
            return before == "=" and _ID_KEY.search(key) is not None
        return True


class Form(NamedTuple):
    """A type of number by the lengths of its groups."""

    type: str
    lengths: tuple[tuple[int, ...], ...]
    score: Callable[[Value], float]


class Span(NamedTuple):
    """Groups of a run that something explains: a value, or a date, which is none."""

    first: int
    last: int
    candidate: Candidate | None


def standing(text: str, spans: Spans, explained: list[Span]) -> list[Candidate]:
    """The candidates whose joined neighbours are explained as well."""
    open_ended = [
        span for span in explained if _joined_before(text, spans, span.first) or _joined_after(text, spans, span.last)
    ]
    if not open_ended:
        return [span.candidate for span in explained if span.candidate is not None]
    alive = set(explained)
    alive |= set(_dates(text, spans))
    changed = True
    while changed:
        ends, begins = {span.last for span in alive}, {span.first for span in alive}
        gone = {
            span
            for span in open_ended
            if span in alive
            and (
                (_joined_before(text, spans, span.first) and span.first - 1 not in ends)
                or (_joined_after(text, spans, span.last) and span.last + 1 not in begins)
            )
        }
        alive -= gone
        changed = bool(gone)
    return [span.candidate for span in explained if span in alive and span.candidate is not None]


def _joined_before(text: str, spans: Spans, first: int) -> bool:
    if first == 0:
        start = spans[0][0]
        return text[max(0, start - 2) : start - 1].isdigit() and text[start - 1] in "-." if start > 1 else False
    gap = text[spans[first - 1][1] : spans[first][0]]
    if gap == "." and _is_list_number(text, spans[first - 1]):
        return False
    return _joins(gap, spans[first - 1], spans[first])


def _joined_after(text: str, spans: Spans, last: int) -> bool:
    if last + 1 == len(spans):
        return False
    return _joins(text[spans[last][1] : spans[last + 1][0]], spans[last], spans[last + 1])


def _joins(gap: str, before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether a gap makes its two groups one number: '-', '.', or the comma of thousands."""
    if gap == ",":
        return before[1] - before[0] <= 3 and after[1] - after[0] == 3
    return gap in ("-", ".")


def _is_list_number(text: str, span: tuple[int, int]) -> bool:
    """Whether digits number an item at the beginning of a line: `1.`."""
    return span[1] - span[0] <= 2 and text[span[0]] != "0" and (span[0] == 0 or text[span[0] - 1] == "\n")


def _dates(text: str, spans: Spans) -> Iterator[Span]:
    """Groups that write a date or a year, which explain what stands at their side."""
    for first, (start, end) in enumerate(spans):
        group = text[start:end]
        year = len(group) == 4 and group[:2] in ("18", "19", "20")
        if year and text[end : end + 1] == "년":
            yield Span(first, first, None)
        if first + 2 < len(spans):
            second, third = (text[slice(*spans[first + k])] for k in (1, 2))
            month_last = year and len(second) <= 2 and len(third) <= 2 and checks.month_and_day(int(second), int(third))
            year_last = len(group) <= 2 and len(second) <= 2 and len(third) == 4 and third[:2] in ("19", "20")
            if month_last or (year_last and 1 <= int(group) <= 31 and 1 <= int(second) <= 31):
                yield Span(first, first + 2, None)


def overlapping(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Matches from every place where one begins: a match that turns out to be nothing must not hide the next."""
    match = pattern.search(text, start, end)
    while match is not None:
        yield match
        match = pattern.search(text, match.start() + 1, end)
