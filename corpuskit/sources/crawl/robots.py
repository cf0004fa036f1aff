"""What a site's robots.txt forbids, by RFC 9309, and which line of it says so.

The grouping (section 2.2.1: product tokens, groups that name the same one are joined) is read here, because people
are told the line that forbade a page; the matching of paths (section 2.2.2: longest match, wildcards, escapes) is
protego's. `Crawl-delay` and `Content-Signal` are no part of the RFC; both are read, and the first is obeyed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from corpuskit.errors import require

PRODUCT = "corpuskit"
"""The product token by which a robots.txt addresses this crawler."""

MAX_BYTES = 500 << 10
"""What is read of a robots.txt (section 2.5 asks for at least 500 kibibytes)."""

AI_AGENTS = (
    "ai2bot",
    "amazonbot",
    "anthropic-ai",
    "applebot-extended",
    "bytespider",
    "ccbot",
    "claude-web",
    "claudebot",
    "cohere-ai",
    "cohere-training-data-crawler",
    "diffbot",
    "facebookbot",
    "google-extended",
    "gptbot",
    "icc-crawler",
    "img2dataset",
    "meta-externalagent",
    "omgili",
    "omgilibot",
    "panscient",
    "petalbot",
    "timpibot",
    "velenpublicwebcrawler",
    "webzio-extended",
)
"""Product tokens of crawlers that collect text for training, as their operators document them."""

_LINE = re.compile(
    r"\s*(user[- ]?agent|crawl[- ]delay|content-signal|content-usage|disallowaitraining|license|site-?maps?|allow|"
    r"di[sa]{1,4}l+[oa]w)\s*[:\s](.*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\*(?=\s|$)|[a-z_-]+")


@dataclass(frozen=True)
class RobotsRule:
    """A line of a robots.txt. `line` counts from 1; 0 where no line but the site's silence decides."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"robots.txt line {self.line}: {self.text}" if self.line else self.text


@dataclass
class _Group:
    agents: set[str] = field(default_factory=set)
    rules: list[tuple[int, str, str]] = field(default_factory=list)  # line, 'allow' or 'disallow', path
    delays: list[float] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)


class Robots:
    """The part of a robots.txt that addresses this crawler."""

    def __init__(
        self,
        rules: list[tuple[int, str, str]],
        delay: float | None,
        sitemaps: list[str],
        signal: str | None,
        licenses: Sequence[str] = (),
        named: bool = False,
    ):
        self.licenses = licenses
        """Addresses of licences in Really Simple Licensing, as written (`License:`)."""
        self.named = named
        """Whether a group names this crawler itself, and not `*` alone."""
        self.delay = delay
        """Seconds between two requests that the site asks for (`Crawl-delay`)."""
        self.sitemaps = sitemaps
        """Sitemap addresses as written."""
        self.signal = signal
        """`Content-Signal` as written: 'search=yes, ai-train=no'."""
        self._rules = rules
        self._matcher = _protego([f"{verb}: {path}" for _, verb, path in rules])
        self._single: dict[int, Any] = {}

    @classmethod
    def parse(cls, data: bytes, product: str = PRODUCT) -> Robots:
        """Read a robots.txt. Never fails: what cannot be read is left out.

        Without a group for `product`, the groups for `*` count; without those, all is allowed.
        """
        cut = data[:MAX_BYTES]
        if len(data) > MAX_BYTES:
            cut = cut[: max(cut.rfind(b"\n"), cut.rfind(b"\r")) + 1]
        text = _decoded(cut)
        groups: list[_Group] = []
        sitemaps = []
        licenses = []
        whole_file = _Group()  # lines outside of groups that concern every crawler
        naming = False  # the lines just read were user-agent lines
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
            match = _LINE.match(line.partition("#")[0])
            if not match:
                continue
            name, value = match[1].lower(), match[2].lstrip(": \t").strip()
            if name.startswith("user"):
                if not naming:
                    groups.append(_Group())
                naming = True
                if token := _TOKEN.match(value.lower()):
                    groups[-1].agents.add(token[0])
            elif name.startswith("site"):
                sitemaps.append(value)
            elif name == "license":
                licenses.append(value)
            elif name == "disallowaitraining":
                whole_file.signals.append(f"disallowaitraining: {value}")
            elif groups or name == "content-usage":
                naming = naming and name.startswith(("crawl", "content"))
                _take(groups[-1] if groups else whole_file, number, name, value)
        named = any(product.lower() in group.agents for group in groups)
        ours = [group for group in groups if product.lower() in group.agents]
        ours = ours or [group for group in groups if "*" in group.agents]
        return cls(
            [rule for group in ours for rule in group.rules],
            max((delay for group in ours for delay in group.delays), default=None),
            sitemaps,
            "; ".join(signal for group in (whole_file, *ours) for signal in group.signals) or None,
            licenses,
            named,
        )

    @classmethod
    def silent(cls, reason: str) -> Robots:
        """The robots.txt of a site that cannot be asked for one: all is forbidden for now (section 2.3.1.4)."""
        robots = cls([(0, "disallow", "/")], None, [], None)
        robots.unreachable = True
        robots._reason = reason
        return robots

    unreachable = False
    """Whether nothing is allowed because the site could not be asked: a temporary state, not a rule."""
    _reason = ""

    def forbids(self, url: str) -> RobotsRule | None:
        """The line that forbids a URL, or None where it is allowed."""
        if self._matcher is None or self._matcher.can_fetch(url, PRODUCT):
            return None
        disallowed = [rule for rule in self._rules if rule[1] == "disallow"]
        for line, _, path in sorted(disallowed, key=lambda rule: (-len(rule[2]), rule[0])):
            if line not in self._single:
                self._single[line] = _protego([f"disallow: {path}"])
            if not self._single[line].can_fetch(url, PRODUCT):
                return RobotsRule(line, f"Disallow: {path}" if line else self._reason)
        return RobotsRule(0, "robots.txt forbids it")


def _decoded(data: bytes) -> str:
    """The text of a robots.txt: UTF-8, or UTF-16 where its first bytes say so."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\0", "�")


def is_html(data: bytes) -> bool:
    """Whether an answer to the request for a robots.txt is a web page, such as a 'not found' page with status 200."""
    return data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html"))


def shut_out(data: bytes, url: str) -> list[str]:
    """The crawlers of AI_AGENTS whom a robots.txt names and forbids a URL."""
    lower = data.lower()
    names = [agent for agent in AI_AGENTS if agent.encode() in lower or data.startswith((b"\xff\xfe", b"\xfe\xff"))]
    return [agent for agent in names if (robots := Robots.parse(data, agent)).named and robots.forbids(url)]


def _take(group: _Group, line: int, name: str, value: str) -> None:
    if name.startswith("crawl"):
        try:
            delay = float(value)
        except ValueError:
            return
        if math.isfinite(delay) and delay >= 0:
            group.delays.append(delay)
    elif name.startswith("content"):
        group.signals.append(f"{name}: {value}")
    else:
        group.rules.append((line, "allow" if name == "allow" else "disallow", value))


def _protego(lines: list[str]) -> Any:
    """A protego parser of these rules for every agent; None where there are no rules."""
    if not lines:
        return None
    parser = require("protego", "crawl").Protego
    return parser.parse("\n".join(["User-agent: *", *lines]))
