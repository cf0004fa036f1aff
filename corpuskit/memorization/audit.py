"""The audit: how much of its training text a model completes verbatim, beside text that it never saw, and its canaries.

Every passage is scored once into the cache of token scores (`scores.py`), under `scores/` in the audit's folder; the
rest is arithmetic on it. A killed audit goes on where it was. Since fluent text can be guessed, all rates are measured
on the held-out split too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import replacing, write_json
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization.canaries import CanaryPlan
from corpuskit.memorization.coins import coin_section
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.copies import copies_in, stretch_copies, without_shared
from corpuskit.memorization.corpus.frames import TrainingFrames, training_frames
from corpuskit.memorization.corpus.lineage import cluster_sizes, licenses
from corpuskit.memorization.corpus.population import population
from corpuskit.memorization.corpus.windows import Windows, sample_windows, stratified_windows
from corpuskit.memorization.measures.documents import membership, token_counts
from corpuskit.memorization.measures.exposure import Exposure
from corpuskit.memorization.measures.exposure import measure as measure_exposure
from corpuskit.memorization.measures.extraction import (
    Score,
    by_context,
    by_copies,
    by_name,
    document_numbers,
    extraction_table,
    rate,
)
from corpuskit.memorization.measures.generations import generation_section
from corpuskit.memorization.measures.identifiers import identifier_section
from corpuskit.memorization.measures.law import Trials, fit_law
from corpuskit.memorization.measures.near_verbatim import near_verbatim
from corpuskit.memorization.measures.personal import Find, personal_section
from corpuskit.memorization.measures.ranking import LONGEST
from corpuskit.memorization.measures.replay import replay_section
from corpuskit.memorization.measures.statistics import weighted_rate
from corpuskit.memorization.remedies.decisions import decide, write_decisions
from corpuskit.memorization.remedies.repeated import repeated_passages
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.tokens import Shards, open_shards
from corpuskit.training import training_order

Watch = Callable[..., None]
HITS = 50
"""Hits that the summary names; the table windows.parquet has all."""
STRATUM_SHARE = 8
"""Each class of copies gets one window for so many windows of the uniform sample."""


@dataclass(frozen=True)
class AuditResult:
    folder: Path
    value: dict[str, Any]
    """What summary.json holds."""

    def summary(self) -> dict[str, Any]:
        train, held = self.value["extraction"]["train"], self.value["extraction"]["held_out"]
        counts = {
            f"{name}documents{ending}": self.value["population"][split][key]
            for split, name in (("train", ""), ("held_out", "held_out_"))
            for key, ending in (("documents", ""), ("tested", "_tested"), ("too_short", "_too_short"))
        }
        rates = {"rate": train["rate"], "windows": train["windows"], "held_out_windows": held["windows"]}
        if held["windows"]:
            rates["held_out_rate"] = held["rate"]
        return rates | counts

    def sentence(self) -> str:
        found = self.value["extraction"]
        train, held = found["train"], found["held_out"]
        text = (
            f"{train['extracted']:,} of {train['windows']:,} training windows come out verbatim "
            f"({train['rate']:.2%} [{train['low']:.2%}, {train['high']:.2%}]); "
        )
        if held["windows"]:
            text += f"held out {held['extracted']:,} of {held['windows']:,} ({held['rate']:.2%})"
        else:
            text += "no held-out window was tested, so there is no control"
        text += f"; {self.value['population']['train']['says']}"
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
    held_out: str | Path | None = None,
    corpus: Sequence[Path] = (),
    personal: Find | None = None,
    watch: Watch = lambda message, done, total: None,
) -> AuditResult:
    """Audit a model folder against the shards that it was trained on.

    Writes summary.json, windows.parquet (one row a tested window), decisions.parquet and scores/ (the cache).
    `canaries`: the plan that was registered before training (`CanaryPlan.write`). `held_out`: other shards, with the
    same tokenizer, to take the held-out text from, all of it; without them it is the shards' own held-out split.
    `corpus`: Parquet files of the corpus, which know the licenses. `personal` finds personal data in texts
    (`corpuskit.privacy.find`); without it no completion of personal data is measured. Where the model's folder has the
    plan of its training on these shards, windows are also scored as training read them, and hits name their steps.
    Raises UsageError where the model is no causal one, or has another context or tokenizer than the shards need, and
    CorpuskitError where no window of the training text can be tested.
    """
    config = config or AuditConfig()
    folder = Path(folder)
    causal = CausalModel(model)
    train = open_shards(shards, "train")
    control = open_shards(shards, "held_out") if held_out is None else open_shards(held_out, "train")
    causal.check_shards(train)

    def score(name: str, passages: Passages, model: CausalModel = causal) -> TokenScores:
        return score_passages(
            model,
            passages,
            folder / "scores" / name,
            config.policies,
            batch=config.batch,
            what=name.replace("_", " "),
            watch=watch,
        )

    other = None
    if config.reference is not None:
        other = CausalModel(config.reference)
        other.check_shards(train)
    length, longest = config.prefix + config.suffix, min(LONGEST, causal.context)
    if length > causal.context:
        raise UsageError(
            f"windows of {length} tokens do not fit the model's context of {causal.context}: choose a smaller prefix "
            f"or suffix (now {config.prefix} and {config.suffix} tokens)"
        )
    train_windows = sample_windows(train, config.windows, length, config.seed)
    tested = population(train, train_windows, train_windows, length, causal.context)
    if not len(train_windows):
        raise CorpuskitError(
            f"{shards}: nothing was tested: {tested}. Choose a smaller prefix and suffix (now {config.prefix} and "
            f"{config.suffix} tokens), or give longer texts"
        )
    drawn = sample_windows(control, config.windows, length, config.seed)
    held_out_windows, shared = without_shared(drawn, train, config.suffix)
    tested_control = population(control, drawn, held_out_windows, length, causal.context)
    if held_out is not None and not len(held_out_windows):
        raise CorpuskitError(f"{held_out}: nothing of the held-out text was tested: {tested_control}")
    strata, weights = stratified_windows(train, max(1, config.windows // STRATUM_SHARE), length, config.seed)
    tables = {
        "train": _table(score, "train", train, train_windows, train, config),
        "held_out": _table(score, "held_out", control, held_out_windows, train, config),
    }
    stratified = _table(score, "strata", train, strata, train, config)
    near = None
    if config.near_verbatim:
        near = {}
        for name, part, windows in (("train", train, train_windows), ("held_out", control, held_out_windows)):
            watch(f"writing after prefixes of {name.replace('_', ' ')}", 0, 0)
            tables[name], near[name] = near_verbatim(causal, part.tokenizer, windows, tables[name], config)
        stratified, near["strata"] = near_verbatim(causal, train.tokenizer, strata, stratified, config)
    known = licenses(corpus, [name for table in (*tables.values(), stratified) for name in table["id"].to_pylist()])
    tables = {name: _licensed(table, known) for name, table in tables.items()}
    stratified = _licensed(stratified, known)
    frames = _frames(model, shards, strata, config)
    found = pa.concat_tables([*tables.values(), stratified])
    samples = ["uniform"] * sum(table.num_rows for table in tables.values()) + ["by_copies"] * stratified.num_rows
    found = found.append_column("sample", pa.array(samples, pa.string()))
    with replacing(folder / "windows.parquet") as temporary:
        pq.write_table(found, temporary, compression="zstd")
    decisions = decide(_tested(train, [(train_windows, tables["train"]), (strata, stratified)], config), config.cap)
    write_decisions(folder / "decisions.parquet", decisions)
    contexts, hits_behind = by_context(score, strata, config)
    plan = CanaryPlan.read(Path(canaries)) if canaries is not None else None
    dosed = [canary for canary in plan.canaries if not canary.coin] if plan else []
    exposures = []
    for number, canary in enumerate(dosed):
        watch("ranking canaries", number, len(dosed))
        exposures.append(measure_exposure(causal, train.tokenizer, canary))
    value = {
        "settings": {
            **config.model_dump(mode="json"),
            "model": causal.digest,
            "texts": train.manifest.fingerprint,
            "held_out": control.manifest.fingerprint,
        },
        "population": {
            name: {**one.to_json(), "says": str(one)} for name, one in (("train", tested), ("held_out", tested_control))
        },
        "extraction": {
            "prefix": config.prefix,
            "suffix": config.suffix,
            "train": rate(tables["train"], config),
            "held_out": {**rate(tables["held_out"], config), "shared": shared},
            "weighted": weighted_rate(
                stratified.column("extracted").to_numpy(),
                weights,
                config.confidence,
                documents=document_numbers(stratified),
            ),
        },
        "by_copies": by_copies(stratified, config),
        "by_context": contexts,
        "by_source": by_name(tables["train"], "source", config),
        "by_license": by_name(tables["train"], "license", config) if known else None,
        "near_verbatim": near,
        "training_frame": replay_section(
            score, score("strata", Passages.of(strata.tokens)), train, strata, frames, causal.context, config
        )
        if frames is not None and config.replayed
        else None,
        "law": _law(train, strata, stratified, weights, hits_behind, config),
        "membership": membership(
            score,
            train,
            control,
            config,
            causal.context,
            None if other is None else lambda name, passages: score(name, passages, other),
        )
        if config.documents
        else None,
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
        "coins": coin_section(
            score, train.tokenizer, [one for one in plan.canaries if one.coin], config, causal.context
        )
        if plan
        else None,
        "canaries_survived": _survival(train, plan),
        "identifiers": identifier_section(score, train, config.identifiers, config.seed, longest),
        "personal": personal_section(score, train, control, personal, config, longest)
        if personal is not None and config.personal
        else None,
        "generations": generation_section(causal, train, control, config) if config.generations else None,
        "decisions": dict(sorted(Counter(decisions.column("action").to_pylist()).items())),
        "hits": _hits(found, model, shards),
    }
    write_json(folder / "summary.json", value)
    return AuditResult(folder, value)


def _table(score: Score, name: str, shards: Shards, windows: Windows, train: Shards, config: AuditConfig) -> pa.Table:
    table = extraction_table(score, name, shards, windows, config)
    table = table.append_column("copies", pa.array(copies_in(train, windows.tokens)))
    copies = stretch_copies(shards, windows, within=train)
    for kind, counts in (("copies", copies.occurrences), ("documents", copies.documents)):
        for length, values in counts.items():
            table = table.append_column(f"{kind}_{length}", pa.array(values, mask=values < 0))
    return table.append_column("cluster_size", cluster_sizes(shards, windows))


def _licensed(table: pa.Table, known: dict[str, str]) -> pa.Table:
    names = [known.get(name) for name in table.column("id").to_pylist()]
    return table.append_column("license", pa.array(names, pa.string()))


def _frames(model: str | Path, shards: str | Path, windows: Windows, config: AuditConfig) -> TrainingFrames | None:
    """How training read the windows; None where the model's folder has no plan of a training on these shards."""
    try:
        found = training_order(model, shards)
    except CorpuskitError:  # it was trained on other shards
        return None
    return None if found is None else training_frames(*found, windows, config.prefix)


def _law(
    train: Shards,
    windows: Windows,
    table: pa.Table,
    weights: np.ndarray[Any, np.dtype[np.float64]],
    hits_behind: dict[int, np.ndarray[Any, np.dtype[np.bool_]]],
    config: AuditConfig,
) -> dict[str, Any] | None:
    counts = token_counts(train)
    bits = -np.log2((counts + 1) / (counts.sum() + len(counts)))
    times = len(hits_behind)  # the same windows once for each length of context
    trials = Trials(
        copies=np.tile(table.column("copies").to_numpy(), times),
        rarity=np.tile(bits[windows.tokens[:, config.prefix :]].mean(1), times),
        hits=np.concatenate(list(hits_behind.values())),
        weights=np.tile(weights, times),
        documents=np.tile(document_numbers(table), times),
        context=np.repeat(np.array(list(hits_behind), np.int64), len(windows)),
        source=np.tile(np.array(table.column("source").to_pylist(), dtype=str), times),
    )
    return fit_law(trials, cap=config.cap, confidence=config.confidence, seed=config.seed)


def _tested(train: Shards, samples: list[tuple[Windows, pa.Table]], config: AuditConfig) -> list[dict[str, Any]]:
    """The windows as `decide` wants them, each place once."""
    names = ["id", "url", "source", "position", "extracted", "attributable", "copies"]
    found: dict[tuple[int, int, int], dict[str, Any]] = {}
    for windows, table in samples:
        rows = table.select(names).to_pylist()
        often = np.flatnonzero(table.column("extracted").to_numpy() & (table.column("copies").to_numpy() > config.cap))
        passages = dict(zip(often.tolist(), repeated_passages(train, windows.take(often), config.cap), strict=True))
        for place, (shard, row) in enumerate(zip(windows.shard.tolist(), windows.row.tolist(), strict=True)):
            window = rows[place]
            if window["extracted"]:
                document = train.shards[shard].document(row)
                first = window["position"] + config.prefix
                edges = [first, first + config.suffix, *passages.get(place, (first, first))]
                start, end, *repeated = (len(train.tokenizer.decode(document[:edge])) for edge in edges)
                text = train.tokenizer.decode(document)
                window |= {"text": text, "suffix": text[start:end], "start": start, "end": end}
                if place in passages:
                    window["repeated"] = tuple(repeated)
            found[shard, row, window["position"]] = window
    return list(found.values())


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


def _hits(table: pa.Table, model: str | Path, shards: str | Path) -> list[dict[str, Any]]:
    """The extracted windows, those with the fewest copies first: they are the hardest to explain.

    `steps`: how many steps of training read the document of a training window, the first and the last of them.
    """
    rows = table.filter(table.column("extracted")).sort_by(
        [("copies", "ascending"), ("id", "ascending"), ("position", "ascending")]
    )
    names = ["split", "id", "url", "source", "license", "cluster_size", "position", "copies", "attributable", "text"]
    # a place may be in both samples; two documents planted under one id differ in their text
    kept = {(row["split"], row["id"], row["position"], row["text"]): row for row in rows.select(names).to_pylist()}
    found = list(kept.values())[:HITS]
    try:
        trained = training_order(model, shards)
    except CorpuskitError:
        trained = None
    if trained is not None:
        order, done = trained
        for row in found:
            if row["split"] == "train":
                steps = order.steps_of(row["id"], done)
                row["steps"] = {
                    "count": len(steps),
                    "first": min(steps, default=None),
                    "last": max(steps, default=None),
                }
    return found
