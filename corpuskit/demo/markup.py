"""The few marks that the demo's texts use, as HTML: a small part of Markdown.

Blocks: paragraphs, `## headings`, `- lists`, `1. lists`, `> quotes`, ``` code, `| tables |`. In a line: **strong**,
*emphasis*, `code` and [links](target).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)"), r'<a href="\2">\1</a>'),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)"), r"<em>\1</em>"),
)


def to_html(text: str) -> str:
    """The HTML of a text: one element a block, a newline between blocks."""
    return "\n".join(_block(block) for block in _blocks(text))


def paragraphs(text: str) -> list[str]:
    """The plain prose blocks of a text, without their marks: what a feed or a description quotes."""
    prose = [block for block in _blocks(text) if not re.match(r"(#|- |\d+\. |>|```|\||@)", block)]
    return [
        re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", block).translate({ord("*"): None, ord("`"): None}) for block in prose
    ]


def _blocks(text: str) -> list[str]:
    blocks: list[str] = []
    position = 0
    for fence in _FENCE.finditer(text):
        blocks += re.split(r"\n\s*\n", text[position : fence.start()])
        blocks.append(fence.group())
        position = fence.end()
    blocks += re.split(r"\n\s*\n", text[position:])
    return [block.strip("\n") for block in blocks if block.strip()]


def _block(block: str) -> str:
    for start, render in _RENDERERS:
        if re.match(start, block):
            return render(block)
    return f"<p>{_inline(' '.join(block.split()))}</p>"


def _inline(text: str) -> str:
    html = escape(text, quote=False)
    for pattern, replacement in _INLINE:
        html = pattern.sub(replacement, html)
    return html


def _heading(block: str) -> str:
    marks, text = block.split(" ", 1)
    return f"<h{len(marks)}>{_inline(text)}</h{len(marks)}>"


def _code(block: str) -> str:
    _, *lines, _ = block.split("\n")
    return f"<pre><code>{escape(chr(10).join(lines), quote=False)}</code></pre>"


def _list(tag: str, mark: str) -> Callable[[str], str]:
    def render(block: str) -> str:
        items = [" ".join(item.split()) for item in re.split(mark, block, flags=re.M) if item.strip()]
        return f"<{tag}>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + f"</{tag}>"

    return render


def _quote(block: str) -> str:
    return f"<blockquote><p>{_inline(' '.join(re.sub('^> ?', '', block, flags=re.M).split()))}</p></blockquote>"


def _table(block: str) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.split("\n")]
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows[2:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_RENDERERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"#+ ", _heading),
    (r"```", _code),
    (r"- ", _list("ul", r"^- ")),
    (r"\d+\. ", _list("ol", r"^\d+\. ")),
    (r">", _quote),
    (r"\|", _table),
)
