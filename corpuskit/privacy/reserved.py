"""Values that belong to nobody: what scrubbing itself writes, and what standards reserve for documentation and fiction.

They and their parts are not findings, so scrubbing twice changes nothing. The ranges and why nobody
has them are in `pseudonyms`.
"""

from __future__ import annotations

import re

from corpuskit.privacy.finding import Candidate

_S = "[-. /]?"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_NUMBERS = re.compile(
    rf"(?:(?:\+?82{_S}|(?<![0-9])0)10{_S}00[0-9]{{2}}{_S}[0-9]{{4}}"
    rf"|(?:\+?1{_S})?\(?(?<![0-9])[2-9][0-9]{{2}}\)?{_S} ?555{_S}01[0-9]{{2}}"
    rf"|\+[1-9][0-9]{{0,2}}{_S}000[0-9]{{6}}|(?<![0-9])00000{_S}[0-9]{{6}}"
    r"|(?<![0-9])(?:000-[0-9]{2}-[0-9]{4,5}|00-00-[0-9]{6}-00|900-00-[0-9]{4}|000-[0-9]{3}-[0-9]{6}"
    r"|000 [0-9]{3} [0-9]{4}|0000 [0-9]{4} [0-9]{4}|000\.[0-9]{3}\.[0-9]{3}-00|00-000000-[0-9]{6}-0|00가 [0-9]{4}"
    rf"|0[0-9]{{3}}{_S}[0-9]{{4}}{_S}[0-9]{{4}}{_S}[0-9]{{4}}"
    r"|18[0-9]{2}(?:-[0-9]{2}-[0-9]{2}|년 [0-9]{1,2}월 [0-9]{1,2}일)"
    rf"|2(?:4[0-9]|5[0-5])(?:\.{_OCTET}){{3}})|(?<![A-Za-z0-9])P000000[0-9]{{6}})(?![0-9])"
)
_WORDS = re.compile(
    r"https://user[0-9]{1,20}:password@example\.com"
    r"|[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){0,4}?(?:example\.(?:com|org|net|edu)|[\w-]{1,63}\.(?:example|test|invalid)"
    r"|localhost)(?![\w-]|\.[\w])"  # RFC 2606, RFC 6761
    r"|2001:0?db8:[0-9a-fA-F:]*|00[-:]00[-:]5[eE][-:]00[-:]53[-:][0-9a-fA-F]{2}"
    r"|(?<![A-Za-z0-9])(?:XX00[0-9]{6}|ZZ[0-9]{6}[A-D]|XX[0-9]{18}|P-000-[0-9]{6}|1x{20}[0-9]{8}"
    r"|Person[0-9]{1,20}|Place[0-9]{1,20}|Organization[0-9]{1,20})(?![A-Za-z0-9])"
    r"|invented-secret-[0-9]{1,20}|@?invented_user_[0-9]{1,20}"
    r"|[0-9]{1,6} Example Street, Anytown 00000|가상시 예시구 보기로 [0-9]{1,6}|가(?:명|상지|상단체)[0-9]{1,20}"
)
_OWN = re.compile(r"<[A-Z][A-Z_]{1,30}(?::[0-9a-f]{16})?>")
"""What `replace` and `hash` write."""
_TEXTUAL = frozenset(
    (
        *("email", "url_credentials", "iban", "passport", "uk_nino", "crypto_address", "secret", "address", "handle"),
        *("mac", "person", "place", "organization"),
    )
)
"""Types whose reserved values are in `_WORDS`."""
_REACH = 48
"""Characters around a candidate in which a reserved value that holds it lies."""


def without_reserved(text: str, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates that are not inside a reserved value of the text."""
    return [item for item in candidates if not _is_reserved(text, item)]


def _is_reserved(text: str, item: Candidate) -> bool:
    first, last = max(0, item.start - _REACH), min(len(text), item.end + _REACH)
    if text.find("<", first, item.end) >= 0 and _holds(_OWN, text, first, last, item):
        return True
    return _holds(
        _WORDS if item.type in _TEXTUAL or ":" in text[item.start : item.end] else _NUMBERS, text, first, last, item
    )


def _holds(pattern: re.Pattern[str], text: str, first: int, last: int, item: Candidate) -> bool:
    for match in pattern.finditer(text, first, last):
        if match.start() > item.start:
            return False
        if match.end() >= item.end:
            return True
    return False
