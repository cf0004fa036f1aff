"""Sizes and counts as people write them: 2GB, 256MB, 20M."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_size(value: Any) -> Any:
    """'2GB' -> 2_000_000_000, '1GiB' -> 2**30, '20M' -> 20_000_000; other values as they are.

    Raises ValueError for a text that is no size.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([kmgtKMGT]?)(i?)[bB]?\s*", value)
    if not match:
        raise ValueError(f"'{value}' is not a size; write 2GB, 256MB or 20M")
    number, unit, binary = match.groups()
    scale = (_BINARY if binary else _UNITS)[unit.lower()]
    return int(float(number.replace("_", "")) * scale)
