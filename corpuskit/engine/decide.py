"""From measurements to fates: which rules each document of a batch breaks, and what the ledger says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.document import column
from corpuskit.engine.rule import Rule
from corpuskit.errors import CorpuskitError

DECISIONS = "_decisions"

DECISION = pa.struct(
    [
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.string()),
        ("limit", pa.string()),
        ("evidence", pa.string()),  # a JSON object: measurement path -> value
    ]
)


def decide(batch: pa.RecordBatch, stage: str, rules: Sequence[Rule]) -> dict[int, list[dict[str, str]]]:
    """The broken rules of each row that breaks any, in the rules' order.

    Raises CorpuskitError where a rule names a measurement that the stage did not make.
    """
    decisions: dict[int, list[dict[str, str]]] = {}
    for rule in rules:
        try:
            broken = rule.breaks(batch)
            evidence = {path: column(batch, path) for path in rule.evidence}
        except KeyError as error:
            raise CorpuskitError(
                f"rule '{rule.name}' of stage '{stage}' reads {', '.join([rule.measurement, *rule.evidence])}, "
                f"and no stage before it made the measurement {error}"
            ) from error
        rows = np.flatnonzero(broken.to_numpy(zero_copy_only=False))
        if not len(rows):
            continue
        picked = batch.take(pa.array(rows))
        values = column(picked, rule.measurement).to_pylist()
        languages = picked.column("language").to_pylist()
        for position, row in enumerate(rows):
            found = {path: value for path in evidence if (value := evidence[path][int(row)].as_py()) is not None}
            decisions.setdefault(int(row), []).append(
                {
                    "stage": stage,
                    "rule": rule.name,
                    "value": shown(values[position]),
                    "limit": f"{rule.keep} {shown(rule.limit_for(languages[position]))}",
                    "evidence": json.dumps(found, ensure_ascii=False, default=str),
                }
            )
    return decisions


def shown(value: Any) -> str:
    """A measurement or limit as people read it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return str(value)
