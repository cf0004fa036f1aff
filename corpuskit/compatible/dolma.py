"""dolma 1.2.1: the tagger `gopher_v1`.

Words are cut at white space. The length is a median; one joint ratio counts words with '#' or '…' (here under
`symbol_ratio_hash`); lines are neither stripped nor left out when empty, and all copies of a repeated one count. The
most frequent n-gram counts even if it occurs once; duplicate n-grams are weighed by their overlapping mass.
"""

from __future__ import annotations

from collections import Counter
from statistics import median

from corpuskit.compatible import Values

STOP_WORDS = frozenset(["the", "be", "to", "of", "and", "that", "have", "with"])


def measure(text: str, language: str | None) -> Values:
    found = text.split()
    count = max(len(found), 1)
    characters = max(sum(map(len, found)), 1)
    lines = text.split("\n")
    repeated = {line: n for line, n in Counter(lines).items() if n > 1}
    values: Values = {
        "gopher.words": len(found),
        "gopher.mean_word_length": float(median(map(len, found))) if found else 0.0,
        "gopher.symbol_ratio_hash": sum("#" in word or "…" in word for word in found) / count,
        "gopher.bullet_lines": sum(line.startswith(("*", "-")) for line in lines) / len(lines),
        "gopher.ellipsis_lines": sum(line.endswith("…") for line in lines) / len(lines),
        "gopher.alphabetic_words": sum(any(map(str.isalpha, word)) for word in found) / count,
        "gopher.stop_words": sum(word in STOP_WORDS for word in found),
        "gopher.duplicate_lines": sum(repeated.values()) / len(lines),
        "gopher.duplicate_line_characters": sum(len(line) * n for line, n in repeated.items()) / characters,
    }
    for n in range(2, 11):
        grams = Counter(tuple(found[i : i + n]) for i in range(len(found) - n + 1))
        if not grams:
            continue
        mass = {gram: times * sum(map(len, gram)) for gram, times in grams.items()}
        if n <= 4:
            values[f"gopher.top_{n}_gram"] = mass[grams.most_common(1)[0][0]] / characters
        else:
            again = sum(mass[gram] for gram, times in grams.items() if times > 1)
            values[f"gopher.duplicate_{n}_gram"] = again / max(sum(mass.values()), 1)
    return values
