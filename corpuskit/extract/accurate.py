"""The accurate engine: trafilatura's cascade (Barbaresi, ACL 2021), checked against what the fast engine finds.

trafilatura is the more precise on articles and drops most of a page that is a list, a product or a service. Where it
found much less than the fast engine, and little in itself, the fast engine's text stands; so it does on pages of a
few lines, where trafilatura ends by taking the whole page, menus and all. Its duplicate check is never
used: that one remembers earlier pages, so that a page's text would depend on what was read before it.
"""

from __future__ import annotations

from configparser import ConfigParser
from functools import lru_cache
from typing import Any

from corpuskit.extract.result import Metadata

_SHARE = 0.8
_ENOUGH = 2500
"""Characters from which on a text that is half as long as the fast engine's, or less, is believed to be all."""
_DENSE_SCRIPTS = 0.2
_DATES = {"original_date": True, "extensive_search": False, "max_date": "2100-01-01"}
_MINIMUM, _MINIMUM_DENSE = 250, 100
"""Characters under which trafilatura looks for more: its default, and one for scripts that say the same in fewer."""


def article(html: str, url: str | None, comments: bool, quick: str) -> tuple[str, Metadata]:
    """(text, metadata) of a page; text '' where trafilatura found none and `quick`, the fast engine's text, is empty.

    `comments` appends the comments that trafilatura recognised.
    """
    import trafilatura

    dense = sum("\u3040" <= character <= "\ud7a3" for character in quick) > _DENSE_SCRIPTS * len(quick)
    document: Any = trafilatura.bare_extraction(
        html,
        url=url,
        include_comments=comments,
        with_metadata=True,
        date_extraction_params=dict(_DATES),
        config=_settings(dense),
    )
    if document is None:
        return quick, Metadata()
    text = document.text or ""
    if comments and document.comments:
        text = f"{text}\n{document.comments}"
    is_short = 0 < len(quick) < (_MINIMUM_DENSE if dense else _MINIMUM)
    missed = len(text) < _SHARE * len(quick) and (len(text) < _ENOUGH or len(quick) < 2 * len(text))
    if is_short or missed:
        text = quick
    return text, Metadata(document.title or None, document.author or None, document.date or None)


def facts(html: str, url: str | None) -> Metadata:
    """What trafilatura and htmldate know of a page beside its text."""
    from trafilatura.metadata import extract_metadata

    try:
        document: Any = extract_metadata(html, default_url=url, date_config=dict(_DATES))
    except (TypeError, ValueError, AttributeError):  # on trees that are empty or odd
        return Metadata()
    return Metadata(document.title or None, document.author or None, document.date or None)


@lru_cache(maxsize=2)
def _settings(dense: bool) -> ConfigParser:
    from trafilatura.settings import use_config

    settings: ConfigParser = use_config()
    settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(_MINIMUM_DENSE if dense else _MINIMUM))
    settings.set("DEFAULT", "MAX_FILE_SIZE", str(1 << 30))
    settings.set("DEFAULT", "EXTRACTION_TIMEOUT", "0")
    return settings
