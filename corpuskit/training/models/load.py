"""Models and weights read from disk, with clear errors for damaged files and for a tokenizer that does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.tokenizer import Tokenizer

_WAY_OUT = "perhaps a file is cut off: copy or write it again"


def read_weights(path: str | Path) -> dict[str, Any]:
    """The tensors of a safetensors file by name. Raises CorpuskitError where it is absent or cannot be read."""
    safetensors = require("safetensors", "train")
    try:
        tensors: dict[str, Any] = require("safetensors.torch", "train").load_file(path)
    except FileNotFoundError as error:
        raise CorpuskitError(f"{path} does not exist") from error
    except safetensors.SafetensorError as error:
        raise CorpuskitError(f"{path} cannot be read as weights ({error}); {_WAY_OUT}") from error
    return tensors


def load_pretrained(folder: str | Path, model_class: Any = None, **options: Any) -> Any:
    """A model of the class that a folder in the Hugging Face layout names, or of `model_class`.

    It is read from safetensors alone, unless `options`, which go to `from_pretrained`, say otherwise. Raises UsageError
    for a folder that names no class, whose weights cannot be read, or that lacks some of them: transformers would draw
    those at random and go on.
    """
    transformers, safetensors = require("transformers", "train"), require("safetensors", "train")
    transformers.utils.logging.disable_progress_bar()
    settings = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    name = (settings.architectures or ["LlamaForCausalLM"])[0]
    model_class = model_class or getattr(transformers, name, None)
    if model_class is None:
        raise UsageError(f"{folder}/config.json names the architecture '{name}', which transformers does not have")
    try:
        model, loading = model_class.from_pretrained(
            folder,
            config=settings,
            local_files_only=True,
            output_loading_info=True,
            **{"use_safetensors": True, **options},
        )
    except (safetensors.SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        raise UsageError(f"the weights in {folder} cannot be read ({reason}); {_WAY_OUT}") from error
    missing = sorted(loading["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UsageError(f"the weights in {folder} lack {missing[0]}{more}; {_WAY_OUT}")
    return model


def load_model(folder: str | Path) -> Any:
    """A model of any kind from a folder in the Hugging Face layout, in float32. Reads safetensors alone.

    Raises UsageError where the weights cannot be read or some are missing.
    """
    return aligned(load_pretrained(folder, dtype=require("torch", "train").float32))


def aligned(model: Any) -> Any:
    """The model with its weights copied to where torch puts its own.

    As read they lie wherever the bytes of the file fell, and products of matrices differ in their last bits by how
    their operands are aligned: another process would get other bits from the same model.
    """
    for weights in (*model.parameters(), *model.buffers()):
        weights.data = weights.data.clone()
    return model


def count_parameters(model: Any) -> int:
    """Number of parameters, tied ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def check_vocabulary(model: Any, tokenizer: Tokenizer, folder: str | Path) -> None:
    """Raises UsageError where a tokenizer has ids that the model has no embedding for."""
    rows = model.get_input_embeddings().weight.shape[0]
    if tokenizer.vocabulary > rows:
        last = tokenizer.reference.id_to_token(tokenizer.vocabulary - 1)
        raise UsageError(
            f"{folder}: the tokenizer has {tokenizer.vocabulary:,} tokens, up to '{last}', and the model has "
            f"embeddings for {rows:,}: use the tokenizer that the model was saved with, or resize its embeddings "
            "(model.resize_token_embeddings) and save both together"
        )
