"""What a rewriting of a text did, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Change(NamedTuple):
    """Characters `start` to `end` of a text, what was there, and what stands there now ('' where it was removed)."""

    start: int
    end: int
    type: str
    replacement: str = ""


def changed(text: str, found: Sequence[Change]) -> str:
    """The text after changes that are in order and do not overlap."""
    pieces, at = [], 0
    for change in found:
        pieces += [text[at : change.start], change.replacement]
        at = change.end
    return "".join([*pieces, text[at:]])
