"""What a fine-tuning gained on its target, and what it forgot of everything else.

    gain        bits a byte of the target's held-out text before, less after
    forgetting  bits a byte of all other held-out text after, less before; and by source and language

Both are paired over the same documents, with standard errors over them. The accuracies of the probe suite are
reported too. (Catastrophic forgetting: McCloskey and Cohen 1989; of adapters: Biderman et al. 2024, "LoRA Learns Less
and Forgets Less", arXiv:2405.09673.)
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.training.evaluation import (
    Estimate,
    HeldOutBits,
    LanguageModel,
    evaluate,
    held_out_bits,
    probe_tasks,
    ratio,
)


@dataclass(frozen=True)
class ModelScores:
    """What a model scores before or after a fine-tuning."""

    bits: HeldOutBits
    probes: dict[str, float]
    """Accuracy by task; empty where none was asked, without tasks whose items are longer than the model reads."""


@dataclass(frozen=True)
class Change:
    """The difference between two sets of scores."""

    gain: Estimate
    """Bits a byte of the target saved."""
    forgetting: Estimate | None
    """Bits a byte of all else lost; None where there is nothing else."""
    by_source: dict[str, Estimate]
    """Bits a byte lost (below 0: saved), for each source but the target."""
    by_language: dict[str, Estimate]
    """The same by language, without the target."""
    probes: float | None
    """Mean accuracy over the probe tasks after, less before."""

    def json(self) -> dict[str, Any]:
        def as_dict(estimate: Estimate | None) -> dict[str, Any] | None:
            return None if estimate is None else {"value": estimate.value, "error": estimate.error}

        return {
            "gain": as_dict(self.gain),
            "forgetting": as_dict(self.forgetting),
            "by_source": {name: as_dict(estimate) for name, estimate in self.by_source.items()},
            "by_language": {name: as_dict(estimate) for name, estimate in self.by_language.items()},
            "probes": self.probes,
        }


def score_model(
    model: LanguageModel, shards: str | Path, *, tokens: int | None = None, probes: int | None = 50
) -> ModelScores:
    """Held-out bits of all sources, and the probe suite with `probes` items a task (None: without it).

    `tokens`: read documents of so many tokens at most, the same ones for every model.
    """
    bits = held_out_bits(model, shards, tokens=tokens, overlap=0.0)
    if not probes:
        return ModelScores(bits, {})
    accuracies = {}
    for task in probe_tasks():
        with suppress(UsageError):  # a task whose items are longer than the model reads
            accuracies[task.name] = evaluate(model, task, limit=probes).tasks[0].accuracy.value
    return ModelScores(bits, accuracies)


def change(before: ModelScores, after: ModelScores, target: str | None) -> Change:
    """What lies between two scores of one model on the same documents. `target`: the source that was learned, None
    where all of them were. Raises CorpuskitError for scores on other documents, or a target without any."""
    old, new = before.bits.documents, after.bits.documents
    if old.column("id").to_pylist() != new.column("id").to_pylist():
        raise CorpuskitError("the two measurements read other documents")
    source = np.asarray(old.column("source").to_pylist(), object)
    learned = source == target if target is not None else np.ones(len(source), bool)
    if not learned.any():
        raise CorpuskitError(f"nothing of the source '{target}' is held out: the gain cannot be measured")
    lost, rest = _lost(old, new), ~learned
    gain = lost(learned)
    assert gain is not None
    known = before.probes.keys() & after.probes.keys()
    return Change(
        gain=Estimate(-gain.value, gain.error, gain.count),
        forgetting=lost(rest),
        by_source=_groups(lost, source, rest),
        by_language=_groups(lost, np.asarray(old.column("language").to_pylist(), object), rest),
        probes=sum(after.probes[task] - before.probes[task] for task in known) / len(known) if known else None,
    )


def _lost(old: pa.Table, new: pa.Table) -> Any:
    """A function of rows (bool[n]) -> bits a byte that they cost more in the second table; None for no bytes."""
    bits = (new.column("text_nats").to_numpy() - old.column("text_nats").to_numpy()) / math.log(2)
    size, ids = old.column("text_bytes").to_numpy(), np.asarray(old.column("id").to_pylist(), object)

    def lost(rows: Any) -> Estimate | None:
        return ratio(bits[rows], size[rows], list(ids[rows])) if size[rows].sum() > 0 else None

    return lost


def _groups(lost: Any, names: Any, rows: Any) -> dict[str, Estimate]:
    estimates = {str(name): lost(rows & (names == name)) for name in sorted({str(name_) for name_ in names[rows]})}
    return {name: estimate for name, estimate in estimates.items() if estimate is not None}
