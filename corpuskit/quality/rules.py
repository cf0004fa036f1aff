"""From the names of rules to the rules of the engine, with the limits of each language.

`gopher` is `gopher_quality` and `gopher_repetition` together; the other sets are as in `data/default.yaml`. A rule may
also be named alone (`gopher.top_2_gram`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from corpuskit.engine.rule import Rule
from corpuskit.errors import UsageError, nearest
from corpuskit.quality.languages import languages, rule_table, settings, units

TOLERANCE = 0.2
"""Limits that are scaled by one parallel text, instead of measured on many, are this much looser."""

_UNIONS = {"gopher": ("gopher_quality", "gopher_repetition")}


def rule_sets() -> dict[str, tuple[str, ...]]:
    """The names of the rules in each set, in the order in which the ledger names them."""
    table = rule_table()
    sets = {name: tuple(rules) for name, rules in table.items()}
    return {**{name: tuple(rule for part in parts for rule in table[part]) for name, parts in _UNIONS.items()}, **sets}


def select(
    names: Sequence[str], limits: Mapping[str, float | bool], by_language: bool = True, analysed: bool = False
) -> list[Rule]:
    """The rules that `names` (sets or single rules) choose, with `limits` in place of their own.

    A limit given here holds for every language; otherwise `limit_of` says it, unless `by_language` is false. Limits for
    morphemes go before the others where stop words and endings are `analysed`. Raises UsageError for a name that is no
    rule, and for a limit of a rule that is not chosen.
    """
    definitions = {rule: value for rules in rule_table().values() for rule, value in rules.items()}
    sets = rule_sets()
    chosen: dict[str, None] = {}
    for name in names:
        if name not in sets and name not in definitions:
            raise UsageError(f"quality: '{name}' is no rule or set of rules{nearest(name, [*sets, *definitions])}")
        chosen.update(dict.fromkeys(sets.get(name, (name,))))
    for name in limits:
        if name not in definitions:
            raise UsageError(f"quality: limits name '{name}', which is no rule{nearest(name, definitions)}")
        if name not in chosen:
            raise UsageError(f"quality: limits name '{name}', which 'rules' does not choose; add it to 'rules'")
    return [_rule(name, definitions[name], limits.get(name), by_language, analysed) for name in chosen]


def _rule(
    name: str, definition: Mapping[str, Any], limit: float | bool | None, by_language: bool, analysed: bool
) -> Rule:
    keep = definition["keep"]
    if limit is not None and isinstance(limit, bool) != (keep == "is"):
        raise UsageError(f"quality: the limit of '{name}' is {'true or false' if keep == 'is' else 'a number'}")
    own: dict[str, float] = {}
    others = None
    if limit is None and by_language and keep != "is":
        known = units()
        codes = {*languages(), *known.words, *known.characters, *known.unmarked_sentences}
        own = {code: limit_of(name, code, analysed) for code in sorted(codes)}
        others = limit_of(name, None, analysed)
        own = {code: value for code, value in own.items() if value != others}
        others = None if others == definition["limit"] else others
    return Rule(
        name=name,
        measurement=f"quality.{definition.get('measurement', name)}",
        keep=keep,
        limit=definition["limit"] if limit is None else limit,
        by_language=own,
        other_languages=others,
    )


def limit_of(name: str, language: str | None, analysed: bool = False) -> float:
    """The limit of a rule for documents in a language; None: one without a file or a unit. Infinite: it does not hold.

    The file of the language says it. For the other rules on words, the limit for English is scaled by the number and
    length of words in one parallel text, and loosened by TOLERANCE. In languages cut into characters, limits on runs of
    n characters are those of the runs of words that say as much. Rules on sentences do not hold where nothing marks
    their ends.
    """
    definitions = {rule: value for rules in rule_table().values() for rule, value in rules.items()}
    definition = definitions[name]
    limit, upper = float(definition["limit"]), definition["keep"] == "<="
    never = math.inf if upper else -math.inf
    if language in languages():
        file = settings(language)
        own = {**file["limits"], **(file.get("limits_of_morphemes", {}) if analysed else {})}
        return float(own.get(name, limit))
    unit, known = definition.get("unit"), units()
    if unit == "sentences":
        return never if language in known.unmarked_sentences else limit
    if unit != "words":
        return limit
    loose = 1 + TOLERANCE if upper else 1 - TOLERANCE
    if language in known.words:
        words, length = known.words[language]
        scale = {"words": words, "mean_word_length": length}.get(name.partition("_")[2])
        return limit if scale is None else round(limit * scale * loose, 2)
    if language in known.characters:
        characters = known.characters[language]
        if name in ("gopher.min_words", "gopher.max_words"):
            return round(limit * characters * loose, 2)
        run = re.fullmatch(r"gopher\.duplicate_(\d+)_gram", name)
        alike = f"gopher.duplicate_{int(run[1]) / characters:.0f}_gram" if run else ""
        return float(definitions[alike]["limit"]) if alike in definitions else never
    return never
