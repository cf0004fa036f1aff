"""Pretraining: token shards in, a model in the Hugging Face layout out, the same one however often the run was stopped.

    models/base/
      config.json, model.safetensors, tokenizer.json, …   the model, once the run has finished
      training.json       what the run does and came to (`corpuskit.training.plan`)
      metrics.jsonl       its diary (`corpuskit.training.metrics`)
      checkpoints/        where it goes on after a stop (`corpuskit.training.checkpoint`)

What a step does depends on its number, the weights and the optimizer's state alone: the order of the data, the masks
and the learning rate are functions of the number, and nothing else is random. So a run that goes on from a checkpoint
ends in the same bits as one that was never stopped, on the same processor with the same number of ranks and threads.
"""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.shards import Shards, open_shards
from corpuskit.tokens.windows import IGNORED, Numbers
from corpuskit.training.checkpoint import load_optimizers, newest, save_checkpoint, save_model
from corpuskit.training.config import Budget, TrainConfig
from corpuskit.training.loss import summed_cross_entropy
from corpuskit.training.machine import Machine, this_machine
from corpuskit.training.metrics import FILE as METRICS
from corpuskit.training.metrics import Metrics, Validation, read_metrics
from corpuskit.training.models import build_model, load_model, model_tokenizer, parameters
from corpuskit.training.objectives import Objective, objective_of, output_layer
from corpuskit.training.optimization import Spikes, learning_rate, make_optimizers, set_learning_rate
from corpuskit.training.plan import Plan, check_same, read_plan

Watch = Callable[[str, int, int], None]

MOST_SKIPPED = 20
"""Steps in a row that may be skipped before the run gives up."""
TIME_ALLOWANCE = 1.25
"""A budget of minutes that turns out this much too short (a busier machine) ends the run early."""


@dataclass
class TrainResult:
    folder: str
    finished: bool
    """False where a signal stopped the run: the same call goes on from there."""
    steps: int
    """Steps done."""
    tokens: int
    parameters: int
    loss: float | None
    """Mean training loss of the last twentieth of the steps, in nats a predicted token."""
    validation_loss: float | None
    bits_per_byte: float | None
    """On the held-out split; None where nothing is held out."""
    unigram_bits_per_byte: float | None
    """The same for token frequencies alone."""
    seconds: float
    """Time spent in steps, over all calls."""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """Steps that were not taken: {"step", "reason"}."""
    stopped_by: str | None = None
    """'SIGTERM' or 'SIGINT', or 'time' where a budget of minutes ran out before its steps."""


def pretrain(
    shards: str | Path,
    folder: str | Path,
    config: TrainConfig | None = None,
    *,
    watch: Watch = lambda message, done, total: None,
    resume: bool = True,
) -> TrainResult:
    """Train a model from random weights on the `train` split of a shard folder, and write it to `folder`.

    A run that was stopped goes on from its newest checkpoint; a finished one is not run again; `resume=False` removes
    what is there. SIGTERM and SIGINT end the step, write a checkpoint and return with `finished=False`. Under
    `torchrun` each rank calls this with the same arguments.

    Raises UsageError for settings that do not fit the shards or the run in the folder, CorpuskitError for damaged
    shards, a full disk, or a training that diverges.
    """
    folder, config = Path(folder), config or TrainConfig()
    train, held_out = open_shards(shards, "train"), open_shards(shards, "held_out")
    with this_machine(config.precision) as machine, _stop_signals() as stop:
        if machine.rank == 0:
            if not resume:
                _clear(folder)
            folder.mkdir(parents=True, exist_ok=True)
        old = read_plan(folder) if resume else None
        if old is not None:
            check_same(old, config, train, folder)
            if old.finished and old.result is not None:
                return TrainResult(**old.result)
        return _Run(train, held_out, folder, config, machine, old, watch).go(stop)


class _Run:
    def __init__(
        self,
        train: Shards,
        held_out: Shards,
        folder: Path,
        config: TrainConfig,
        machine: Machine,
        old: Plan | None,
        watch: Watch,
    ) -> None:
        self.train, self.folder, self.config, self.machine, self.watch = train, folder, config, machine, watch
        self.tokenizer = model_tokenizer(config.model, train.tokenizer)
        self.objective: Objective = objective_of(config, self.tokenizer)
        self.checkpoint = newest(folder / "checkpoints") if old is not None else None
        length = config.sequence_length or train.manifest.sequence_length
        if self.checkpoint is None:
            self.model = build_model(config.model, self.tokenizer, length, config.seed)
        else:
            self.model = load_model(self.checkpoint)
        self.model = self.model.to(machine.device).train()
        if config.checkpoint_activations:
            self.model.gradient_checkpointing_enable()
        if config.compile:
            for part in ("encoder", "decoder") if config.model.kind == "encoder-decoder" else ("base_model",):
                getattr(self.model, part).compile()
        batch = config.batch or max(1, config.model.preset.batch_tokens // length)
        if batch < machine.ranks * config.accumulate:
            raise UsageError(f"a batch of {batch} windows cannot be shared by {machine.ranks} x {config.accumulate}")
        self.plan = old or Plan(
            config=config,
            shards=train.manifest.fingerprint,
            tokenizer=train.manifest.tokenizer.sha256,
            sequence_length=length,
            batch=batch,
            steps=1,
            learning_rate=config.learning_rate or config.model.preset.learning_rate,
            parameters=parameters(self.model),
        )
        self.order: TokenOrder = self.plan.order(train)
        self.optimizers = make_optimizers(self.model, config.optimizer, config.weight_decay)
        rows = max(1, batch // (machine.ranks * config.accumulate))
        self.validation = (
            Validation(held_out, self.objective, length, config.validation_tokens, rows, machine)
            if held_out.counts.documents
            else None
        )
        if old is None:
            self.plan = self.plan.model_copy(update={"steps": self._steps()})
            if machine.rank == 0:
                self.plan.write(folder)

    def go(self, stop: Callable[[], str | None]) -> TrainResult:
        """Train to the end of the plan, or until `stop()` names what ends it."""
        plan, config, machine = self.plan, self.config, self.machine
        state = self._restore()
        done, seconds, spikes = int(state["step"]), float(state["seconds"]), Spikes(state["losses"])
        metrics = Metrics(self.folder, done) if machine.rank == 0 else None
        validate_every = config.validate_every or max(1, plan.steps // 10)
        checkpoint_every = config.checkpoint_every or max(1, -(-plan.steps // 5))
        limit = (config.budget.minutes or float("inf")) * 60 * TIME_ALLOWANCE
        skipped_in_a_row, stopped_by = 0, None
        tokens_a_step = plan.batch * plan.sequence_length
        while done < plan.steps and stopped_by is None:
            began = time.perf_counter()
            step = done + 1
            rate = learning_rate(step, plan.steps, plan.learning_rate, config.warmup, config.schedule)
            loss, norm = self._gradients(self.order.samples_at(step, machine.rank, machine.ranks))
            line: dict[str, Any] = {"step": step, "tokens": step * tokens_a_step, "loss": loss, "learning_rate": rate}
            line["gradient_norm"] = norm
            if reason := spikes.reason(loss, norm):
                line |= {"loss": _finite(loss), "gradient_norm": _finite(norm), "skipped": reason}
                skipped_in_a_row += 1
            else:
                set_learning_rate(self.optimizers, rate)
                for optimizer in self.optimizers:
                    optimizer.step()
                skipped_in_a_row = 0
            if np.isfinite(loss):
                spikes.add(loss)
            self.model.zero_grad(set_to_none=True)
            done, elapsed = step, time.perf_counter() - began
            seconds += elapsed
            line["tokens_per_second"] = round(tokens_a_step / elapsed)
            if self.validation is not None and (done % validate_every == 0 or done == plan.steps):
                line["validation_loss"], line["bits_per_byte"] = self.validation.run(self.model)
            if metrics is not None:
                metrics.add(line)
            self.watch(f"loss {loss:.3f}, {line['tokens_per_second']:,} tokens/s", done, plan.steps)
            if skipped_in_a_row >= MOST_SKIPPED:
                raise CorpuskitError(
                    f"training diverged: the last {MOST_SKIPPED} steps up to {done} were skipped ({reason}); "
                    f"try a learning rate under {plan.learning_rate}"
                )
            stopped_by = self._agreed(stop(), seconds > limit)
            if done < plan.steps and (stopped_by or done % checkpoint_every == 0):
                self._save({"step": done, "seconds": seconds, "losses": list(spikes.losses)})
        if metrics is not None:
            metrics.close()
        return self._finish(done, seconds, stopped_by)

    def _gradients(self, samples: Numbers) -> tuple[float, float]:
        """Compute the gradients of these samples; (mean loss, norm before clipping), over all ranks."""
        torch = require("torch", "train")
        parts = [
            self.objective.arrays(self.order.batch_of(part), part)
            for part in np.array_split(samples, self.config.accumulate)
        ]
        counted = torch.tensor([float(sum((part["targets"] != IGNORED).sum() for part in parts))])
        count = max(float(self.machine.sum(counted.to(self.machine.device))), 1.0)
        total = torch.zeros((), device=self.machine.device)
        for part in parts:
            with self.machine.autocast():
                hidden, targets = self.objective.hidden(self.model, self.machine.tensors(part))
            weight, bias = output_layer(self.model)
            loss = summed_cross_entropy(hidden, weight, targets, bias) / count
            loss.backward()
            total += loss.detach()
        self.machine.sum_gradients(self.model)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        return float(self.machine.sum(total)), float(norm)

    def _steps(self) -> int:
        """The steps that the budget comes to."""
        budget = self.config.budget
        if budget == Budget():
            budget = Budget(epochs=self.config.model.preset.epochs)
        if budget.steps is not None:
            return budget.steps
        if budget.minutes is not None:
            torch = require("torch", "train")
            share = torch.tensor([60 * budget.minutes / self._seconds_a_step()], device=self.machine.device)
            return max(1, int(self.machine.sum(share) / self.machine.ranks))
        windows = (budget.epochs or 0) * self.order.epoch_samples
        if budget.tokens is not None:
            windows = budget.tokens / self.plan.sequence_length
        return max(1, round(windows / self.plan.batch))

    def _seconds_a_step(self) -> float:
        """Median time of a step, with its share of validations; leaves the weights as they are."""
        times = []
        for _ in range(4):
            began = time.perf_counter()
            self._gradients(self.order.samples_at(1, self.machine.rank, self.machine.ranks))
            self.model.zero_grad(set_to_none=True)
            times.append(time.perf_counter() - began)
        return 1.1 * float(np.median(times[1:]))

    def _restore(self) -> dict[str, Any]:
        if self.checkpoint is None:
            return {"step": 0, "seconds": 0.0, "losses": []}
        load_optimizers(self.checkpoint, self.optimizers)
        state: dict[str, Any] = json.loads((self.checkpoint / "state.json").read_text())
        return state

    def _save(self, state: dict[str, Any]) -> None:
        if self.machine.rank == 0:
            keep = self.config.keep_checkpoints
            save_checkpoint(self.folder / "checkpoints", self.model, self.tokenizer, self.optimizers, state, keep)

    def _agreed(self, signal_name: str | None, out_of_time: bool) -> str | None:
        """What ends the run, where any rank has a reason to."""
        torch = require("torch", "train")
        flags = torch.tensor([float(signal_name == "SIGTERM"), float(signal_name == "SIGINT"), float(out_of_time)])
        if self.machine.ranks > 1:
            flags = self.machine.sum(flags.to(self.machine.device))
        names = [name for name, flag in zip(("SIGTERM", "SIGINT", "time"), flags.tolist(), strict=True) if flag]
        return names[0] if names else None

    def _finish(self, done: int, seconds: float, stopped_by: str | None) -> TrainResult:
        finished = stopped_by in (None, "time")
        lines = read_metrics(self.folder)
        last = [line["loss"] for line in lines[-max(1, len(lines) // 20) :] if "skipped" not in line]
        judged = [line for line in lines if "validation_loss" in line]
        if finished and self.validation is not None and (not judged or judged[-1]["step"] != done):
            nats, bits = self.validation.run(self.model)
            judged.append({"validation_loss": nats, "bits_per_byte": bits})
        result = TrainResult(
            folder=str(self.folder),
            finished=finished,
            steps=done,
            tokens=done * self.plan.batch * self.plan.sequence_length,
            parameters=self.plan.parameters,
            loss=sum(last) / len(last) if last else None,
            validation_loss=judged[-1]["validation_loss"] if judged else None,
            bits_per_byte=judged[-1]["bits_per_byte"] if judged else None,
            unigram_bits_per_byte=self.validation.unigram_bits_per_byte(self.train) if self.validation else None,
            seconds=seconds,
            skipped=[{"step": line["step"], "reason": line["skipped"]} for line in lines if "skipped" in line],
            stopped_by=stopped_by,
        )
        if finished and self.machine.rank == 0:
            publish(self.model, self.tokenizer, self.folder)
            self.plan.model_copy(update={"finished": True, "result": asdict(result)}).write(self.folder)
        return result


def publish(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the finished model's files into `folder`, each whole or not at all."""
    partial = folder / ".model.partial"
    shutil.rmtree(partial, ignore_errors=True)
    save_model(model, tokenizer, partial)
    for file in partial.iterdir():
        file.replace(folder / file.name)
    partial.rmdir()


def _clear(folder: Path) -> None:
    """Remove what an earlier run left in the folder; files of others stay."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for name in ("training.json", METRICS, "model.safetensors", "config.json"):
        (folder / name).unlink(missing_ok=True)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


@contextmanager
def _stop_signals() -> Iterator[Callable[[], str | None]]:
    """SIGTERM and SIGINT ask for an end after the step; a second SIGINT interrupts at once."""
    asked: list[str] = []

    def ask(number: int, frame: Any) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(signal.Signals(number).name)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: asked[0] if asked else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
