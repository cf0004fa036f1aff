"""The marks of the demo's texts, and the help topics as HTML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from lxml import html

from corpuskit.demo.markup import paragraphs, to_html
from corpuskit.demo.reference import reference_pages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo", "<p>one two</p>"),
        ("a\n\nb", "<p>a</p>\n<p>b</p>"),
        ("## Head", "<h2>Head</h2>"),
        ("- a\n- b\n  c", "<ul><li>a</li><li>b c</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("**x** and *y* and `z`", "<p><strong>x</strong> and <em>y</em> and <code>z</code></p>"),
        ("[here](/a.html)", '<p><a href="/a.html">here</a></p>'),
        ("```\na\n\n<b>\n```", "<pre><code>a\n\n&lt;b&gt;</code></pre>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |",
         "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"),
        ("1 < 2 & <script>", "<p>1 &lt; 2 &amp; &lt;script&gt;</p>"),
    ],
)  # fmt: skip
def test_marks_become_html(text: str, expected: str) -> None:
    assert to_html(text) == expected


def test_prose_without_its_marks() -> None:
    assert paragraphs("## no\n\nA *word* and [a link](/x).\n\n- no\n\n```\nno\n```\n\n| no |") == ["A word and a link."]


def test_help_topics_keep_their_words_and_their_examples() -> None:
    topics = reference_pages()
    title, body = topics["with"]
    assert title == "The with statement"
    tree = html.fragment_fromstring(body, create_parent="div")
    assert any("with_item" in (pre.text or "") for pre in tree.iter("pre"))
    words = " ".join(tree.text_content().split())
    assert "guarantees that if the __enter__() method returns without an error" in words
    for name, (title, body) in topics.items():
        assert title, name
        ElementTree.fromstring(f"<div>{body}</div>")
