"""The whole demo web as answers by path, for the server and for the static export."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from corpuskit.demo import feeds, template
from corpuskit.demo.pages import Page, Site, pages, web
from corpuskit.demo.reference import reference_pages
from corpuskit.errors import UsageError

_REFERENCE_DATE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_NEIGHBOURS = 5
_MARK = ".corpuskit-demo"


@dataclass(frozen=True)
class Answer:
    """What the server says for one path."""

    body: bytes
    media_type: str
    modified: datetime = _REFERENCE_DATE
    location: str | None = None
    """Where the path has moved to, for a redirect."""

    @property
    def etag(self) -> str:
        return f'"{hashlib.blake2b(self.body, digest_size=8).hexdigest()}"'


def answers(base: str) -> dict[str, Answer]:
    """Path -> answer for every path of the site. `base` ('http://127.0.0.1:8000') only stands in feeds and sitemaps."""
    found: dict[str, Answer] = {
        "/": Answer(_index().encode(), "text/html; charset=utf-8"),
        "/style.css": Answer(template.STYLE.encode(), "text/css"),
        "/robots.txt": Answer(feeds.robots(base, web().forbidden), "text/plain; charset=utf-8"),
    }
    maps: dict[str, list[tuple[str, str]]] = {}
    for site in web().sites:
        own = _pages_of(site)
        listed = [page for page in own if not page.path.startswith(tuple(web().forbidden))]
        for page in own:
            answer = _page(site, page, _neighbours(page, listed))
            found |= dict.fromkeys((page.path, *page.also), answer)
        redirects = [(path, path) for path in web().redirects if path.startswith(f"/{site.folder}/")]
        aliases = [(path, page.title) for page in listed for path in page.also]
        forbidden = [(page.path, page.title) for page in own if page not in listed]
        front = template.front(site, listed, [*aliases, *redirects, *forbidden])
        found[f"/{site.folder}/"] = Answer(front.encode(), "text/html; charset=utf-8")
        found[f"/{site.folder}/feed.xml"] = Answer(feeds.rss(base, site, listed), "application/rss+xml; charset=utf-8")
        found[f"/{site.folder}/atom.xml"] = Answer(
            feeds.atom(base, site, listed), "application/atom+xml; charset=utf-8"
        )
        maps[f"/{site.folder}/sitemap.xml.gz"] = [(page.path, f"{page.published:%Y-%m-%d}") for page in listed]
    found |= _reference()
    maps["/reference/sitemap.xml.gz"] = [
        (path, f"{_REFERENCE_DATE:%Y-%m-%d}") for path in found if path.startswith("/reference/")
    ]
    for path, entries in maps.items():
        found[path] = Answer(feeds.sitemap(base, entries), "application/gzip")
    found["/sitemap.xml"] = Answer(feeds.sitemap_index(base, list(maps)), "application/xml; charset=utf-8")
    for path, target in web().redirects.items():
        found[path] = Answer(_moved(target).encode(), "text/html; charset=utf-8", location=target)
    return found


def build(folder: Path, base: str = "http://127.0.0.1:8000") -> int:
    """Write the site as files and return their number. `base` is where it will be served (feeds and sitemaps say it).

    Replaces an earlier export. Raises UsageError where the folder holds anything else.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UsageError(f"{folder} holds other files; name an empty folder, or one that an earlier export made")
    shutil.rmtree(folder, ignore_errors=True)
    found = answers(base)
    for path, answer in found.items():
        file = folder / (path + "index.html" if path.endswith("/") else path).lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(answer.body)
    (folder / _MARK).write_text(json.dumps({"base": base, "files": len(found)}) + "\n", "utf-8")
    return len(found)


def _pages_of(site: Site) -> list[Page]:
    """The pages of a publication, newest first."""
    own = [page for page in pages() if page.site == site.folder]
    return sorted(own, key=lambda page: (page.published, page.path), reverse=True)


def _neighbours(page: Page, listed: list[Page]) -> list[Page]:
    if page not in listed:
        return listed[:_NEIGHBOURS]
    after = listed.index(page) + 1
    return [other for other in (listed[after:] + listed[:after])[:_NEIGHBOURS] if other is not page]


def _page(site: Site, page: Page, neighbours: list[Page]) -> Answer:
    html = (template.thread if site.layout == "thread" else template.article)(site, page, neighbours)
    media_type = "text/html"
    if not page.declared:
        html = html.replace('<meta charset="utf-8">', "")
    else:
        html = html.replace('<meta charset="utf-8">', f'<meta charset="{page.encoding}">')
        media_type += f"; charset={page.encoding}"
    if page.broken == "malformed":
        html = _malformed(html)
    body = html.encode(page.encoding, "xmlcharrefreplace")
    if page.broken == "truncated":
        body = body[: body.find(b"</article>") - len(body) // 5]
    return Answer(body, media_type, page.published)


def _malformed(html: str) -> str:
    """The mistakes of hand-written pages: paragraphs never closed, tags crossed, an attribute without its quote."""
    return (
        html.replace("</p>\n<p>", "\n<p>")
        .replace("<article", '<font color="black><article', 1)
        .replace("</h1>", "</b></h1><b><i>", 1)
        .replace("</div>", "</b></div></td>", 1)
        .replace("</body>", "")
        + "<!-- unfinished <p>"
    )


def _reference() -> dict[str, Answer]:
    topics = reference_pages()
    names = list(topics)
    html = "text/html; charset=utf-8"
    found = {}
    for place, (name, (title, body)) in enumerate(topics.items()):
        near = (names[place + 1 :] + names[:place])[:_NEIGHBOURS]
        found[f"/reference/{name}.html"] = Answer(template.reference(title, body, near).encode(), html)
    links = "".join(f'<li><a href="/reference/{name}.html">{escape(topics[name][0])}</a></li>' for name in names)
    index = template.document("en", "Python topics", "", f"<main><h1>Python topics</h1><ul>{links}</ul></main>")
    return found | {"/reference/": Answer(index.encode(), html)}


def _index() -> str:
    def entries() -> Iterator[str]:
        for site in web().sites:
            link = f'<a href="/{site.folder}/">{escape(site.name)}</a>'
            yield f'<li lang="{site.language}">{link} {escape(site.motto)}</li>'
        yield '<li><a href="/reference/">Python topics</a></li>'

    body = f"<main><h1>A small web</h1><ul>{''.join(entries())}</ul></main>"
    return template.document("en", "A small web", "", body)


def _moved(target: str) -> str:
    """A page that leads on by itself where no server does: the static export."""
    head = f'<meta http-equiv="refresh" content="0; url={escape(target)}">'
    return template.document("en", "Moved", head, f'<p>Moved to <a href="{escape(target)}">{escape(target)}</a>.</p>')
