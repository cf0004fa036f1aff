"""What a run reports while it trains: the line of each step, validations, samples, TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.errors import require
from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.config import TrainConfig
from corpuskit.training.learner import gathered
from corpuskit.training.machine import Machine
from corpuskit.training.metrics import MetricsLog
from corpuskit.training.plan import TrainingPlan
from corpuskit.training.samples import Samples, default_prompts
from corpuskit.training.throughput import peak_operations, window_operations
from corpuskit.training.validation import Validation

RECENT = 0.1
"""Weight of a step in the mean time of a step, from which the remaining time is estimated."""


class TensorBoardLog:
    """The figures of a step for TensorBoard."""

    def __init__(self, folder: Path, after: int) -> None:
        require("tensorboard", "tensorboard")
        writer = require("torch.utils.tensorboard", "tensorboard").SummaryWriter
        self.writer = writer(str(folder), purge_step=after + 1 if after else None)

    def add(self, step: int, line: dict[str, Any]) -> None:
        for name, value in line.items():
            if isinstance(value, dict):
                for part, number in value.items():
                    self.writer.add_scalar(f"{name}/{part}", number, step)
            elif isinstance(value, int | float) and name not in ("step", "tokens"):
                self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class StepReporter:
    """Logs each step, validates and samples when due, and describes the progress in one line."""

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        plan: TrainingPlan,
        machine: Machine,
        learner: Any,
        module: Any,
        tokenizer: Tokenizer,
        held_out: Shards,
        after: int,
    ) -> None:
        self.plan, self.machine, self.learner, self.module = plan, machine, learner, module
        leads = machine.rank == 0
        self.metrics = MetricsLog(folder, after) if leads else None
        self.board = TensorBoardLog(folder / "tensorboard", after) if leads and config.watch.tensorboard else None
        self.validate_every = config.validate_every or max(1, plan.steps // 10)
        whole = all(parameter.requires_grad for parameter in learner.parameters())
        every = config.watch.samples_every
        self.samples_every = (-(-plan.steps // 4) if whole else 0) if every is None else every
        self.samples: Samples | None = None
        prompts = list(config.watch.prompts) or default_prompts(held_out)
        if self.samples_every and prompts and learner.body.can_generate():
            self.samples = Samples(folder if leads else None, after, tokenizer, prompts, config.watch.sample_tokens)
        peak = config.watch.peak_flops or (peak_operations(machine) if whole else None)
        self.peak = peak * machine.ranks if peak and whole else None
        self.operations = 0.0
        if self.peak:
            self.operations = plan.batch * window_operations(learner.body, config.model.kind, plan.sequence_length)
        self.seconds = 0.0

    def step(self, done: int, seconds: float, line: dict[str, Any], validation: Validation | None) -> str:
        """Write down a step that took `seconds`; what to show of it. Measures the model where it is time to."""
        tokens = self.plan.batch * self.plan.sequence_length
        line = {"step": done, "tokens": done * tokens, **line, "tokens_per_second": round(tokens / seconds)}
        if self.peak:
            line["mfu"] = round(self.operations / seconds / self.peak, 4)
        last = done == self.plan.steps
        if validation is not None and (done % self.validate_every == 0 or last):
            line |= validation.run(self.learner)
        if self.samples is not None and (done % self.samples_every == 0 or last):
            with gathered(self.learner):
                self.samples.draw(self.module, done)
        if self.metrics is not None:
            self.metrics.add(line)
        if self.board is not None:
            self.board.add(done, line)
        self.seconds = seconds if not self.seconds else self.seconds + RECENT * (seconds - self.seconds)
        return self._says(done, line)

    def close(self) -> None:
        for part in (self.metrics, self.samples, self.board):
            if part is not None:
                part.close()

    def _says(self, done: int, line: dict[str, Any]) -> str:
        text = f"loss {line['loss']:.3f}" if line["loss"] is not None else "no loss"
        text += f", {line['tokens_per_second']:,} tokens/s"
        if "mfu" in line:
            text += f" ({line['mfu']:.0%} of peak)"
        return f"{text}, {duration((self.plan.steps - done) * self.seconds)} left"


def duration(seconds: float) -> str:
    """'2 h 05 min', '7 min', '12 s'."""
    if seconds >= 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
