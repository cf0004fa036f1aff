"""Paired arms: models that differ in one thing, audited on identical windows, with what it gained and what it cost.

The windows come from the shards of the first arm, so every arm is asked about the same text, whether it was trained on
all of it or not. Two arms differ by the windows that one gives out and the other does not (McNemar 1947, exact); the
cost is the loss on held-out text that none of the arms was trained on, document by document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.engine.files import replacing, write_json
from corpuskit.errors import UsageError, require
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.copies import copies_in
from corpuskit.memorization.corpus.windows import Windows, planted, sample_windows, stratified_windows
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.extraction import by_copies, extraction_table, rate
from corpuskit.memorization.measures.statistics import weighted_rate
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.tokens import Shards, open_shards

Watch = Callable[..., None]
STRATUM_SHARE = 8


@dataclass(frozen=True)
class Arm:
    name: str
    model: Path
    shards: Path
    """What it was trained on."""


@dataclass(frozen=True)
class ArmsResult:
    value: dict[str, Any]
    """What arms.json holds: `windows`, and one entry an arm in `arms`."""

    def write(self, folder: Path) -> None:
        """arms.json and arms.md."""
        write_json(folder / "arms.json", self.value)
        with replacing(folder / "arms.md") as temporary:
            temporary.write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        head = ["arm", "verbatim", "interval", "places that come out", "p", "bits a token, held out", "cost"]
        lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
        for arm in self.value["arms"]:
            against = arm["against_first"]
            cells = [
                arm["arm"],
                f"{arm['extracted']:,} of {arm['windows']:,}",
                f"{arm['low']:.2%} to {arm['high']:.2%}",
                f"{arm['weighted']['rate']:.3%}",
                "" if against is None else f"{against['p']:.2g}",
                f"{arm['held_out']['bits']:.3f}",
                "" if against is None else f"{against['cost_bits']:+.3f} ± {against['cost_error']:.3f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def compare_arms(
    arms: Sequence[Arm],
    folder: Path,
    config: AuditConfig | None = None,
    *,
    watch: Watch = lambda message, done, total: None,
) -> ArmsResult:
    """Audit arms on the same windows; the first is what the others are held against.

    `folder` takes the score caches. Raises UsageError where an arm's shards have another tokenizer than the first's.
    """
    config = config or AuditConfig()
    first = open_shards(arms[0].shards, "train")
    for arm in arms[1:]:
        other = open_shards(arm.shards, "train")
        if other.manifest.tokenizer.sha256 != first.manifest.tokenizer.sha256:
            raise UsageError(
                f"{arm.shards} has another tokenizer than {arms[0].shards}: arms can only be compared on equal tokens; "
                "give the later ones the tokenizer of the first (tokens: {tokenizer: {path: ...}})"
            )
    length = config.prefix + config.suffix
    uniform = sample_windows(first, config.windows, length, config.seed)
    strata, weights = stratified_windows(first, max(1, config.windows // STRATUM_SHARE), length, config.seed)
    held_out = _never_seen(arms, config)
    compared: list[dict[str, Any]] = []
    hits: list[npt.NDArray[np.bool_]] = []
    losses: list[npt.NDArray[np.float64]] = []
    for number, arm in enumerate(arms):
        watch(f"auditing the arm {arm.name}", number, len(arms))
        causal = CausalModel(arm.model)
        score = _scorer(causal, folder / "scores" / arm.name, config, watch)
        table = _table(score, "train", first, uniform, config)
        stratified = _table(score, "strata", first, strata, config)
        hits.append(table.column("extracted").to_numpy())
        losses.append(-metrics.loss(score("held_out", held_out)))
        summary = rate(table, config)
        bits = losses[-1] / np.log(2)
        compared.append(
            {
                "arm": arm.name,
                **{name: summary[name] for name in ("windows", "extracted", "rate", "low", "high", "attributable")},
                "weighted": weighted_rate(stratified.column("extracted").to_numpy(), weights, config.confidence),
                "by_copies": by_copies(stratified, config),
                "held_out": {"documents": len(bits), "bits": float(bits.mean()) if len(bits) else float("nan")},
                "against_first": None if number == 0 else _against(hits[0], hits[-1], losses[0], losses[-1]),
            }
        )
    return ArmsResult({"windows": {"prefix": config.prefix, "suffix": config.suffix}, "arms": compared})


def mcnemar(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> float:
    """Two-sided exact p-value that two arms give out as many windows (McNemar 1947): only those that one of them gives
    out and the other does not tell anything, and each is then a fair toss."""
    gone, come = int((before & ~after).sum()), int((after & ~before).sum())
    if gone + come == 0:
        return 1.0
    return float(require("scipy.stats", "train").binomtest(min(gone, come), gone + come, 0.5).pvalue)


def _against(
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    loss_before: npt.NDArray[np.float64],
    loss_after: npt.NDArray[np.float64],
) -> dict[str, Any]:
    cost = (loss_after - loss_before) / np.log(2)
    return {
        "gone": int((before & ~after).sum()),
        "new": int((after & ~before).sum()),
        "removed": float(1 - after.sum() / before.sum()) if before.any() else None,
        "p": mcnemar(before, after),
        "cost_bits": float(cost.mean()) if len(cost) else float("nan"),
        "cost_error": float(cost.std(ddof=1) / np.sqrt(len(cost))) if len(cost) > 1 else float("nan"),
    }


def _scorer(
    causal: CausalModel, folder: Path, config: AuditConfig, watch: Watch
) -> Callable[[str, Passages], TokenScores]:
    def score(name: str, passages: Passages) -> TokenScores:
        return score_passages(causal, passages, folder / name, batch=config.batch, what=name, watch=watch)

    return score


def _table(
    score: Callable[[str, Passages], TokenScores], name: str, shards: Shards, windows: Windows, config: AuditConfig
) -> pa.Table:
    table = extraction_table(score, name, shards, windows, config)
    return table.append_column("copies", pa.array(copies_in(shards, windows.tokens)))


def _never_seen(arms: Sequence[Arm], config: AuditConfig) -> Passages:
    """The beginnings of held-out documents of the first arm that no arm was trained on."""
    seen: set[str] = set()
    for arm in arms:
        for shard in open_shards(arm.shards, "train").shards:
            seen.update(shard.table.column("id").to_pylist())
    pieces = []
    for shard in open_shards(arms[0].shards, "held_out").shards:
        ids = shard.table.column("id").to_pylist()
        for row in np.flatnonzero(~planted(shard)).tolist():
            document = shard.document(row)
            if ids[row] not in seen and len(document) > 2:
                pieces.append(document[: config.document_tokens].astype(np.int64))
    return Passages.of(pieces)
