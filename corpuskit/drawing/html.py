"""Small pieces of HTML. Every text that comes from a document, a recipe or a log goes through `text` or `link`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlsplit

_LANGUAGES = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "ja": "Japanese",
    "ko": "Korean",
    "ru": "Russian",
    "und": "undetermined",
    "zh": "Chinese",
}
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def text(value: object) -> str:
    """A value as HTML text, safe in an element and in a quoted attribute; what HTML cannot hold becomes U+FFFD."""
    return escape(_UNSHOWABLE.sub("\ufffd", str(value)))


def foreign(value: object) -> str:
    """Text of a document: escaped, and kept from turning the direction of what stands around it."""
    return f"<bdi>{text(value)}</bdi>"


def link(url: str | None, label: str | None = None) -> str:
    """A link where the address is http or https; otherwise the address as plain text."""
    if not url:
        return foreign(label or "no address")
    try:
        parts = urlsplit(url)
        followed = parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:
        followed = False
    if not followed:
        return foreign(label or url)
    return f'<a href="{text(url)}" rel="noreferrer nofollow">{foreign(label or url)}</a>'


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Iterable[int] = (),
    *,
    under_heading: bool = False,
) -> str:
    """A table that scrolls in its own box on a narrow screen. Cells are HTML; `numbers` are the columns of figures.

    `under_heading`: the heading above says what the caption says; it is then told to screen readers alone.
    """
    figures = set(numbers)

    def cells(row: Sequence[str]) -> str:
        first, *rest = row
        start = f'<th scope="row">{first}</th>'
        return start + "".join(
            f'<td class="figure">{cell}</td>' if place in figures else f"<td>{cell}</td>"
            for place, cell in enumerate(rest, 1)
        )

    titles = "".join(
        f'<th scope="col" class="figure">{text(title)}</th>'
        if place in figures
        else f'<th scope="col">{text(title)}</th>'
        for place, title in enumerate(head)
    )
    body = "".join(f"<tr>{cells(row)}</tr>" for row in rows)
    shown = "" if under_heading else f"<caption>{text(caption)}</caption>"
    return (
        f'<div class="scroll" role="region" aria-label="{text(caption)}" tabindex="0"><table>{shown}'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def folded(label: str, inside: str) -> str:
    """A part that opens on demand. The label is HTML."""
    return f"<details><summary>{label}</summary>{inside}</details>"


def section(name: str, title: str, lead: str, inside: str) -> str:
    """A section with its title and one sentence that says what to see. The lead is HTML."""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{text(title)}</h2>'
        f'<p class="lead">{lead}</p>{inside}</section>'
    )


def language(code: str) -> str:
    """What people call a language: 'English' for 'en'; the code itself where it has no entry."""
    return _LANGUAGES.get(code, code)


def count(number: float) -> str:
    return f"{number:,.0f}"


def size(number: float) -> str:
    """Bytes in decimal units: '1.2 MB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def plural(number: float, one: str, many: str | None = None) -> str:
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
