"""Word lists that the detectors read: `corpuskit/privacy/data/*.txt`, words parted by white space."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "data"


def words(name: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").split())
