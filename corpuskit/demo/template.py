"""What stands around a text on a real page: navigation, adverts, cookie notices, related links, comments, footers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from corpuskit.demo.markup import paragraphs, to_html
from corpuskit.demo.pages import Page, Site

STYLE = """body{margin:0;font:17px/1.6 Georgia,'Nanum Myeongjo',serif;color:#222;background:#fdfcf9}
header,footer,nav,main,aside,.bar{max-width:46rem;margin:0 auto;padding:.6rem 1rem}
header b{font-size:1.6rem}nav a{margin-right:1rem}h1{line-height:1.2}pre{overflow:auto;background:#f1efe8;padding:.8rem}
.advert,.cookies,.newsletter{background:#f3eee0;padding:.6rem 1rem;margin:1rem 0;font-size:.9rem}
.post{border-top:1px solid #ccc;padding:.6rem 0}.byline,.who{color:#666;font-size:.9rem}table{border-collapse:collapse}
td,th{border-bottom:1px solid #ddd;padding:.2rem .6rem;text-align:left}footer{color:#666;font-size:.85rem}"""

_TRACKER = "window.metrics=window.metrics||[];metrics.push({event:'view',page:location.pathname});"


def article(site: Site, page: Page, neighbours: Sequence[Page]) -> str:
    """An article with its date and author in the markup, in meta tags and in JSON-LD."""
    tags = "".join(f'<a rel="tag" href="/{site.folder}/">{escape(tag)}</a> ' for tag in page.tags)
    inside = (
        f'<article class="story" itemscope itemtype="https://schema.org/Article"><h1 itemprop="headline">'
        f"{escape(page.title)}</h1>{_byline(page)}"
        f'<div class="story-body" itemprop="articleBody">\n{_with_advert(site, to_html(page.body))}\n</div>'
        f'<p class="tags">{tags}</p></article>{_comments(site, page)}'
    )
    return _frame(site, page, inside, neighbours)


def thread(site: Site, page: Page, neighbours: Sequence[Page]) -> str:
    """A forum thread: its posts in order, each under the name of who wrote it."""
    posts = []
    for number, (who, when, text) in enumerate(posts_of(page), 1):
        posts.append(
            f'<div class="post" id="p{number}"><div class="who"><span class="author">{escape(who)}</span> '
            f'<time datetime="{when.isoformat()}">{when:%Y-%m-%d %H:%M}</time> <a href="#p{number}">#{number}</a></div>'
            f'<div class="post-body">{to_html(text)}</div></div>'
        )
    inside = f'<h1>{escape(page.title)}</h1><div class="thread">{"".join(posts)}</div>'
    return _frame(site, page, inside, neighbours)


def posts_of(page: Page) -> list[tuple[str, datetime, str]]:
    """(author, time, text) of each post of a thread. A post opens with a line `@author 2026-03-02T14:10`."""
    _, *parts = re.split(r"^@(\S+) (\S+)$", page.body, flags=re.M)
    return [
        (who, datetime.fromisoformat(when), text.strip())
        for who, when, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def front(site: Site, listed: Sequence[Page], extra: Sequence[tuple[str, str]]) -> str:
    """A publication's front page: its stories, newest first, and `extra` links as (path, label)."""
    stories = "".join(
        f'<li><a href="{page.path}">{escape(page.title)}</a> <small>{page.published:%Y-%m-%d}</small></li>'
        for page in listed
    )
    more = "".join(f'<li><a href="{path}">{escape(label)}</a></li>' for path, label in extra)
    inside = f'<h1>{escape(site.name)}</h1><p>{escape(site.motto)}</p><ul class="stories">{stories}{more}</ul>'
    return document(site.language, site.name, _head_links(site), f"{_header(site)}<main>{inside}</main>{_footer(site)}")


def reference(title: str, body: str, topics: Sequence[str]) -> str:
    """A reference page between the list of its neighbours and a footer."""
    links = "".join(f'<li><a href="/reference/{topic}.html">{escape(topic)}</a></li>' for topic in topics)
    inside = (
        '<nav><a href="/">Home</a> <a href="/reference/">Python topics</a></nav>'
        f"<main><article><h1>{escape(title)}</h1>\n{body}\n</article></main>"
        f"<aside><h2>See also</h2><ul>{links}</ul></aside>"
        "<footer>From the help topics of the Python interpreter. Python Software Foundation License.</footer>"
    )
    return document("en", title, '<meta name="generator" content="pydoc">', inside)


def document(language: str, title: str, head: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css">'
        f"{head}</head>\n<body>\n{body}\n</body></html>\n"
    )


def _frame(site: Site, page: Page, inside: str, neighbours: Sequence[Page]) -> str:
    related = "".join(f'<li><a href="{other.path}">{escape(other.title)}</a></li>' for other in neighbours)
    related += "".join(f'<li><a href="{path}">{escape(path)}</a></li>' for path in page.links)
    body = (
        f'<div class="cookies" role="dialog"><p>{escape(site.cookies)}</p><button>OK</button></div>\n{_header(site)}\n'
        f"<main>{inside}</main>\n"
        f'<aside class="related"><h2>{escape(site.related)}</h2><ul>{related}</ul></aside>\n'
        f'<aside class="newsletter"><form action="/{site.folder}/"><label>{escape(site.newsletter)} '
        f'<input name="mail" type="email"></label></form></aside>\n{_footer(site)}'
    )
    return document(site.language, f"{page.title} | {site.name}", _head(site, page), body)


def _head(site: Site, page: Page) -> str:
    description = (paragraphs(page.body) or [page.title])[0][:160]
    facts = {
        "@context": "https://schema.org",
        "@type": "DiscussionForumPosting" if site.layout == "thread" else "NewsArticle",
        "headline": page.title,
        "datePublished": page.published.isoformat(),
        "author": {"@type": "Person", "name": page.author},
        "publisher": {"@type": "Organization", "name": site.name},
        "inLanguage": site.language,
    }
    return (
        f'<meta name="author" content="{escape(page.author)}">'
        f'<meta name="description" content="{escape(description)}">'
        f'<meta property="og:title" content="{escape(page.title)}"><meta property="og:type" content="article">'
        f'<meta property="og:site_name" content="{escape(site.name)}">'
        f'<meta property="article:published_time" content="{page.published.isoformat()}">'
        f'<script type="application/ld+json">{json.dumps(facts, ensure_ascii=False).replace("<", chr(92) + "u003c")}'
        f"</script><script>{_TRACKER}</script>{_head_links(site)}"
    )


def _head_links(site: Site) -> str:
    return (
        f'<link rel="alternate" type="application/rss+xml" href="/{site.folder}/feed.xml">'
        f'<link rel="alternate" type="application/atom+xml" href="/{site.folder}/atom.xml">'
    )


def _header(site: Site) -> str:
    links = "".join(f'<a href="/{site.folder}/">{escape(name)}</a>' for name in site.sections)
    return f"<header><b>{escape(site.name)}</b><br><small>{escape(site.motto)}</small></header><nav>{links}</nav>"


def _footer(site: Site) -> str:
    return f'<footer><p>{escape(site.footer)}</p><p><a href="/">Index</a></p></footer>'


def _byline(page: Page) -> str:
    when = page.published
    return (
        f'<p class="byline"><span itemprop="author">{escape(page.author)}</span> · '
        f'<time itemprop="datePublished" datetime="{when.isoformat()}">{when:%Y-%m-%d}</time></p>'
    )


def _with_advert(site: Site, html: str) -> str:
    """The text with an advert between its paragraphs, where readers have learned to expect one."""
    blocks = html.split("\n")
    middle = len(blocks) // 2
    advert = f'<div class="advert" aria-label="advertisement"><small>{escape(site.advert)}</small></div>'
    breaks = [place for place in range(middle, len(blocks)) if blocks[place].startswith("<p>")]
    if breaks:
        blocks.insert(breaks[0], advert)
    return "\n".join(blocks)


def _comments(site: Site, page: Page) -> str:
    if not page.comments:
        return ""
    items = "".join(
        f'<li class="comment"><cite>{escape(comment.author)}</cite> <time datetime="{comment.published.isoformat()}">'
        f"{comment.published:%Y-%m-%d}</time><p>{escape(comment.text)}</p></li>"
        for comment in page.comments
    )
    return f'<section id="comments" class="comments"><h2>{escape(site.comments)}</h2><ol>{items}</ol></section>'
