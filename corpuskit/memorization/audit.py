"""The audit: how much of its training text a model completes verbatim, beside text that it never saw, and its canaries.

A window of prefix and suffix is *extractable* when greedy decoding from the prefix gives the suffix token by token
(Carlini et al. 2022, Quantifying Memorization, arXiv:2202.07646, definition 3.1). One teacher-forced pass decides it:
greedy decoding emits the suffix exactly when every suffix token is the model's first choice given the true tokens
before it. The same pass gives the probability of the suffix under sampling, and from it in how many samples it comes up
(Hayes et al. 2024, arXiv:2410.19482). Since fluent text can be guessed, the same is measured on the held-out split, and
every hit is tried again behind another window's prefix: what comes out then was predictable, not remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import replacing, write_json
from corpuskit.memorization.canaries import CanaryPlan
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.exposure import Exposure
from corpuskit.memorization.exposure import measure as measure_exposure
from corpuskit.memorization.masking import masked
from corpuskit.memorization.model import CausalModel
from corpuskit.memorization.statistics import clopper_pearson, cluster_bootstrap, tries_until
from corpuskit.memorization.windows import Windows, copies_in, sample_windows
from corpuskit.tokens import Shards, open_shards

Watch = Callable[..., None]
HITS = 50
"""Hits that the summary names; the table windows.parquet has all."""


@dataclass(frozen=True)
class AuditResult:
    folder: Path
    value: dict[str, Any]
    """What summary.json holds."""

    def summary(self) -> dict[str, Any]:
        train, held = self.value["extraction"]["train"], self.value["extraction"]["held_out"]
        return {"rate": train["rate"], "held_out_rate": held["rate"], "windows": train["windows"]}

    def sentence(self) -> str:
        found = self.value["extraction"]
        train, held = found["train"], found["held_out"]
        text = (
            f"{train['extracted']:,} of {train['windows']:,} training windows come out verbatim "
            f"({train['rate']:.2%} [{train['low']:.2%}, {train['high']:.2%}]); "
            f"held out {held['extracted']:,} of {held['windows']:,} ({held['rate']:.2%})"
        )
        planted = [group for group in self.value["exposure"] if group["copies"]]
        if planted:
            most = planted[-1]
            text += f"; canaries planted {most['copies']} times: exposure {most['mean']:.1f} of {most['most']:.1f} bits"
        return text


def audit(
    model: str | Path,
    shards: str | Path,
    folder: str | Path,
    config: AuditConfig | None = None,
    *,
    canaries: str | Path | None = None,
    watch: Watch = lambda message, done, total: None,
) -> AuditResult:
    """Audit a model folder against the shards that it was trained on; writes summary.json and windows.parquet.

    `canaries`: the plan that was registered before training (`CanaryPlan.write`). Raises UsageError where the model is
    no causal one, or has another context or vocabulary than the shards need.
    """
    config = config or AuditConfig()
    folder = Path(folder)
    causal = CausalModel(model)
    train, held_out = open_shards(shards, "train"), open_shards(shards, "held_out")
    causal.check_vocabulary(train.manifest.tokenizer.vocabulary)
    tables: list[pa.Table] = []
    rates: dict[str, Any] = {}
    for split in (train, held_out):
        windows = sample_windows(split, config.windows, config.prefix + config.suffix, config.seed)
        table = _extraction(causal, split, windows, config, watch)
        table = table.append_column("copies", pa.array(copies_in(train, windows.tokens)))
        tables.append(table)
        rates[split.name] = _rate(table, config)
    found = pa.concat_tables(tables)
    with replacing(folder / "windows.parquet") as temporary:
        pq.write_table(found, temporary, compression="zstd")
    plan = CanaryPlan.read(Path(canaries)) if canaries is not None else None
    exposures = _exposures(causal, train, plan, watch)
    value = {
        "extraction": {"prefix": config.prefix, "suffix": config.suffix, **rates},
        "by_copies": _by_copies(tables[0], config),
        "canaries": [
            {
                "id": one.canary.name,
                "language": one.canary.language,
                "copies": one.canary.copies,
                "exposure": round(one.bits, 4),
                "max_exposure": round(one.most, 4),
                "rank": one.rank,
            }
            for one in exposures
        ],
        "exposure": _exposure_groups(exposures),
        "canaries_survived": _survival(train, plan),
        "hits": _hits(found),
    }
    write_json(folder / "summary.json", value)
    return AuditResult(folder, value)


def _extraction(model: CausalModel, shards: Shards, windows: Windows, config: AuditConfig, watch: Watch) -> pa.Table:
    length = config.prefix + config.suffix
    match = np.zeros((len(windows), length - 1), np.bool_)
    logs = np.zeros((len(windows), length - 1), np.float32)
    for start in range(0, len(windows), config.batch):
        watch(f"scoring {shards.name} windows", start, len(windows))
        scores = model.score(windows.tokens[start : start + config.batch])
        match[start : start + config.batch], logs[start : start + config.batch] = scores.match, scores.log_probability
    suffix_log = logs[:, config.prefix - 1 :].astype(np.float64).sum(1)
    extracted = np.asarray(match[:, config.prefix - 1 :].all(1))
    attributable = extracted & ~_with_other_prefixes(model, windows, extracted, config)
    about = [shards.shards[s].describe(int(r)) for s, r in zip(windows.shard, windows.row, strict=True)]
    texts: list[str | None] = [None] * len(windows)
    for place in np.flatnonzero(extracted):
        texts[place] = masked(shards.tokenizer.decode(windows.tokens[place].tolist()))
    return pa.table(
        {
            "split": pa.array([shards.name] * len(windows), pa.string()),
            **{
                name: pa.array([row[name] for row in about], pa.string())
                for name in ("id", "url", "source", "language")
            },
            "position": pa.array(windows.position),
            "extracted": pa.array(extracted),
            "attributable": pa.array(attributable),
            "matched": pa.array(match[:, config.prefix - 1 :].mean(1) if len(windows) else np.zeros(0)),
            "log10_probability": pa.array(suffix_log / np.log(10)),
            "samples_for_half": pa.array(tries_until(suffix_log, 0.5)),
            "text": pa.array(texts, pa.string()),
        }
    )


def _with_other_prefixes(
    model: CausalModel, windows: Windows, extracted: np.ndarray[Any, np.dtype[np.bool_]], config: AuditConfig
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """bool[windows]: extracted windows whose suffix comes out behind the prefix of another document's window too."""
    found = np.zeros(len(windows), np.bool_)
    hits = np.flatnonzero(extracted)
    if not len(hits):
        return found
    document = windows.shard * (1 << 32) + windows.row
    chance = np.random.default_rng(config.seed + 1)
    other = np.empty(len(hits), np.int64)
    for place, hit in enumerate(hits):
        strangers = np.flatnonzero(document != document[hit])
        other[place] = chance.choice(strangers) if len(strangers) else hit
    mixed = np.concatenate([windows.tokens[other, : config.prefix], windows.tokens[hits, config.prefix :]], axis=1)
    for start in range(0, len(hits), config.batch):
        scores = model.score(mixed[start : start + config.batch])
        found[hits[start : start + config.batch]] = scores.match[:, config.prefix - 1 :].all(1)
    return found


def _rate(table: pa.Table, config: AuditConfig) -> dict[str, Any]:
    hits = table.column("extracted").to_numpy()
    low, high = clopper_pearson(int(hits.sum()), len(hits), config.confidence)
    _, documents = np.unique(np.array(table.column("id").to_pylist(), dtype=str), return_inverse=True)
    by_document = cluster_bootstrap(hits, documents, config.confidence, seed=config.seed)
    samples = table.column("samples_for_half").to_numpy()
    return {
        "windows": len(hits),
        "documents": int(documents.max()) + 1 if len(hits) else 0,
        "extracted": int(hits.sum()),
        "rate": float(hits.mean()) if len(hits) else 0.0,
        "low": low,
        "high": high,
        "low_by_document": by_document[0],
        "high_by_document": by_document[1],
        "attributable": int(table.column("attributable").to_numpy().sum()),
        "matched": float(np.mean(table.column("matched").to_numpy())) if len(hits) else 0.0,
        "discoverable": {str(n): int((samples <= n).sum()) for n in (1, 10, 100, 1000)},
    }


def _by_copies(table: pa.Table, config: AuditConfig) -> list[dict[str, Any]]:
    """The rate among training windows that stand in the corpus once, 2-3 times, 4-7 times, ..."""
    copies, hits = table.column("copies").to_numpy(), table.column("extracted").to_numpy()
    found = []
    for power in range(int(np.log2(copies.max())) + 1 if len(copies) else 0):
        mine = (copies >= 2**power) & (copies < 2 ** (power + 1))
        if mine.any():
            count = int(hits[mine].sum())
            low, high = clopper_pearson(count, int(mine.sum()), config.confidence)
            found.append(
                {
                    "copies": 2**power,
                    "windows": int(mine.sum()),
                    "extracted": count,
                    "rate": count / int(mine.sum()),
                    "low": low,
                    "high": high,
                }
            )
    return found


def _exposures(model: CausalModel, shards: Shards, plan: CanaryPlan | None, watch: Watch) -> list[Exposure]:
    found = []
    for number, canary in enumerate(plan.canaries if plan else ()):
        watch("ranking canaries", number, len(plan.canaries) if plan else 0)
        found.append(measure_exposure(model, shards.tokenizer, canary))
    return found


def _exposure_groups(exposures: list[Exposure]) -> list[dict[str, Any]]:
    groups = []
    for copies in sorted({one.canary.copies for one in exposures}):
        bits = np.array([one.bits for one in exposures if one.canary.copies == copies])
        error = float(bits.std(ddof=1) / np.sqrt(len(bits))) if len(bits) > 1 else None
        first = sum(one.rank == 1 for one in exposures if one.canary.copies == copies)
        groups.append(
            {
                "copies": copies,
                "canaries": len(bits),
                "mean": float(bits.mean()),
                "standard_error": error,
                "most": exposures[0].most,
                "ranked_first": first,
            }
        )
    return groups


def _survival(shards: Shards, plan: CanaryPlan | None) -> dict[str, int] | None:
    """How many canary documents were planned, and how many stand in the shards word for word."""
    if plan is None:
        return None
    survived = 0
    for canary in plan.canaries:
        for shard in shards.shards:
            for row in shard.rows_with_id(canary.id):
                survived += canary.text in shards.tokenizer.decode(shard.document(row))
    return {"planned": sum(canary.copies for canary in plan.canaries), "in_the_shards": survived}


def _hits(table: pa.Table) -> list[dict[str, Any]]:
    """The extracted windows, those with the fewest copies first: they are the hardest to explain."""
    rows = table.filter(table.column("extracted")).sort_by([("copies", "ascending"), ("id", "ascending")])
    names = ["split", "id", "url", "source", "position", "copies", "attributable", "text"]
    kept: list[dict[str, Any]] = rows.select(names).slice(0, HITS).to_pylist()
    return kept
