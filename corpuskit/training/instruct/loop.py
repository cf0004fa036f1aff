"""The loop that every kind of tuning goes through: steps, metrics log, checkpoints, and the same end after any stop.

What a step does depends on its number, the weights and the optimizer's state alone, as in pretraining
(`corpuskit.training.trainer`), so that a run that goes on from a checkpoint ends in the same bits. A folder holds

    instruct.json     what was asked for, from which model and data, and what it came to
    metrics.jsonl     the metrics log, a line a step
    checkpoints/      where it goes on after a stop
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from corpuskit.engine.files import read_json, write_json
from corpuskit.engine.progress import Watch
from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.windows import Numbers
from corpuskit.training.checkpoint import load_optimizers, newest, save_checkpoint
from corpuskit.training.instruct.config import Tuning
from corpuskit.training.metrics import FILE as METRICS
from corpuskit.training.metrics import MetricsLog

FILE = "instruct.json"
STOP = "stop"
"""A step that gives this among its numbers ends the run, with its reason."""

WEIGHTS = ("config.json", "model.safetensors", "adapter_config.json", "adapter_model.safetensors")

Record = TypeVar("Record")
Step = Callable[[int], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TuningResult:
    """What every tuning comes to."""

    folder: str
    finished: bool
    """False where a signal stopped the run: the same call goes on from there."""
    steps: int
    seconds: float
    """Time spent in steps, over all calls."""
    stopped_by: str | None = None
    """A signal's name, or the reason for which a step ended the run."""


class TuningRun:
    """A tuning as it was asked for, and whether its folder holds it already."""

    def __init__(self, folder: Path, method: str, settings: dict[str, Any], resume: bool) -> None:
        """Raises UsageError where the folder holds a tuning that was asked for otherwise, and where torchrun started
        several processes."""
        if (ranks := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
            raise UsageError(
                f"instruction tuning runs in one process, and torchrun started {ranks}: leave torchrun out"
            )
        self.folder = folder
        self.asked = {"method": method, **settings}
        if not resume:
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
            for name in (FILE, METRICS, *WEIGHTS):
                (folder / name).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        known = read_json(folder / FILE)
        self.result: dict[str, Any] | None = None
        if known is not None:
            before, now = _flat(known["asked"]), _flat(json.loads(json.dumps(self.asked)))
            changed = [f"{key} was {before.get(key)}, is {now[key]}" for key in now if before.get(key) != now[key]]
            if changed:
                raise UsageError(
                    f"{folder} holds a tuning with other settings ({'; '.join(changed)}): "
                    "give the old settings back, choose another folder, or tune anew with resume=False"
                )
            self.result = known["result"]
        else:
            self._write(None)
        self.checkpoint = newest(folder / "checkpoints")

    def finish(self, result: Any, write: Callable[[Path], None]) -> None:
        """Write the tuned model's files into the folder, each whole or not at all, and what the tuning came to."""
        partial = self.folder / ".model.partial"
        shutil.rmtree(partial, ignore_errors=True)
        write(partial)
        for file in partial.iterdir():
            file.replace(self.folder / file.name)
        partial.rmdir()
        self._write(asdict(result))

    def _write(self, result: Any) -> None:
        write_json(self.folder / FILE, {"asked": self.asked, "result": result})


def run_steps(
    run: TuningRun,
    config: Tuning,
    steps: int,
    step: Step,
    *,
    optimizers: Sequence[Any],
    write: Callable[[Path], None],
    stop: Callable[[], str | None],
    watch: Watch,
) -> TuningResult:
    """Take the steps that are still to be taken. `step(number)` changes the weights and returns a line of the log.

    `write(folder)` saves what is trained. Raises CorpuskitError where a loss is not finite.
    """
    done, seconds = 0, 0.0
    if run.checkpoint is not None:
        load_optimizers(run.checkpoint, optimizers)
        state = json.loads((run.checkpoint / "state.json").read_text())
        done, seconds = int(state["step"]), float(state["seconds"])
    metrics = MetricsLog(run.folder, done)
    every = config.checkpoint_every or max(1, -(-steps // 5))
    stopped_by, finished = None, True
    torch = require("torch", "train")
    try:
        while done < steps and stopped_by is None:
            began = time.perf_counter()
            torch.manual_seed(_seed(config.seed, done + 1))  # for the model's own dropout
            line = step(done + 1)
            if not math.isfinite(line["loss"]):
                raise CorpuskitError(
                    f"the tuning diverged: the loss of step {done + 1} is {line['loss']}; "
                    f"try a learning rate under {config.learning_rate}"
                )
            elapsed = time.perf_counter() - began
            stopped_by = line.pop(STOP, None)
            if stopped_by is not None:
                break
            seconds += elapsed
            done += 1
            metrics.add({"step": done, **line, "seconds": round(elapsed, 4)})
            watch(_says(line), done, steps)
            if (signal := stop()) is not None:
                stopped_by, finished = signal, done == steps
            if done < steps and (stopped_by or done % every == 0):
                state = {"step": done, "seconds": seconds}
                save_checkpoint(run.folder / "checkpoints", write, optimizers, state, keep=2)
    finally:
        metrics.close()
    return TuningResult(folder=str(run.folder), finished=finished, steps=done, seconds=seconds, stopped_by=stopped_by)


def update(optimizers: Iterable[Any], parameters: Sequence[Any], clip: float) -> float:
    """Clip the gradients, take the optimizers' step, forget the gradients; the norm before clipping."""
    torch = require("torch", "train")
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, clip))
    if math.isfinite(norm):
        for optimizer in optimizers:
            optimizer.step()
    for parameter in parameters:
        parameter.grad = None
    return norm


def rows_of_step(count: int, batch: int, step: int, seed: int) -> Numbers:
    """int64[at most batch]: what a step (from 1) learns from. Each pass over the `count` rows has an order of its own,
    and the passes follow each other without a gap."""
    wanted = np.arange((step - 1) * batch, step * batch)
    passes, places = np.divmod(wanted, count)
    orders = {epoch: np.random.default_rng((seed, epoch)).permutation(count) for epoch in np.unique(passes).tolist()}
    return np.array([orders[epoch][place] for epoch, place in zip(passes.tolist(), places.tolist(), strict=True)])


def require_nonempty(records: Sequence[Record], what: str) -> list[Record]:
    """The records. Raises UsageError where there is none."""
    if not records:
        raise UsageError(f"there is no {what}: an empty list was given")
    return list(records)


def data_digest(*parts: str | Path | Iterable[Any]) -> str:
    """16 hex digits that name what is learned from: files by their contents, or records in memory."""
    hashed = hashlib.sha256()
    for part in parts:
        if isinstance(part, str | Path):
            if Path(part).is_file():
                with Path(part).open("rb") as file:
                    hashed.update(hashlib.file_digest(file, "sha256").digest())
            else:  # a data set of the hub, or a file elsewhere
                hashed.update(str(part).encode())
        else:
            for record in part:
                hashed.update(repr(record).encode() + b"\0")
        hashed.update(b"\1")
    return hashed.hexdigest()[:16]


def _seed(seed: int, step: int) -> int:
    """The seed of what a step draws at random: any stop and resume draws the same."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{step}".encode()).digest()[:8], "little") >> 1


def _says(line: dict[str, Any]) -> str:
    shown = ("loss", "accuracy", "score", "kl", "length")
    return ", ".join(f"{name} {line[name]:.3f}" for name in shown if name in line)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{name}.{key}" if name else key)
    return flat
