"""A model whose weights are cut off, missing or of no known kind is an error that says so, never random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.training.models import load_model, read_weights

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
safetensors = pytest.importorskip("safetensors.torch")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings = transformers.LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2
    )
    transformers.LlamaForCausalLM(settings).save_pretrained(tmp_path)
    return tmp_path


def test_a_whole_model_is_read(folder: Path) -> None:
    assert load_model(folder).config.vocab_size == 50


def test_a_file_that_is_cut_off_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UsageError, match="cannot be read"):
        load_model(folder)
    with pytest.raises(CorpuskitError, match=r"model\.safetensors cannot be read as weights"):
        read_weights(path)
    path.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        load_model(folder)
    with pytest.raises(CorpuskitError, match="does not exist"):
        read_weights(path)


def test_weights_that_are_not_there_are_not_drawn_at_random(folder: Path) -> None:
    tensors = safetensors.load_file(folder / "model.safetensors")
    tensors.pop("model.norm.weight")
    safetensors.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"lack model\.norm\.weight"):
        load_model(folder)


def test_an_unknown_architecture_is_named(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"architectures": ["NoSuchModel"]}))
    with pytest.raises(UsageError, match="'NoSuchModel'"):
        load_model(folder)
