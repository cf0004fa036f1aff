"""The lab's runs: each arm is a recipe of its own that goes the whole way, from documents to an audited model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from corpuskit.engine.files import replacing
from corpuskit.memorization.lab import LabConfig, LabResult, World, arm_recipe, make_world, measure_arm, summarize
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.jobs.job import BASE, TOKENS
from corpuskit.recipe.load import load
from corpuskit.report.lab import write_lab

Watch = Callable[..., None]


def run_lab(
    folder: Path, config: LabConfig | None = None, *, watch: Watch = lambda message, done, total: None
) -> LabResult:
    """Run the lab in a folder, or go on with it: lab.json, lab.md, lab.svg, and a run's folder for each arm.

    Raises UsageError or CorpuskitError where one of the runs fails.
    """
    config = config or LabConfig()
    runs: list[dict[str, Any]] = []
    total = len(config.seeds) * len(config.widths) * len(config.arms)
    for seed in config.seeds:
        world = make_world(folder / f"seed-{seed}", config, seed)
        for width in config.widths:
            raw: dict[str, Any] | None = None
            for arm in config.arms:
                watch(f"seed {seed}, width {width}: {arm}", len(runs), total)
                found = _run_arm(arm, world, config, width, seed, raw, watch)
                raw = raw or found
                runs.append(found)
    result = summarize(config, runs)
    result.write(folder)
    write_lab(result.value, folder / "lab.svg")
    return result


def _run_arm(
    arm: str, world: World, config: LabConfig, width: int, seed: int, raw: dict[str, Any] | None, watch: Watch
) -> dict[str, Any]:
    began = time.perf_counter()
    folder = world.folder / f"width-{width}" / arm
    tokenizer = world.folder / f"width-{width}" / "raw" / TOKENS / "tokenizer.json"
    recipe = arm_recipe(
        arm, world, config, width, seed,
        tokenizer=None if raw is None else tokenizer, steps=None if raw is None else raw["steps"],
    )  # fmt: skip
    path = folder.with_suffix(".yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), encoding="utf-8")
    summary = run_recipe(load(path), folder=folder, workers=1).summary
    trained = summary["jobs"]["pretraining"]
    found = measure_arm(folder / BASE, tokenizer, world, folder / "lab", config, watch)
    return {
        "arm": arm,
        "width": width,
        "seed": seed,
        "folder": str(folder),
        "documents": summary["totals"]["documents_out"],
        **{name: trained[name] for name in ("parameters", "tokens", "steps", "bits_per_byte")},
        "seconds": round(time.perf_counter() - began, 1),
        **found,
    }
