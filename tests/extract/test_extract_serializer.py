"""The parser and the serializer: every character of a page, in order, and white space as a browser shows it."""

from __future__ import annotations

import gzip
import html
import random
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.extract.blocks import blocks
from corpuskit.extract.markdown import markdown
from corpuskit.extract.parse import CLOSE, DEPTH, LITERAL, OPEN, TEXT, parse
from corpuskit.extract.tags import NAMES


def text(page: str, is_xml: bool = False) -> str:
    return blocks(parse(page.encode(), is_xml)).text()


INLINE = (
    "b",
    "i",
    "em",
    "strong",
    "span",
    "a",
    "font",
    "mark",
    "u",
    "small",
    "sub",
    "sup",
    "abbr",
    "kbd",
    "x-note",
    "bdi",
)
SYLLABLES = st.text(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.characters(min_codepoint=0x3041, max_codepoint=0x3096),
        st.characters(min_codepoint=0x1F300, max_codepoint=0x1F64F),
        st.sampled_from("abzÄé<&>\"'0 "),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=400, deadline=None)
@given(SYLLABLES, st.integers(0, 2**32), st.sampled_from(["p", "div", "li", "td", "h2", "blockquote"]))
def test_inline_elements_lose_no_character_and_invent_no_space(said: str, seed: int, block: str) -> None:
    chosen = random.Random(seed)
    written, opened = "", []
    for character in said:
        for _ in range(chosen.choice((0, 0, 1, 2))):
            if opened and chosen.random() < 0.5:
                written += f"</{opened.pop(chosen.choice((-1, -1, 0)))}>"  # well-nested, or not
            else:
                opened.append(chosen.choice([name for name in INLINE if name != "a" or "a" not in opened]))
                written += f"<{opened[-1]} class='x' data-a=\"<p>\">"
        written += chosen.choice((html.escape(character), f"&#{ord(character)};", f"&#x{ord(character):X};"))
        written += chosen.choice(("", "", "<wbr>", "<!-- - -->", "<script>x<y</script>"))
    page = f"<table><tr><{block}>{written}</{block}></tr></table>" if block == "td" else f"<{block}>{written}</{block}>"
    assert text(page) == " ".join(said.split())


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab \t\n가😀<&{}'\""), max_size=60))
def test_pre_is_kept_byte_for_byte(code: str) -> None:
    shown = text(f"<p>x</p><pre><code>{html.escape(code)}</code></pre><p>y</p>")
    if not code.strip():
        assert shown == "x\n\ny"
        return
    expected = code.rstrip(" \t\n")
    assert shown == f"x\n\n{expected}\n\ny"


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<p>a</p>b<div>c</div>d", "a\n\nb\nc\nd"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "a\nb\nc"),
        ("<dl><dt>a<dd>b<dt>c</dl>", "a\nb\nc"),
        ("<table><tr><th>a<td>b<tr><td>c<td><p>d</p></table>", "a\tb\nc\td"),
        ("<table><tr><td><p>a</p><p>b</p><td>c</table>", "a\nb\nc"),
        ("<p>a<p>b", "a\n\nb"),
        ("<pre>\n  if x:\n\ty\n</pre>", "  if x:\n\ty"),
        ("<p>use <code>a  b</code> now</p>", "use a  b now"),
        ("<p>a&nbsp;b&ensp;\u3000c</p>", "a b c"),
        ("&lt;b&gt; &notit; &copy 2024 &#128; &#x1F600; &#55357;&#56832; &#0; &#xD800;", "<b> ¬it; © 2024 € 😀 😀 \ufffd \ufffd"),
        ("<p>&amp;lt;b&amp;gt; <code>&amp;lt;</code></p>", "<b> &lt;"),
        ("<p>f\xadoo\u200bbar\u2060</p>", "foobar"),
        ("<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</rt></ruby>", "東(とう)京(きょう)"),
        ("<style>p{}</style><script>x</script><select><option>a</select><svg><text>t</text></svg>b", "b"),
        ("<p>long enough to stay on the page</p><div style='display: none'>x</div><div hidden>y</div>", "long enough to stay on the page"),
        ("<p>long enough to stay on the page</p><span aria-hidden=true>z</span>", "long enough to stay on the page"),
        ("<body style='visibility:hidden'><p>a script shows it</p>", "a script shows it"),
        ("<x-y><template shadowrootmode=open><p>shadow</p></template></x-y><template><p>no</p></template>", "shadow"),
        ("<noscript><p>the only text of the page</p></noscript>", "the only text of the page"),
        ("<style>p{color:red}<body><p>unclosed</p>", "unclosed"),
        ("<title>never closed<body><p>unclosed</p>", "unclosed"),
        ("<p>a</p><script>if (a < b) document.write('<p>x</p>')", "a"),
        ("<p title='a>b' class=c>x</p>", "x"),
        ('<p class="unclosed>x</p><p>y</p>', "x\n\ny"),
        ("<![CDATA[x]]>a<svg><![CDATA[b]]></svg><!-->c<!--->d<!-- e --!>f", "acdf"),
        ("<!-- <!-- x --> y", "y"),
        ("a</p>b", "a\n\nb"),
        ("<p><b>a<p>b</b>c", "a\n\nbc"),
        ("<a href=x>a<div>b</a>c</div>", "a\nbc"),
        ("<span style='display:block'>a</span><span>b</span>", "a\nb"),
        ("<div style='white-space: pre-wrap'>a\n  b</div>", "a\n  b"),
        ("<td>no table</td>", "no table"),
        ("</div></span>a</table>", "a"),
        ("a < b <3 </ >c", "a < b <3 c"),
        ("<button>a</button><label>b</label>", "a\nb"),
        ("<select><option>x<option>y</select>a", "a"),
        ("<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></semantics></math>", "x^2"),
        ("<math><mi>x</mi><mo>+</mo><mn>1</mn></math>", "x+1"),
        ("<td class=gutter><pre>1\n2</pre></td>", "1\n2"),
        ("<table><tr><td class=gutter><pre>1\n2</pre><td class=code><pre>alpha = 1\nbeta = 2</pre></table>", "alpha = 1\nbeta = 2"),
    ],
)  # fmt: skip
def test_what_a_browser_shows(page: str, shown: str) -> None:
    assert text(page) == shown


def test_a_formula_is_shown_once() -> None:
    formula = (
        "<p>Let <span class=katex><span class=katex-mathml><math><semantics><mi>x</mi><annotation "
        "encoding='application/x-tex'>x^2</annotation></semantics></math></span><span class=katex-html "
        "aria-hidden=true>x2</span></span> be a number of the field.</p>"
    )
    assert text(formula) == "Let x^2 be a number of the field."


def test_xhtml_closes_its_scripts() -> None:
    page = "<html><head><script src='a.js'/></head><body><p>text</p></body></html>"
    assert text(page, is_xml=True) == "text"
    assert text(page) == ""


def test_markdown_keeps_what_structure_there_is() -> None:
    page = blocks(
        parse(
            b"<h2>Head</h2><p>See <a href=x>the link</a>.</p><ol><li>one<li>two<ul><li>deep</ul></ol><blockquote><p>said</p>"
            b"</blockquote><pre><code>if x:\n    y</code></pre><table><tr><th>a<th>b<tr><td>1<td>2|3</table><p>end"
        )
    )
    assert markdown(page, np.ones(len(page.begin), np.bool_)) == (
        "## Head\n\nSee the link.\n\n1. one\n2. two\n  - deep\n\n> said\n\n```\nif x:\n    y\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2\\|3 |\n\nend"
    )


def nodes_text(page: str) -> str:
    """The text of all nodes outside raw text and templates, without white space."""
    tree = parse(page.encode())
    data, around, out = tree.data.tobytes(), [], []
    for kind, first, last in zip(tree.kind.tolist(), tree.first.tolist(), tree.last.tolist(), strict=True):
        if kind == OPEN:
            around.append(NAMES[tree.tag[first]])
        elif kind == CLOSE:
            around.pop()
        elif kind == TEXT and not {"textarea", "title", "template"} & set(around):
            out.append(html.unescape(data[first:last].decode()))
    assert not around
    return re.sub(r"\s+", "", "".join(out))


def test_real_pages_have_the_text_that_lexbor_finds_in_its_order(shared_data: Path) -> None:
    parser = pytest.importorskip("selectolax.lexbor")
    pages = sorted((shared_data / "extraction/wcxb/html").glob("*.gz"))[::3]
    different = []
    for path in pages:
        page = gzip.decompress(path.read_bytes()).decode("utf-8", "replace").replace("\0", "")
        tree = parser.LexborHTMLParser(page)
        tree.strip_tags(["script", "style", "textarea", "title", "iframe", "noframes", "noembed", "xmp", "template"])
        if nodes_text(page) != re.sub(r"\s+", "", tree.root.text(deep=True)):
            different.append(path.name)
    assert len(different) <= 0.01 * len(pages), different


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("<>/!-?&;#='\" \nabpdivtr가x1"), max_size=200))
def test_any_soup_has_a_tree(soup: str) -> None:
    tree = parse(soup.encode())
    depth = 0
    for kind, first, last in zip(tree.kind.tolist(), tree.first.tolist(), tree.last.tolist(), strict=True):
        depth += {OPEN: 1, CLOSE: -1}.get(kind, 0)
        assert depth >= 0
        if kind in (TEXT, LITERAL):
            assert 0 <= first < last <= len(tree.data)
    assert depth == 0
    assert all(parent < number for number, parent in enumerate(tree.parent.tolist()))
    blocks(tree).text().encode()


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 1_000_000,
        b"<p>a" * 500_000,
        b"<b>" * 500_000 + b"</b>" * 500_000,
        b"<div>" * 600 + b"</x>" * 500_000,
        b'<a b="' * 300_001,
        b"<" * 3_000_000,
        b"&" * 3_000_000,
        b"&#" * 1_500_000,
        b"<!--" * 800_000,
        b"<style>" * 400_000,
        b"<table><tr>" * 300_000,
        b"<a href=x>" * 300_000,
        b"<select>" * 300_000,
        b"<svg>" * 300_000,
        b"<script><!--<script>" * 150_000,
    ],
    ids=lambda page: page[:12].decode(),
)
def test_time_is_linear_whatever_the_page(page: bytes) -> None:
    blocks(parse(b"<p>warm"))
    started = time.process_time()
    found = blocks(parse(page))
    assert time.process_time() - started < 3
    assert len(found.begin) <= len(page)


def test_elements_nest_no_deeper_than_browsers_let_them() -> None:
    tree = parse(b"<div>" * 5000 + b"x")
    depths = np.zeros(len(tree.parent), int)
    for number, parent in enumerate(tree.parent.tolist()):
        depths[number] = depths[parent] + 1 if parent >= 0 else 1
    assert depths.max() == DEPTH
