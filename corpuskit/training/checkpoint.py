"""Checkpoints: the Hugging Face layout plus the optimizer's state, each complete or absent.

    step-00000120/
      config.json, model.safetensors, generation_config.json, tokenizer.json, tokenizer_config.json
      optimizer/shard-….safetensors   every tensor of the optimizers' state: '0/17/exp_avg'; a file a rank with FSDP
      state.json                      step, losses that spikes are judged by

The optimizer's state goes through torch.distributed.checkpoint with its safetensors storage, so that any number of
ranks reads what another number wrote, and nothing is pickled. A checkpoint is written in the background from a copy of
the state, under another name, and renamed when all of it is on disk.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, require
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.learner import full_tensor
from corpuskit.training.models import context_length

OPTIMIZER = "optimizer"


def save_model(model: Any, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a model and its tokenizer so that `AutoModel….from_pretrained(folder)` loads them."""
    require("transformers", "train").utils.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save(folder, context_length(model.config))


def save_checkpoint(
    folder: Path, write: Callable[[Path], None], optimizers: Sequence[Any], state: Mapping[str, Any], keep: int
) -> Path:
    """Write `folder`/step-N for the step that `state` names, then remove all but the newest `keep`.

    `write(folder)` saves what is trained. Raises CorpuskitError where it cannot be written (a full disk); the
    checkpoints before it stay as they were.
    """
    return _write(folder, write, optimizer_state(optimizers), state, keep, leads=True, group=None)


class BackgroundWriter:
    """Writes checkpoints in a background thread; each waits for the one before it.

    `spare` is a copy of the module for what is being written: `load_copy` fills it. With FSDP every rank makes one of
    these, with a process group that nothing else uses, and the first of them `leads`.
    """

    def __init__(self, folder: Path, keep: int, leads: bool = True, group: Any = None) -> None:
        self.folder, self.keep, self.leads, self.group = folder, keep, leads, group
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[Path] | None = None

    def save(self, write: Callable[[Path], None], optimizers: Sequence[Any], state: Mapping[str, Any]) -> None:
        """Begin to write a checkpoint; `write(folder)` runs in the background, on what no longer changes."""
        tensors = {name: tensor.clone() for name, tensor in optimizer_state(optimizers).items()}
        arguments = (self.folder, write, tensors, state, self.keep, self.leads, self.group)
        self._writing = self._pool.submit(_write, *arguments)

    def check(self) -> None:
        """Raises CorpuskitError where the checkpoint that was being written could not be."""
        if self._writing is not None and self._writing.done():
            self.wait()

    def wait(self) -> None:
        """Return when nothing is being written; raises as `check` does."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        self._pool.shutdown()


def spare_copy(module: Any) -> Any:
    """A copy of a module in main memory to write from; weights there that are not trained are shared with it."""
    parameters = [parameter for parameter in module.parameters() if parameter.device.type == "cpu"]
    frozen: dict[int, Any] = {id(parameter): parameter for parameter in parameters if not parameter.requires_grad}
    return copy.deepcopy(module, memo=frozen).to("cpu")


def load_copy(spare: Any, module: Any) -> None:
    """Bring the spare up to date. With FSDP all ranks call it, those that keep no spare with None."""
    torch = require("torch", "train")
    kept = dict(spare.named_parameters()) if spare is not None else {}
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                weights = full_tensor(parameter)
                if name in kept:
                    kept[name].copy_(weights)


def _write(
    folder: Path,
    write: Callable[[Path], None],
    tensors: dict[str, Any],
    state: Mapping[str, Any],
    keep: int,
    leads: bool,
    group: Any,
) -> Path:
    name = f"step-{state['step']:08d}"
    partial, final = folder / f".{name}.partial", folder / name
    try:
        if leads:
            shutil.rmtree(partial, ignore_errors=True)
            write(partial)
        _save_tensors(tensors, partial / OPTIMIZER, group)
        if not leads:
            return final
        (partial / "state.json").write_text(json.dumps(state) + "\n")
        for file in partial.rglob("*"):
            if file.is_file():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    except Exception as error:
        shutil.rmtree(partial, ignore_errors=True)
        last = next(reversed(complete(folder)), None)
        raise CorpuskitError(
            f"could not write the checkpoint of step {state['step']} to {folder}: {_reason(error)}; "
            + (f"{last.name} is the last good one: make room and run the same command again" if last else "make room")
        ) from error
    for old in complete(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def complete(folder: Path) -> list[Path]:
    """The whole checkpoints of a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that can be read; None where there is none. Warns of newer ones that are damaged.

    Raises CorpuskitError, naming the file, where every checkpoint is damaged.
    """
    problems: list[str] = []
    for checkpoint in reversed(complete(folder)):
        problem = _damage(checkpoint)
        if problem is None:
            if problems:
                warnings.warn(f"{problems[0]}: going on from {checkpoint.name}, the one before", stacklevel=2)
            return checkpoint
        problems.append(problem)
    if problems:
        raise CorpuskitError(f"{problems[0]}, and there is no older checkpoint: train anew (resume=False)")
    return None


def _damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, if anything: a file that is cut off, or a state that cannot be read."""
    safetensors = require("safetensors", "train")
    try:
        json.loads((checkpoint / "state.json").read_text())
    except ValueError as error:
        return f"{checkpoint / 'state.json'} is damaged ({error})"
    for file in sorted(checkpoint.rglob("*.safetensors")):
        try:
            with safetensors.safe_open(file, "pt"):
                pass
        except (safetensors.SafetensorError, OSError) as error:
            return f"{file} is damaged ({error})"
    return None


def optimizer_state(optimizers: Sequence[Any]) -> dict[str, Any]:
    """'optimizer/parameter/name' -> its tensor, a share of it with FSDP; a number is a tensor of one element."""
    return {
        f"{number}/{parameter}/{name}": tensor.detach().reshape(1) if tensor.ndim == 0 else tensor.detach()
        for number, optimizer in enumerate(optimizers)
        for parameter, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
    }


def load_optimizers(checkpoint: Path, optimizers: Sequence[Any]) -> None:
    """Bring back the state that was saved, whatever the number of ranks that saved it."""
    torch = require("torch", "train")
    dcp = require("torch.distributed.checkpoint", "train")
    reader = dcp.HuggingFaceStorageReader(str(checkpoint / OPTIMIZER))
    saved = reader.read_metadata().state_dict_metadata
    tensors: dict[str, Any] = {}
    for number, optimizer in enumerate(optimizers):
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        for key, entry in saved.items():
            owner, parameter, _ = key.split("/", 2)
            if int(owner) == number:
                like = parameters[int(parameter)]
                tensors[key] = torch.zeros_like(like) if entry.size == like.shape else torch.zeros(entry.size)
    _quietly(dcp.load, tensors, storage_reader=reader, no_dist=not torch.distributed.is_initialized())
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Any]] = {}
        for key, tensor in tensors.items():
            owner, parameter, name = key.split("/", 2)
            if int(owner) == number:
                state.setdefault(int(parameter), {})[name] = tensor.reshape(()) if name == "step" else tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _save_tensors(tensors: dict[str, Any], folder: Path, group: Any) -> None:
    dcp = require("torch.distributed.checkpoint", "train")
    writer = dcp.HuggingFaceStorageWriter(str(folder), save_distributed=True)
    how = {"no_dist": True} if group is None else {"process_group": group}
    _quietly(dcp.save, tensors, storage_writer=writer, **how)


def _quietly(call: Callable[..., Any], *arguments: Any, **settings: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is no process group, which is meant
        call(*arguments, **settings)


def _reason(error: BaseException) -> str:
    """The cause at the bottom of what torch wraps a failed write in."""
    failures = getattr(error, "failures", None)  # of a CheckpointException: rank -> (error, traceback)
    cause = next(iter(failures.values()))[0] if failures else error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__
