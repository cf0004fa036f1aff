"""Instruction tuning beside TRL, in its last release that had PPO (1.12.0): PPO, and fine-tuning on demonstrations.

    python benchmarks/instruct.py [--steps 6] [--rounds 3] [--threads 1]

Both sides run in an environment that has TRL 1.12.0 beside corpuskit's own packages (torch, transformers, peft). Three
parts:

- formulas: one TRL update is watched; from the log probabilities, values and scores that TRL saw, ours must give its
  advantages and its policy's loss, or the benchmark fails;
- PPO: the same million-parameter Llama, reward model, prompts, batch, epochs and answer length, once with answers that
  fill their room (random weights) and once with answers that end early (after some demonstrations);
- fine-tuning: the same model and demonstrations; tokens of conversations a second. TRL packs, and pads.

Each run takes one step more than is counted, for what is built on the first. Rounds take turns, so that a busy minute
hits both; figures are medians over the rounds, with the least and the greatest. Processor seconds count all threads,
and are the fairer column where anything else runs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from peers import python_with, run_again_with

os.environ.setdefault("HF_HUB_OFFLINE", "1")
if __name__ == "__main__":
    run_again_with(python_with("trl", [], without_dependencies=["trl==1.12.0"], beside_ours=True))

import numpy as np
import torch
import transformers
from datasets import Dataset

from corpuskit.tokens import train_tokenizer
from corpuskit.training import ModelConfig
from corpuskit.training.instruct import (
    PpoConfig,
    RewardConfig,
    SftConfig,
    finetune_on_demonstrations,
    load_policy,
    load_reward_model,
    read_demonstrations,
    read_preferences,
    reinforce,
    shipped_file,
    train_reward_model,
)
from corpuskit.training.instruct.chat import Chat
from corpuskit.training.instruct.policy import save_policy
from corpuskit.training.instruct.surrogate import advantages, clipped_objective, token_rewards, whitened
from corpuskit.training.instruct.tasks import statements
from corpuskit.training.models import build_model

ANSWER, BATCH, MINIBATCH, EPOCHS = 32, 64, 32, 2
Figures = list[tuple[float, float, float]]
TOLERANCE = 1e-4
"""Of the largest value."""

transformers.utils.logging.set_verbosity_error()


class Clock(transformers.TrainerCallback):
    """Wall and processor time at the end of every step."""

    def __init__(self) -> None:
        self.ticks: list[tuple[float, float]] = []

    def tick(self, *ignored: Any) -> None:
        self.ticks.append((time.perf_counter(), time.process_time()))

    def on_step_end(self, *ignored: Any, **also: Any) -> None:
        self.tick()

    def a_step(self) -> tuple[float, float]:
        """(wall, processor) seconds a step, the first left out."""
        steps = len(self.ticks) - 1
        first, last = self.ticks[0], self.ticks[-1]
        return (last[0] - first[0]) / steps, (last[1] - first[1]) / steps


def make_models(folder: Path, ends_early: bool) -> tuple[Path, Path]:
    """(a policy, a reward model): from random weights, whose answers never end, or after some demonstrations."""
    tokenizer = train_tokenizer((text for _, text in statements(2000)), 1024)
    save_policy(build_model(ModelConfig(size="1M"), tokenizer, 256, seed=0), tokenizer, folder / "random", folder)
    policy = folder / "random"
    if ends_early:
        policy = folder / "shown"
        finetune_on_demonstrations(
            folder / "random", policy, SftConfig(epochs=6, batch=4, learning_rate=1e-3), held_out=[]
        )
    train_reward_model(policy, folder / "reward", RewardConfig(epochs=0.02), held_out=[])
    return policy, folder / "reward"


def our_ppo(policy: Path, reward: Path, out: Path, steps: int) -> tuple[float, float, float]:
    """(wall, processor) seconds a step, mean length of an answer."""
    clock, heads = Clock(), load_reward_model(reward)
    config = PpoConfig(
        steps=steps + 1,
        batch=BATCH,
        minibatch=MINIBATCH,
        epochs=EPOCHS,
        answer_tokens=ANSWER,
        learning_rate=1e-6,
        precision="float32",
        samples=0,
        checkpoint_every=1000,
    )
    rewards = {"helpful": (heads.reward("helpful"), 1.0)}
    result = reinforce(policy, rewards, out, config, watch=clock.tick, resume=False)
    return *clock.a_step(), result.length


def trl_ppo(
    policy: Path, reward: Path, out: Path, steps: int, rate: float = 1e-6, rollout: int = BATCH
) -> tuple[float, float, float]:
    """Likewise; the mean length is not told. `rollout`: answers that are written at once."""
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    clock = Clock()
    trainer = PPOTrainer(
        args=PPOConfig(
            output_dir=str(out),
            per_device_train_batch_size=MINIBATCH,
            gradient_accumulation_steps=BATCH // MINIBATCH,
            num_mini_batches=BATCH // MINIBATCH,
            local_rollout_forward_batch_size=rollout,
            num_ppo_epochs=EPOCHS,
            total_episodes=BATCH * (steps + 1),
            response_length=ANSWER,
            temperature=1.0,
            stop_token="eos",
            learning_rate=rate,
            use_cpu=True,
            bf16=False,
            save_strategy="no",
            report_to=[],
            num_sample_generations=0,
            gradient_checkpointing=False,
            disable_tqdm=True,
        ),
        processing_class=_tokenizer(policy),
        model=transformers.AutoModelForCausalLM.from_pretrained(policy),
        ref_model=transformers.AutoModelForCausalLM.from_pretrained(policy),
        reward_model=_one_head(reward),
        value_model=_one_head(reward),
        train_dataset=Dataset.from_list([{"input_ids": one.tolist()} for one in _prompts(policy)]),
        callbacks=[clock],
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its metrics
        trainer.train()
    return *clock.a_step(), float("nan")


def check_formulas(policy: Path, reward: Path, out: Path) -> None:
    """One TRL update, watched: what it computes must be what ours computes from the same tensors."""
    from trl.experimental.ppo import ppo_trainer

    seen: dict[str, list[Any]] = {"logs": [], "reward": [], "whiten": [], "mean": []}
    kept = {name: getattr(ppo_trainer, name) for name in ("selective_log_softmax", "get_reward", "masked_whiten")}
    plain_mean = ppo_trainer.masked_mean

    def watch(name: str, key: str) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            found = kept[name](*given, **named)
            seen[key].append((given, found))
            return found

        return called

    def mean(values: Any, mask: Any, axis: Any = None) -> Any:
        found = plain_mean(values, mask, axis)
        seen["mean"].append((values, mask, found))
        return found

    try:
        ppo_trainer.selective_log_softmax = watch("selective_log_softmax", "logs")
        ppo_trainer.get_reward = watch("get_reward", "reward")
        ppo_trainer.masked_whiten = watch("masked_whiten", "whiten")
        ppo_trainer.masked_mean = mean
        trl_ppo(policy, reward, out, 0, rate=1e-3, rollout=MINIBATCH)
    except ZeroDivisionError:  # a single step has no time between steps
        pass
    finally:
        for name, function in kept.items():
            setattr(ppo_trainer, name, function)
        ppo_trainer.masked_mean = plain_mean
    halves = BATCH // MINIBATCH
    old, reference = (torch.cat([seen["logs"][2 * n + which][1] for n in range(halves)]) for which in (0, 1))
    columns = seen["reward"][0][0][3]
    values = torch.cat([seen["reward"][2 * n][1][0][:, columns - 1 : -1, 0] for n in range(halves)])
    scores = torch.cat([seen["reward"][2 * n + 1][1][1] for n in range(halves)])
    (raw, mask), theirs = seen["whiten"][0][0][:2], seen["whiten"][0][1]
    full = mask.all(1)
    lengths = np.full(len(old), old.shape[1])
    rewards = token_rewards(scores.numpy(), (old - reference).numpy(), lengths, 0.05)
    ours, _ = advantages(rewards, values.numpy(), lengths, 1.0, 0.95)
    ours = torch.from_numpy(ours)
    print(f"formulas, over {int(full.sum())} answers that fill their room:")
    _compare("advantages", ours[full], raw[full])
    count = mask.sum()
    white = whitened(raw, mask.float()) * torch.sqrt((count - 1) / count)  # TRL divides by n - 1
    _compare("whitened", white[mask], theirs[mask])
    (_, written), new = seen["logs"][-1]  # of the last update, where ratios have left 1
    answers = torch.cat([seen["logs"][2 * n][0][1] for n in range(halves)])
    rows = [int((answers == one).all(1).nonzero()[0]) for one in written]
    loss, _ = clipped_objective(new, old[rows], theirs[rows], mask[rows].float(), 0.2)
    found = min(abs(float(loss.detach()) - float(one[2].detach())) for one in seen["mean"] if one[0].shape == new.shape)
    _agrees("policy's loss", found, float(loss.detach()))


def _compare(name: str, ours: torch.Tensor, theirs: torch.Tensor) -> None:
    _agrees(name, float((ours - theirs).abs().max()), float(theirs.abs().max()))


def _agrees(name: str, difference: float, size: float) -> None:
    print(f"  {name:18} largest difference {difference:.1e}, of {size:.3g}", flush=True)
    if not difference <= TOLERANCE * max(abs(size), 1e-3):
        raise SystemExit(f"{name}: ours is not TRL's")


def our_sft(policy: Path, out: Path, steps: int) -> tuple[float, float, float]:
    """(wall, processor) seconds a step, tokens of conversations a step."""
    clock = Clock()
    rendered = Chat(load_policy(policy)[1]).render([one.messages for one in _demonstrations()])
    windows = -(-sum(len(one.tokens) for one in rendered) // 256)
    config = SftConfig(
        epochs=8 * (steps + 1) / windows, batch=8, sequence_length=256, precision="float32", checkpoint_every=1000
    )
    finetune_on_demonstrations(policy, out, config, held_out=[], watch=clock.tick, resume=False)
    return *clock.a_step(), 8 * sum(len(one.tokens) for one in rendered) / windows


def trl_sft(policy: Path, out: Path, steps: int, packing: bool) -> tuple[float, float, float]:
    from trl import SFTConfig, SFTTrainer

    clock = Clock()
    rendered = Chat(load_policy(policy)[1]).render([one.messages for one in _demonstrations()])
    mean = float(np.mean([len(one.tokens) for one in rendered]))
    rows = 8 if packing else round(8 * 256 / mean)
    trainer = SFTTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained(policy),
        args=SFTConfig(
            output_dir=str(out),
            max_length=256,
            packing=packing,
            completion_only_loss=True,
            per_device_train_batch_size=rows,
            max_steps=steps + 1,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(
            [
                {
                    "prompt": [{"role": turn.role, "content": turn.content} for turn in one.prompt],
                    "completion": [{"role": "assistant", "content": one.answer}],
                }
                for one in _demonstrations()
            ]
        ),
        processing_class=_tokenizer(policy),
        callbacks=[clock],
    )
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    filled = mean * len(rendered) / len(trainer.train_dataset) if packing else mean
    return *clock.a_step(), rows * filled


def _demonstrations() -> list[Any]:
    return read_demonstrations(shipped_file("demonstrations"))


def _prompts(policy: Path) -> list[Any]:
    asked = dict.fromkeys([one.prompt for one in _demonstrations()])
    asked |= dict.fromkeys(one.prompt for one in read_preferences(shipped_file("preferences")))
    return Chat(load_policy(policy)[1]).prompts(list(asked))


def _tokenizer(policy: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(policy, padding_side="left")


def _one_head(folder: Path) -> Any:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    kept = model.score.weight[:1].detach().clone()
    model.score = torch.nn.Linear(kept.shape[1], 1, bias=False)
    model.score.weight.data = kept
    return model


def _table(title: str, unit: str, rows: dict[str, Figures], rate: Callable[..., float]) -> None:
    print(f"{title:34} {unit:>26} {'CPU s/step':>26}")
    for name, found in rows.items():
        print(f"  {name:32} {_spread([rate(*one) for one in found])} {_spread([one[1] for one in found])}", flush=True)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):9.3f} ({min(values):.3f}-{max(values):.3f})".rjust(26)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--steps", type=int, default=6)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--threads", type=int, default=1)
    reader.add_argument("--only", choices=["formulas", "ppo", "sft"])
    given = reader.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for place, (title, early) in enumerate((("answers fill their room", False), ("answers end early", True))):
            policy, reward = make_models(folder / str(place), early)
            if not early and given.only in (None, "formulas"):
                check_formulas(policy, reward, folder / "trl")
            if given.only in (None, "ppo"):
                time_ppo(title, policy, reward, folder, given.steps, given.rounds)
        if given.only in (None, "sft"):
            time_sft(policy, folder, 3 * given.steps, given.rounds)


def time_ppo(title: str, policy: Path, reward: Path, folder: Path, steps: int, rounds: int) -> None:
    found: dict[str, Figures] = {"corpuskit": [], "TRL 1.12.0": []}
    for _ in range(rounds):
        found["corpuskit"].append(our_ppo(policy, reward, folder / "ours", steps))
        found["TRL 1.12.0"].append(trl_ppo(policy, reward, folder / "trl", steps))
    mean = statistics.median(one[2] for one in found["corpuskit"])
    _table(f"PPO, {title} ({mean:.0f} tokens)", "steps/s", found, lambda wall, cpu, size: 1 / wall)


def time_sft(policy: Path, folder: Path, steps: int, rounds: int) -> None:
    found: dict[str, Figures] = {name: [] for name in ("corpuskit", "TRL 1.12.0, packed", "TRL 1.12.0, padded")}
    for _ in range(rounds):
        found["corpuskit"].append(our_sft(policy, folder / "sft", steps))
        found["TRL 1.12.0, packed"].append(trl_sft(policy, folder / "trl", steps, packing=True))
        found["TRL 1.12.0, padded"].append(trl_sft(policy, folder / "trl", steps, packing=False))
    _table("fine-tuning", "tokens/s", found, lambda wall, cpu, size: size / wall)
    _table("fine-tuning", "tokens/CPU s", found, lambda wall, cpu, size: size / cpu)


if __name__ == "__main__":
    main()
