"""Adapters of every kind attach to every family, and compute on packed windows what they compute on documents alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import DECODERS, FAMILIES

from corpuskit.errors import UsageError
from corpuskit.tokens.tokenizer import load_tokenizer
from corpuskit.tokens.windows import IGNORED, Batch
from corpuskit.training.adapters import AdaptConfig, merge
from corpuskit.training.adapters.methods import attach, trainable
from corpuskit.training.adapters.virtual import VirtualBody
from corpuskit.training.loss import token_losses
from corpuskit.training.models import load_model, output_head
from corpuskit.training.objectives import MaskedWords, NextToken, Spans

Make = Callable[[str], Path]
LENGTHS = (11, 23)
START = [7, 8, 9, 10]


def attached(folder: Path, method: str, settings: dict[str, Any] | None = None) -> Any:
    config = AdaptConfig.model_validate({"method": method, **(settings or {})})
    torch.manual_seed(1)
    adapted = attach(load_model(folder), config, str(folder), START)
    with torch.no_grad():  # an adapter that changes nothing yet would prove nothing
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return adapted.eval()


@pytest.mark.parametrize("method", ["lora", "bottleneck"])
@pytest.mark.parametrize("name", FAMILIES)
def test_layers_are_put_in_and_take_gradients(name: str, method: str, family: Make) -> None:
    adapted = attached(family(name), method, {"after": "both"} if method == "bottleneck" else None)
    assert 0 < trainable(adapted) < 60_000
    tokens, positions = torch.arange(5, 29)[None], torch.arange(24)[None]
    body = adapted.get_base_model()
    arrays = {"inputs": tokens, "positions": positions, "targets": torch.roll(tokens, -1)}
    objective: Any = NextToken()
    if name == "t5" or name not in DECODERS:
        tokenizer = load_tokenizer(family(name))
        objective = (Spans if name == "t5" else MaskedWords)(tokenizer, 0)
        batch = Batch(tokens.numpy(), torch.roll(tokens, -1).numpy(), positions.numpy())
        arrays = {key: torch.from_numpy(value) for key, value in objective.arrays(batch, np.array([1])).items()}
    states, targets = objective.hidden(body, arrays)
    kept = targets != IGNORED
    output_head(body).logits(states[kept]).log_softmax(-1).gather(1, targets[kept][:, None]).sum().backward()
    idle = [name for name, one in adapted.named_parameters() if one.requires_grad and one.grad is None]
    assert not idle


@pytest.mark.parametrize("method", ["prefix", "prompt"])
@pytest.mark.parametrize("name", DECODERS)
def test_virtual_tokens_on_windows_are_those_on_documents(name: str, method: str, family: Make) -> None:
    adapted = attached(family(name), method, {"virtual_tokens": 4})
    draw = np.random.default_rng(3)
    documents = [torch.from_numpy(draw.integers(5, 380, length)) for length in LENGTHS]
    tokens = torch.cat(documents)[None]
    positions = torch.cat([torch.arange(length) for length in LENGTHS])[None]
    targets = torch.cat([torch.cat([one[1:], torch.tensor([IGNORED])]) for one in documents])[None]
    body = VirtualBody(adapted).eval()
    with torch.no_grad():
        states, goal = NextToken().hidden(body, {"inputs": tokens, "positions": positions, "targets": targets})
        packed, _ = token_losses(states, output_head(body), goal)
        alone = []
        for document in documents:
            logits = adapted(input_ids=document[None]).logits[0, -len(document) :]
            alone.append(torch.nn.functional.cross_entropy(logits[:-1].float(), document[1:], reduction="none"))
    torch.testing.assert_close(packed[goal != IGNORED], torch.cat(alone), atol=1e-4, rtol=1e-4)


def test_modernbert_takes_no_prefix(family: Make) -> None:
    with pytest.raises(UsageError, match="ModernBERT takes no prefix"):
        attached(family("modernbert"), "prefix")


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_merging_needs_no_tokenizer(name: str, family: Make, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for file in ("config.json", "model.safetensors", "generation_config.json"):
        shutil.copy(family(name) / file, base / file)
    adapted = attached(base, "lora")
    adapted.save_pretrained(tmp_path / "lora")
    merge(base, {tmp_path / "lora": 1.0}, tmp_path / "merged")
    tokens = torch.arange(5, 29)[None]
    with torch.no_grad():
        merged = load_model(tmp_path / "merged").eval()(input_ids=tokens).logits
        torch.testing.assert_close(merged, adapted(input_ids=tokens).logits, atol=2e-4, rtol=1e-4)
    assert not (tmp_path / "merged" / "tokenizer.json").exists()
