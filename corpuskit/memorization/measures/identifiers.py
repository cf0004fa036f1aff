"""Natural identifiers: hashes, UUIDs and long numbers of the corpus itself, as canaries that nobody had to plant.

An identifier was drawn at random once, so fresh random strings of the same form are what the model would have seen
instead: the identifier's rank among them is an exposure, without planting anything (Natural Identifiers for Privacy and
Data Audits in Large Language Models, 2026, arXiv:2606.24408). Numbers that people choose (prices, years, dates) are not
random; only runs of nine and more digits, phone numbers among them, are taken.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpuskit.memorization.corpus.windows import planted
from corpuskit.memorization.measures.extraction import Score
from corpuskit.memorization.measures.ranking import LONGEST, exposure_summary, rank_secrets
from corpuskit.memorization.measures.statistics import NULL_EXPOSURE, exposure
from corpuskit.tokens import Shards

SCANNED = 20_000
"""Training documents, drawn at random, in which identifiers are looked for."""
CANDIDATES = 127
"""Fresh strings beside each identifier: with itself 128, an exposure of up to 7 bits."""
BEFORE = 160
"""Characters of the text before an identifier that the model is given."""

FORMS = {
    "uuid": re.compile(r"(?<![0-9A-Za-z-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z-])"),
    "hash": re.compile(r"(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{16,64}(?![0-9A-Za-z])"),
    "number": re.compile(r"(?<![0-9A-Za-z.,-])[0-9](?:[ -]?[0-9]){8,15}(?![0-9A-Za-z,-]|[.][0-9])"),
}
DIGIT = re.compile("[0-9]")
HEX = re.compile("[0-9a-f]")


@dataclass(frozen=True)
class Identifier:
    form: str
    text: str
    before: str
    """What stands before its first occurrence."""
    document: str
    """Id of that document."""
    documents: int
    """How many of the scanned documents have it."""


def find_identifiers(shards: Shards, count: int, seed: int) -> list[Identifier]:
    """At most `count` identifiers of each form, drawn at random from the training documents that are scanned."""
    places = [
        (number, int(row)) for number, shard in enumerate(shards.shards) for row in np.flatnonzero(~planted(shard))
    ]
    chosen = np.sort(np.random.default_rng(seed + 5).choice(len(places), min(SCANNED, len(places)), replace=False))
    first: dict[tuple[str, str], tuple[str, str]] = {}
    documents: Counter[tuple[str, str]] = Counter()
    for place in chosen:
        number, row = places[place]
        shard = shards.shards[number]
        text = shards.tokenizer.decode(shard.document(row))
        seen = set()
        for form, pattern in FORMS.items():
            for match in pattern.finditer(text):
                key = (form, match[0])
                seen.add(key)
                if key not in first:
                    before = text[max(0, match.start() - BEFORE) : match.start()]
                    first[key] = (before, str(shard.table.column("id")[row].as_py()))
        documents.update(seen)
    found = []
    for form in FORMS:
        keys = sorted(key for key in first if key[0] == form and first[key][0].strip())
        # by digest: an order that has nothing to do with the text
        keys.sort(key=lambda key: hashlib.blake2b(f"{seed}:{key[1]}".encode(), digest_size=8).digest())
        found += [Identifier(*key, *first[key], documents[key]) for key in keys[:count]]
    return found


def fresh(identifier: str, form: str, chance: random.Random) -> str:
    """A random string of the same form: new digits in a number, new hex digits in a hash or UUID."""
    pattern, alphabet = (DIGIT, "0123456789") if form == "number" else (HEX, "0123456789abcdef")
    return pattern.sub(lambda _: chance.choice(alphabet), identifier)


def identifier_section(
    score: Score, shards: Shards, count: int, seed: int, longest: int = LONGEST
) -> dict[str, Any] | None:
    """Exposure of the identifiers by form and by documents that have them; None where there are none.

    Passages are cut to `longest` tokens.

    No identifier is shown: only the ids of the documents whose own ranks first among its candidates.
    """
    found = find_identifiers(shards, count, seed) if count else []
    if not found:
        return None
    chance = random.Random(f"identifiers:{seed}")
    others = [[fresh(one.text, one.form, chance) for _ in range(CANDIDATES)] for one in found]
    before, own = [one.before for one in found], [one.text for one in found]
    ranked = rank_secrets(score, "identifiers", shards.tokenizer, before, own, others, longest)
    groups = []
    for form in FORMS:
        for name, low, high in (("1", 1, 1), ("2-7", 2, 7), ("8+", 8, 1 << 60)):
            mine = np.array([one.form == form and low <= one.documents <= high for one in found])
            if mine.any():
                summary = exposure_summary(ranked, mine)
                groups.append({"form": form, "documents": name, "identifiers": int(mine.sum()), **summary})
    return {
        "candidates": CANDIDATES + 1,
        "most": exposure(1, CANDIDATES + 1),
        "null": NULL_EXPOSURE,
        "groups": groups,
        "ranked_first": sorted({one.document for one, rank in zip(found, ranked.ranks, strict=True) if rank == 1}),
    }
