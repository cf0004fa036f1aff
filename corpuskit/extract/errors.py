"""What extraction raises for input that cannot be read."""

from __future__ import annotations


class Unreadable(ValueError):
    """The page or document is none that can be read; the message says why."""
