"""The quality measurements said plainly, a character at a time: what the compiled ones are compared with."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

UNSPACED = re.compile(
    "[\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f"
    "\U00020000-\U000323af]"
)


def is_unspaced(character: str) -> bool:
    return bool(UNSPACED.match(character)) and unicodedata.category(character)[0] == "L"


def tokens(text: str) -> list[str]:
    pieces = "".join(f" {character} " if is_unspaced(character) else character for character in text)
    return pieces.split()


def word(token: str) -> str:
    places = [i for i, character in enumerate(token) if unicodedata.category(character)[0] in "LNM"]
    return token[places[0] : places[-1] + 1] if places else ""


def words(text: str) -> list[str]:
    return [found for token in tokens(text) if (found := word(token))]


def lowered(text: str) -> str:
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


TERMINAL = ".?!\"'”’。！？…」』؟۔।։"


def line_share(part: float, whole: float) -> float | None:
    return part / whole if whole >= 3 else None


def item(line: str) -> bool:
    if line[0] in "*-–":
        return len(line) > 1 and line[1].isspace() and not (line[0] != "*" and line[-1] in TERMINAL)
    return line[0] in "•‣▪●◦⁃∙·ㆍ‧"


def top(tokens_: list[str], n: int) -> float | None:
    grams = [tuple(map(lowered, tokens_[i : i + n])) for i in range(len(tokens_) - n + 1)]
    counts = Counter(grams)
    most = max(counts.values(), default=0)
    if not tokens_:
        return None
    if most < 2:
        return 0.0
    covered = []
    for gram, count in counts.items():
        if count == most:
            places = {j for i, other in enumerate(grams) if other == gram for j in range(i, i + n)}
            covered.append(sum(len(tokens_[j]) for j in places))
    return max(covered) / sum(map(len, tokens_))


def duplicate(tokens_: list[str], n: int) -> float | None:
    grams = [tuple(map(lowered, tokens_[i : i + n])) for i in range(len(tokens_) - n + 1)]
    counts = Counter(grams)
    places = {j for i, gram in enumerate(grams) if counts[gram] > 1 for j in range(i, i + n)}
    return share(sum(len(tokens_[j]) for j in places), sum(map(len, tokens_)))


def repeats(items: list[str]) -> list[str]:
    seen: set[str] = set()
    again = []
    for item in items:
        if item in seen:
            again.append(item)
        seen.add(item)
    return again


def measure(text: str, stop_words: set[str], endings: set[str]) -> dict[str, float | None]:
    all_tokens, found = tokens(text), words(text)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [
        "\n".join(line.strip() for line in block.split("\n"))
        for block in re.split(r"\n(?:[^\S\n]*\n)+", text.strip())
        if block.strip()
    ]
    characters = sum(map(len, lines))
    hits = {f"word {lowered(w)}" for w in found if lowered(w) in stop_words}
    for w in found:
        for length in (3, 2, 1):
            if len(w) > length and w[-length:] in endings:
                hits.add(f"ending {w[-length:]}")
                break
    values: dict[str, float | None] = {
        "gopher.words": len(found),
        "gopher.mean_word_length": share(sum(map(len, found)), len(found)),
        "gopher.symbol_ratio_hash": share(text.count("#"), len(found)),
        "gopher.symbol_ratio_ellipsis": share(text.count("...") + text.count("…"), len(found)),
        "gopher.bullet_lines": line_share(sum(map(item, lines)), len(lines)),
        "gopher.ellipsis_lines": line_share(sum(line.endswith(("...", "…")) for line in lines), len(lines)),
        "gopher.alphabetic_words": share(
            sum(any(unicodedata.category(c)[0] == "L" for c in token) for token in all_tokens), len(all_tokens)
        ),
        "gopher.stop_words": len(hits),
        "gopher.duplicate_lines": line_share(len(repeats(lines)), len(lines)),
        "gopher.duplicate_paragraphs": line_share(len(repeats(paragraphs)), len(paragraphs)),
        "gopher.duplicate_line_characters": share(sum(map(len, repeats(lines))), characters),
        "gopher.duplicate_paragraph_characters": share(
            sum(len(p.replace("\n", "")) for p in repeats(paragraphs)), characters
        ),
        "fineweb.line_punctuation": line_share(sum(line[-1] in TERMINAL for line in lines), len(lines)),
        "fineweb.short_lines": line_share(sum(len(line) <= 30 for line in lines), len(lines)),
        "fineweb.new_lines": share(text.count("\n"), len(found)),
        "c4.long_lines": sum(len(line) >= 200 for line in lines),
    }
    for n in range(2, 5):
        values[f"gopher.top_{n}_gram"] = top(found, n)
    for n in range(5, 11):
        values[f"gopher.duplicate_{n}_gram"] = duplicate(found, n)
    return values
