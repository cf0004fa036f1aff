"""The fast engine: resiliparse's main-content rules on a page from which navigation has been cut, with a second look.

resiliparse decides by the names of elements and classes (Bevendorff et al., ECIR 2018 and SIGIR 2023). On pages that
are no article it often keeps next to nothing; then all that is visible outside navigation is the text.
"""

from __future__ import annotations

from typing import Any

_AROUND = "nav, footer, aside, dialog, [role=navigation], [role=contentinfo], [role=dialog], [role=banner]"
_AROUND_BY_NAME = (
    "[class*=consent], [id*=consent], [class*=cookie], [id*=cookie], [class*=menu], [class*=breadcrumb],"
    "[class*=pagination], [class*=related], [class*=promo], [class*=disclaimer], [class*=byline], [class*=popup],"
    "[class*=footer]"
)
_NEVER = ("body", "html", "main", "article")
_SUBSTANCE = "article, main, h1"
_MOST_BY_NAME = 0.3
"""An element with more of the page's characters than this is no navigation, whatever its class says."""
_MAIN_SHARE = 0.3
"""Main content with less of the visible characters than this was missed."""


def prune(tree: Any) -> None:
    """Remove navigation, consent dialogs, footers and the like from a parsed page."""
    body = tree.body
    if body is None:
        return
    most = _MOST_BY_NAME * len(body.text)
    for element in body.query_selector_all(_AROUND).values():
        if len(element.text) < most or element.query_selector(_SUBSTANCE) is None:
            element.remove()
    for element in body.query_selector_all(_AROUND_BY_NAME).values():
        if element.tag not in _NEVER and len(element.text) < most:
            element.remove()


def main_text(tree: Any, comments: bool) -> str:
    """The main text of a pruned page. `comments` keeps those of readers."""
    main = text_of(tree, main_content=True, comments=comments)
    visible = text_of(tree)
    return main if len(main) >= _MAIN_SHARE * len(visible) else visible


def text_of(tree: Any, main_content: bool = False, comments: bool = True) -> str:
    """The visible text of a parsed page, a block a line. All of it, or the main content alone."""
    from resiliparse.extract.html2text import extract_plain_text

    return str(
        extract_plain_text(
            tree,
            main_content=main_content,
            comments=comments,
            preserve_formatting=True,
            alt_texts=False,
            noscript=not main_content,
        )
    )
