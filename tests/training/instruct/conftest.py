"""A tiny decoder with random weights, and a tokenizer that knows no chat tokens."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from corpuskit.tokens import train_tokenizer
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training import ModelConfig
from corpuskit.training.checkpoint import save_model
from corpuskit.training.instruct.tasks import items, statements
from corpuskit.training.models import build_model


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    texts = [text for _, text in islice(statements(300), 300)]
    return train_tokenizer([*texts, *(item.prompt for item in items()[:200])], 512)


@pytest.fixture(scope="session")
def base(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    model = build_model(ModelConfig(layers=2, width=64, heads=2), tokenizer, 192, seed=1)
    save_model(model, tokenizer, folder)
    return folder
