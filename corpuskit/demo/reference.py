"""Reference pages from the help topics that come with CPython (`pydoc_data.topics`), rendered as HTML.

The topics are plain text as Sphinx wrote it: titles underlined with *, = or -, indented blocks, lists. Which topics
there are and what they say depends on the Python that runs.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from pydoc_data.topics import topics

_UNDERLINED = re.compile(r"(?P<title>[^\n]+)\n(?P<line>([*=\-~])\3{2,})\n?(?P<rest>.*)", re.S)
_PROSE = re.compile(r" +([*] |\d+\. |[A-Z“\"].*[.:]$)", re.S)
"""What tells an indented note or list from an indented example: it opens like a sentence and ends like one."""
_LEVELS = {"*": 2, "=": 3, "-": 4, "~": 5}


def reference_pages() -> dict[str, tuple[str, str]]:
    """Topic -> (title, HTML of the text), in the order of the topics."""
    return {name: _render(text) for name, text in sorted(topics.items())}


def _render(text: str) -> tuple[str, str]:
    title = ""
    parts: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        underlined = _UNDERLINED.match(block)
        if underlined:
            heading = _inline(underlined["title"])
            if title:
                level = _LEVELS[underlined["line"][0]]
                parts.append(f"<h{level}>{heading}</h{level}>")
            title = title or underlined["title"].replace('"', "")
            block = underlined["rest"]
        if block.strip():
            parts.append(_block(block))
    return title, "\n".join(parts)


def _block(block: str) -> str:
    if block.startswith("+-") or (block.startswith("   ") and not _PROSE.match(block)):
        return f"<pre>{escape(textwrap.dedent(block), quote=False)}</pre>"
    item = re.match(r"\s*([*]|\d+\.) +(.*)", block, re.S)
    if item:
        tag = "ul" if item[1] == "*" else "ol"
        entries = [item[2]] if tag == "ol" else re.split(r"^\s*[*] +", item[2], flags=re.M)
        start = "" if tag == "ul" else f' start="{item[1][:-1]}"'
        return f"<{tag}{start}>" + "".join(f"<li>{_inline(entry)}</li>" for entry in entries) + f"</{tag}>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    line = escape(" ".join(text.split()), quote=False)
    return re.sub(r'"([^"<>]+)"', r"<code>\1</code>", line)
