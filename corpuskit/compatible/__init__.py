"""The quality measurements as other tools define them, text by text, for those who must reproduce a corpus of theirs.

The same rule name means different numbers in datatrove, dolma, DCLM and NeMo Curator: see docs/quality-rules.md. These
are plain Python and slow. The stages of `quality` take them by their option `compatible_with`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Literal, get_args

from corpuskit.document import Change

__all__ = ["PEERS", "LinePeer", "Peer", "Values", "lines_of", "measurements_of"]

Peer = Literal["datatrove", "dolma", "dclm", "nemo"]
LinePeer = Literal["datatrove"]
"""Tools whose way to cut lines by C4's rules is known."""
Values = dict[str, float | int | None]
"""Dotted measurement name ('gopher.top_2_gram') to value."""

PEERS: tuple[str, ...] = get_args(Peer)


def measurements_of(peer: Peer) -> Callable[[str, str | None], Values]:
    """A tool's measurements: a function of a text and its language."""
    function: Callable[[str, str | None], Values] = import_module(f"{__name__}.{peer}").measure
    return function


def lines_of(peer: LinePeer) -> Callable[[str], list[Change]]:
    """The spans that a tool's rules for C4 cut: a function of a text."""
    function: Callable[[str], list[Change]] = import_module(f"{__name__}.{peer}_c4").changes
    return function
