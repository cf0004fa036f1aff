"""Which pages belong to a crawl: the hosts it was given, patterns, and no traps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from urllib.parse import urlsplit

from pydantic import field_validator

from corpuskit.engine.stage import Configured
from corpuskit.sources.crawl import urls

_REPEATS = 3
"""A path with one named segment more often than this is a loop of relative links (/a/b/a/b/a/b/a/b)."""


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

    def with_hosts(self, hosts: Iterable[str]) -> Scope:
        """The same scope with more hosts."""
        return Scope(**self.model_dump() | {"hosts": tuple(dict.fromkeys((*self.hosts, *hosts)))})

    def holds(self, host: str) -> bool:
        """Whether a host belongs to it."""
        name = host.removeprefix("www.")
        return name in self._names or (self.subdomains and any(parent in self._names for parent in _parents(name)))

    def refuses(self, url: str, *, page: bool = True, admitted: bool = False) -> str | None:
        """Why a canonical URL lies outside, or None where it lies inside.

        The path of a page must not be a loop. `admitted` addresses may lie on any host.
        """
        host = urls.host(url)
        if not admitted and not self.holds(host):
            return f"host {host} is not in scope (scope.hosts adds it)"
        if self._denied and self._denied.fullmatch(url):
            return "matches a deny pattern"
        if self._allowed and not self._allowed.fullmatch(url):
            return "matches no allow pattern"
        return "the path repeats itself" if page and _is_loop(url) else None

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


def _is_loop(url: str) -> bool:
    segments = Counter(segment for segment in urlsplit(url).path.split("/") if not segment.isdigit() and segment)
    return bool(segments) and max(segments.values()) > _REPEATS


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
