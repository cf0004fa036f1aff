"""The instruction and preference set that ships with corpuskit (`corpuskit.training.instruct.tasks` wrote it)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

DATA = Path(__file__).parent / "data"

Part = Literal["demonstrations", "preferences", "practice", "development", "held_out", "held_out_preferences"]


def shipped_file(part: Part) -> Path:
    """The JSON lines file of a part of the set."""
    return DATA / f"{part}.jsonl"


def judged_file(part: Part, learned: str | None, held_out: str | None, given: bool) -> str | Path | None:
    """What a tuning is judged on: the file that is named; else the held-out `part`, where the set that ships is what is
    learned from (no file is named, and nothing was `given` in its place); else nothing."""
    if held_out is not None:
        return held_out
    return None if given or learned is not None else shipped_file(part)


def prompt_files(given: Sequence[str] | None) -> list[str]:
    """The files whose prompts reinforcement answers: those that are given, or the practice that ships."""
    return list(given) if given else [str(shipped_file("practice"))]
