"""A merged model computes what the unmerged one does; what cannot be merged exactly is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from corpuskit.cli.main import app
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.training.adapters import load_adapted, merge
from corpuskit.training.models import load_model

Folder = Callable[..., Path]


def logits(model: Any, style: str) -> torch.Tensor:
    tokens = torch.randint(5, 250, (2, 14), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return model.eval()(input_ids=tokens, **({"decoder_input_ids": tokens} if style == "t5" else {})).logits


def weigh(model: Any, weights: dict[str, float]) -> None:
    """The unmerged model at weights: peft scales each adapter's product in the forward pass."""
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), dict):
            for name, weight in weights.items():
                module.scaling[name] *= weight


@pytest.mark.parametrize(
    ("style", "settings"),
    [
        ("llama", {"rslora": True}),
        ("llama", {"dora": True}),
        ("bert", {"bias": True}),
        ("t5", {"rank": 3, "alpha": 5}),
        ("modernbert", {"rank": 3, "alpha": 5}),
    ],
    ids=str,
)
def test_one_adapter_merged_is_the_adapter(
    base: Folder, adapter: Folder, tmp_path: Path, style: str, settings: dict[str, Any]
) -> None:
    folder = adapter(style, "lora", **settings)
    result = merge(base(style), {folder: 1.0}, tmp_path / "merged")
    plain, model = load_model(base(style)), load_model(tmp_path / "merged")
    wanted = logits(load_adapted(base(style), folder), style)
    torch.testing.assert_close(logits(model, style), wanted, rtol=0, atol=1e-5)
    assert (logits(plain, style) - wanted).abs().max() > 1e-2
    assert result.parameters == sum(one.numel() for one in plain.parameters())
    assert {name: one.shape for name, one in load_file(tmp_path / "merged" / "model.safetensors").items()} == {
        name: one.shape for name, one in load_file(base(style) / "model.safetensors").items()
    }


@pytest.mark.parametrize(
    ("style", "settings"), [("llama", {}), ("llama", {"rslora": True}), ("bert", {"bias": True})], ids=str
)
def test_several_adapters_at_weights_add_up(
    base: Folder, adapter: Folder, tmp_path: Path, style: str, settings: dict[str, Any]
) -> None:
    ours = {"a": adapter(style, "lora", **settings), "b": adapter(style, "lora", source="en", rank=3, **settings)}
    weights = {"a": 0.7, "b": -0.4}
    model = load_adapted(base(style), ours)
    weigh(model, weights)
    merge(base(style), [(ours[name], weights[name]) for name in ours], tmp_path / "merged")
    torch.testing.assert_close(logits(load_model(tmp_path / "merged"), style), logits(model, style), rtol=0, atol=1e-5)


def test_the_sum_is_the_formula(base: Folder, adapter: Folder, tmp_path: Path) -> None:
    folder = adapter("llama", "lora", rslora=True)
    merge(base("llama"), {folder: 0.25}, tmp_path / "merged")
    state = load_file(folder / "adapter_model.safetensors")
    name = "model.layers.1.mlp.up_proj"
    a, b = (state[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
    before, after = (load_file(f / "model.safetensors")[f"{name}.weight"] for f in (base("llama"), tmp_path / "merged"))
    torch.testing.assert_close(after - before, 0.25 * 16 / 8**0.5 * b @ a, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("style", "settings"), [("llama", {"rslora": True}), ("bert", {"bias": True})], ids=str)
def test_where_peft_weighs_wrongly(
    base: Folder, adapter: Folder, tmp_path: Path, style: str, settings: dict[str, Any]
) -> None:
    """`add_weighted_adapter` at weight 1 should be the adapter itself. If this fails, peft has learned it."""
    import peft

    folder = adapter(style, "lora", **settings)
    theirs = peft.PeftModel.from_pretrained(load_model(base(style)), folder, adapter_name="a")
    wanted = logits(theirs, style)
    theirs.add_weighted_adapter(["a"], [1.0], "both", combination_type="cat")
    theirs.set_adapter("both")
    merge(base(style), {folder: 1.0}, tmp_path / "merged")
    ours = (logits(load_model(tmp_path / "merged"), style) - wanted).abs().max()
    assert ours < 1e-5
    assert (logits(theirs, style) - wanted).abs().max() > 100 * ours


def test_what_is_not_linear_is_refused_with_the_reason(base: Folder, adapter: Folder, tmp_path: Path) -> None:
    out = tmp_path / "merged"
    few = {"virtual_tokens": 4, "budget": {"steps": 1}}
    for folder, weight, reason in (
        (adapter("llama", "bottleneck"), 1.0, "a non-linearity between its two projections"),
        (adapter("llama", "prefix", **few), 1.0, "keys and values that come from no weights"),
        (adapter("llama", "prompt", **few), 1.0, "embeddings of tokens that are in no text"),
        (adapter("llama", "lora", dora=True), 0.5, "at weight 0.5: DoRA sets the length"),
        (adapter("llama", "lora"), float("nan"), "give a number"),
        (adapter("llama", "lora", bias=True, budget={"steps": 1}), 1.0, "the model's layer has none to add it to"),
    ):
        with pytest.raises(UsageError, match=reason):
            merge(base("llama"), {folder: weight}, out)
        assert not out.exists()
    dora = adapter("llama", "lora", dora=True)
    with pytest.raises(UsageError, match="with others"):
        merge(base("llama"), [(dora, 1.0), (adapter("llama", "lora"), 1.0)], out)
    with pytest.raises(CorpuskitError, match="was trained on another model"):
        merge(base("qwen3"), {adapter("llama", "lora"): 1.0}, out)
    with pytest.raises(UsageError, match="no adapter is given"):
        merge(base("llama"), {}, out)


def test_an_adapter_on_shared_or_unknown_weights_is_refused(base: Folder, adapter: Folder, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(adapter("llama", "lora"), copy)
    state = load_file(copy / "adapter_model.safetensors")
    some = "base_model.model.model.layers.0.mlp.up_proj"

    def moved(name: str) -> None:
        renamed = {key.replace(some, f"base_model.model.{name}"): value for key, value in state.items()}
        save_file(renamed, copy / "adapter_model.safetensors")

    moved("model.layers.0.mlp.sideways")
    with pytest.raises(UsageError, match=r"a module model\.layers\.0\.mlp\.sideways, and this one has none"):
        merge(base("llama"), {copy: 1.0}, tmp_path / "merged")
    moved("lm_head")
    with pytest.raises(UsageError, match=r"lm_head cannot be merged: its weights are those of model\.embed_tokens too"):
        merge(base("llama"), {copy: 1.0}, tmp_path / "merged")
    settings = json.loads((copy / "adapter_config.json").read_text())
    (copy / "adapter_config.json").write_text(json.dumps(settings | {"init_lora_weights": "pissa"}))
    with pytest.raises(UsageError, match="made with init_lora_weights=pissa"):
        merge(base("llama"), {copy: 1.0}, tmp_path / "merged")


def test_the_command_writes_a_plain_checkpoint(base: Folder, adapter: Folder, tmp_path: Path) -> None:
    import transformers

    ours = [adapter("llama", "lora"), adapter("llama", "lora", source="en", rank=3)]
    out = tmp_path / "merged"
    arguments = ["adapters", "merge", str(base("llama")), f"{ours[0]}=0.7", f"{ours[1]}=0.3", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "parameters, as before" in result.output
    model = transformers.AutoModelForCausalLM.from_pretrained(out)
    assert not hasattr(model, "peft_config")
    assert transformers.AutoTokenizer.from_pretrained(out)("다리").input_ids
    with pytest.raises(UsageError, match="write the adapter's weight after '='"):
        CliRunner().invoke(
            app, [*arguments[:3], f"{ours[0]}=much", "--out", str(tmp_path / "x")], catch_exceptions=False
        )
    with pytest.raises(UsageError, match="is not empty"):
        merge(base("llama"), {ours[0]: 1.0}, out)
