"""What a page says of itself: title, author, days, address, language, licence, and what may be done with it.

Each is a list of candidates, with where it is from and how far that is to be believed, and one decision: the most
believed candidate, the first of equals. Sources: Open Graph and other `meta` elements, schema.org in JSON-LD and in attributes, `time`,
`link`, bylines in the text, Korean 입력/수정/기자 lines, the address; robots and TDM reservation (W3C, 2024) elements.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.extract import embedded
from corpuskit.extract.blocks import Blocks
from corpuskit.extract.embedded import Node
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.keywords import KEYWORDS
from corpuskit.extract.parse import PROPERTY, RELATION, Tree
from corpuskit.extract.tags import ID, NAMES

FIELDS: Final = ("title", "author", "published", "modified", "canonical", "language", "license")

_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_ARTICLES = {
    "NewsArticle", "Article", "BlogPosting", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "TechArticle",
    "ScholarlyArticle", "LiveBlogPosting", "DiscussionForumPosting", "SocialMediaPosting", "Report", "Question", "Recipe",
    "Review", "VideoObject", "PodcastEpisode", "AdvertiserContentArticle", "BackgroundNewsArticle", "ReviewNewsArticle",
}  # fmt: skip
_PAGES = {"WebPage", "ItemPage", "QAPage", "AboutPage", "ProfilePage", "MedicalWebPage", "CreativeWork"}
_TITLE_META = {"og:title": 0.9, "twitter:title": 0.8, "dc.title": 0.7, "title": 0.6}
_AUTHOR_META = {
    "dd:author": 0.95, "dable:author": 0.95, "parsely-author": 0.85, "sailthru.author": 0.85, "byl": 0.85, "author": 0.8,
    "article:author": 0.8, "article:author_name": 0.8, "dc.creator": 0.75, "citation_author": 0.8,
}  # fmt: skip
_PUBLISHED_META = {
    "article:published_time": 0.95, "og:published_time": 0.9, "article:published": 0.9, "article.published": 0.9,
    "datepublished": 0.9, "published_date": 0.85, "parsely-pub-date": 0.9, "sailthru.date": 0.85, "pubdate": 0.85,
    "publish-date": 0.85, "publishdate": 0.85, "publish_date": 0.85, "publication_date": 0.85, "og:regdate": 0.85, "regdate": 0.8,
    "cxenseparse:recs:publishtime": 0.85, "dc.date.issued": 0.85, "dcterms.created": 0.7, "dc.date": 0.65, "date": 0.7,
    "citation_publication_date": 0.8, "ptime": 0.8, "article:create_time": 0.7, "bt:pubdate": 0.85, "displaydate": 0.7,
}  # fmt: skip
_MODIFIED_META = {
    "article:modified_time": 0.9, "og:updated_time": 0.7, "og:modified_time": 0.8, "last-modified": 0.5, "datemodified": 0.85,
    "dcterms.modified": 0.7,
}  # fmt: skip
_ROBOTS = ("robots", "googlebot", "googlebot-news", "gptbot", "ccbot", "ai")
_OPEN = ("all", "index", "follow")
_SITE = re.compile(r"\s+[|–—·:»-]\s+[^|–—·»]{1,40}$")
_URL_DAY = re.compile(r"/((?:19|20)\d\d)/(\d{1,2})/(\d{1,2})(?:/|$|-)")
_PUBLISHED_LABEL = r"(?:최초\s?)?(?:기사\s?)?(?:입력|등록|승인|작성|게시|발행|송고|작성일|등록일|게시일|입력일|발행일|Published|Posted|Date)(?:\s?(?:일시?|시간|on|:|：|\||\s))*+"
_MODIFIED_LABEL = r"(?:최종\s?)?(?:수정|업데이트|갱신|Updated|Modified|Last\s(?:updated|modified|reviewed|edited))(?:\s?(?:일시?|시간|on|:|：|\||\s))*+"
_LABELLED = re.compile(
    rf"(?P<published>{_PUBLISHED_LABEL})(?=\D{{0,4}}(?:\d|[JFMASOND][a-z]{{2}}))|(?P<modified>{_MODIFIED_LABEL})(?=\D{{0,4}}(?:\d|[JFMASOND][a-z]{{2}}))",
    re.I,
)
_REPORTER = re.compile(
    r"(?<![가-힣])([가-힣]{2,4}?)\s?(?:(?:선임|수습|인턴|전문|객원|시민|의학전문|사진)\s?)?(?:기자|특파원|논설위원|앵커|PD)(?![가-힣단])"
)
_NO_REPORTER = {
    "담당",
    "취재",
    "선임",
    "인턴",
    "시민",
    "수습",
    "사진",
    "본지",
    "다른",
    "해당",
    "소속",
    "동료",
    "현직",
    "전직",
    "여러",
    "한국",
    "외신",
    "출입",
    "모든",
    "지역",
}
_BYLINE = re.compile(
    r"^(?:[Ww]ritten\s+|[Pp]osted\s+|[Ww]ords\s+|[Ss]tory\s+)?[Bb]y:?\s*((?:[A-Z][\w.'’-]*|de|van|von|der|la|bin|al)(?:\s+(?:[A-Z][\w.'’-]*|de|van|von|der|la|bin|al)){1,3})(?=$|[,|•·—–-]|\s+(?:on|for|in|at|and|Updated|Published|\d))"
)
_AND = re.compile(r"^\s+and\s+((?:[A-Z][\w.'’-]*)(?:\s+[A-Z][\w.'’-]*){1,3})")
_NO_AUTHOR = re.compile(
    r"^(?:admin|administrator|editor|staff|guest|author|unknown|null|undefined|관리자|운영자|편집부|webmaster|none|user)$",
    re.I,
)
_CC = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(zero|mark)/(\d\.\d))", re.I)
_MOST_ELEMENTS = 60
_NEAR = 4
"""Blocks from the first of the text within which one of several days is taken for the page's."""
_INNER_BY = re.compile(r"(?:^|[\s|•·–—-])(By(?=[A-Z\s:]))")
_PERSON = re.compile(r"^(?:(?:[A-Z][\w.'’-]*+)(?:\s+\(?[A-Z][\w.'’)-]*+){1,3}|[가-힣]{2,4})$")
_RELATION = re.compile(rb"canonical|license|author", re.I)
_PROPERTY = re.compile(rb"datePublished|dateModified|author|name", re.I)
_AROUND = (
    "comment",
    "cmt",
    "reply",
    "repl",
    "relat",
    "recommend",
    "side",
    "foot",
    "popular",
    "best",
    "latest",
    "recent",
    "widget",
    "promo",
    "card",
)
_AROUND_MASK = np.zeros(2, np.uint64)
for _word in _AROUND:
    _number = KEYWORDS.index(_word)
    _AROUND_MASK[_number >> 6] |= np.uint64(1) << np.uint64(_number & 63)
_DATE_MASK = np.zeros(2, np.uint64)
for _word in ("date", "time", "info", "meta", "byline", "author", "writer", "report"):
    _number = KEYWORDS.index(_word)
    _DATE_MASK[_number >> 6] |= np.uint64(1) << np.uint64(_number & 63)
_AUTHOR_MASK = np.zeros(2, np.uint64)
for _word in ("author", "writer", "byline"):
    _number = KEYWORDS.index(_word)
    _AUTHOR_MASK[_number >> 6] |= np.uint64(1) << np.uint64(_number & 63)
_AROUND_TAGS = np.array([name in ("footer", "aside", "nav") for name in NAMES])


@dataclass(frozen=True)
class Evidence:
    """One candidate for a fact."""

    value: str
    source: str
    """Where it is from: 'meta article:published_time', 'json-ld NewsArticle', 'text', 'url', ..."""
    confidence: float
    """0 to 1. Our own order of belief, not a probability."""


@dataclass
class Facts:
    """What a page says of itself."""

    candidates: dict[str, list[Evidence]] = field(default_factory=lambda: {name: [] for name in FIELDS})
    """By field (FIELDS), in the order they were found."""
    rights: str | None = None
    """Robots and text-and-data-mining directives as found: 'noai; noindex; tdm-reservation: 1'."""

    def add(self, name: str, value: str | None, source: str, confidence: float) -> None:
        if value:
            self.candidates[name].append(Evidence(value, source, confidence))

    def best(self, name: str) -> Evidence | None:
        """The decision for a field."""
        return max(self.candidates[name], key=lambda found: found.confidence, default=None)

    def value(self, name: str) -> str | None:
        best = self.best(name)
        return best.value if best else None


def read(
    page: Blocks,
    url: str | None = None,
    keep: npt.NDArray[np.bool_] | None = None,
    latest: date | None = None,
    nodes: Sequence[Node] | None = None,
) -> Facts:
    """The facts of a page. `keep` are the blocks of its text; bylines are looked for around their beginning and end.

    `latest` is the last day that can be a date: that of the fetch. `nodes` are the objects of the page's JSON-LD.
    """
    facts = Facts()
    tree = page.tree
    meta = _meta(tree)
    nodes = embedded.json_ld(tree) if nodes is None else nodes
    site = (meta.get("og:site_name") or "").strip()
    for key, confidence in _TITLE_META.items():
        facts.add("title", _without_site(_line(meta.get(key)), site), f"meta {key}", confidence)
    for key, confidence in _PUBLISHED_META.items():
        facts.add("published", parse_date(meta.get(key), latest), f"meta {key}", confidence)
    for key, confidence in _MODIFIED_META.items():
        facts.add("modified", parse_date(meta.get(key), latest), f"meta {key}", confidence)
    for key, confidence in _AUTHOR_META.items():
        name = _name(meta.get(key))
        facts.add("author", name, f"meta {key}", 0.3 if name and name == site else confidence)
    _from_json_ld(facts, nodes, latest, site)
    _from_elements(facts, page, url, latest)
    if not facts.candidates["published"] or not facts.candidates["author"]:
        _from_text(facts, page, keep, latest)
    match = _URL_DAY.search(urlsplit(url or "").path)
    if match:
        facts.add("published", parse_date("-".join(match.groups()), latest), "url", 0.45)
    language = meta.get("og:locale") or meta.get("content-language") or meta.get("language")
    facts.add("language", _language(language), "meta", 0.6)
    facts.add("license", _license(meta.get("dc.rights") or meta.get("dcterms.license")), "meta", 0.7)
    facts.rights = _rights(meta)
    return facts


def attributes(tree: Tree, element: int) -> dict[str, str]:
    """The attributes of an element, names in lower case; the first of a name counts."""
    source = tree.data[tree.start[element] : tree.stop[element]].tobytes().decode("utf-8", "replace")
    found: dict[str, str] = {}
    body = source[1:].rstrip(">").rstrip("/")
    for match in list(_ATTRIBUTE.finditer(body))[1:]:
        name, double, single, bare = match.groups()
        found.setdefault(name.lower(), html.unescape(double or single or bare or ""))
    return found


def text_in(page: Blocks, element: int) -> str:
    """The displayed text inside an element, on one line."""
    tree = page.tree
    data = tree.data[tree.stop[element] : tree.end[element]].tobytes().decode("utf-8", "replace")
    return " ".join(
        html.unescape(
            re.sub(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", " ", data[:20_000], flags=re.S | re.I)
        ).split()
    )


def _elements(tree: Tree, name: str) -> list[int]:
    return [int(place) for place in np.flatnonzero(tree.tag == ID[name])[:4096]]


def _meta(tree: Tree) -> dict[str, str]:
    """name, property or itemprop → content of `meta` elements; the first of a name counts, robots are joined."""
    found: dict[str, str] = {}
    for element in _elements(tree, "meta")[:300]:
        given = attributes(tree, element)
        content = given.get("content", "").strip()
        for attribute in ("name", "property", "itemprop", "http-equiv"):
            key = given.get(attribute, "").strip().lower()
            if key and content:
                if key in _ROBOTS and key in found:
                    found[key] += "," + content
                found.setdefault(key, content)
    return found


def _from_json_ld(facts: Facts, nodes: Sequence[Node], latest: date | None, site: str) -> None:
    for node in nodes:
        kinds = embedded.types(node)
        if kinds & _ARTICLES:
            confidence = 0.97
        elif kinds & _PAGES:
            confidence = 0.55
        elif not kinds - {""} and "datePublished" in node:
            confidence = 0.6
        else:
            continue
        source = f"json-ld {min(kinds) if kinds else ''}".strip()
        facts.add("title", _line(_first_string(node.get("headline"))), source, confidence - 0.12)
        facts.add("published", parse_date(_first_string(node.get("datePublished")), latest), source, confidence)
        facts.add("published", parse_date(_first_string(node.get("dateCreated")), latest), source, confidence - 0.2)
        facts.add("modified", parse_date(_first_string(node.get("dateModified")), latest), source, confidence)
        name = _person(node.get("author")) or _person(node.get("creator"))
        organisation = name is not None and (name == site or not _has_person(node.get("author")))
        facts.add(
            "author", name, source, 0.35 if organisation and name == site else confidence - (0.2 if organisation else 0)
        )
        facts.add("license", _license(_first_string(node.get("license"))), source, 0.8)


def _from_elements(facts: Facts, page: Blocks, url: str | None, latest: date | None) -> None:
    tree = page.tree
    around = _around(tree.tag, tree.parent, tree.words, _AROUND_MASK, _AROUND_TAGS)
    for element in _elements(tree, "html")[:1]:
        facts.add(
            "language",
            _language(attributes(tree, element).get("lang") or attributes(tree, element).get("xml:lang")),
            "lang",
            0.9,
        )
    for element in _elements(tree, "title")[:1]:
        title = _line(
            html.unescape(tree.data[tree.stop[element] : tree.end[element]].tobytes().decode("utf-8", "replace"))
        )
        facts.add("title", _SITE.sub("", title) if title else None, "title", 0.5)
    headings = [text for element in _elements(tree, "h1")[:5] if (text := _line(text_in(page, element)))]
    if len(headings) == 1:
        facts.add("title", headings[0], "h1", 0.65)
    for element in _carrying(tree, RELATION, _RELATION):
        given = attributes(tree, element)
        relations = given.get("rel", "").lower().split()
        name = NAMES[tree.tag[element]]
        if "canonical" in relations and name == "link" and given.get("href"):
            facts.add("canonical", _address(given["href"], url), "link", 0.9)
        elif "license" in relations and not around[element]:
            facts.add("license", _license(given.get("href")), f"{name} rel=license", 0.9)
        elif "author" in relations and name == "a" and not around[element]:
            facts.add("author", _name(text_in(page, element)), "rel=author", 0.7)
    marked = _carrying(tree, PROPERTY, _PROPERTY)
    for element in marked:
        given = attributes(tree, element)
        properties = given.get("itemprop", "").lower().split()
        if around[element]:
            continue
        value = given.get("content") or given.get("datetime") or text_in(page, element)
        if "datepublished" in properties:
            facts.add("published", parse_date(value, latest), "itemprop", 0.85)
        elif "datemodified" in properties:
            facts.add("modified", parse_date(value, latest), "itemprop", 0.85)
        elif "author" in properties:
            inner = [child for child in marked if tree.start[element] < tree.start[child] < tree.end[element]]
            names = [attributes(tree, child) for child in inner]
            told = next(
                (
                    text_in(page, child)
                    for child, more in zip(inner, names, strict=True)
                    if "name" in more.get("itemprop", "").split()
                ),
                value,
            )
            facts.add("author", _name(told), "itemprop", 0.75)
    times = [element for element in _elements(tree, "time")[:_MOST_ELEMENTS] if not around[element]]
    days = []
    for element in times:
        given = attributes(tree, element)
        when = parse_date(given.get("datetime") or text_in(page, element), latest)
        if when:
            named = (given.get("class", "") + " " + given.get("itemprop", "")).lower()
            if ("updated" in named and "published" not in named) or "modif" in named:
                facts.add("modified", when, "time", 0.6)
            else:
                days.append((when, "pubdate" in given or "publish" in named or "entry-date" in named))
    if days:
        certain = [when for when, is_certain in days if is_certain]
        if certain:
            facts.add("published", certain[0], "time", 0.75)
        elif len({when[:10] for when, _ in days}) == 1 or len(days) <= 3:
            facts.add("published", days[0][0], "time", 0.6)


def _from_text(facts: Facts, page: Blocks, keep: npt.NDArray[np.bool_] | None, latest: date | None) -> None:
    """Bylines: short blocks before the middle of the text and behind its end, not among comments or links."""
    count = len(page.begin)
    kept = np.flatnonzero(keep) if keep is not None else np.arange(count)
    if not count:
        return
    if not len(kept):
        kept = np.arange(count)
    early = range(max(0, int(kept[0]) - 12), min(count, int(kept[min(len(kept) - 1, 3)]) + 1))
    late = range(max(int(kept[-1]) - 4, 0), min(count, int(kept[-1]) + 6))
    tree = page.tree
    around = _around(tree.tag, tree.parent, tree.words, _AROUND_MASK, _AROUND_TAGS)
    reporters: list[str] = []
    dated: list[tuple[int, str]] = []
    for place in dict.fromkeys([*early, *late]):
        if page.units[place] > 260:
            if place in late:
                tail = page.block(place)[-60:]
                reporters += [name for name in _REPORTER.findall(tail) if name not in _NO_REPORTER]
            continue
        owner = int(page.owner[place])
        if owner >= 0 and around[owner]:
            continue
        text = page.block(place)
        match = _BYLINE.match(text)
        if not match and page.units[place] < 90:
            inner = _INNER_BY.search(text)
            match = _BYLINE.match(text[inner.start(1) :]) if inner else None
        if not match and owner >= 0 and _PERSON.match(text) and _is_named(tree, owner, _AUTHOR_MASK):
            facts.add("author", _name(text), "text author", 0.55)
        if match:
            names = [match[1]]
            if more := _AND.match(match.string[match.end(1) :]):
                names.append(more[1])
            facts.add("author", "; ".join(names), "text", 0.6)
        reporters += [name for name in _REPORTER.findall(text) if name not in _NO_REPORTER]
        if place not in early:
            continue
        labelled = False
        for label in _LABELLED.finditer(text):
            when = parse_date(text[label.end() : label.end() + 40].lstrip(" :：|"), latest)
            labelled = labelled or when is not None
            facts.add("published" if label["published"] else "modified", when, "text label", 0.7)
        if not labelled and page.units[place] < 90:
            names_date = owner >= 0 and _is_named(tree, owner, _DATE_MASK)
            when = parse_date(text, latest)
            if when and (names_date or len(text) < 40):
                dated.append((abs(place - int(kept[0])), when))
    if reporters:
        facts.add("author", "; ".join(list(dict.fromkeys(reporters))[:4]), "text 기자", 0.72)
    if dated and len({when[:10] for _, when in dated}) == 1:
        facts.add("published", dated[0][1], "text", 0.5)
    elif dated and min(dated)[0] <= _NEAR:
        facts.add("published", min(dated)[1], "text", 0.4)


def _carrying(tree: Tree, mark: int, wanted: re.Pattern[bytes]) -> list[int]:
    """The first elements with a mark whose start tag matches."""
    found: list[int] = []
    for element in np.flatnonzero(tree.marks & mark)[:2000].tolist():
        if wanted.search(tree.data[tree.start[element] : tree.stop[element]].tobytes()):
            found.append(element)
            if len(found) == _MOST_ELEMENTS:
                break
    return found


@nb.njit(cache=True, nogil=True)
def _around(tag: Any, parent: Any, words: Any, mask: Any, around_tags: Any) -> Any:
    """bool[elements]: in comments, related links, a side column or a footer."""
    found = np.zeros(len(tag), np.bool_)
    for e in range(len(tag)):
        named = words[e, 0] & mask[0] or words[e, 1] & mask[1]
        found[e] = around_tags[tag[e]] or named or (parent[e] >= 0 and found[parent[e]])
    return found


def _is_named(tree: Tree, element: int, mask: npt.NDArray[np.uint64]) -> bool:
    """Whether an element or one of the two around it has a keyword of the mask."""
    for _ in range(3):
        if element < 0:
            return False
        if (tree.words[element] & mask).any():
            return True
        element = int(tree.parent[element])
    return False


def _without_site(title: str | None, site: str) -> str | None:
    if title and site:
        for sign in ("|", "-", "–", "—", "·", ":", "»"):
            tail = f" {sign} {site}"
            if title.endswith(tail) and len(title) > len(tail):
                return title.removesuffix(tail).strip()
    return title


def _first_string(value: object) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url")
    return value if isinstance(value, str) else None


def _has_person(value: object) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(
        isinstance(item, str) or (isinstance(item, dict) and "Organization" not in embedded.types(item))
        for item in items
    )


def _person(value: object, depth: int = 0) -> str | None:
    """`author` of schema.org: a name, an object with one, or a list of either."""
    if depth > 5:
        return None
    if isinstance(value, list):
        names = [name for item in value[:10] if (name := _person(item, depth + 1))]
        return "; ".join(dict.fromkeys(names)) or None
    if isinstance(value, dict):
        return _person(value.get("name"), depth + 1)
    return _name(html.unescape(value)) if isinstance(value, str) else None


def _name(value: str | None) -> str | None:
    name = _line(value)
    if not name or name.startswith(("http://", "https://", "@", "www.", "/")) or len(name) > 120:
        return None
    name = re.sub(r"^(?:written\s+|posted\s+)?by:?\s+", "", name, flags=re.I)
    match = _REPORTER.search(name)
    if match and len(name) < 24:
        name = match[1]
    name = re.sub(r"\s*[<(]?[\w.+-]+@[\w.-]+\.\w+[>)]?", "", name).strip(" ,;|")
    return name if name and not _NO_AUTHOR.match(name) and re.search(r"[^\W\d_]", name) else None


def _line(value: str | None) -> str | None:
    return " ".join(value.split())[:1000] or None if value else None


def _address(value: str, base: str | None) -> str | None:
    try:
        address = urljoin(base or "", value.strip())
    except ValueError:
        return None
    return address if address.startswith(("http://", "https://")) else None


def _language(tag: str | None) -> str | None:
    code = re.split(r"[-_]", (tag or "").strip().lower())[0]
    return code if code.isalpha() and 2 <= len(code) <= 3 else None


def _license(value: str | None) -> str | None:
    """An SPDX-like name for Creative Commons, otherwise the address or the words as found."""
    match = _CC.search(value or "")
    if not match:
        return _line(value)
    if match[3]:
        return f"CC0-{match[4]}" if match[3].lower() == "zero" else f"CC-PDM-{match[4]}"
    return f"CC-{match[1].upper()}-{match[2]}"


def _rights(meta: dict[str, str]) -> str | None:
    """Directives against use, as the page writes them: 'noai; noindex; tdm-reservation: 1'."""
    found = []
    for name in _ROBOTS:
        for part in meta.get(name, "").lower().split(","):
            directive = part.strip()
            if directive and directive not in _OPEN and not directive.startswith("max-"):
                found.append(directive if name == "robots" else f"{name}: {directive}")
    found += [f"{name}: {meta[name]}" for name in ("tdm-reservation", "tdm-policy") if name in meta]
    return "; ".join(dict.fromkeys(found)) or None
