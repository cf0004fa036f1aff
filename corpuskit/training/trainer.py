"""One run of training: steps by a plan, a metrics log, checkpoints, and the same end however often it was stopped.

What a step does depends on its number, the weights and the optimizer's state alone: the order of the data, the masks
and the learning rate are functions of the number, and nothing else is random. So a run that goes on from a checkpoint
ends in the same bits as one that was never stopped, on the same processor with the same number of threads; and with any
number of ranks, as far as the plan has parts for them (`corpuskit.training.gradients`).
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corpuskit.engine.progress import Watch
from corpuskit.errors import CorpuskitError, require
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.checkpoint import BackgroundWriter, load_copy, load_optimizers, newest, spare_copy
from corpuskit.training.config import Budget, TrainConfig
from corpuskit.training.gradients import StepGradients, fitting_parts
from corpuskit.training.learner import make_learner, shard, wants_shards
from corpuskit.training.machine import Machine
from corpuskit.training.metrics import read_metrics
from corpuskit.training.models import count_parameters
from corpuskit.training.objectives import Objective, objective_of
from corpuskit.training.optimization import Spikes, learning_rate, make_optimizers, set_learning_rate
from corpuskit.training.plan import TrainingPlan
from corpuskit.training.reporting import StepReporter
from corpuskit.training.validation import Validation

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

    def sentence(self) -> str:
        """The run in a line for people."""
        text = f"{self.parameters / 1e6:.1f} M parameters, {self.tokens:,} tokens in {self.steps:,} steps"
        if self.bits_per_byte is not None and self.unigram_bits_per_byte is not None:
            text += f"; held out {self.bits_per_byte:.3f} bits a byte"
            text += f" (token frequencies alone: {self.unigram_bits_per_byte:.3f})"
        return text


class Trainable(Protocol):
    """What is trained: all of a model from random weights, or an adapter on one."""

    tokenizer: Tokenizer
    """The model's own."""
    adapter: dict[str, Any] | None
    """For an adapter, its settings and the digest of the model below it."""

    def fresh(self, sequence_length: int) -> Any:
        """The module at the start of training."""
        ...

    def restored(self, folder: Path) -> Any:
        """The module that `save` wrote there."""
        ...

    def body(self, module: Any) -> Any:
        """The `transformers` model inside the module."""
        ...

    def save(self, module: Any, folder: Path) -> None:
        """Write the module so that Hugging Face's `from_pretrained` loads it."""
        ...


class Trainer:
    """Trains what a subject makes, by a plan, and writes metrics log and checkpoints into its folder."""

    def __init__(
        self,
        subject: Trainable,
        train: Shards,
        held_out: Shards,
        folder: Path,
        config: TrainConfig,
        machine: Machine,
        old: TrainingPlan | None,
        watch: Watch,
    ) -> None:
        self.subject, self.train, self.held_out, self.folder, self.config = subject, train, held_out, folder, config
        self.machine, self.watch = machine, watch
        self.checkpoint = newest(folder / "checkpoints") if old is not None else None
        length = config.sequence_length or train.manifest.sequence_length
        self.model = subject.fresh(length) if self.checkpoint is None else subject.restored(self.checkpoint)
        self.model = self.model.to(machine.device).train()
        size = count_parameters(self.model)
        self.body = subject.body(self.model)
        self._prepare()
        self.sharded = wants_shards(config.parallel, machine, size)
        self._spare = spare_copy(self.model) if self.sharded and machine.rank == 0 else None
        objective: Objective = objective_of(config, subject.tokenizer)
        self.learner = make_learner(self.body, objective, machine)
        if self.sharded:
            shard(self.learner, machine)
        self.optimizers = make_optimizers(self.body, config.optimizer, config.weight_decay)
        self.plan = old or self._plan(length, size)
        self.order: TokenOrder = self.plan.order(train)
        self.gradients = StepGradients(self.learner, objective, self.order, machine, self.plan.parts, self.sharded)
        self.validation = None
        if held_out.counts.documents:
            digest = train.manifest.tokenizer.sha256
            self.validation = Validation(held_out, subject.tokenizer, config, length, digest, machine)
        if old is None:
            self.plan = self.plan.model_copy(update={"steps": self._steps()})
            if machine.rank == 0:
                self.plan.write(folder)

    def go(self, stop: Callable[[], str | None]) -> TrainResult:
        """Train to the end of the plan, or until `stop()` names what ends it."""
        state = self._restore()
        checkpoints = self._checkpoints()
        seen = self._reporter(int(state["step"]))
        try:
            done, seconds, stopped_by = self._train(state, stop, seen, checkpoints)
            if checkpoints is not None:
                checkpoints.wait()
        finally:
            seen.close()
            if checkpoints is not None:
                checkpoints.close()
        return self._finish(done, seconds, stopped_by)

    def _train(
        self,
        state: dict[str, Any],
        stop: Callable[[], str | None],
        seen: StepReporter,
        checkpoints: BackgroundWriter | None,
    ) -> tuple[int, float, str | None]:
        """(steps done, seconds spent in steps, what ended it before the plan's end)."""
        plan, config = self.plan, self.config
        done, seconds, spikes = int(state["step"]), float(state["seconds"]), Spikes(state["losses"])
        checkpoint_every = config.checkpoint_every or max(1, -(-plan.steps // 5))
        limit = (config.budget.minutes or float("inf")) * 60 * TIME_ALLOWANCE
        skipped_in_a_row, stopped_by, reason = 0, None, ""
        while done < plan.steps and stopped_by is None:
            began = time.perf_counter()
            step = done + 1
            rate = learning_rate(step, plan.steps, plan.learning_rate, config.warmup, config.schedule)
            loss, norm = self._gradients(step)
            line: dict[str, Any] = {"loss": loss, "learning_rate": rate, "gradient_norm": norm}
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
            self.gradients.forget()
            done, elapsed = step, time.perf_counter() - began
            seconds += elapsed
            self.watch(seen.step(done, elapsed, line, self.validation), done, plan.steps)
            if skipped_in_a_row >= MOST_SKIPPED:
                raise CorpuskitError(
                    f"training diverged: the last {MOST_SKIPPED} steps up to {done} were skipped ({reason}); "
                    f"try a learning rate under {plan.learning_rate}"
                )
            stopped_by = self._agreed(stop(), seconds > limit)
            if checkpoints is not None:
                checkpoints.check()
            if done < plan.steps and (stopped_by or done % checkpoint_every == 0):
                self._save(checkpoints, {"step": done, "seconds": seconds, "losses": list(spikes.losses)})
        return done, seconds, stopped_by

    def _gradients(self, step: int) -> tuple[float, float]:
        """Compute the gradients of a step; (mean loss, norm before clipping), over all ranks."""
        loss = self.gradients.of(step)
        return loss, self.gradients.clip(self.config.gradient_clip)

    def _reporter(self, after: int) -> StepReporter:
        about = self.plan, self.machine, self.learner, self.model, self.subject.tokenizer, self.held_out
        return StepReporter(self.folder, self.config, *about, after)

    def _prepare(self) -> None:
        """Set the model up to recompute activations and to be compiled, as the settings say."""
        if self.config.checkpoint_activations:
            newer = getattr(self.body, "activation_checkpointing_enable", None)  # its name from transformers 5.2x on
            (newer or self.body.gradient_checkpointing_enable)()
        if self.config.compile:
            parts = ("encoder", "decoder") if self.config.model.kind == "encoder-decoder" else ("base_model",)
            for part in parts:
                getattr(self.body, part).compile(dynamic=False)

    def _plan(self, length: int, size: int) -> TrainingPlan:
        config, manifest = self.config, self.train.manifest
        layers, width, _ = config.model.shape
        batch = config.batch or max(1, config.model.preset.batch_tokens // length)
        return TrainingPlan(
            config=config,
            adapter=self.subject.adapter,
            shards=manifest.fingerprint,
            tokenizer=manifest.tokenizer.sha256,
            sequence_length=length,
            batch=batch,
            parts=config.parts or fitting_parts(batch, length, self.machine, layers, width),
            steps=1,
            learning_rate=config.learning_rate or config.model.learning_rate,
            parameters=size,
        )

    def _steps(self) -> int:
        """The steps that the budget comes to."""
        budget = self.config.budget
        if budget == Budget():
            budget = Budget(epochs=1 if self.config.epochs else self.config.model.preset.epochs)
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
            self._gradients(1)
            self.gradients.forget()
            times.append(time.perf_counter() - began)
        return 1.1 * float(np.median(times[1:]))

    def _restore(self) -> dict[str, Any]:
        if self.checkpoint is None:
            return {"step": 0, "seconds": 0.0, "losses": []}
        load_optimizers(self.checkpoint, self.optimizers)
        state: dict[str, Any] = json.loads((self.checkpoint / "state.json").read_text())
        return state

    def _checkpoints(self) -> BackgroundWriter | None:
        """Who writes: the first rank, or with FSDP each rank its share."""
        if self.machine.rank and not self.sharded:
            return None
        group = self.machine.group if self.sharded else None
        leads = self.machine.rank == 0
        return BackgroundWriter(self.folder / "checkpoints", self.config.keep_checkpoints, leads, group)

    def _save(self, checkpoints: BackgroundWriter | None, state: dict[str, Any]) -> None:
        if checkpoints is not None:
            checkpoints.wait()
            self._copy_weights()
            checkpoints.save(self._write, self.optimizers, state)

    def _copy_weights(self) -> None:
        """Bring the copy up to date from which files are written."""
        if self._spare is None and self.machine.rank == 0:
            self._spare = spare_copy(self.model)
        load_copy(self._spare, self.model)

    def _write(self, folder: Path) -> None:
        self.subject.save(self._spare, folder)

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
            judged.append(self.validation.run(self.learner))
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
        if finished and (self.sharded or self.machine.rank == 0):
            self._copy_weights()
        if finished and self.machine.rank == 0:
            _publish(self._write, self.folder)
            self.plan.model_copy(update={"finished": True, "result": asdict(result)}).write(self.folder)
        return result


def _publish(write: Callable[[Path], None], folder: Path) -> None:
    """Write the finished model's files into `folder`, each whole or not at all."""
    partial = folder / ".model.partial"
    shutil.rmtree(partial, ignore_errors=True)
    write(partial)
    for file in partial.iterdir():
        file.replace(folder / file.name)
    partial.rmdir()


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
