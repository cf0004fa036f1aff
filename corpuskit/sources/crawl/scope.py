"""Which pages belong to a crawl: the hosts it was given, patterns, and no traps."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from urllib.parse import urlsplit

from pydantic import field_validator

from corpuskit.engine.stage import Configured
from corpuskit.sources.crawl import urls

_FILES = re.compile(
    r"7z|bz2|rar|tar|gz|xz|zip|dmg|iso|apk|jar|exe|msi|bin|bmp|gif|jpe?g|png|tiff?|svg|ico|webp|avif|psd|eps|"
    r"mp3|wma|ogg|wav|aac|flac|m4a|mid|3gp|avi|mov|mp4|m4v|mpe?g|wmv|flv|webm|mkv|swf|"
    r"xlsx?|pptx?|docx?|od[tsp]|hwpx?|pdf|ps|epub|css|m?js|woff2?|ttf|otf|wasm",
    re.IGNORECASE,
)
"""Endings of files that hold no page."""

_REPEATS = 3
"""A path with one segment more often than this is a loop of relative links (/a/b/a/b/a/b/a/b)."""


class Scope(Configured):
    """Where the crawl may go. A page must lie on one of the hosts, match an `allow` pattern where there are any, and
    match no `deny` pattern. In a pattern `*` stands for any characters; it is held against the whole URL."""

    hosts: tuple[str, ...] = ()
    """Host names. Default: those of the start pages, feeds and sitemaps. `www.` in front is left out."""
    subdomains: bool = True
    """Whether hosts under these (blog.example.com under example.com) belong too."""
    allow: tuple[str, ...] = ()
    """Only URLs that match one of these: `https://example.com/news/*`."""
    deny: tuple[str, ...] = ()
    """No URLs that match one of these: `*/tag/*`, `*?print=*`."""

    @field_validator("hosts")
    @classmethod
    def _host_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for name in hosts:
            if not _host_name(name):
                raise ValueError(f"'{name}' is no host name; write it as 'example.com'")
        return hosts

    def with_hosts_of(self, given: list[str]) -> Scope:
        """The same scope, with the hosts of these URLs where it names none itself."""
        if self.hosts:
            return self
        return self.model_copy(update={"hosts": tuple(sorted({urls.host(url) for url in given}))})

    def refuses(self, url: str, *, page: bool = True) -> str | None:
        """Why a canonical URL lies outside, or None where it lies inside. Feeds and sitemaps are held against the
        hosts and patterns alone; a page must not be a file of another kind, nor the path a loop."""
        host = urls.host(url)
        name = host.removeprefix("www.")
        if name not in self._names and not (
            self.subdomains and any(parent in self._names for parent in _parents(name))
        ):
            return f"host {host} is not in scope"
        if self._denied and self._denied.fullmatch(url):
            return "matches a deny pattern"
        if self._allowed and not self._allowed.fullmatch(url):
            return "matches no allow pattern"
        return _no_page(url) if page else None

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(_host_name(name).removeprefix("www.") for name in self.hosts)

    @cached_property
    def _allowed(self) -> re.Pattern[str] | None:
        return _pattern(self.allow)

    @cached_property
    def _denied(self) -> re.Pattern[str] | None:
        return _pattern(self.deny)


def _host_name(name: str) -> str:
    """A host name or numeric address as canonical URLs spell it; '' for what is none."""
    written = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
    url = urls.canonical(f"http://{written}/")
    return urls.host(url) if url and url.count("/") == 3 and urlsplit(url).port is None else ""


def _no_page(url: str) -> str | None:
    path = urlsplit(url).path
    name, _, ending = path.rpartition("/")[2].rpartition(".")
    if name and _FILES.fullmatch(ending):
        return f"a file of type .{ending.lower()}"
    segments = Counter(segment for segment in path.split("/") if segment)
    if segments and max(segments.values()) > _REPEATS:
        return "the path repeats itself"
    return None


def _parents(host: str) -> list[str]:
    """example.co.kr, co.kr and kr for blog.example.co.kr; none for a numeric address."""
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return []
    return [".".join(labels[start:]) for start in range(1, len(labels))]


def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    wild = (".*".join(re.escape(part) for part in re.split(r"\*+", pattern)) for pattern in patterns)
    return re.compile("|".join(f"(?:{pattern})" for pattern in wild))
