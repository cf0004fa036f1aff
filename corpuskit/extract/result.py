"""What extraction makes of a page or a document."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Extracted:
    """The text of a page, with its paragraphs on lines of their own, in NFC, and what the page says of itself."""

    text: str
    title: str | None
    author: str | None
    published: str | None
    """ISO 8601 date or date-time; with an offset where the page tells one."""
    language_hint: str | None
    """ISO 639 code of the `lang` attribute: a hint, often wrong."""
    rights: str | None
    """Robots and text-and-data-mining directives as found: 'noai; noindex; tdm-reservation: 1'."""
    charset: str
    """The encoding that the bytes were read in, by Python's name; 'str' where text was given."""
    method: str
    """Where the text is from: 'blocks', 'container', 'all', 'json-ld', 'hydration' of a page; 'plain'; a format."""
    posts: int = 0
    """How many posts of a thread the text holds."""
    modified: str | None = None
    canonical: str | None = None
    """The address that the page gives as its own."""
    license: str | None = None
    page_type: str | None = None
    """The likeliest type of an HTML page: article, service, forum, listing, documentation, collection, product."""
    type_probability: float | None = None
    expected_f1: float | None = None
    """Word F1 that the model expects of the text."""
    is_dated_by_page: bool = False
    """Whether the page itself tells the day with certainty, so that it outranks what a feed says."""
    evidence: list[dict[str, str | float]] = field(default_factory=list)
    """Every candidate for a fact: field, value, source, confidence."""
