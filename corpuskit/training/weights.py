"""Weights read from disk, with an error for people where a file is cut off or is none of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError, require

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
