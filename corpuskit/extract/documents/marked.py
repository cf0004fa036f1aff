"""Markdown to text: rendered to HTML, then through the parser and serializer of pages."""

from __future__ import annotations

import re
from typing import Any

from corpuskit.errors import require
from corpuskit.extract.blocks import blocks
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.parse import parse
from corpuskit.extract.result import Extracted

_FRONT = re.compile(r"\A(?:\ufeff)?---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)


def read(data: bytes) -> Extracted:
    """The text of a Markdown document; title, author and date from its front matter, or the first heading."""
    import yaml

    from corpuskit.extract.page import composed

    text, charset = decode(data, "text/plain")
    about: dict[str, Any] = {}
    if match := _FRONT.match(text):
        try:
            told = yaml.safe_load(match[1])
        except (yaml.YAMLError, RecursionError, ValueError):
            told = None
        if isinstance(told, dict):
            about, text = told, text[match.end() :]
    library: Any = require("markdown_it", "documents")
    shown = library.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    page = blocks(parse(shown.encode("utf-8", "replace")))
    heading = re.search(r"^#\s+(.+)$", text, re.M)
    title = str(about.get("title") or (heading[1].strip(" #") if heading else "")) or None
    author = about.get("author")
    names = "; ".join(map(str, author)) if isinstance(author, list) else str(author) if author else None
    return Extracted(
        composed(page.text()), title, names, parse_date(str(about.get("date", ""))), None, None, charset, "markdown"
    )
