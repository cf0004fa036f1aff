"""A date as people, feeds and servers write it, in ISO 8601; None where the day is not certain.

Nothing is guessed: `05/06/2023` is two days, `2023-02-31` is none, and a day after `latest` has not come yet. An offset
or the name of a time zone is kept as an offset; a time without one stays without.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

EARLIEST: Final = 1990
"""Pages of the web are not older; 1970-01-01 and 0000-00-00 are empty fields."""

_ZONES: Final = {
    "z": "Z", "utc": "Z", "gmt": "Z", "ut": "Z", "kst": "+09:00", "jst": "+09:00", "ist": "+05:30", "est": "-05:00",
    "edt": "-04:00", "cst": "-06:00", "cdt": "-05:00", "mst": "-07:00", "mdt": "-06:00", "pst": "-08:00",
    "pdt": "-07:00", "cet": "+01:00", "cest": "+02:00", "bst": "+01:00", "wet": "Z", "west": "+01:00", "eet": "+02:00",
    "eest": "+03:00", "msk": "+03:00", "sgt": "+08:00", "hkt": "+08:00", "aest": "+10:00", "aedt": "+11:00",
    "nzst": "+12:00", "nzdt": "+13:00",
}  # fmt: skip
"""RFC 2822, section 4.3, and the names that newspapers use."""
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "jan january,feb february,mar march,apr april,may may,jun june,jul july,aug august,sep sept september,"
        "oct october,nov november,dec december".split(","),
        1,
    )
    for name in names.split()
}
_MONTH: Final = r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_TIME: Final = (
    r"(?:[\sT,]*(?:\(?[월화수목금토일](?:요일)?\)?[\s,]*)?(?:at\s+)?(?P<half>오전|오후|am\b|pm\b)?\s*(?P<hour>\d{1,2})\s*(?::|시)\s*(?:(?P<minute>\d{1,2})분?)?"
    r"(?:\s*[:]?\s*(?P<second>\d{2})초?)?(?:[.,]\d+)?\s*(?P<half2>[ap]\.?m\.?\b)?\s*(?P<zone>Z\b|[+-]\d{2}:?\d{2}\b|(?:" + "|".join(_ZONES) + r")\b)?)?"
)  # fmt: skip
_FORMS: Final = tuple(
    re.compile(form, re.I)
    for form in (
        # 2026-03-02T15:00:00+09:00, 2026.03.02 15:00, 2026/3/2, 2026. 3. 2. 오후 3:00, 2026년 3월 2일
        r"(?<![\d.])(?P<year>(?:19|20)\d\d)\s?(?:-|\.|/|년)\s?(?P<month>\d{1,2})\s?(?:-|\.|/|월)\s?(?P<day>\d{1,2})(?!\d|\.\d)(?:\.|일)?" + _TIME,
        # Mon, 02 Mar 2026 15:00:00 +0900; 6 May 2023; 2 Mar 26 10:00
        r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?" + _MONTH.format("name") + r"\.?,?[\s-]+(?P<year>(?:19|20)\d\d|\d\d(?=\s+\d{1,2}:))(?!\d)" + _TIME,
        # May 6, 2023 3:10 PM
        r"(?<![a-z])" + _MONTH.format("name") + r"\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>(?:19|20)\d\d)(?!\d)" + _TIME,
        # Mon Mar 02 10:00:00 KST 2026
        r"(?<![a-z])" + _MONTH.format("name") + r"\s+(?P<day>\d{1,2})\s+(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\s+(?P<zone>[a-z]{1,4}|[+-]\d{4}))?\s+(?P<year>(?:19|20)\d\d)(?!\d)",
        # 20260302150000, 20260302
        r"^(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?:T?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?P<zone>Z)?)?$",
    )
)  # fmt: skip
_EITHER: Final = re.compile(r"(?<!\d)(?P<a>\d{1,2})(?P<sign>[/.-])(?P<b>\d{1,2})(?P=sign)(?P<year>(?:19|20)\d\d)(?!\d)")
_EPOCH: Final = re.compile(r"^\d{10}(?:\d{3})?$")


def parse_date(value: object, latest: date | None = None) -> str | None:
    """The first date in a text: '2026-03-02', '2026-03-02T15:00:00', '2026-03-02T15:00:00+09:00' or '...Z'.

    A date written as two numbers and a year counts where only one reading is a day of the calendar. None for no date,
    for one before 1990 and for one after `latest` (today and two days by default, for time zones).
    """
    if not isinstance(value, str) or not any(map(str.isdigit, value)):
        return None
    text = value.strip()[:400]
    latest = latest or datetime.now(UTC).date() + timedelta(days=2)
    if _EPOCH.match(text):
        when = datetime.fromtimestamp(int(text[:10]), UTC)
        return f"{when:%Y-%m-%dT%H:%M:%S}Z" if when.year >= EARLIEST and when.date() <= latest else None
    for form in _FORMS:
        match = form.search(text)
        if match:
            return _date(match.groupdict(), latest)
    match = _EITHER.search(text)
    if match:
        first, second = int(match["a"]), int(match["b"])
        if first == second or (first > 12) != (second > 12):
            month, day = (second, first) if first > 12 else (first, second)
            return _date({"year": match["year"], "month": str(month), "day": str(day)}, latest)
    return None


def _date(parts: dict[str, str | None], latest: date) -> str | None:
    year = int(parts["year"] or 0)
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    name = parts.get("name")
    month = _MONTHS[name.lower()] if name else int(parts["month"] or 0)
    try:
        day = date(year, month, int(parts["day"] or 0))
    except ValueError:
        return None
    if day.year < EARLIEST or day > latest:
        return None
    return f"{day.isoformat()}{_time(parts)}"


def _time(parts: dict[str, str | None]) -> str:
    """'T15:00:00+09:00', or '' where no time of day is told, or an impossible one."""
    if not parts.get("hour"):
        return ""
    hour, minute, second = int(parts["hour"] or 0), int(parts.get("minute") or 0), int(parts.get("second") or 0)
    half = (parts.get("half") or parts.get("half2") or "").lower().replace(".", "")
    if half in ("오후", "pm") and hour < 12:
        hour += 12
    elif half in ("오전", "am") and hour == 12:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return ""
    zone = (parts.get("zone") or "").lower()
    if zone and zone not in _ZONES:
        zone = f"{zone[:3]}:{zone[-2:]}" if zone[0] in "+-" else ""
    return f"T{hour:02d}:{minute:02d}:{second:02d}{_ZONES.get(zone, zone)}"
