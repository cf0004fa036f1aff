"""Pages and their parts, from Jinja2 templates with autoescape: a plain string is text, and only `Markup` is HTML.

The pages hold no script and load nothing: their Content-Security-Policy forbids both, so that no text of a document
could do otherwise even if it slipped through the escaping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup as Markup
from markupsafe import escape

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


@dataclass(frozen=True)
class Figure:
    """One of the large numbers at the head of a page."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A section of a page."""

    name: str
    """Its anchor."""
    title: str
    lead: str | Markup
    """One or two sentences that say what to see."""
    inside: Markup
    figures: tuple[Figure, ...] = ()
    """Numbers for the head of the page."""
    sentence: str = ""
    """A sentence for the summary at the head of the page."""


@dataclass(frozen=True)
class Header:
    kind: str
    name: str
    summary: str | Markup
    figures: Sequence[Figure]


def page(title: str, sections: Sequence[Section], header: Header | None = None, footer: str | None = None) -> str:
    """A whole page, self-contained."""
    style = Markup((Path(__file__).parent / "style.css").read_text("utf-8"))
    optional = {"header": header, "footer": footer}
    given = {name: value for name, value in optional.items() if value is not None}
    return _environment().get_template("page.html").render(title=title, sections=sections, style=style, **given)


def inline(template: str, *values: object) -> Markup:
    """HTML of our own with values in its `{}` places: values are escaped unless they are `Markup`."""
    return Markup(template).format(*map(_showable, values))


def join(parts: Iterable[str | Markup]) -> Markup:
    """Parts one after the other; plain strings are escaped."""
    return Markup("").join(map(_showable, parts))


def text(value: object) -> Markup:
    """A value as HTML text, safe in an element and in a quoted attribute; what HTML cannot hold becomes U+FFFD."""
    return escape(_showable(str(value)))


def foreign(value: object) -> Markup:
    """Text of a document: escaped, and kept from changing the direction of the text around it."""
    return inline("<bdi>{}</bdi>", str(value))


def link(url: str | None, label: str | None = None) -> Markup:
    """A link where the address is http or https; otherwise the address as plain text."""
    if not url:
        return foreign(label or "no address")
    try:
        parts = urlsplit(url)
        followed = parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:
        followed = False
    return _part("link", url, label or url) if followed else foreign(label or url)


def table(
    caption: str,
    head: Sequence[str | Markup],
    rows: Iterable[Sequence[str | Markup]],
    numbers: Iterable[int] = (),
    *,
    under_heading: bool = False,
) -> Markup:
    """A table that scrolls in its own box on a narrow screen. `numbers` are the columns of figures.

    `under_heading`: the heading above says what the caption says; only screen readers then get the caption.
    """
    return _part("table", caption, head, rows, set(numbers), under_heading)


def folded(label: str | Markup, inside: Markup) -> Markup:
    """A part that opens on demand."""
    return _part("folded", label, inside)


def sample(facts: str | Markup, quote: str | Markup, title: Markup | None = None) -> Markup:
    """Text of a document with what is known about it."""
    return _part("sample", title, facts, quote)


def heading(title: str) -> Markup:
    return inline("<h3>{}</h3>", title)


def paragraph(content: str | Markup) -> Markup:
    return inline("<p>{}</p>", content)


def language(code: str) -> str:
    """The English name of a language: 'English' for 'en'; the code itself where it has no entry."""
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


def plural(number: float, singular: str, many: str | None = None) -> str:
    return f"{count(number)} {singular if number == 1 else many or singular + 's'}"


def _showable(value: Any) -> Any:
    """A plain string without the characters that HTML cannot hold; anything else as it is."""
    return _UNSHOWABLE.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("corpuskit.drawing"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_showable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _part(name: str, *arguments: Any) -> Markup:
    return Markup(getattr(_environment().get_template("parts.html").module, name)(*arguments))
