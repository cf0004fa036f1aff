"""One small trained model of each class, and an adapter of each method on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpuskit.tokens import Shards
from corpuskit.training import AdaptConfig, TrainConfig, finetune, pretrain

STYLES = {
    "llama": "decoder",
    "qwen3": "decoder",
    "bert": "encoder",
    "modernbert": "encoder",
    "t5": "encoder-decoder",
}


@pytest.fixture(scope="session")
def base(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model of a class, trained on the English half."""
    folder = tmp_path_factory.mktemp("bases")

    def trained(style: str) -> Path:
        if not (folder / style / "config.json").exists():
            model = {"kind": STYLES[style], "style": style, "layers": 4, "width": 32, "heads": 2}
            settings = {
                "model": model,
                "budget": {"steps": 40},
                "batch": 8,
                "learning_rate": 0.01,
                "mixture": {"en": 1},
            }
            pretrain(shards.folder, folder / style, TrainConfig.model_validate(settings | {"precision": "float32"}))
        return folder / style

    return trained


@pytest.fixture(scope="session")
def adapter(
    shards: Shards, base: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """The folder of an adapter, trained for some steps."""
    folder = tmp_path_factory.mktemp("adapters")

    def trained(style: str, method: str, **settings: Any) -> Path:
        name = "-".join([style, method, *(f"{key}={value}" for key, value in settings.items())]).replace("/", "_")
        config = {"method": method, "budget": {"steps": 10}, "source": "ko"} | settings
        if not (folder / name / "training.json").exists():
            finetune(base(style), shards.folder, folder / name, AdaptConfig.model_validate(config))
        return folder / name

    return trained
