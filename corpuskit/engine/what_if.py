"""Deciding a finished run again with other limits, from what was measured, without measuring anything.

A document that was dropped early has no measurements of the later stages (unless the run was a survey): where no rule
would drop it on what is known, it is counted as *open*. What the whole corpus decides (duplicates) stays as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.document import column
from corpuskit.engine.ledger import measured
from corpuskit.engine.rule import Limit, Rule
from corpuskit.engine.stage import Stage
from corpuskit.errors import UsageError, nearest

SAMPLES = 3


@dataclass
class WhatIf:
    """What would change."""

    before: Counter[str] = field(default_factory=Counter)
    """Documents dropped by each rule (the first that each breaks) with the run's own limits; 'kept' for the rest."""
    after: Counter[str] = field(default_factory=Counter)
    """The same with the new limits; 'open' where a stage that was never reached would decide."""
    by_source: dict[str, Counter[str]] = field(default_factory=dict)
    """Source -> {'kept before', 'kept after', 'open after'}."""
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """'would be dropped by …' or 'would be kept' -> a few documents (id, url, title, value)."""
    documents: int = 0


def rules_of(stages: Sequence[Stage]) -> list[Rule]:
    return [rule for stage in stages for rule in stage.rules()]


def changed_rules(rules: Sequence[Rule], limits: Mapping[str, Any]) -> list[Rule]:
    """The rules with new limits by name. Raises UsageError for an unknown name or a limit of the wrong sort."""
    known = {rule.name: rule for rule in rules}
    for name, limit in limits.items():
        if name not in known:
            raise UsageError(f"the run has no rule '{name}'{nearest(name, known)}")
        known[name] = known[name].with_limit(_limit(known[name], limit))
    return list(known.values())


def _limit(rule: Rule, limit: Any) -> Limit:
    if rule.keep == "in":
        return tuple(map(str, limit if isinstance(limit, list) else str(limit).split(",")))
    if rule.keep == "is":
        if not isinstance(limit, bool):
            raise UsageError(f"the rule '{rule.name}' takes true or false, not {limit!r}")
        return limit
    if isinstance(limit, bool) or not isinstance(limit, (int, float)):
        raise UsageError(f"the rule '{rule.name}' takes a number, not {limit!r}")
    return float(limit)


def what_if(folder: Path, stages: Sequence[Stage], limits: Mapping[str, Any]) -> WhatIf:
    """Decide every document of a run with its own limits and with new ones. Raises UsageError as `changed_rules`."""
    old = rules_of(stages)
    new = changed_rules(old, limits)
    found = WhatIf()
    for state, batch in measured(folder):
        first_old, first_new = _first_broken(batch, old), _first_broken(batch, new)
        if state == "dropped":
            # dropped for a reason that the measurements do not hold: by a rule of a stage of the user's since changed
            first_old = np.where(first_old < 0, len(old), first_old)
        _count(found, batch, state, first_old, first_new, old)
    return found


def _first_broken(batch: pa.RecordBatch, rules: Sequence[Rule]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Index of the first rule that each document breaks, -1 for none."""
    first = np.full(batch.num_rows, -1, np.int64)
    for number in range(len(rules) - 1, -1, -1):
        try:
            column(batch, rules[number].measurement)
        except KeyError:  # a stage that came after this part of the ledger was written
            continue
        first[rules[number].breaks(batch).to_numpy(zero_copy_only=False)] = number
    return first


def _count(
    found: WhatIf,
    batch: pa.RecordBatch,
    state: str,
    old: np.ndarray[Any, np.dtype[np.int64]],
    new: np.ndarray[Any, np.dtype[np.int64]],
    rules: Sequence[Rule],
) -> None:
    names = np.array([rule.name for rule in rules] + ["another rule"], dtype=object)
    spared = "open" if state == "dropped" else "kept"
    fates_old = np.where(old < 0, "kept", names[old])
    fates_new = np.where(new < 0, spared, names[new])
    found.documents += batch.num_rows
    found.before.update(fates_old.tolist())
    found.after.update(fates_new.tolist())
    sources = np.array(batch.column("source").to_pylist(), dtype=object)
    for source in sorted({str(name) for name in sources}):
        counts, mine = found.by_source.setdefault(source, Counter()), sources == source
        counts["kept before"] += int((fates_old[mine] == "kept").sum())
        counts["kept after"] += int((fates_new[mine] == "kept").sum())
        counts["open after"] += int((fates_new[mine] == "open").sum())
    for row in np.flatnonzero(fates_old != fates_new):
        label = f"{fates_old[row]} → {fates_new[row]}"
        if len(found.samples.setdefault(label, [])) < SAMPLES:
            decisive = int(new[row] if new[row] >= 0 else old[row])
            rule = rules[decisive] if decisive < len(rules) else None
            value = column(batch.slice(int(row), 1), rule.measurement)[0].as_py() if rule else None
            one = batch.slice(int(row), 1).select(["id", "url", "title"]).to_pylist()[0]
            found.samples[label].append({**one, "value": value})
