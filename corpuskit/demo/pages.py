"""The demo's texts as they lie in `data/pages`: one Markdown file a page, its facts in YAML above the text."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from corpuskit.errors import CorpuskitError

DATA = Path(__file__).parent / "data"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Comment(_Facts):
    author: str
    published: datetime
    text: str


class Site(_Facts):
    """One publication: its name, its tongue and what stands around its texts."""

    folder: str
    name: str
    language: Literal["en", "ko"]
    layout: Literal["article", "thread"]
    motto: str
    sections: list[str]
    cookies: str
    advert: str
    newsletter: str
    footer: str
    related: str
    comments: str


class Page(_Facts):
    path: str
    site: str
    title: str
    author: str
    published: datetime
    body: str
    tags: list[str] = []
    also: list[str] = []
    """Other paths at which the same bytes are served."""
    comments: list[Comment] = []
    encoding: str = "utf-8"
    declared: bool = True
    """Whether the page and the server name the encoding."""
    broken: Literal["", "malformed", "truncated"] = ""
    links: list[str] = []
    """Paths that the page links to beside its site's own pages: moved, gone or forbidden ones."""


class Web(_Facts):
    """Every publication, and the paths that lead elsewhere or nowhere."""

    sites: list[Site]
    redirects: dict[str, str]
    forbidden: list[str]
    """Path prefixes that robots.txt disallows."""


@cache
def web() -> Web:
    return Web.model_validate(yaml.safe_load((DATA / "web.yaml").read_text("utf-8")))


@cache
def pages() -> tuple[Page, ...]:
    """All pages, in the order of their paths.

    Raises CorpuskitError where a file is not what it should be: it names the file.
    """
    root = DATA / "pages"
    folders = sorted((site.folder for site in web().sites), key=len, reverse=True)
    raw = {file.relative_to(root).with_suffix("").as_posix(): _read(file) for file in sorted(root.rglob("*.md"))}
    found = []
    for name, (facts, body) in raw.items():
        site = next(folder for folder in folders if name.startswith(folder + "/"))
        if "of" in facts:
            body = _edited(name, raw[facts.pop("of")][1], facts.pop("edits")) + ("\n\n" + body if body else "")
        found.append(Page(path=f"/{name}.html", site=site, body=body, **facts))
    return tuple(found)


def _read(file: Path) -> tuple[dict[str, Any], str]:
    match = re.match(r"---\n(.*?)\n---\n(.*)", file.read_text("utf-8"), re.S)
    if match is None:
        raise CorpuskitError(f"{file}: a page opens with its facts between two lines of ---")
    return yaml.safe_load(match[1]), match[2].strip()


def _edited(name: str, body: str, edits: list[list[str]]) -> str:
    """The text as another publication printed it: each edit replaces one passage, which must be there."""
    for old, new in edits:
        if old not in body:
            raise CorpuskitError(f"{name}: the text that it edits does not hold {old!r}")
        body = body.replace(old, new)
    return body
