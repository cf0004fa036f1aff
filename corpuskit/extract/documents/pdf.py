"""PDF to text in reading order, with words that a line break cut mended.

Characters come from PDFium in runs with their boxes. A page is cut into columns and bands at its white gaps (recursive
X-Y cut: Nagy, Seth and Viswanathan, IEEE Computer 25:7, 1992), lines are joined into paragraphs, and lines that repeat
at the head or foot of most pages are left out.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from corpuskit.errors import require
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.result import Extracted

_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]$")
_ENDS = re.compile(r"[.!?:。！？…”\"'’)\]]$")
_BULLET = re.compile(r"^\s*(?:[-•◦▪·○●□■※*]|\(?\d{1,2}[.)]|[가-하][.)])\s")
_KOREAN = re.compile(r"[가-힣]")
_MOST_PAGES = 5000
_REPEATS = 0.6


@dataclass
class _Run:
    text: str
    left: float
    bottom: float
    right: float
    top: float


@dataclass
class _Line:
    text: str
    left: float
    right: float
    top: float
    bottom: float


def read(data: bytes) -> Extracted:
    """The text and title of a PDF.

    Raises Unreadable for one that is encrypted, damaged, or holds pictures alone.
    """
    from corpuskit.extract.page import composed

    pdfium = require("pypdfium2", "documents")
    try:
        document: Any = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise Unreadable(f"PDF cannot be opened: {error}") from None
    try:
        pages = []
        for number in range(min(len(document), _MOST_PAGES)):
            page = document[number]
            pages.append(_lines(page))
            page.close()
        about = document.get_metadata_dict()
    finally:
        document.close()
    repeated = _repeated(pages)
    text = composed("\n\n".join(part for lines in pages if (part := _paragraphs(lines, repeated))))
    if not text.strip():
        raise Unreadable("PDF without text (scanned pages need OCR)")
    when = re.sub(r"^D:(\d{4})(\d\d)(\d\d).*", r"\1-\2-\3", about.get("CreationDate", ""))
    title = " ".join(about.get("Title", "").split()) or None
    return Extracted(text, title, about.get("Author") or None, parse_date(when), None, None, "pdf", "pdf")


def _lines(page: Any) -> list[list[_Line]]:
    """The lines of a page, a list for each region of it, in reading order."""
    textpage = page.get_textpage()
    runs = []
    for number in range(textpage.count_rects()):
        left, bottom, right, top = textpage.get_rect(number)
        text = textpage.get_text_bounded(left, bottom, right, top)
        if text.strip():
            runs.append(
                _Run(text.replace("\r", "").replace("\n", " ").replace("\ufffe", "-"), left, bottom, right, top)
            )
    textpage.close()
    return [lines for region in _cut(runs, 0) if (lines := _joined(region))]


def _cut(runs: list[_Run], depth: int) -> list[list[_Run]]:
    """Regions of a page from top to bottom and left to right."""
    if len(runs) < 2 or depth > 30:
        return [runs] if runs else []
    height = sorted(run.top - run.bottom for run in runs)[len(runs) // 2] or 1.0
    columns = _gap([(run.left, run.right) for run in runs], 1.3 * height)
    if columns is not None:
        left = [run for run in runs if run.right <= columns]
        right = [run for run in runs if run.right > columns]
        if _is_column(left) and _is_column(right):
            return _cut(left, depth + 1) + _cut(right, depth + 1)
    band = _gap([(-run.top, -run.bottom) for run in runs], 0.9 * height)
    if band is not None:
        upper = [run for run in runs if -run.bottom <= band]
        lower = [run for run in runs if -run.bottom > band]
        return _cut(upper, depth + 1) + _cut(lower, depth + 1)
    return [runs]


def _is_column(runs: list[_Run]) -> bool:
    """Whether runs are prose of several lines, and no column of a table's short cells."""
    tops = {round(run.top) for run in runs}
    return len(tops) >= 3 and sum(len(run.text) for run in runs) / len(tops) > 14


def _gap(spans: list[tuple[float, float]], least: float) -> float | None:
    """Where the widest gap between spans begins, if one is `least` wide."""
    spans = sorted(spans)
    best, where = least, None
    reached = spans[0][1]
    for start, stop in spans[1:]:
        if start - reached >= best:
            best, where = start - reached, reached
        reached = max(reached, stop)
    return where


def _joined(runs: list[_Run]) -> list[_Line]:
    """Runs of a region as lines."""
    lines: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: (-(run.top + run.bottom) / 2, run.left)):
        middle = (run.top + run.bottom) / 2
        if lines and lines[-1][0].bottom - 1 <= middle <= lines[-1][0].top + 1:
            lines[-1].append(run)
        else:
            lines.append([run])
    found = []
    for parts in lines:
        parts.sort(key=lambda run: run.left)
        text = ""
        for number, run in enumerate(parts):
            if number and run.left - parts[number - 1].right > 0.15 * (run.top - run.bottom) and not text.endswith(" "):
                text += " "
            text += run.text
        found.append(
            _Line(
                text,
                parts[0].left,
                max(run.right for run in parts),
                max(run.top for run in parts),
                min(run.bottom for run in parts),
            )
        )
    return found


def _repeated(pages: list[list[list[_Line]]]) -> set[str]:
    """Lines, digits taken for one another, at the head or foot of most pages."""
    if len(pages) < 3:
        return set()
    counts: Counter[str] = Counter()
    for regions in pages:
        lines = [line for region in regions for line in region]
        lines.sort(key=lambda line: -line.top)
        counts.update({_key(line) for line in [*lines[:2], *lines[-2:]]})
    return {key for key, count in counts.items() if count >= _REPEATS * len(pages)}


def _key(line: _Line) -> str:
    return re.sub(r"\d+", "0", line.text.strip())


def _paragraphs(regions: list[list[_Line]], repeated: set[str]) -> str:
    out: list[str] = []
    for lines in regions:
        kept = [line for line in lines if _key(line) not in repeated]
        if not kept:
            continue
        width = max(line.right for line in kept) - min(line.left for line in kept)
        right = max(line.right for line in kept)
        gaps = sorted(above.bottom - below.top for above, below in itertools.pairwise(kept))
        usual = gaps[len(gaps) // 2] if gaps else 0.0
        text = ""
        before: _Line | None = None
        for line in kept:
            if before is None:
                text = line.text
            else:
                height = line.top - line.bottom
                apart = before.bottom - line.top > usual + 0.5 * height
                short = right - before.right > 0.12 * width and bool(_ENDS.search(before.text.strip()))
                if apart or short or _BULLET.match(line.text):
                    out.append(text.strip())
                    text = line.text
                else:
                    text = _mended(text, line.text)
            before = line
        out.append(text.strip())
    return "\n".join(part for part in out if part)


def _mended(text: str, line: str) -> str:
    """Two lines of one paragraph as one: a word cut by a hyphen is whole again."""
    spaced = text.endswith(" ") or line.startswith(" ")
    text, line = text.rstrip(), line.lstrip()
    if _HYPHEN.search(text) and line[:1].islower():
        return text[:-1] + line
    if not spaced and text and line and _KOREAN.match(text[-1]) and _KOREAN.match(line[0]):
        return text + line
    return f"{text} {line}"
