"""From the names of rules to the rules of the engine, with the limits of each language.

`gopher` is `gopher_quality` and `gopher_repetition` together; the other sets are as in `data/default.yaml`. A rule may
also be named alone (`gopher.top_2_gram`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpuskit.engine.rule import Rule
from corpuskit.errors import UsageError, nearest
from corpuskit.quality.languages import languages, rule_table, settings

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

    A limit given here holds for every language; otherwise the limits of a language's file do, unless `by_language` is
    false; its limits for morphemes go before the others where stop words and endings are `analysed`. Raises UsageError
    for a name that is no rule, and for a limit of a rule that is not chosen.
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
    own = {code: _own_limits(code, analysed) for code in languages()} if by_language else {}
    return [_rule(name, definitions[name], limits.get(name), own) for name in chosen]


def _own_limits(language: str, analysed: bool) -> dict[str, float]:
    found = settings(language)
    return {**found["limits"], **(found.get("limits_of_morphemes", {}) if analysed else {})}


def _rule(
    name: str, definition: Mapping[str, Any], limit: float | bool | None, own: Mapping[str, Mapping[str, float]]
) -> Rule:
    keep = definition["keep"]
    if limit is not None and isinstance(limit, bool) != (keep == "is"):
        raise UsageError(f"quality: the limit of '{name}' is {'true or false' if keep == 'is' else 'a number'}")
    return Rule(
        name=name,
        measurement=f"quality.{definition.get('measurement', name)}",
        keep=keep,
        limit=definition["limit"] if limit is None else limit,
        by_language={} if limit is not None else {code: found[name] for code, found in own.items() if name in found},
    )
