"""When a fetched page is asked for again, from how often it was seen to have changed.

The rate of change is the estimator of Cho and Garcia-Molina (2003), "Estimating frequency of change", section 4.2: with
X changes in n checks that lie I seconds apart, r = -ln((n - X + 0.5) / (n + 0.5)) changes in every I seconds. A page is
checked again when one change is expected, but never sooner than the recipe says and never later than eight times that.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

LONGEST = 8.0
"""A page that never changes is checked after so many times `refresh`, at most."""

GROWTH = 2.0
"""A wait is at most so many times as long as the one before."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def parse_duration(value: Any) -> Any:
    """Seconds: '7d' -> 604800.0, '12h', '30m', '90s', '2w'. Numbers are seconds.

    Raises ValueError for a text that is no duration.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", value, re.IGNORECASE)
    if not match:
        raise ValueError(f"'{value}' is not a duration; write 7d, 12h or 30m")
    return float(match[1]) * _UNITS[match[2].lower()]


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""A number of seconds."""


def next_gap(checks: int, changes: int, mean: float, last: float) -> float:
    """How long to wait before a page is checked again, in units of the recipe's `refresh`.

    Args:
        checks: How often it has been checked since it was first fetched.
        changes: How many of these found it changed.
        mean: The mean time between checks, in units of `refresh`.
        last: The wait before the last check, in the same units.
    """
    if not checks:
        return 1.0
    rate = -math.log((checks - changes + 0.5) / (checks + 0.5))
    expected = mean / rate if rate > 0 else math.inf
    return min(max(1.0, expected), max(1.0, last * GROWTH), LONGEST)
