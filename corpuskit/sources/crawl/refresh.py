"""When a fetched page is asked for again, from how often it was seen to have changed.

The rate of change is the estimator of Cho and Garcia-Molina (2003), "Estimating frequency of change", section 4.2: with
X changes in n checks that lie I seconds apart, r = -ln((n - X + 0.5) / (n + 0.5)) changes in every I seconds. A page is
checked again when one change is expected, but never sooner than the recipe says and never later than eight times that.
"""

from __future__ import annotations

import math

LONGEST = 8.0
"""A page that never changes is checked after so many times `refresh`, at most."""

GROWTH = 2.0
"""A wait is at most so many times as long as the one before."""


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
