"""The loop: what an audit decided goes into the next curation run, and the model trained on that is audited again.

The second run is the first one's recipe with the stage `remedies` at its end. It reads what the first collected, trains
as many steps with the same tokenizer and seed, and both models are asked for the same windows.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.engine.files import read_json, write_json
from corpuskit.engine.ledger import open_run
from corpuskit.errors import UsageError
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.job import AUDIT
from corpuskit.memorization.remedies.stage import read_decisions
from corpuskit.memorization.studies.arm_comparison import Arm, ArmsResult, compare_arms
from corpuskit.memorization.studies.arms import GOLDFISH, matched, run_value
from corpuskit.memorization.studies.report import write_arms
from corpuskit.report import write
from corpuskit.tokens.job import TOKENS
from corpuskit.training.job import BASE

Watch = Callable[..., None]


@dataclass(frozen=True)
class LoopResult:
    folder: Path
    """The second run."""
    arms: ArmsResult
    value: dict[str, Any]
    """What loop.json holds."""

    def sentence(self) -> str:
        before, after = self.value["arms"]
        against = after["against_first"]
        return (
            f"of {before['windows']:,} windows {before['extracted']:,} came out before and {after['extracted']:,} "
            f"after (p = {against['p']:.2g}); held-out loss {against['cost_bits']:+.3f} ± "
            f"{against['cost_error']:.3f} bits a token"
        )


def run_loop(
    run: Path,
    folder: Path | None = None,
    decisions: Path | None = None,
    *,
    watch: Watch = lambda message, done, total: None,
) -> LoopResult:
    """Carry out a run's decisions in a second run and measure what became of the memory.

    `folder` (default: RUN-decided) takes the second run and, under loop/, loop.json, arms.md and arms.svg.
    `decisions`: by default those of the run's own audit. Raises UsageError where the run has no model or no decisions.
    """
    summary = open_run(run)
    decisions = decisions or run / AUDIT / "decisions.parquet"
    read_decisions(decisions)
    trained = (summary.get("jobs") or {}).get("pretraining")
    if trained is None:
        raise UsageError(f"{run} has no trained model; the loop needs a recipe with 'tokens', 'train' and 'audit'")
    folder = folder or run.with_name(f"{run.name}-decided")
    watch("the second run", 0, 2)
    _collected(run, folder)
    run_value(second_recipe(summary["recipe"], run / TOKENS, decisions, int(trained["steps"])), folder)
    watch("the same windows, before and after", 1, 2)
    config = AuditConfig.model_validate(summary["recipe"].get("audit") or {})
    arms = [Arm("before", run / BASE, run / TOKENS), Arm("after", folder / BASE, folder / TOKENS)]
    target = folder / "loop"
    result = compare_arms(arms, target, config, watch=watch)
    result.write(target)
    write_arms(result.value, target / "arms.svg")
    counts = Counter(read_decisions(decisions).column("action").to_pylist())
    audits = [read_json(each / AUDIT / "summary.json") or {} for each in (run, folder)]
    value = result.value | {
        "run": str(run),
        "second_run": str(folder),
        "decisions": dict(sorted(counts.items())),
        "exposure": {name: audit.get("exposure") for name, audit in zip(("before", "after"), audits, strict=True)},
    }
    write_json(target / "loop.json", value)
    write(folder, folder / "report.html")
    return LoopResult(folder, result, value)


def second_recipe(value: dict[str, Any], shards: Path, decisions: Path, steps: int) -> dict[str, Any]:
    """The recipe of the second run: the decisions at its end, goldfish where they ask for it, no adapter."""
    second = {key: inner for key, inner in value.items() if key != "adapt"}
    second["name"] = f"{value['name']}-decided"
    second["decisions"] = str(decisions.resolve())
    train = dict(value.get("train") or {})
    if not train.get("goldfish"):
        train |= {"goldfish": GOLDFISH, "goldfish_documents": "decided"}
    return matched(second | {"train": train}, shards, steps)


def _collected(run: Path, folder: Path) -> None:
    """Give the second run what the first one fetched, so that both read the same pages."""
    if (run / "sources").is_dir() and not (folder / "sources").exists():
        partial = folder / ".sources.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(run / "sources", partial)
        partial.rename(folder / "sources")
