"""Korean web text made plain: laughter and crying folded to two letters, the tails of news pages found.

Both give spans of the text they were shown and never touch a character that is not part of what they look for: no
syllable before a laugh, no digit, no address in running text. Tails are looked for at the end of a text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

from corpuskit.document import Change, apply_changes
from corpuskit.inputs import Texts, as_texts

TAIL_LINES = 8
"""A tail is looked for in this many last lines that are not empty."""
TAIL_LINE = 160
"""A longer line is no tail as a whole; one may be at its end."""
LONGEST_NOTICE = 45
"""A longer line that is a whole sentence is no notice of rights, though it may speak of them."""

_FOLDED = re.compile(r"([ㄱ-ㅎㅏ-ㅣ])\1{2,}|[ㅠㅜ]{3,}")
_CRYING = frozenset("ㅠㅜ")
_EMAIL = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"
_ROLE = r"(?:(?:선임|수습|인턴|전문|객원|사진|영상|취재)\s?)?(?:기자|특파원|통신원|리포터|논설위원)"
_OPEN, _CLOSE = r"[\s<(\[【/|=▶◆■*·-]{0,6}", r"[\s>)\]】/|=*·.]{0,6}"
_NAME = r"[가-힣]{2,4}"
_OUTLET = r"(?:[가-힣A-Za-z0-9]{1,12}\s?[=/·|]\s?)?"
_BYLINE = rf"{_OPEN}{_OUTLET}{_NAME}(?:[·,/]\s?{_NAME}){{0,3}}\s?{_ROLE}(?:[\s=/|,(<]{{0,4}}{_EMAIL})?{_CLOSE}"
_RIGHTS = (
    r"(?:무단\s?(?:전재|복제|배포)|재배포\s?(?:및\s?AI\s?학습[^\n]{0,12})?금지|저작권자|All\s+[Rr]ights\s+[Rr]eserved"
    r"|Copyright\s*(?:ⓒ|©|\([cC]\)))"
)
_SENTENCE_END = re.compile(r"[다요죠까][.!?][\"'”’]?")
_LINES = (
    ("tail.rights", re.compile(rf"[^\n]*{_RIGHTS}[^\n]*")),
    ("tail.byline", re.compile(_BYLINE)),
    ("tail.email", re.compile(rf"{_OPEN}(?:{_NAME}\s?)?(?:E-?mail|이메일|메일)?[\s:=/|]{{0,4}}{_EMAIL}{_CLOSE}")),
)
_ENDS = (
    ("tail.rights", re.compile(rf"(?<=[.!?다요])[ \t]*[<(\[【ⓒ©]{{1,2}}[^.\n]{{0,60}}{_RIGHTS}[^\n]{{0,60}}\Z")),
    ("tail.byline", re.compile(rf"(?<=[.!?])[ \t]+{_NAME}\s?{_ROLE}(?:[\s=/|,(<]{{0,4}}{_EMAIL})?[\s>)\]]{{0,3}}\Z")),
)


def folds(text: str) -> list[Change]:
    """The surplus of each run of three or more equal bare letters (ㅋㅋㅋㅋ, ㅠㅠㅠ, ㅠㅜㅠ): all after its second."""
    return [
        Change(found.start() + 2, found.end(), "crying" if found.group()[0] in _CRYING else "laughter")
        for found in _FOLDED.finditer(text)
    ]


def news_tails(text: str) -> list[Change]:
    """Notices of rights, reporters' sign-offs and e-mail lines at the end of a text, in order.

    A whole line goes with the line feed before it. At the end of a longer line only the notice or the sign-off goes.
    """
    lines = list(_last_lines(text))
    found: list[Change] = []
    for start, end in lines:
        line = text[start:end]
        if len(line) <= TAIL_LINE:
            for kind, pattern in _LINES:
                if pattern.fullmatch(line) and not _is_prose(line, kind):
                    found.append(Change(max(start - 1, 0), end, kind))
                    break
    gone = {change.end for change in found}
    left = next(((start, end) for start, end in lines if end not in gone), None)
    if left is not None:
        start, end = left
        window = max(start, end - 2 * TAIL_LINE)
        for kind, pattern in _ENDS:
            match = pattern.search(text[window:end])
            if match is not None:
                found.append(Change(window + match.start(), window + match.end(), kind))
                end = window + match.start()
    return sorted(found)


def _is_prose(line: str, kind: str) -> bool:
    """Whether a line that speaks of rights holds sentences of the text: one ends inside it, or it is a long one."""
    if kind != "tail.rights":
        return False
    ends = [found.end() for found in _SENTENCE_END.finditer(line)]
    return bool(ends) and (ends[0] < len(line.rstrip()) or len(line) > LONGEST_NOTICE)


def _last_lines(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the last TAIL_LINES lines that are not empty, the last first."""
    end = len(text)
    found = 0
    while found < TAIL_LINES and end > 0:
        start = text.rfind("\n", 0, end) + 1
        if start < end and not text[start:end].isspace():
            found += 1
            yield start, end
        end = start - 1


def changes(text: str) -> list[Change]:
    """All that `clean` does to a text, in order and without overlap."""
    tails = news_tails(text)
    return sorted(
        tails + [fold for fold in folds(text) if not any(t.start < fold.end and fold.start < t.end for t in tails)]
    )


def clean(texts: Texts) -> tuple[pa.LargeStringArray, list[list[Change]]]:
    """Korean texts without surplus laughter and news tails, and the changes, as spans of the texts that were given."""
    strings = as_texts(texts)
    cleaned: list[str | None] = []
    spans: list[list[Change]] = []
    for text in strings.to_pylist():
        found = changes(text) if text else []
        spans.append(found)
        cleaned.append(text if not found else apply_changes(text, found))
    return pa.array(cleaned, pa.large_string()), spans
