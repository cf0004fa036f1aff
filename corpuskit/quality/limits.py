"""The limits of a language from a sample of its texts, by matching quantiles.

A published limit cuts some share of English texts; the limit of another language cuts the same share of good texts in
that language (Penedo et al. 2025, "FineWeb2: One Pipeline to Scale Them All", arXiv:2506.20920, the method "quantile").
Where the English limit cuts under one in a hundred, which a few hundred texts cannot place, it moves by the ratio of
the 99th percentiles (the 1st, for lower limits).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import yaml

from corpuskit.document import column
from corpuskit.errors import UsageError
from corpuskit.inputs import Languages, Texts, as_languages, as_texts
from corpuskit.quality.languages import DATA, rule_table
from corpuskit.quality.measure import measure

FEWEST_TEXTS = 100
"""Fewer texts place no quantile."""
FEWEST_WORDS = 50
"""Shorter texts are left out, as they were of the English sample. Where no spaces part words, characters."""
RARE = 0.01
"""A share that a few hundred texts cannot place."""


class DerivedLimit(NamedTuple):
    """The limit of one rule for the language of a sample."""

    rule: str
    published: float
    limit: float
    texts: int
    """Texts of the sample that have the value."""
    cuts: float
    """The share of them that the derived limit drops."""
    published_cuts: float
    """The share of them that the published limit drops."""


def derive_limits(texts: Texts, language: Languages = None) -> list[DerivedLimit]:
    """The limits that cut as much of good texts in one language as the published limits cut of English.

    Raises InputError for what are not texts or languages, UsageError for fewer than FEWEST_TEXTS texts of FEWEST_WORDS
    words, and for texts in several languages.
    """
    given = as_texts(texts)
    languages = as_languages(language, len(given))
    codes = sorted(set(languages.drop_null().to_pylist()))
    if len(codes) > 1:
        raise UsageError(f"the sample is in {len(codes)} languages ({', '.join(codes)}): choose one with --language")
    measured = pa.RecordBatch.from_arrays([measure(given, languages)], ["quality"])
    words = column(measured, "quality.gopher.words").to_numpy(zero_copy_only=False)
    long_enough = np.nan_to_num(words) >= FEWEST_WORDS
    if long_enough.sum() < FEWEST_TEXTS:
        raise UsageError(
            f"{int(long_enough.sum())} texts of {FEWEST_WORDS} words or more: limits need at least {FEWEST_TEXTS}"
        )
    definitions = {rule: value for rules in rule_table().values() for rule, value in rules.items()}
    english = yaml.safe_load((DATA / "english.yaml").read_text(encoding="utf-8"))
    derived = []
    for rule, (cut, edge) in english.items():
        definition = definitions[rule]
        limit, upper = float(definition["limit"]), definition["keep"] == "<="
        values = column(measured, f"quality.{definition.get('measurement', rule)}").to_numpy(zero_copy_only=False)
        known = values[long_enough].astype(np.float64)
        known = known[~np.isnan(known)]
        if len(known) < FEWEST_TEXTS:
            continue
        if cut >= RARE:
            found = float(np.quantile(known, 1 - cut if upper else cut))
        else:
            own = float(np.quantile(known, 1 - RARE if upper else RARE))
            found = limit * own / edge if own > 0 and edge > 0 else limit
        dropped = (known > found).mean() if upper else (known < found).mean()
        before = (known > limit).mean() if upper else (known < limit).mean()
        derived.append(DerivedLimit(rule, limit, float(f"{found:.3g}"), len(known), float(dropped), float(before)))
    return derived
