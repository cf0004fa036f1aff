"""Values that belong to nobody: what scrubbing itself writes, and what standards reserve for documentation and fiction.

They and their parts are not findings, so scrubbing twice changes nothing. The ranges and why nobody
has them are in `pseudonyms`.
"""

from __future__ import annotations

import re
from bisect import bisect

from corpuskit.privacy.finding import Candidate

_S = "[-. /]?"
_REACH = 80
"""Characters of the longest reserved value."""
_RESERVED = re.compile(
    "|".join(
        (
            r"<[A-Z][A-Z_]{1,30}(?::[0-9a-f]{16})?>",  # replace and hash
            r"https://user[0-9]{1,20}:password@example\.com",
            r"[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){0,4}?(?:example\.(?:com|org|net|edu)|[\w-]{1,63}\.(?:example|test|invalid)"
            r"|localhost)(?![\w-]|\.[\w])",  # RFC 2606, RFC 6761
            rf"(?:(?:\+?82{_S}|(?<![0-9])0)10{_S}0[0-9]{{3}}{_S}[0-9]{{4}}"
            rf"|(?:\+?1{_S})?\(?(?<![0-9])[2-9][0-9]{{2}}\)?{_S} ?555{_S}01[0-9]{{2}}"
            rf"|\+[1-9][0-9]{{0,2}}{_S}000[0-9]{{6}}|(?<![0-9])00000{_S}[0-9]{{6}})(?![0-9])",
            r"(?<![0-9])(?:000-[0-9]{2}-[0-9]{4,5}|00-00-[0-9]{6}-00|900-00-[0-9]{4}|000-[0-9]{3}-[0-9]{6}"
            r"|000 [0-9]{3} [0-9]{4}|0000 [0-9]{4} [0-9]{4}|000\.[0-9]{3}\.[0-9]{3}-00|00-000000-[0-9]{6}-0"
            r"|00가 [0-9]{4}"
            rf"|0[0-9]{{3}}{_S}[0-9]{{4}}{_S}[0-9]{{4}}{_S}[0-9]{{4}}"
            r"|18[0-9]{2}(?:-[0-9]{2}-[0-9]{2}|년 [0-9]{1,2}월 [0-9]{1,2}일)"
            r"|2(?:4[0-9]|5[0-5])(?:\.[0-9]{1,3}){3})(?![0-9])",
            r"2001:0?db8:[0-9a-fA-F:]*|00[-:]00[-:]5[eE][-:]00[-:]53[-:][0-9a-fA-F]{2}",
            r"(?<![A-Za-z0-9])(?:P000000[0-9]{6}|XX00[0-9]{6}|ZZ[0-9]{6}[A-D]|XX[0-9]{18}|P-000-[0-9]{6}|1x{20}[0-9]{8}"
            r"|Person[0-9]{1,20}|Place[0-9]{1,20}|Organization[0-9]{1,20})(?![A-Za-z0-9])",
            r"invented-secret-[0-9]{1,20}|@?invented_user_[0-9]{1,20}",
            r"[0-9]{1,6} Example Street, Anytown 00000|가상시 예시구 보기로 [0-9]{1,6}|가(?:명|상지|상단체)[0-9]{1,20}",
        )
    )
)


def without_reserved(text: str, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates that are not inside a reserved value of the text."""
    if not candidates:
        return candidates
    first, last = min(item.start for item in candidates), max(item.end for item in candidates)
    spans = [match.span() for match in _RESERVED.finditer(text, max(0, first - _REACH), last + _REACH)]
    if not spans:
        return candidates
    starts = [start for start, _ in spans]
    return [item for item in candidates if not _inside(spans, starts, item)]


def _inside(spans: list[tuple[int, int]], starts: list[int], item: Candidate) -> bool:
    place = bisect(starts, item.start)
    return place > 0 and spans[place - 1][1] >= item.end
