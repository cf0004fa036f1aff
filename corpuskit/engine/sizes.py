"""Amounts as people write them in a recipe: bytes ('2GB', '256MiB'), counts ('20M', '1.5B') and durations ('7d')."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_NUMBER = r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*"
_THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_size(value: Any) -> Any:
    """Bytes: '2GB' -> 2_000_000_000, '1GiB' -> 2**30, '20M' -> 20_000_000; B is the unit. Other values as they are.

    Raises ValueError for a text that is no size.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(rf"{_NUMBER}([kmgt]?)(i?)b?\s*", value, re.IGNORECASE)
    if not match:
        raise ValueError(f"'{value}' is not a size; write 2GB, 256MB or 20M")
    number, unit, binary = match.groups()
    return int(float(number.replace("_", "")) * (_BINARY if binary else _THOUSANDS)[unit.lower()])


def parse_count(value: Any) -> Any:
    """Things that are counted: '500k', '20M', '1.5B' -> 1_500_000_000; B is a billion. Other values as they are.

    Raises ValueError for a text that is no count.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(rf"{_NUMBER}([kmgbt]?)\s*", value, re.IGNORECASE)
    if not match:
        raise ValueError(f"'{value}' is not a count; write 500k, 20M or 1.5B")
    return round(float(match[1].replace("_", "")) * (_THOUSANDS | {"b": 10**9})[match[2].lower()])


def parse_duration(value: Any) -> Any:
    """Seconds: '7d' -> 604800.0, '12h', '30m', '90s', '2w'. Numbers are seconds.

    Raises ValueError for a text that is no duration.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(rf"{_NUMBER}([smhdw])\s*", value, re.IGNORECASE)
    if not match:
        raise ValueError(f"'{value}' is not a duration; write 7d, 12h or 30m")
    return float(match[1].replace("_", "")) * _SECONDS[match[2].lower()]


Size = Annotated[int, BeforeValidator(parse_size)]
"""A number of bytes."""
Count = Annotated[int, BeforeValidator(parse_count)]
"""A number of tokens, documents, operations."""
Duration = Annotated[float, BeforeValidator(parse_duration)]
"""A number of seconds."""
