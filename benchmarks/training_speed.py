"""Training 10 million parameters on two cores, beside a bare torch loop and Hugging Face's Trainer.

    python benchmarks/training_speed.py [--steps 24] [--precision bfloat16] [--vocabulary 8192]
    python benchmarks/training_speed.py --memory          peak memory at a vocabulary of 50,000

All three train the same Llama shape from the same initial weights on the same batches in the same order, with AdamW at
the same settings, and print the loss of step 12 beside the speed. Rounds take turns, so that a busy minute hits all;
the ratio is of the medians. With --memory each side runs in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import documents
from corpuskit.tokens import Shards, TokenOrder, open_shards, train_tokenizer, write_shards
from corpuskit.training import TrainConfig
from corpuskit.training.gradients import StepGradients, fitting_parts
from corpuskit.training.learner import make_learner
from corpuskit.training.machine import Machine
from corpuskit.training.models import build_model, model_tokenizer
from corpuskit.training.objectives import objective_of
from corpuskit.training.optimization import make_optimizers, set_learning_rate

RATE, DECAY = 1e-3, 0.1


def make_shards(folder: Path, length: int) -> Shards:
    random = np.random.default_rng(0)
    words = np.array([f"word{number:x}" for number in range(3000)])
    chance = 1 / np.arange(1, 3001)
    rows = [
        {"id": f"{n:032x}", "text": " ".join(random.choice(words, 300, p=chance / chance.sum())), "source": "zipf"}
        for n in range(1000)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    tokenizer = train_tokenizer([str(row["text"]) for row in rows[:200]], 3000)
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", sequence_length=length, hold_out=0)
    return open_shards(folder / "tokens")


class Side:
    """One way to train; `run(steps)` trains on and gives (seconds, last loss)."""

    def __init__(self, shards: Shards, config: TrainConfig, vocabulary: int, batch: int) -> None:
        import torch

        padded = model_tokenizer(config.model, shards.tokenizer)
        padded = padded.extended([f"<unused {n}>" for n in range(vocabulary - padded.vocabulary)])
        self.torch, self.config, self.done = torch, config, 0
        self.order = TokenOrder(shards, batch=batch)
        self.objective = objective_of(config, padded)
        self.model = build_model(config.model, padded, self.order.sequence_length, seed=0).train()
        self.bfloat16 = config.precision == "bfloat16"

    def batch(self) -> dict[str, Any]:
        self.done += 1
        samples = self.order.samples_at(self.done)
        return {
            k: self.torch.from_numpy(v) for k, v in self.objective.arrays(self.order.batch_of(samples), samples).items()
        }

    def run(self, steps: int) -> tuple[float, float]:
        began = time.perf_counter()
        loss = 0.0
        for _ in range(steps):
            loss = self.step(self.batch())
        return time.perf_counter() - began, loss

    def step(self, tensors: dict[str, Any]) -> float:
        raise NotImplementedError


class Ours(Side):
    """The gradients and optimizers of `corpuskit.training.trainer`, in the parts that a run would choose."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        machine = Machine("cpu", 0, 1, self.bfloat16)
        layers, width, _ = self.config.model.shape
        parts = fitting_parts(self.order.batch, self.order.sequence_length, machine, layers, width)
        learner = make_learner(self.model, self.objective, machine)
        self.gradients = StepGradients(learner, self.objective, self.order, machine, parts)
        self.optimizers = make_optimizers(self.model, "adamw", DECAY)
        set_learning_rate(self.optimizers, RATE)

    def run(self, steps: int) -> tuple[float, float]:
        began = time.perf_counter()
        loss = 0.0
        for _ in range(steps):
            self.done += 1
            loss = self.gradients.of(self.done)
            self.gradients.clip(1.0)
            for optimizer in self.optimizers:
                optimizer.step()
            self.gradients.forget()
        return time.perf_counter() - began, loss


class Bare(Side):
    """What one writes by hand: the model's own logits, cross entropy, AdamW."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = self.torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95), fused=True)

    def step(self, tensors: dict[str, Any]) -> float:
        torch = self.torch
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            logits = self.model(input_ids=tensors["inputs"], position_ids=tensors["positions"], use_cache=False).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), tensors["targets"].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.model.zero_grad(set_to_none=True)
        return float(loss.detach())


class HuggingFace(Side):
    def run(self, steps: int) -> tuple[float, float]:
        import transformers

        side = self
        self.done += steps
        first = self.done - steps

        class Windows(self.torch.utils.data.Dataset):  # type: ignore[name-defined,misc]
            def __len__(self) -> int:
                return steps * side.order.batch

            def __getitem__(self, number: int) -> dict[str, Any]:
                made = side.order.batch_of(np.array([first * side.order.batch + number]))
                labels = np.roll(made.targets[0], 1)  # the model shifts labels by itself
                labels[0] = -100
                return {"input_ids": made.inputs[0], "position_ids": made.positions[0], "labels": labels}

        with tempfile.TemporaryDirectory() as folder:
            settings = transformers.TrainingArguments(
                folder,
                per_device_train_batch_size=self.order.batch,
                max_steps=steps,
                learning_rate=RATE,
                lr_scheduler_type="constant",
                weight_decay=DECAY,
                adam_beta2=0.95,
                bf16=self.bfloat16,
                use_cpu=True,
                logging_steps=1,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                train_sampling_strategy="sequential",
            )
            trainer = transformers.Trainer(self.model, settings, train_dataset=Windows())
            trainer.remove_callback(transformers.PrinterCallback)
            began = time.perf_counter()
            trainer.train()
            seconds = time.perf_counter() - began
        losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
        return seconds, float(losses[-1])


SIDES = {"corpuskit": Ours, "bare torch loop": Bare, "Hugging Face Trainer": HuggingFace}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=8, help="steps a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="bfloat16", choices=["bfloat16", "float32"])
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory and not options.side:
        for side in SIDES:
            command = [sys.executable, __file__, "--memory", "--side", side, "--precision", options.precision]
            subprocess.run([*command, "--vocabulary", "50000", "--steps", "3"], check=True)
        return
    model = {"layers": 8, "width": 256, "heads": 8}
    config = TrainConfig.model_validate({"model": model, "precision": options.precision})
    with tempfile.TemporaryDirectory() as folder:
        shards = make_shards(Path(folder), 256)
        chosen = [options.side] if options.side else list(SIDES)
        sides = {name: SIDES[name](shards, config, options.vocabulary, 8) for name in chosen}
        count = sum(p.numel() for p in next(iter(sides.values())).model.parameters())
        if options.memory:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            _, loss = next(iter(sides.values())).run(options.steps)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(
                f"{options.side:24s} peak {peak / 1024:7.0f} MB, {(peak - before) / 1024:7.0f} MB of it while training"
                f" ({count / 1e6:.1f} M parameters, vocabulary {options.vocabulary:,}, loss {loss:.3f})"
            )
            return
        print(f"{count / 1e6:.1f} M parameters, 8 x 256 tokens a step, {options.precision}")
        times: dict[str, list[float]] = {name: [] for name in sides}
        first = {name: side.run(12)[1] for name, side in sides.items()}
        work: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, side in sides.items():
                began = time.process_time()
                seconds, _ = side.run(options.steps)
                times[name].append(options.steps * 8 * 256 / seconds)
                work[name].append(options.steps * 8 * 256 / (time.process_time() - began))
        ours = [float(np.median(kind["corpuskit"])) for kind in (times, work)]
        for name in sides:
            wall, core = float(np.median(times[name])), float(np.median(work[name]))
            print(
                f"{name:24s} {wall:8.0f} tokens/s, {core:8.0f} a CPU-second   loss {first[name]:.4f}   "
                f"corpuskit is {ours[0] / wall:.2f} times by the clock, {ours[1] / core:.2f} by CPU time"
            )


if __name__ == "__main__":
    main()
