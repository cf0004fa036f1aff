"""What a crawl learns of each site: parts of an address that do not matter, endings that hold no pages, and traps.

Three observations, each from pages that were fetched, none from lists of names:

- *Spellings.* Two addresses that differ in one part alone (a parameter, the order of parameters, `www.`, the scheme)
  and show the same text are one page. Where that was seen twice for a part and never the opposite, later addresses of
  the site lose that part. So session ids and tracking parameters go, and `?page=2` stays.
- *Endings.* Where the first addresses with an ending such as `.js` or `.jpg` held no page, the site's others are not
  asked for; where one did (`/wiki/Node.js`), they are.
- *Traps.* Where most pages of one form (`/calendar/0/0`, `/shop?color&size`) repeat lines that the site has shown
  already and lead to no new page of another form, the rest of that form is left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit, urlunsplit

from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.state import Outcome, State

ENDINGS_TRIED = 3
"""Addresses with one ending that are asked for before a site's others are judged by them."""

SAME_SEEN = 2
"""Times that a part of an address must be seen not to matter before it is left out."""

FORM_PAGES, FORM_SHARE = 8, 0.02
"""Pages of one form that are read before it can count as a trap, at least: a number, and a share of `max_pages`."""

NEW_LINES = 0.1
"""A page with a smaller share of lines that its site has not shown before repeats the site."""

_ENDING = re.compile(r"\.([A-Za-z0-9]{1,5})$")
_PAGE_ENDINGS = frozenset(
    re.split(" ", "htm html xhtml shtml php php3 phtml asp aspx jsp jspx do action cgi cfm nhn md txt xml")
)
_NUMBERS = re.compile(r"\d+")
_OPAQUE = re.compile(r"[0-9a-fA-F-]{16,}|[^/]{60,}")
_MIN_LINES, _MIN_LINE = 3, 20
_FILTER_BITS = 1 << 20
_DIGITS = b"0123456789"
_ORDER, _ORIGIN = "@order", "@origin"


class Learned:
    """The knowledge of one crawl. What addresses depend on is kept in its state and survives a kill; the lines that a
    site has shown are kept in memory (128 KiB a host) and are learned anew by a resumed crawl."""

    def __init__(self, state: State, max_pages: int):
        self._state = state
        self._form_pages = max(FORM_PAGES, round(max_pages * FORM_SHARE))
        self._ignored: dict[str, dict[str, str]] = {}  # site -> part -> preferred origin, or ''
        self._tables = state.sites
        for site, part, preferred in self._tables.ignored_parts():
            self._ignored.setdefault(site, {})[part] = preferred
        self._shown: dict[str, _Lines] = {}

    def address(self, url: str) -> str:
        """The address to ask for in place of a canonical URL: without what does not matter at its site."""
        ignored = self._ignored.get(_site(url))
        if not ignored:
            return url
        for part, preferred in ignored.items():
            if part == _ORIGIN:
                split = urlsplit(url)
                url = preferred + urlunsplit(("", "", split.path, split.query, ""))
            else:
                url = _without(url, part)
        return url

    def refuses(self, url: str) -> tuple[Outcome, str] | None:
        """The outcome and the reason of an address that is not worth asking for, judged by what its site has shown so
        far; None where it is."""
        ending = file_ending(url)
        if ending:
            asked, pages = self._tables.ending(urls.host(url), ending)
            if asked >= ENDINGS_TRIED and not pages:
                return "not_text", f"addresses that end in .{ending} hold no pages at this host ({asked} were tried)"
        form = address_form(url)
        pages, repeats = self._tables.form(urls.host(url), form)
        if pages >= self._form_pages and repeats > pages / 2:
            return "trap", f"pages of the form {form} repeat what the site has shown ({repeats} of {pages})"
        return None

    def answered(self, url: str, *, page: bool) -> None:
        """An address was answered, by a page or by something else."""
        if ending := file_ending(url):
            self._tables.count_ending(urls.host(url), ending, page)

    def read(self, url: str, body: bytes, links: Iterable[str], canonical: str | None) -> tuple[str | None, list[str]]:
        """Learn from a page.

        Args:
            url: Its address.
            body: Its bytes, decompressed.
            links: The addresses that it leads to.
            canonical: The address that it says is its own, if any.

        Returns:
            The digest of its text (None for a page with too little text to tell), and the parts of addresses that are
            known not to matter from now on.
        """
        lines = text_lines(body)
        host = urls.host(url)
        text = _digest(lines)
        if text is None:
            return None, []
        lines = [line.translate(None, _DIGITS) for line in lines]  # calendars differ in numbers
        shown = self._shown.setdefault(host, _Lines())
        new = shown.add(lines)
        form = address_form(url)
        repeats = new is not None and new < NEW_LINES and not self._leads_elsewhere(form, links)
        self._tables.count_form(host, form, repeats)
        return text, list(self._compare(url, text, canonical))

    def _leads_elsewhere(self, form: str, links: Iterable[str]) -> bool:
        path = form.partition("?")[0]
        others = [link for link in links if address_form(link).partition("?")[0] != path]
        return bool(others) and self._state.knows(others) < len(set(others))

    def _compare(self, url: str, text: str, canonical: str | None) -> Iterator[str]:
        """Compare a page with those whose addresses differ from its own in one part."""
        site = _site(url)
        variants = _variants(url)
        for part, (base, value) in variants.items():
            earlier = self._tables.variant(site, part, base)
            if earlier is None:
                self._tables.set_variant(site, part, base, value, text)
                bare = self._state.text_of(base) if base != url else None
                earlier = None if bare is None else ("", bare)
            if part != _ORDER and canonical == base != url:
                yield from self._learn(site, part, same=True)
            elif earlier is not None and earlier[0] != value:
                yield from self._learn(site, part, same=earlier[1] == text)
        for part, text_there in self._tables.variants_of(site, url):  # this address lacks a part that others have
            if part not in variants:
                yield from self._learn(site, part, same=text_there == text)
        for other in _other_origins(url):
            there = self._state.text_of(other + url.removeprefix(urls.origin(url)))
            if there is not None:
                yield from self._learn(site, _ORIGIN, same=there == text, preferred=other)

    def _learn(self, site: str, part: str, *, same: bool, preferred: str = "") -> Iterator[str]:
        """Count a pair of pages whose addresses differ in a part alone. Yields the part when it is first left out."""
        agree, differ = self._tables.count_part(site, part, same)
        known = part in self._ignored.get(site, {})
        if agree >= SAME_SEEN and not differ and not known:
            self._ignored.setdefault(site, {})[part] = preferred
            self._tables.ignore_part(site, part, preferred)
            yield part
        elif differ and known:  # two pages after all: later addresses keep the part again
            del self._ignored[site][part]
            self._tables.heed_part(site, part)


class _Lines:
    """Which lines a host has shown: one hash function over a bit table, given up when a third of it is set."""

    def __init__(self) -> None:
        self._bits = bytearray(_FILTER_BITS // 8)
        self._set = 0

    def add(self, lines: list[bytes]) -> float | None:
        """Share of lines that were not shown before; None where the table is too full to tell."""
        if self._set > _FILTER_BITS // 3:
            return None
        new = 0
        for line in lines:
            place = int.from_bytes(hashlib.blake2b(line, digest_size=4).digest(), "little") % _FILTER_BITS
            mask = 1 << (place & 7)
            if not self._bits[place >> 3] & mask:
                self._bits[place >> 3] |= mask
                new += 1
        self._set += new
        return new / len(lines)


def file_ending(url: str) -> str | None:
    """The ending of a path that may name a file and not a page: 'js' of /wiki/Node.js; None for page endings."""
    match = _ENDING.search(urlsplit(url).path.rpartition("/")[2])
    ending = match[1].lower() if match else ""
    return ending if ending and not ending.isdigit() and ending not in _PAGE_ENDINGS else None


def address_form(url: str) -> str:
    """The form of an address: numbers as 0, opaque names as *, and the names of its parameters, sorted."""
    split = urlsplit(url)
    path = _NUMBERS.sub("0", _OPAQUE.sub("*", split.path))
    names = sorted({_NUMBERS.sub("0", field.partition("=")[0]) for field in split.query.split("&") if field})
    return f"{path}?{'&'.join(names)}" if names else path


def text_digest(body: bytes) -> str | None:
    """A digest of the text of a page, the same for two pages that differ in markup and scripts alone; None where there
    is too little text to tell."""
    return _digest(text_lines(body))


def _digest(lines: list[bytes]) -> str | None:
    if sum(map(len, lines)) < _MIN_LINES * _MIN_LINE:
        return None
    return hashlib.blake2b(b"\n".join(lines), digest_size=8).hexdigest()


def text_lines(body: bytes) -> list[bytes]:
    """The text between the tags of a page, piece by piece, without scripts, styles and short pieces.

    One pass, linear in the size of the page; what it is compared with was made the same way, so that the encoding does
    not matter.
    """
    lines: list[bytes] = []
    hidden = b""
    for piece in body.split(b"<"):
        tag, _, text = piece.partition(b">")
        if hidden:
            if tag[:8].lower().startswith(hidden):
                hidden = b""
            else:
                continue
        elif (name := tag[:7].lower()).startswith((b"script", b"style")):
            hidden = b"/script" if name.startswith(b"script") else b"/style"
            continue
        line = b" ".join(text.split())
        if len(line) >= _MIN_LINE:
            lines.append(line)
    return lines


def _site(url: str) -> str:
    """The name under which what is learned of a host is kept: without `www.`, so that both spellings share it."""
    return urls.host(url).removeprefix("www.")


def _variants(url: str) -> dict[str, tuple[str, str]]:
    """Each part of an address that might not matter -> (the address without it, its value)."""
    query = urlsplit(url).query
    fields = [field.partition("=") for field in query.split("&") if field]
    found = {name: (_without(url, name), value) for name, _, value in fields}
    if len(fields) > 1:
        found[_ORDER] = (_without(url, _ORDER), query)
    return found


def _other_origins(url: str) -> list[str]:
    """The origins that differ in the scheme or in `www.` alone."""
    origin = urls.origin(url)
    if urlsplit(url).port is not None:
        return []
    site = _site(url)
    return [
        other
        for other in (f"{scheme}://{name}" for scheme in ("https", "http") for name in (site, f"www.{site}"))
        if other != origin
    ]


def _without(url: str, part: str) -> str:
    split = urlsplit(url)
    fields = split.query.split("&")
    if part == _ORDER:
        kept = sorted(fields)
    else:
        kept = [field for field in fields if field.partition("=")[0] != part]
    return urlunsplit((split.scheme, split.netloc, split.path, "&".join(kept), ""))
