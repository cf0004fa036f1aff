"""How well a tokenizer fits a corpus: bytes of text a token, by source and by language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corpuskit.tokens.shards import Counts, Manifest, SplitName


@dataclass(frozen=True)
class Statistic:
    """Counts of a part of a split."""

    split: SplitName
    by: Literal["all", "source", "language"]
    name: str
    """The source or the language; 'all' for the whole split."""
    counts: Counts


def token_statistics(manifest: Manifest) -> list[Statistic]:
    """The counts of each split: whole, by source, by language. A split without documents has no rows."""
    found: list[Statistic] = []
    splits: tuple[SplitName, ...] = ("train", "held_out")
    for split in splits:
        entry = manifest.split(split)
        if not entry.documents:
            continue
        whole = Counts(documents=entry.documents, tokens=entry.tokens, text_bytes=entry.text_bytes)
        found.append(Statistic(split, "all", "all", whole))
        found += [Statistic(split, "source", name, counts) for name, counts in entry.by_source.items()]
        found += [Statistic(split, "language", name, counts) for name, counts in entry.by_language.items()]
    return found
