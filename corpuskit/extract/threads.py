"""The posts of a discussion in order: what `community` pages are made of, and what article extractors throw away.

Forum and comment software marks the body of a post with its own class or attribute, the same on every site that runs
it. Where no such mark is there, the largest group of elements alike in name and class that hold running text is taken.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

_SOFTWARE = (
    "div.post[itemprop=text], div.post[itemprop=articleBody], .topic-body .cooked",  # Discourse
    "article.message .message-body .bbWrapper, .message-cell--main .bbWrapper",  # XenForo 2
    ".messageContent .messageText",  # XenForo 1
    "[data-role=commentContent]",  # Invision
    "[component='post/content']",  # NodeBB
    ".Post-body, noscript article > div:not([class])",  # Flarum
    "[id^=post_message_], .postcontent",  # vBulletin
    ".postbody .content, .post-content .content",  # phpBB
    ".inner[id^=msg_], .post .inner",  # SMF
    ".post_body",  # MyBB
    ".postmsg",  # FluxBB, PunBB
    ".js-post-body, .comment-copy",  # Stack Exchange
    "#siteTable .usertext-body .md, .commentarea .usertext-body .md",  # Reddit (old)
    "shreddit-post [slot=text-body], shreddit-comment [slot=comment]",  # Reddit
    ".commentBody, .storylinks + .body .p",  # Slashdot
    ".story_text, .comment_text",  # Lobsters
    ".commtext, .toptext",  # Hacker News
    ".md-div",  # Lemmy
    ".userContent, .Message .userContent",  # Vanilla
    ".msg_body",  # GameFAQs
    ".postBody",  # Tripadvisor
    "table .narrow",  # Nairaland
    ".bbp-topic-content, .bbp-reply-content",  # bbPress
    ".write_div, .usertxt",  # DC Inside
    ".post_article, .comment_view",  # Clien
    ".se-main-container, .comment_text_view",  # Naver cafes
    "#bo_v_con, .cmt_contents",  # Gnuboard
    ".xe_content, .rhymix_content",  # XE, Rhymix
    "[itemtype*=DiscussionForumPosting] [itemprop=text], [itemtype*=Comment] [itemprop=text]",
    "[itemprop=articleBody], [itemprop=commentText], .comment-content, .comment-body",  # schema.org, WordPress
)

_NOT_SAID = "[class*=signature], [class*=Signature]"
_CANDIDATES = ("div", "article", "li", "section", "td", "dd")
_DIGITS = re.compile(r"\d+")
_MIN_THREAD, _MIN_POST = 200, 40
"""UTF-8 bytes that all posts, and a post on average, must have: a Hangul syllable counts as much as three letters."""
_MOST_LINKS = 0.3


def keep_posts(tree: Any) -> int:
    """Leave only the bodies of posts in the body of a parsed page (resiliparse HTMLTree), in their order.

    Signatures go too. Returns how many there are; 0 where none were found, and then the page is untouched.
    """
    if tree.body is None:
        return 0
    posts = _marked(tree.body) or _repeated(tree.body)
    if not posts:
        return 0
    for post in posts:
        post.remove()
    tree.body.replace_children(*posts)
    for element in tree.body.query_selector_all(_NOT_SAID).values():
        element.remove()
    return len(posts)


def _marked(body: Any) -> list[Any]:
    """Elements that a known software marks as posts: those of the software that marks the most text."""
    best: list[Any] = []
    most = _MIN_THREAD - 1
    for selector in _SOFTWARE:
        found = _outermost(body.query_selector_all(selector).values())
        size = sum(_size(post) for post in found)
        if size > most:
            best, most = found, size
    return best


def _outermost(elements: Any) -> list[Any]:
    """Elements that lie in no other of them; they come in document order, so an inner one follows its outer one."""
    kept: list[Any] = []
    for element in elements:
        if not (kept and kept[-1].contains(element)):
            kept.append(element)
    return kept


def _repeated(body: Any) -> list[Any]:
    """The largest group of at least three elements alike whose text is running text and not links."""
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for tag in _CANDIDATES:
        for element in body.get_elements_by_tag_name(tag).values():
            if element.class_name:
                groups[tag, _DIGITS.sub("0", element.class_name)].append(element)
    best: list[Any] = []
    most = 0
    for elements in groups.values():
        if len(elements) < 3:
            continue
        elements = _outermost(elements)
        size = sum(_size(element) for element in elements)
        if len(elements) < 3 or size <= most or size < _MIN_POST * len(elements):
            continue
        links = sum(_size(link) for element in elements for link in element.get_elements_by_tag_name("a").values())
        if links < _MOST_LINKS * size:
            best, most = elements, size
    return best if most >= _MIN_THREAD else []


def _size(element: Any) -> int:
    return len(element.text.encode("utf-8", "replace"))
