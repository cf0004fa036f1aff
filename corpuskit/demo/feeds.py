"""What a site tells machines: RSS 2.0, Atom (RFC 4287), sitemaps (sitemaps.org) and robots.txt (RFC 9309)."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape

from corpuskit.demo.markup import paragraphs
from corpuskit.demo.pages import Page, Site

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def rss(base: str, site: Site, listed: Sequence[Page]) -> bytes:
    items = "".join(
        f"<item><title>{escape(page.title)}</title><link>{base}{page.path}</link><guid>{base}{page.path}</guid>"
        f"<pubDate>{format_datetime(page.published)}</pubDate><description>{escape(_summary(page))}</description></item>\n"
        for page in listed
    )
    return (
        f'{_XML}<rss version="2.0"><channel><title>{escape(site.name)}</title><link>{base}/{site.folder}/</link>'
        f"<description>{escape(site.motto)}</description><language>{site.language}</language>\n{items}</channel></rss>\n"
    ).encode()


def atom(base: str, site: Site, listed: Sequence[Page]) -> bytes:
    entries = "".join(
        f'<entry><title>{escape(page.title)}</title><link href="{base}{page.path}"/><id>{base}{page.path}</id>'
        f"<updated>{page.published.isoformat()}</updated><author><name>{escape(page.author)}</name></author>"
        f"<summary>{escape(_summary(page))}</summary></entry>\n"
        for page in listed
    )
    newest = max(page.published for page in listed).isoformat()
    return (
        f'{_XML}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{site.language}"><title>{escape(site.name)}</title>'
        f'<id>{base}/{site.folder}/</id><link rel="self" href="{base}/{site.folder}/atom.xml"/>'
        f"<updated>{newest}</updated>\n{entries}</feed>\n"
    ).encode()


def sitemap(base: str, entries: Sequence[tuple[str, str]]) -> bytes:
    """A gzip-compressed sitemap of (path, date) pairs; the same bytes for the same entries."""
    urls = "".join(f"<url><loc>{base}{path}</loc><lastmod>{date}</lastmod></url>\n" for path, date in entries)
    xml = f'{_XML}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    return gzip.compress(xml.encode(), mtime=0)


def sitemap_index(base: str, paths: Sequence[str]) -> bytes:
    maps = "".join(f"<sitemap><loc>{base}{path}</loc></sitemap>\n" for path in paths)
    return f'{_XML}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{maps}</sitemapindex>\n'.encode()


def robots(base: str, forbidden: Sequence[str]) -> bytes:
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in forbidden),
        "Allow: /",
        "",
        f"Sitemap: {base}/sitemap.xml",
    ]
    return ("\n".join(lines) + "\n").encode()


def _summary(page: Page) -> str:
    return (paragraphs(page.body) or [page.title])[0]
