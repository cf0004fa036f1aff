"""Exceptions: values, patterns and domains that are not personal data (a hotline, the host of a company)."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import field_validator

from corpuskit.engine.stage import Configured
from corpuskit.privacy.canonical import canonical
from corpuskit.privacy.fold import fold

_HOST = re.compile(r"(?:@|://(?:[^/@\s]*@)?)(?P<host>[^\s/:@?#]+)")


class Allow(Configured):
    """Values that are not reported and not rewritten."""

    values: tuple[str, ...] = ()
    """Values in any way of writing them: `1588-1234` covers `15881234`."""
    patterns: tuple[str, ...] = ()
    """Regular expressions that a whole finding matches."""
    domains: tuple[str, ...] = ()
    """Hosts of e-mail addresses and URLs, with what is below them."""

    @field_validator("patterns")
    @classmethod
    def _compiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"allow.patterns: {pattern!r} is not a regular expression: {error}") from error
        return value

    def __contains__(self, finding: tuple[str, str]) -> bool:
        """Whether a (type, text) is an exception."""
        type, text = finding
        if self.values and canonical(type, text) in _canonical_values(type, self.values):
            return True
        plain = fold(text).text if self.patterns or self.domains else ""
        if any(re.fullmatch(pattern, plain) for pattern in self.patterns):
            return True
        if not self.domains:
            return False
        host = _HOST.search(canonical(type, text) if type == "email" else plain)
        return host is not None and any(_is_below(host["host"].lower(), domain.lower()) for domain in self.domains)


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


@lru_cache(maxsize=256)
def _canonical_values(type: str, values: tuple[str, ...]) -> frozenset[str]:
    return frozenset(canonical(type, value) for value in values)
