"""What an audit shows of a text that it extracted: the words, but no number or address that could name a person."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_NUMBER = re.compile(r"\d[\d .-]+\d")


def masked(text: str) -> str:
    """The text with e-mail addresses and all numbers of two and more digits blotted out, its length kept."""
    text = _ADDRESS.sub(lambda found: "•" * len(found[0]), text)
    return _NUMBER.sub(lambda found: re.sub(r"\d", "•", found[0]), text)
