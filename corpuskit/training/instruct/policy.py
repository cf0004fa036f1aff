"""The model that is tuned: all of its weights or an adapter; saving and loading either."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.training.adapters.folder import FILE, AdapterFile, read_adapter, weights_digest
from corpuskit.training.checkpoint import save_model
from corpuskit.training.instruct.chat import save_template
from corpuskit.training.instruct.config import LoraPolicy
from corpuskit.training.models import check_vocabulary, context_length, family_of, load_model, read_weights


def load_policy(folder: str | Path) -> tuple[Any, Tokenizer]:
    """(a causal model in float32, its tokenizer) from a model's folder, or from an adapter's, merged into its base.

    Raises UsageError where no such model is there, CorpuskitError where an adapter's base is another than it was
    trained on.
    """
    folder = Path(folder)
    if (folder / "adapter_config.json").is_file():
        model, tokenizer = load_policy(_base_of(folder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            adapted = require("peft", "train").PeftModel.from_pretrained(model, folder)
        return adapted.merge_and_unload(), tokenizer
    if not (folder / "config.json").is_file():
        raise UsageError(f"no model at {folder}: it has neither config.json nor adapter_config.json")
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    try:
        kind = family_of(model.config).kind
    except UsageError as error:
        raise UsageError(f"{folder}: {error}") from error
    if kind != "decoder" or not model.can_generate():
        raise UsageError(f"{folder} is a '{model.config.model_type}'; instruction tuning is for a decoder")
    check_vocabulary(model, tokenizer, folder)
    return model, tokenizer


def with_adapter(model: Any, settings: LoraPolicy, seed: int) -> Any:
    """The model with low-rank matrices on every linear layer but the last; they alone are trained. They add nothing
    at the start."""
    peft, torch = require("peft", "train"), require("torch", "train")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        return peft.get_peft_model(model, _lora(settings))


def add_adapter(module: Any, name: str, settings: LoraPolicy, seed: int) -> None:
    """A second adapter on the same weights."""
    torch = require("torch", "train")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        module.add_adapter(name, _lora(settings))


def body(module: Any) -> Any:
    """The `transformers` model inside."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module


def save_policy(module: Any, tokenizer: Tokenizer, folder: Path, base: Path) -> None:
    """Write what was trained, with the tokenizer and the chat template: a model, or only the adapter."""
    if hasattr(module, "get_base_model"):
        folder.mkdir(parents=True, exist_ok=True)
        module.save_pretrained(folder, selected_adapters=["default"])
        (folder / "README.md").unlink(missing_ok=True)
        tokenizer.save(folder)
        settings = module.peft_config["default"]
        lora = {"rank": settings.r, "alpha": settings.lora_alpha}
        AdapterFile(method="lora", base=weights_digest(base), base_folder=str(base), settings=lora).write(folder)
    else:
        save_model(module, tokenizer, folder)
    save_template(tokenizer, folder)


def restore_policy(fresh: Any, checkpoint: Path) -> None:
    """Bring the weights that `save_policy` wrote into a module of the same making."""
    if hasattr(fresh, "get_base_model"):
        weights = read_weights(checkpoint / "adapter_model.safetensors")
        require("peft", "train").set_peft_model_state_dict(fresh, weights, adapter_name="default")
    else:
        fresh.load_state_dict(load_model(checkpoint).state_dict())


def context(model: Any) -> int:
    """Tokens that the model reads at most."""
    return context_length(body(model).config) or 1 << 30


def _base_of(folder: Path) -> Path:
    known = read_adapter(folder)
    if known is None:
        raise UsageError(f"{folder} does not say which model it adapts: it has no {FILE}")
    base = Path(known.base_folder)
    if not base.is_dir():
        raise UsageError(f"{folder} adapts the model at {base}, and nothing is there")
    if weights_digest(base) != known.base:
        raise CorpuskitError(f"{folder} was trained on another model than {base} holds now")
    return base


def _lora(settings: LoraPolicy) -> Any:
    return require("peft", "train").LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
