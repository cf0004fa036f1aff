"""The lab's runs: each arm is a recipe of its own that goes the whole way, from documents to an audited model."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from corpuskit.engine.files import replacing
from corpuskit.errors import require
from corpuskit.memorization.studies.lab import (
    LabConfig,
    LabResult,
    World,
    arm_recipe,
    make_world,
    measure_arm,
    summarize,
)
from corpuskit.memorization.studies.lab.picture import write_lab
from corpuskit.memorization.studies.lab.recipes import BASE_ARM
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import load
from corpuskit.tokens.job import TOKENS
from corpuskit.training.job import BASE

Watch = Callable[..., None]
VOCABULARY = 1500
ADAPTERS = ("adapter", "private")
ADAPTER_RANK, ADAPTER_RATE = 16, 5e-3


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
                run = _run_adapter if arm in ADAPTERS else _run_arm
                measured = run(arm, world, config, width, seed, raw, watch)
                raw = raw or measured
                runs.append(measured)
    result = summarize(config, runs)
    result.write(folder)
    write_lab(result.value, folder / "lab.svg")
    return result


def _run_arm(
    arm: str, world: World, config: LabConfig, width: int, seed: int, raw: dict[str, Any] | None, watch: Watch
) -> dict[str, Any]:
    began = time.perf_counter()
    folder = world.folder / f"width-{width}" / arm
    summary = _run(arm, world, config, width, seed, raw)
    trained = summary["jobs"]["pretraining"]
    measured = measure_arm(folder / BASE, _tokenizer(world), world, folder / "lab", config, watch)
    about = {name: trained[name] for name in ("parameters", "tokens", "steps")}
    return _about(arm, width, seed, folder, began) | about | measured


def _run_adapter(
    arm: str, world: World, config: LabConfig, width: int, seed: int, raw: dict[str, Any] | None, watch: Watch
) -> dict[str, Any]:
    """A model of fresh text, fine-tuned on the raw arm's shards, the adapter merged into it."""
    from corpuskit.training.private import PrivateConfig, finetune_private

    assert raw is not None
    began = time.perf_counter()
    folder = world.folder / f"width-{width}" / arm
    base, shards = folder.with_name(BASE_ARM), folder.with_name("raw") / TOKENS
    trained = _run(BASE_ARM, world, config, width, seed, raw)["jobs"]["pretraining"]
    batch = 4 * config.batch
    steps = max(1, round(config.adapter_epochs * raw["tokens"] / (batch * config.sequence_length)))
    settings = PrivateConfig(
        rank=ADAPTER_RANK,
        alpha=2 * ADAPTER_RANK,
        epsilon=config.epsilon if arm == "private" else None,
        noise=None if arm == "private" else 0.0,
        batch=batch,
        steps=steps,
        learning_rate=ADAPTER_RATE,
        seed=seed,
    )
    spent = finetune_private(base / BASE, shards, folder / "adapter", settings, watch=watch)
    _merge(base / BASE, folder / "adapter", folder / BASE)
    measured = measure_arm(folder / BASE, _tokenizer(world), world, folder / "lab", config, watch)
    about = {"parameters": trained["parameters"], "tokens": steps * batch * config.sequence_length, "steps": steps}
    epsilon = spent.epsilon if math.isfinite(spent.epsilon) else None
    return _about(arm, width, seed, folder, began) | about | {"epsilon": epsilon, "noise": spent.noise} | measured


def _run(
    arm: str, world: World, config: LabConfig, width: int, seed: int, raw: dict[str, Any] | None
) -> dict[str, Any]:
    """The run of an arm's recipe, which is written next to its folder. Returns its run.json."""
    steps = None if raw is None else raw["steps"]
    recipe = arm_recipe(arm, world, config, width, seed, tokenizer=_tokenizer(world), steps=steps)
    folder = world.folder / f"width-{width}" / arm
    path = folder.with_suffix(".yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return run_recipe(load(path), folder=folder, workers=1).summary


def _tokenizer(world: World) -> Path:
    """One for all arms, trained on every text once: a tokenizer that sees the copies gives what is repeated tokens of
    its own, and a number that is a token is exposed whatever the model was trained on."""
    from corpuskit.tokens import train_tokenizer

    path = world.folder / "tokenizer" / "tokenizer.json"
    if not path.exists():
        with world.documents.open(encoding="utf-8") as lines:
            texts = sorted({json.loads(line)["text"] for line in lines})
        path.parent.mkdir(parents=True, exist_ok=True)
        train_tokenizer(texts, VOCABULARY).save(path.parent)
    return path


def _merge(model: Path, adapter: Path, folder: Path) -> None:
    """Write the model with the adapter's matrices added to its own."""
    from corpuskit.training.models import load_model

    merged = require("peft", "train").PeftModel.from_pretrained(load_model(model), adapter).merge_and_unload()
    folder.mkdir(parents=True, exist_ok=True)
    merged.save_pretrained(folder)


def _about(arm: str, width: int, seed: int, folder: Path, began: float) -> dict[str, Any]:
    return {
        "arm": arm, "width": width, "seed": seed, "folder": str(folder),
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip
