"""One recipe, several arms: the same corpus cleaned or trained in other ways, and the models compared.

    raw           the recipe without its stages against duplicates and personal data
    deduplicated  raw, with the stages that remove duplicates
    scrubbed      raw, with the stage `personal_data`
    goldfish      raw, trained with goldfish
    recipe        the recipe unchanged

All arms take the tokenizer and the number of steps of the first, and its seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from corpuskit.engine.located import parse
from corpuskit.errors import UsageError, nearest
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.studies.arm_comparison import Arm, ArmsResult, compare_arms
from corpuskit.memorization.studies.report import write_arms
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import Recipe, check
from corpuskit.tokens.job import TOKENS
from corpuskit.training.job import BASE

Watch = Callable[..., None]
ARMS = ("raw", "deduplicated", "scrubbed", "goldfish", "recipe")
DUPLICATES = ("exact_duplicates", "near_duplicates", "passages")
GOLDFISH = 4
"""One token in so many stays out of the loss in the arm goldfish, where the recipe does not say another number."""


def run_arms(
    recipe: Recipe,
    folder: Path,
    names: Sequence[str] = ("raw", "deduplicated", "scrubbed", "goldfish"),
    *,
    watch: Watch = lambda message, done, total: None,
) -> ArmsResult:
    """Run a recipe in several arms and compare the models on the first arm's windows.

    Writes arms.json, arms.md, arms.svg and a run's folder for each arm. Raises UsageError for an unknown arm and a
    recipe that trains nothing.
    """
    if not {"tokens", "train"} <= set(recipe.sections):
        raise UsageError("arms are compared by their models: the recipe needs the keys 'tokens' and 'train'")
    for name in names:
        if name not in ARMS:
            raise UsageError(f"there is no arm '{name}'{nearest(name, ARMS)}: {', '.join(ARMS)}")
    config = recipe.sections.get("audit") or AuditConfig()
    arms: list[Arm] = []
    steps: int | None = None
    for number, name in enumerate(names):
        watch(f"running the arm {name}", number, len(names))
        value = arm_value(recipe.value, name)
        if arms:
            value = matched(value, arms[0].shards, steps)
        taken = run_value(value, folder / name)
        steps = steps or taken
        arms.append(Arm(name, folder / name / BASE, folder / name / TOKENS))
    result = compare_arms(arms, folder, config, watch=watch)
    result.write(folder)
    write_arms(result.value, folder / "arms.svg")
    return result


def arm_value(value: dict[str, Any], name: str) -> dict[str, Any]:
    """The recipe of an arm: what YAML would give. Only what it takes to train the model is in it."""
    arm = {key: inner for key, inner in value.items() if key not in ("adapt", "audit", "decisions")}
    arm["name"] = f"{value['name']}-{name}"
    if name != "recipe":
        without = set(DUPLICATES) | {"personal_data", "remedies"}
        if name == "deduplicated":
            without -= set(DUPLICATES)
        if name == "scrubbed":
            without -= {"personal_data"}
        arm["stages"] = [stage for stage in value.get("stages") or [] if _key(stage) not in without]
    train = dict(value.get("train") or {})
    if name == "goldfish":
        train["goldfish"] = train.get("goldfish") or GOLDFISH
    elif name != "recipe":
        train.pop("goldfish", None)
    return arm | {"train": train}


def matched(value: dict[str, Any], shards: Path, steps: int | None) -> dict[str, Any]:
    """The recipe with the tokenizer of some shards and a given number of steps."""
    tokens = dict(value.get("tokens") or {}) | {"tokenizer": {"path": str((shards / "tokenizer.json").resolve())}}
    train = dict(value.get("train") or {}) | {"budget": {"steps": steps}}
    return value | {"tokens": tokens, "train": train}


def run_value(value: dict[str, Any], folder: Path) -> int:
    """Run a recipe that is plain values; how many steps its training took."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    summary = run_recipe(check(parse(text, str(value["name"])), text), folder=folder).summary
    return int(summary["jobs"]["pretraining"]["steps"])


def _key(stage: Any) -> str:
    return stage if isinstance(stage, str) else str(next(iter(stage)))
