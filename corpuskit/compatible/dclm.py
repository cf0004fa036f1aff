"""DCLM (baselines/mappers/filters/content_filters.py at commit c7ed275): its Gopher filters.

Repetition is over Unicode words (UAX #29) that begin with a letter or digit, as a share of their characters: the most
frequent n-gram by count times length, without regard to overlap and only if it repeats; duplicate n-grams by the words
they cover. All copies of a repeated line count. One joint ratio counts '#' and ellipses (under `symbol_ratio_hash`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from corpuskit.compatible import Values
from corpuskit.errors import require

STOP_WORDS = frozenset(["the", "be", "to", "of", "and", "that", "have", "with"])
SYMBOLS = ("#", "...", ". . .", "…")


def words(text: str) -> list[str]:
    """The Unicode words of a text that begin with a letter or digit."""
    wordbreak: Any = require("uniseg.wordbreak", "compatible")
    return [word for word in wordbreak.words(text) if word[0].isalnum()]


def measure(text: str, language: str | None) -> Values:
    found, pieces = words(text), text.split()
    lines = _segments(text, "\n")
    if not found or not pieces:
        return {"gopher.words": len(found)}
    values: Values = {
        "gopher.words": len(found),
        "gopher.mean_word_length": sum(map(len, pieces)) / len(pieces),
        "gopher.symbol_ratio_hash": sum(map(text.count, SYMBOLS)) / len(pieces),
        "gopher.bullet_lines": sum(line.startswith(("●", "•", "*", "-")) for line in lines) / len(lines),
        "gopher.ellipsis_lines": sum(line.endswith(("...", ". . .", "…")) for line in lines) / len(lines),
        "gopher.alphabetic_words": sum(any(map(str.isalpha, piece)) for piece in pieces) / len(pieces),
        "gopher.stop_words": sum(piece.lower() in STOP_WORDS for piece in pieces),
    }
    for name, segments in (("line", lines), ("paragraph", _segments(text, "\n\n"))):
        repeated = {s: n for s, n in Counter(segments).items() if n > 1} if len(segments) > 1 else {}
        values[f"gopher.duplicate_{name}s"] = sum(repeated.values()) / len(segments)
        mass = sum(len(segment) * n for segment, n in repeated.items())
        values[f"gopher.duplicate_{name}_characters"] = mass / sum(map(len, segments))
    for n in range(2, 11):
        name = f"gopher.{'top' if n <= 4 else 'duplicate'}_{n}_gram"
        values[name] = _repeated_characters(found, n) / sum(map(len, found))
    return values


def _segments(text: str, separator: str) -> list[str]:
    return [segment for piece in text.split(separator) if (segment := piece.strip())]


def _repeated_characters(found: Sequence[str], n: int) -> int:
    grams = [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]
    counts = Counter(grams)
    most = max(counts.values(), default=1)
    if most == 1:
        return 0
    if n <= 4:
        return most * max(sum(map(len, gram)) for gram, count in counts.items() if count == most)
    covered = {i + place for i, gram in enumerate(grams) if counts[gram] > 1 for place in range(n)}
    return sum(len(found[place]) for place in covered)
