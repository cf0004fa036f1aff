"""What a site's own files say about the use of its pages: robots.txt, tdmrep.json, ai.txt and RSL licences.

The result is a list of signals, as `corpuskit.rights.signals` reads them. A file that cannot be read says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from corpuskit.sources.crawl.robots import PRODUCT, Robots, is_html, shut_out

FILES = ("/.well-known/tdmrep.json", "/ai.txt")
"""Paths, on every origin that pages are fetched from, of the files that are asked for beside robots.txt."""

MAX_BYTES = 1 << 20
"""What is read of such a file."""


def site_signals(url: str, robots: bytes, files: Mapping[str, bytes]) -> list[str]:
    """The signals of a site that concern a page.

    Args:
        url: The page.
        robots: The site's robots.txt; empty where it has none.
        files: Address of each policy file that was found -> its bytes.
    """
    signals: list[str] = []
    if robots and not is_html(robots):
        if signal := Robots.parse(robots).signal:
            signals += [part for part in signal.split("; ") if not _other_path(part, url)]
        if agents := shut_out(robots, url):
            signals.append(f"robots.txt: forbids {', '.join(agents)}")
    for address, body in files.items():
        path = urlsplit(address).path
        if path == FILES[0]:
            signals += _tdm_reservations(body, url)
        elif path == FILES[1]:
            rule = None if is_html(body) else Robots.parse(body, PRODUCT).forbids(url)
            signals += [f"ai.txt: {rule.text}"] if rule else []
        else:
            signals += _rsl(body, url)
    return signals


def _other_path(signal: str, url: str) -> bool:
    """Whether `disallowaitraining: /path` speaks of other pages."""
    name, _, value = signal.partition(": ")
    return name == "disallowaitraining" and not _matches(value.strip() or "/", url)


def _matches(pattern: str, url: str) -> bool:
    """Whether a path pattern (`*` for anything, `$` for the end) matches a URL, as in robots.txt."""
    split = urlsplit(url)
    target = split.path + (f"?{split.query}" if split.query else "")
    ends = pattern.endswith("$")
    parts = re.split(r"\*+", pattern.rstrip("$"))
    expression = ".*".join(map(re.escape, parts)) + ("$" if ends else "")
    return re.match(expression, target) is not None


def _tdm_reservations(body: bytes, url: str) -> list[str]:
    """The rule of a tdmrep.json with the longest location that matches (TDM Reservation Protocol, section 7)."""
    try:
        rules: Any = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return []
    found: list[tuple[int, str]] = []
    for rule in rules if isinstance(rules, list) else []:
        location = rule.get("location") if isinstance(rule, dict) else None
        if isinstance(location, str) and _matches(location, url):
            reserved = str(rule.get("tdm-reservation", "")).strip()
            found.append((len(location), f"tdmrep.json: reserves {location}" if reserved == "1" else ""))
    longest = max(found, default=(0, ""))[1]
    return [longest] if longest else []


def _rsl(body: bytes, url: str) -> list[str]:
    """What an RSL 1.0 document forbids, or grants for money alone, of a page."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return []
    signals = []
    for content in root.iter("{*}content") if root is not None else ():
        location = content.get("url") or "/"
        if not _matches(urlsplit(location).path or location, url):
            continue
        for license_ in content.iter("{*}license"):
            prohibited = _usages(license_, "prohibits")
            permitted = _usages(license_, "permits")
            payment = next((item.get("type", "") for item in license_.iter("{*}payment")), "free")
            training = {"all", "ai-all", "ai-train", "train-ai"}
            if training & prohibited:
                signals.append("rsl: prohibits training")
            elif permitted and not training & permitted:
                signals.append("rsl: does not permit training")
            elif payment not in ("free", "attribution"):
                signals.append(f"rsl: training needs a payment ({payment})")
    return signals


def _usages(license_: Any, name: str) -> set[str]:
    return {
        word
        for element in license_.iter(f"{{*}}{name}")
        if element.get("type", "usage") == "usage"
        for word in re.split(r"[,\s]+", (element.text or "").strip().lower())
        if word
    }
