"""Models with random weights that still have opinions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from corpuskit.tokens import Shards
from corpuskit.training.config import ModelConfig
from corpuskit.training.evaluation import LanguageModel
from corpuskit.training.models import build_model, model_tokenizer

RandomModel = Callable[..., LanguageModel]


@pytest.fixture(scope="session")
def random_model() -> RandomModel:
    def built(shards: Shards, context: int = 48, **settings: Any) -> LanguageModel:
        config = ModelConfig(**({"layers": 2, "width": 32, "heads": 2} | settings))
        tokenizer = model_tokenizer(config, shards.tokenizer)
        model = build_model(config, tokenizer, context, seed=3).eval()
        with torch.no_grad():  # random weights predict almost evenly; larger ones make every token's cost its own
            for parameter in model.parameters():
                parameter.mul_(3.0)
        return LanguageModel(model, tokenizer, config.kind, context)

    return built
