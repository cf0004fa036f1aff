"""NeMo Curator 1.4.0: its heuristic filters after Gopher.

Words are cut at white space. Repetition is what is lost when copies go, as a share of all characters: lines and
paragraphs by their distinct ones; the most frequent n-gram (even if it occurs once) by deleting its text wherever it
stands; duplicate n-grams by second and later copies with the spaces between their words. Symbols are words that are an
ellipsis, or that have more runs of '#' than half their length (one ratio, under `symbol_ratio_hash`). Of equally
frequent n-grams NeMo takes any; here it is the first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from corpuskit.compatible import Values

STOP_WORDS = frozenset(["the", "be", "to", "of", "and", "that", "have", "with"])
ENOUGH_STOP_WORDS = 2
"""Counting ends here."""
ELLIPSES = ("...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more")
HASHES = re.compile("#+")
BULLETS = tuple("•‣⁃⁌⁍∙○●◘◦⦾⦿")


def measure(text: str, language: str | None) -> Values:
    found = text.split()
    lines = [line for line in text.split("\n") if line.strip()]
    if not found:
        return {"gopher.words": 0}
    paragraphs = text.split("\n\n")
    values: Values = {
        "gopher.words": len(found),
        "gopher.mean_word_length": sum(map(len, found)) / len(found),
        "gopher.symbol_ratio_hash": sum(w in ELLIPSES or len(HASHES.findall(w)) / len(w) > 0.5 for w in found)
        / len(found),
        "gopher.bullet_lines": sum(line.strip().startswith(BULLETS) for line in lines) / len(lines),
        "gopher.ellipsis_lines": sum(line.strip().lower().endswith(ELLIPSES) for line in lines) / len(lines),
        "gopher.alphabetic_words": sum(any(map(str.isalpha, word)) for word in found) / len(found),
        "gopher.stop_words": min(sum(word in STOP_WORDS for word in found), ENOUGH_STOP_WORDS),
    }
    for name, items in (("line", lines), ("paragraph", paragraphs)):
        distinct = set(items)
        values[f"gopher.duplicate_{name}s"] = 1 - len(distinct) / len(items)
        values[f"gopher.duplicate_{name}_characters"] = 1 - sum(map(len, distinct)) / sum(map(len, items))
    for n in range(2, 5):
        values[f"gopher.top_{n}_gram"] = _top(text, found, n)
    for n in range(5, 11):
        values[f"gopher.duplicate_{n}_gram"] = _later_copies(found, n) / len(text) if len(found) >= n else 1.0
    return values


def _top(text: str, found: Sequence[str], n: int) -> float:
    if len(found) < n:
        return 1.0
    gram, _ = Counter(tuple(found[i : i + n]) for i in range(len(found) - n + 1)).most_common(1)[0]
    return 1 - len(text.replace(" ".join(gram), "")) / len(text)


def _later_copies(found: Sequence[str], n: int) -> int:
    seen: set[tuple[str, ...]] = set()
    characters = overlap = 0
    for at in range(len(found) - n + 1):
        gram = tuple(found[at : at + n])
        if gram in seen:
            characters += sum(map(len, gram[overlap:])) + min(n - overlap, n - 1)
            overlap = n
        seen.add(gram)
        overlap = max(overlap - 1, 0)
    return characters
