"""The instruction and preference set that ships with corpuskit (`corpuskit.training.instruct.tasks` wrote it)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

DATA = Path(__file__).parent / "data"

Part = Literal["demonstrations", "preferences", "held_out", "held_out_preferences"]


def shipped_file(part: Part) -> Path:
    """The JSON lines file of a part of the set."""
    return DATA / f"{part}.jsonl"
