"""Checkpoints: the Hugging Face layout with the optimizer's state beside it, each whole or not there at all.

    step-00000120/
      config.json, model.safetensors, generation_config.json, tokenizer.json, tokenizer_config.json
      optimizer.safetensors    every tensor of the optimizers' state: '0/17/exp_avg'
      state.json               step, losses that spikes are judged by

A checkpoint is written under another name and renamed when all of it is on disk. Nothing in it is pickled.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, require
from corpuskit.tokens.tokenizer import Tokenizer


def save_model(model: Any, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a model and its tokenizer so that `AutoModel….from_pretrained(folder)` loads them."""
    require("transformers", "train").utils.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save(folder)


def save_checkpoint(
    folder: Path, write: Callable[[Path], None], optimizers: Sequence[Any], state: dict[str, Any], keep: int
) -> Path:
    """Write `folder`/step-N for the step that `state` names, then remove all but the newest `keep`.

    `write(folder)` saves what is trained.

    Raises CorpuskitError where it cannot be written (a full disk); the checkpoints before it stay as they were.
    """
    safetensors = require("safetensors.torch", "train")
    name = f"step-{state['step']:08d}"
    partial, final = folder / f".{name}.partial", folder / name
    try:
        shutil.rmtree(partial, ignore_errors=True)
        write(partial)
        safetensors.save_file(_flat(optimizers), partial / "optimizer.safetensors")
        (partial / "state.json").write_text(json.dumps(state) + "\n")
        for file in partial.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    except Exception as error:
        shutil.rmtree(partial, ignore_errors=True)
        last = newest(folder)
        raise CorpuskitError(
            f"could not write the checkpoint of step {state['step']} to {folder}: {error}; "
            + (f"{last.name} is the last good one: make room and run the same command again" if last else "make room")
        ) from error
    for old in complete(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def complete(folder: Path) -> list[Path]:
    """The whole checkpoints of a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def newest(folder: Path) -> Path | None:
    found = complete(folder)
    return found[-1] if found else None


def load_optimizers(checkpoint: Path, optimizers: Sequence[Any]) -> None:
    """Bring back the state that `save_checkpoint` wrote."""
    tensors = require("safetensors.torch", "train").load_file(checkpoint / "optimizer.safetensors")
    for number, optimizer in enumerate(optimizers):
        fresh = optimizer.state_dict()
        state: dict[int, dict[str, Any]] = {}
        for key, tensor in tensors.items():
            owner, parameter, name = key.split("/", 2)
            if int(owner) == number:
                state.setdefault(int(parameter), {})[name] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})


def _flat(optimizers: Sequence[Any]) -> dict[str, Any]:
    return {
        f"{number}/{parameter}/{name}": tensor.contiguous()
        for number, optimizer in enumerate(optimizers)
        for parameter, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
    }
