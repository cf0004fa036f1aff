"""The recipe of each arm: the same corpus, tokens and steps, and one thing done against memorization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.memorization.studies.lab.config import LabConfig
from corpuskit.memorization.studies.lab.world import World

LEFT_OUT = ("identifiers", "personal", "near_verbatim", "generations", "replayed")
"""Parts of an audit that say nothing of a made-up language."""
BASE_ARM = "base"
"""The run that the arms adapter and private fine-tune: it has read fresh text alone, once."""
LAYERS = 3
HEAD_WIDTH = 32


def arm_recipe(
    arm: str, world: World, config: LabConfig, width: int, seed: int, *, tokenizer: Path, steps: int | None
) -> dict[str, Any]:
    """The recipe of an arm, as YAML would give it.

    `tokenizer`: one for all arms. `steps`: those of the arm raw, which reads its corpus once (None); the other arms
    take them over, so that all models see as many tokens.
    """
    paths = [str((world.more if arm == BASE_ARM else world.documents).resolve())]
    stages: list[Any] = []
    if arm == "deduplicated":
        paths.append(str(world.more.resolve()))
        # near duplicates are for texts of some length: equal short ones are the other stage's
        stages += ["exact_duplicates", {"near_duplicates": {"threshold": 0.7}}]
    elif arm == "scrubbed":
        stages.append({"personal_data": {"mode": "replace"}})
    train: dict[str, Any] = {
        "model": {"layers": LAYERS, "width": width, "heads": max(1, width // HEAD_WIDTH)},
        "budget": {"epochs": 1} if steps is None or arm == BASE_ARM else {"steps": steps},
        "batch": config.batch,
        "learning_rate": config.learning_rate,
        "validation_tokens": 4096,
        "validate_every": 10_000,
        "checkpoint_every": 10_000,
        "seed": seed,
    }
    if arm == "goldfish":
        train["goldfish"] = config.goldfish
    return {
        "name": f"lab-{arm}",
        "sources": [{"jsonl": {"name": "lab", "paths": paths}}],
        "stages": stages,
        "tokens": {
            "tokenizer": {"path": str(tokenizer.resolve())},
            "sequence_length": config.sequence_length,
            "hold_out": 0.01,
            "seed": seed,
        },
        "train": train,
        "audit": {"windows": 400, "documents": 200, "canaries": None, "seed": seed, **dict.fromkeys(LEFT_OUT, 0)},
    }
