"""datatrove 0.10.1: its filters for Gopher quality and repetition and for FineWeb, English; C4 from its own module.

Words are spaCy's English tokens, punctuation among them; repetition is a share of all characters of the text, spaces
included. The most frequent n-gram counts even if it occurs once; of duplicate n-grams only the second and later count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from corpuskit.compatible import Values, datatrove_c4
from corpuskit.errors import require

STOP_WORDS = frozenset(["the", "be", "to", "of", "and", "that", "have", "with"])


@cache
def _tokenizer() -> Any:
    return require("spacy", "compatible").blank("en").tokenizer


@cache
def _punctuation() -> tuple[tuple[str, ...], frozenset[str]]:
    """(characters that end a sentence, all punctuation)."""
    lists = yaml.safe_load((Path(__file__).parent / "data" / "datatrove.yaml").read_text(encoding="utf-8"))
    terminal, other = (_characters(lists[name]) for name in ("terminal", "other"))
    return tuple(terminal), frozenset(terminal + other)


def _characters(ranges: str) -> list[str]:
    pairs = (item.partition("-") for item in ranges.split())
    return [chr(code) for first, _, last in pairs for code in range(int(first, 16), int(last or first, 16) + 1)]


def words(text: str) -> list[str]:
    """The tokens of a text that are no white space."""
    return [word for token in _tokenizer()(text) if (word := token.text.strip())]


def measure(text: str, language: str | None) -> Values:
    if language not in (None, "en"):
        return {}
    found = words(text)
    c4 = datatrove_c4.measure(text)
    if not found:
        return c4
    return {**c4, **_quality(text, found), **_repetition(text, found), **_fineweb(text, found)}


def _quality(text: str, found: Sequence[str]) -> Values:
    _, punctuation = _punctuation()
    real = [word for word in found if not punctuation.issuperset(word)]
    lines = text.splitlines()
    return {
        "gopher.words": len(real),
        "gopher.mean_word_length": sum(map(len, real)) / len(real) if real else None,
        "gopher.symbol_ratio_hash": text.count("#") / len(found),
        "gopher.symbol_ratio_ellipsis": (text.count("...") + text.count("…")) / len(found),
        "gopher.bullet_lines": sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines),
        "gopher.ellipsis_lines": sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines),
        "gopher.alphabetic_words": sum(any(map(str.isalpha, word)) for word in found) / len(found),
        "gopher.stop_words": len(STOP_WORDS.intersection(found)),
    }


def _repetition(text: str, found: Sequence[str]) -> Values:
    paragraphs, lines = re.split(r"\n{2,}", text.strip()), re.split(r"\n+", text)
    again = {"paragraph": _repeats(paragraphs), "line": _repeats(lines)}
    values: Values = {
        "gopher.duplicate_lines": len(again["line"]) / len(lines),
        "gopher.duplicate_paragraphs": len(again["paragraph"]) / len(paragraphs),
        "gopher.duplicate_line_characters": sum(map(len, again["line"])) / len(text),
        "gopher.duplicate_paragraph_characters": sum(map(len, again["paragraph"])) / len(text),
    }
    for n in range(2, 5):
        counts = Counter(" ".join(found[i : i + n]) for i in range(len(found) - n + 1))
        gram, count = counts.most_common(1)[0] if counts else ("", 0)
        values[f"gopher.top_{n}_gram"] = len(gram) * count / len(text)
    for n in range(5, 11):
        values[f"gopher.duplicate_{n}_gram"] = _second_copies(found, n) / len(text)
    return values


def _repeats(items: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return [item for item in items if item in seen or seen.add(item)]  # type: ignore[func-returns-value]


def _second_copies(found: Sequence[str], n: int) -> int:
    """Characters of n-grams that occurred before; one that did is stepped over whole."""
    seen: set[str] = set()
    characters = at = 0
    while at <= len(found) - n:
        gram = "".join(found[at : at + n])
        if gram in seen:
            characters += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters


def _fineweb(text: str, found: Sequence[str]) -> Values:
    terminal, _ = _punctuation()
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "fineweb.line_punctuation": sum(line.endswith(terminal) for line in lines) / len(lines),
        "fineweb.short_lines": sum(len(line) <= 30 for line in lines) / len(lines),
        "fineweb.character_duplicates": sum(map(len, _repeats(lines))) / len(text.replace("\n", "")),
        "fineweb.new_lines": text.count("\n") / len(found),
    }
