"""Addresses of machines: IPv4 (RFC 791), IPv6 (RFC 4291), MAC (IEEE 802). Public ones alone name somebody's machine."""

from __future__ import annotations

import ipaddress
import re

from corpuskit.privacy.finding import Candidate

_IPV6 = re.compile(r"[0-9A-Fa-f:]{6,39}(?:\.[0-9]{1,3}){0,3}")
_VERSION = re.compile(
    r"(?<![A-Za-z])(?:v|ver|version|release|firmware|driver|build|chrome|safari|firefox|edge|opera|rv)[ ./:]{0,2}$"
    r"|(?:버전|판|섹션|절|장|항|chapter|section|sec\.?|§) ?$",
    re.IGNORECASE,
)

BROKEN_DOT = r"(?:\.|[\[({] ?(?:\.|dot) ?[\])}])"
_DEFANGED = re.compile(
    rf"(?<![0-9A-Za-z])(?<![0-9]\.)(?<![.tT][\])}}])(?P<a>[0-9]{{1,3}}){BROKEN_DOT}(?P<b>[0-9]{{1,3}}){BROKEN_DOT}(?P<c>[0-9]{{1,3}})"
    rf"{BROKEN_DOT}(?P<d>[0-9]{{1,3}})(?![0-9A-Za-z]|{BROKEN_DOT}[0-9])",
    re.IGNORECASE,
)
_DEFANGED_REACH = 40

_HARDWARE = re.compile(
    r"[0-9A-Fa-f]{2}(?P<sign>[:-])(?:[0-9A-Fa-f]{2}(?P=sign)){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z]|[:-][0-9A-Fa-f])"
)

PRIVATE = "ip.private"
"""The type of an address that is not public, until the caller's settings say whether it counts."""


def ipv4(text: str, start: int, end: int) -> list[Candidate]:
    """An address in a run of dotted numbers. A run of five or more numbers is a version or an object identifier."""
    groups = text[start:end].split(".")
    if len(groups) != 4 or any(len(group) > 3 or int(group) > 255 for group in groups):
        return []
    if any(len(group) > 1 and group[0] == "0" for group in groups):
        return []
    values = [int(group) for group in groups]
    if values == list(range(values[0], values[0] + 4)):  # 1.2.3.4 counts
        return []
    before = text[max(0, start - 12) : start]
    if before[-1:].isascii() and (before[-1:].isalpha() or before[-1:] in ("_", "-", ".")) and before[-1:] != "":
        return []
    if text[end : end + 1] == "-" or (text[end : end + 1].isascii() and text[end : end + 1].isalpha()):
        return []
    if _VERSION.search(before):
        return []
    return [_addressed(start, end, ".".join(groups))]


def defanged(text: str, start: int, end: int) -> list[Candidate]:
    """An IPv4 address with broken dots, `203[.]0[.]113[.]9`, so that nobody follows it; a broken dot is at `start`."""
    for match in _DEFANGED.finditer(text, max(0, start - _DEFANGED_REACH), end + _DEFANGED_REACH):
        groups = match.group("a", "b", "c", "d")
        octets = all(int(group) <= 255 and (group[0] != "0" or group == "0") for group in groups)
        if match.start() < start < match.end() and octets:
            return [_addressed(*match.span(), ".".join(groups))]
    return []


def ipv6(text: str, start: int, end: int) -> list[Candidate]:
    """An address that begins with four hexadecimal digits."""
    match = _IPV6.match(text, start)
    if match is None:
        return []
    value = match[0]
    follows = text[match.end() : match.end() + 1]
    if follows.isascii() and (follows.isalnum() or follows == "_"):
        return []
    stripped = value.rstrip(":") if not value.endswith("::") else value
    try:
        return [_addressed(start, start + len(stripped), stripped)]
    except ValueError:
        return []


def _addressed(start: int, end: int, value: str) -> Candidate:
    address = ipaddress.ip_address(value)
    # Documentation ranges (RFC 5737, RFC 3849) are nobody's, and is_global says so.
    return Candidate(start, end, "ip" if address.is_global else PRIVATE, 0.85)


def hardware(text: str, start: int, end: int) -> list[Candidate]:
    """A MAC address, six pairs of hexadecimal digits. Broadcast, null and documentation addresses are nobody's."""
    match = _HARDWARE.match(text, start)
    if match is None:
        return []
    digits = match[0].replace(match["sign"], "").lower()
    if len(set(digits)) == 1 or digits.startswith(_RESERVED_HARDWARE):
        return []
    return [Candidate(*match.span(), "mac", 0.9)]


_RESERVED_HARDWARE = ("00005e0053", "01005e", "3333")
"""Documentation (RFC 7042) and multicast addresses."""
