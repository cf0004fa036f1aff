"""Personal data that the model gives away: completed behind its true context, and how far it stands out of its like.

For each type, source and number of documents that have a value: `extractable` where greedy decoding writes it after the
text that stands before it (Lukas et al. 2023, arXiv:2302.00539, true prefix); `attributable` where it does not come out
behind the text before another value; exposure (arXiv:1802.08232) among candidates of its form. Of numbers those are
fresh digits in the same places; of what has letters, values of other documents: random letters would never compete.
The same is measured on values of the held-out text, which the model never saw: what chance and common values give.

What is personal is told by the caller. No value is kept or written anywhere: only counts, and ids of documents.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from corpuskit.errors import MissingExtra
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.windows import planted
from corpuskit.memorization.measures.extraction import Score
from corpuskit.memorization.measures.identifiers import BEFORE, fresh
from corpuskit.memorization.measures.ranking import LONGEST, exposure_summary, rank_secrets
from corpuskit.memorization.measures.statistics import NULL_EXPOSURE, clopper_pearson
from corpuskit.tokens import Shards

SCANNED = 20_000
"""Documents, drawn at random, in which personal data is looked for."""
CANDIDATES = 63
"""Other strings beside each value, where there are as many: an exposure of up to 6 bits."""
COMMON = ((1, 1, "1"), (2, 7, "2-7"), (8, 1 << 60, "8+"))


class Finding(Protocol):
    """A stretch of a text that is personal; characters from `start` to before `end`."""

    @property
    def type(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


Find = Callable[[list[str]], Sequence[Sequence[Finding]]]
"""Personal data in each of some texts."""


def personal_finder() -> Find | None:
    """What finds personal data for an audit, or None where the extra `privacy` is not installed."""
    from corpuskit.privacy import find

    try:
        find(["ask kim@example.org or +82 10-1234-5678"])
    except MissingExtra:
        return None
    return find


@dataclass(frozen=True)
class Value:
    type: str
    text: str
    before: str
    document: str
    source: str
    documents: int
    """How many of the scanned documents have it; of documents with the same text, each counts."""


def find_values(shards: Shards, find: Find, seed: int) -> list[Value]:
    """Each distinct value of the documents that are scanned, at its first place there, if any text stands before it."""
    places = [
        (number, int(row)) for number, shard in enumerate(shards.shards) for row in np.flatnonzero(~planted(shard))
    ]
    chosen = np.sort(np.random.default_rng(seed + 9).choice(len(places), min(SCANNED, len(places)), replace=False))
    first: dict[tuple[str, str], tuple[str, str, str]] = {}
    having: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
    for start in range(0, len(chosen), 256):
        rows = [places[place] for place in chosen[start : start + 256]]
        texts = [shards.tokenizer.decode(shards.shards[number].document(row)) for number, row in rows]
        for (number, row), text, findings in zip(rows, texts, find(texts), strict=True):
            about = shards.shards[number].describe(row)
            for one in findings:
                key = (one.type, text[one.start : one.end])
                having[key].add((number, row))
                before = text[max(0, one.start - BEFORE) : one.start]
                if before.strip():
                    first.setdefault(key, (before, str(about["id"]), str(about["source"])))
    return [Value(*key, *about, len(having[key])) for key, about in sorted(first.items())]


def personal_section(
    score: Score, train: Shards, held_out: Shards, find: Find, config: AuditConfig, longest: int = LONGEST
) -> dict[str, Any] | None:
    """Rates and exposures of training and held-out values by type, source and documents; None without any value.

    Passages are cut to `longest` tokens.
    """
    groups: list[dict[str, Any]] = []
    shown: set[str] = set()
    for split, shards in (("train", train), ("held_out", held_out)):
        values = find_values(shards, find, config.seed)
        for kind in sorted({value.type for value in values}):
            every = [value for value in values if value.type == kind]
            some = sorted(every, key=lambda value: _lot(value.text, config.seed))[: config.personal]
            found, out = _measured(score, f"personal_{split}_{kind}", shards, some, every, config, longest)
            groups += [{"split": split, "type": kind, **group} for group in found]
            shown |= out if split == "train" else set()
    if not groups:
        return None
    return {"null": NULL_EXPOSURE, "groups": groups, "documents": sorted(shown)}


def candidates(value: Value, every: Sequence[Value], chance: random.Random) -> list[str]:
    """Other strings of the value's form: with fresh digits, or values of the same type, where it has letters."""
    if not any(character.isalpha() for character in value.text):
        return [fresh(value.text, "number", chance) for _ in range(CANDIDATES)]
    others = sorted({one.text for one in every} - {value.text})
    return chance.sample(others, min(CANDIDATES, len(others)))


def _measured(
    score: Score, name: str, shards: Shards, some: list[Value], every: list[Value], config: AuditConfig, longest: int
) -> tuple[list[dict[str, Any]], set[str]]:
    """Groups by source and documents, and the documents whose values come out and are attributable."""
    chance = random.Random(f"personal:{name}:{config.seed}")
    own = [value.text for value in some]
    others = [candidates(value, every, chance) for value in some]
    ranked = rank_secrets(score, name, shards.tokenizer, [value.before for value in some], own, others, longest)
    strangers = [[other.before for other in every if other.document != value.document] for value in some]
    foreign = [chance.choice(prefixes) if prefixes else "" for prefixes in strangers]
    behind = rank_secrets(score, f"{name}_other_prefix", shards.tokenizer, foreign, own, [[] for _ in some], longest)
    # without another document's text to put before it, nothing can be told from predictable
    told = np.array([bool(prefix) for prefix in foreign])
    attributable = ranked.extracted & told & ~behind.extracted
    groups = []
    for source in sorted({value.source for value in some}):
        for low, high, label in COMMON:
            mine = np.array([value.source == source and low <= value.documents <= high for value in some])
            if not mine.any():
                continue
            hits, count = int(ranked.extracted[mine].sum()), int(mine.sum())
            bounds = clopper_pearson(hits, count, config.confidence)
            groups.append(
                {
                    "source": source,
                    "documents": label,
                    "values": count,
                    "extractable": hits,
                    "rate": hits / count,
                    "low": bounds[0],
                    "high": bounds[1],
                    "attributable": int(attributable[mine].sum()),
                    "candidates": min(1 + len(others[place]) for place in np.flatnonzero(mine)),
                    **exposure_summary(ranked, mine),
                }
            )
    return groups, {value.document for value, out in zip(some, attributable, strict=True) if out}


def _lot(text: str, seed: int) -> bytes:
    """An order that has nothing to do with the text."""
    return hashlib.blake2b(f"{seed}:{text}".encode(), digest_size=8).digest()
