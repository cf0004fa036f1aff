"""The lab's result: the arms pooled over seeds, whether the known effects show, and all of it as JSON and Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.engine.files import replacing, write_json
from corpuskit.memorization.measures.statistics import clopper_pearson
from corpuskit.memorization.studies.lab.config import LabConfig

LONG_COPY, SHORT_SECRET = 0.3, 6.0
"""A rate that is surely not zero; an exposure that chance gives one secret in sixty."""


@dataclass(frozen=True)
class LabResult:
    value: dict[str, Any]
    """What lab.json holds: `config`, `runs` (one an arm, width and seed), `pooled` (over seeds) and `checks`."""

    def write(self, folder: Path) -> None:
        """lab.json and lab.md."""
        write_json(folder / "lab.json", self.value)
        with replacing(folder / "lab.md") as temporary:
            temporary.write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        widest = max(group["width"] for group in self.value["pooled"])
        arms = [group for group in self.value["pooled"] if group["width"] == widest]
        seeds = ", ".join(map(str, self.value["config"]["seeds"]))
        parts = [
            f"# The lab\n\nWidth {widest}, seeds {seeds}; {arms[0]['tokens']:,} tokens and {arms[0]['steps']:,} steps "
            "in each arm.",
            "## Completed verbatim, by copies",
            _table(arms, "by_copies", "copies", _rate),
            "## Told from documents that were never planted (AUC), by copies",
            _table(arms, "by_copies", "copies", lambda row: f"{row['auc']:.2f}"),
            "## Completed verbatim, by tokens of context, at most copies",
            _table(arms, "by_context", "prefix", _rate),
            f"## Exposure of telephone numbers in bits (at most {arms[0]['exposure'][0]['most']:.1f}; chance 1.4)",
            _table(arms, "exposure", "copies", lambda row: f"{row['mean']:.1f}"),
            "## Coins, copies with changed words, and the cost",
            _rows(
                ["arm", "epsilon at least", "AUC of coins", "AUC of fuzzy copies", "bits a token on fresh text"],
                [
                    [
                        arm["arm"],
                        f"{arm['coins']['epsilon']:.2f}",
                        f"{arm['coins']['auc']:.2f}",
                        f"{arm['fuzzy']['auc']:.2f}",
                        f"{arm['held_out_nats'] / np.log(2):.2f}",
                    ]
                    for arm in arms
                ],
            ),
            "## What must show",
            "\n".join(f"- {'yes' if check['holds'] else '**no**'}: {check['says']}" for check in self.value["checks"]),
        ]
        return "\n\n".join(parts) + "\n"


def summarize(config: LabConfig, runs: list[dict[str, Any]]) -> LabResult:
    """Pool the arms over seeds and judge. Each run is what `measure_arm` gave, with arm, width, seed, tokens, steps."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["width"], run["arm"]), []).append(run)
    pooled = [_pooled(group, config) for group in groups.values()]
    value = {"config": config.model_dump(mode="json"), "runs": runs, "pooled": pooled}
    return LabResult(value | {"checks": _checks(pooled)})


def _pooled(runs: list[dict[str, Any]], config: LabConfig) -> dict[str, Any]:
    first = runs[0]

    def together(key: str) -> list[dict[str, Any]]:
        return [_sum(list(rows), config) for rows in zip(*(run[key] for run in runs), strict=True)]

    return {
        **{name: first[name] for name in ("arm", "width", "parameters", "tokens", "steps")},
        "seeds": len(runs),
        "held_out_nats": float(np.mean([run["held_out_nats"] for run in runs])),
        "by_copies": together("by_copies"),
        "by_context": together("by_context"),
        "exposure": together("exposure"),
        "fuzzy": _sum([run["fuzzy"] for run in runs], config),
        "coins": _sum([run["coins"] for run in runs], config),
    }


def _sum(rows: list[dict[str, Any]], config: LabConfig) -> dict[str, Any]:
    """One row of several seeds: counts added and their intervals anew, other figures averaged, AUCs with the mean's
    spread."""
    pooled = dict(rows[0])
    for name, value in rows[0].items():
        if isinstance(value, float):
            pooled[name] = float(np.mean([row[name] for row in rows]))
    if "documents" in pooled:
        pooled["documents"] = sum(row["documents"] for row in rows)
        pooled["extracted"] = sum(row["extracted"] for row in rows)
        pooled["rate"] = pooled["extracted"] / pooled["documents"]
        pooled["low"], pooled["high"] = clopper_pearson(pooled["extracted"], pooled["documents"], config.confidence)
    if "auc" in pooled:
        half = np.sqrt(np.sum([((row["auc_high"] - row["auc_low"]) / 2) ** 2 for row in rows])) / len(rows)
        pooled["auc_low"] = float(max(0.0, pooled["auc"] - half))
        pooled["auc_high"] = float(min(1.0, pooled["auc"] + half))
    if "standard_error" in pooled:
        pooled["standard_error"] = float(np.sqrt(np.sum([row["standard_error"] ** 2 for row in rows]))) / len(rows)
        pooled["secrets"] = sum(row["secrets"] for row in rows)
        pooled["ranked_first"] = sum(row["ranked_first"] for row in rows)
    return pooled


def _checks(pooled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The effects that the literature reports, at the widest model; an arm that was not run is not judged."""
    widest = max(group["width"] for group in pooled)
    arms = {group["arm"]: group for group in pooled if group["width"] == widest}
    raw = arms["raw"]
    none, most = raw["by_copies"][0], raw["by_copies"][-1]
    contexts, secrets = raw["by_context"], raw["exposure"]
    checks = [
        _check(
            none["extracted"] == 0 and most["low"] > LONG_COPY,
            f"extraction grows with copies: {none['rate']:.0%} at 0, {most['rate']:.0%} at {most['copies']}",
        ),
        _check(
            _rises([row["median_log10_probability"] for row in raw["by_copies"]]),
            "so does the probability of a document's second half, long before it comes out whole",
        ),
        _check(
            contexts[-1]["rate"] > contexts[0]["rate"],
            f"and with context: {contexts[0]['rate']:.0%} behind {contexts[0]['prefix']} tokens, "
            f"{contexts[-1]['rate']:.0%} behind {contexts[-1]['prefix']}",
        ),
        _check(
            none["auc_low"] < 0.5 < none["auc_high"],
            f"documents that were never planted cannot be separated (AUC {none['auc']:.2f})",
        ),
        _check(
            secrets[-1]["mean"] > SHORT_SECRET and secrets[0]["mean"] < SHORT_SECRET / 1.5,
            f"a telephone number planted {secrets[-1]['copies']} times has {secrets[-1]['mean']:.1f} bits of exposure, "
            f"a secret never planted {secrets[0]['mean']:.1f}",
        ),
    ]
    if "deduplicated" in arms:
        arm = arms["deduplicated"]
        last = arm["by_copies"][-1]
        checks += [
            _check(
                last["extracted"] == 0 and arm["exposure"][-1]["mean"] < SHORT_SECRET / 1.5,
                f"deduplication removes extraction ({last['rate']:.0%}) and exposure "
                f"({arm['exposure'][-1]['mean']:.1f} bits)",
            ),
            _check(
                last["auc"] < most["auc"] - 0.2 and arm["coins"]["epsilon"] <= raw["coins"]["epsilon"],
                f"and nearly all of membership (AUC {last['auc']:.2f} where it was {most['auc']:.2f}; epsilon at least "
                f"{arm['coins']['epsilon']:.2f} where it was {raw['coins']['epsilon']:.2f})",
            ),
        ]
    if "scrubbed" in arms:
        arm = arms["scrubbed"]
        checks.append(
            _check(
                arm["exposure"][-1]["mean"] < SHORT_SECRET / 1.5,
                f"scrubbing removes the exposure of telephone numbers ({arm['exposure'][-1]['mean']:.1f} bits) and "
                f"leaves long copies ({arm['by_copies'][-1]['rate']:.0%})",
            )
        )
    if "private" in arms and "adapter" in arms:
        plain, arm = arms["adapter"]["by_copies"][-1], arms["private"]["by_copies"][-1]
        checks.append(
            _check(
                arm["high"] < plain["low"] or arm["median_log10_probability"] < plain["median_log10_probability"] - 2,
                f"differential privacy keeps an adapter from what it would learn ({arm['rate']:.0%} where it is "
                f"{plain['rate']:.0%}; the median probability of a second half is 10^"
                f"{arm['median_log10_probability']:.0f} where it is 10^{plain['median_log10_probability']:.0f})",
            )
        )
    if "goldfish" in arms:
        arm = arms["goldfish"]
        last = arm["by_copies"][-1]
        checks += [
            _check(
                last["high"] < most["low"],
                f"goldfish stops long copies ({last['rate']:.0%} where it was {most['rate']:.0%})",
            ),
            _check(
                last["auc_low"] > 0.9,
                f"but not membership (AUC {last['auc']:.2f})",
            ),
            _check(
                arm["exposure"][-1]["mean"] > SHORT_SECRET,
                f"nor short secrets ({arm['exposure'][-1]['mean']:.1f} bits)",
            ),
        ]
    return checks


def _check(holds: bool, says: str) -> dict[str, Any]:
    return {"holds": bool(holds), "says": says}


def _rises(values: list[float]) -> bool:
    """Whether the values rise with their place but for neighbours (Spearman's correlation above 0.8)."""
    ranks = np.argsort(np.argsort(values))
    return bool(np.corrcoef(ranks, np.arange(len(values)))[0, 1] > 0.8)


def _rate(row: dict[str, Any]) -> str:
    return f"{row['rate']:.0%} [{row['low']:.0%}, {row['high']:.0%}]"


def _table(arms: list[dict[str, Any]], key: str, name: str, cell: Any) -> str:
    return _rows(
        ["arm", *(str(row[name]) for row in arms[0][key])], [[arm["arm"], *map(cell, arm[key])] for arm in arms]
    )


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
