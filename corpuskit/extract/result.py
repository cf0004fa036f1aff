"""What extraction makes of a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metadata:
    """What a page says of itself; None where it says nothing."""

    title: str | None = None
    author: str | None = None
    published: str | None = None
    """ISO 8601 date or date-time."""
    language: str | None = None
    """ISO 639 code of the `lang` attribute: a hint, often wrong."""
    rights: str | None = None
    """Robots and text-and-data-mining directives as found: 'noai; noindex; tdm-reservation: 1'."""


@dataclass(frozen=True)
class Extracted:
    """The text of a page, with its paragraphs on lines of their own, in NFC, and what the page says of itself."""

    text: str
    title: str | None
    author: str | None
    published: str | None
    language_hint: str | None
    rights: str | None
    charset: str
    """The encoding that the bytes were read in, by Python's name; 'str' where text was given."""
    method: str
    """What found the text: 'accurate', 'fast', 'posts' (a thread's posts), 'plain'."""
    posts: int = 0
    """How many posts of a thread the text holds."""
