"""Reinforcement learning from feedback with proximal policy optimization (Ouyang et al. 2022, arXiv:2203.02155, section
3.5; the formulas are in `corpuskit.training.instruct.surrogate`).

A step: the policy answers a batch of prompts; rewards score the answers, and each token pays for its divergence from
the model at the start; advantages are estimated and whitened; policy and value model learn from the answers for several
epochs of minibatches. The divergence and the length of answers are watched: where either passes its limit, which is how
a policy that games its rewards shows itself, the run ends before it learns from that step, with the reason.

    models/ppo/
      the model or adapter, instruct.json, metrics.jsonl, checkpoints/     as for a fine-tuned model
      samples.jsonl      greedy answers to a few prompts, before and after
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.engine.files import replacing
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError, require
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.instruct.actors import Actors
from corpuskit.training.instruct.answering import Answered, answer, answer_texts, check_room
from corpuskit.training.instruct.chat import Chat
from corpuskit.training.instruct.config import PpoConfig
from corpuskit.training.instruct.dialogues import Message
from corpuskit.training.instruct.loop import (
    STOP,
    TuningResult,
    TuningRun,
    data_digest,
    require_nonempty,
    rows_of_step,
    run_steps,
    update,
)
from corpuskit.training.instruct.policy import context, load_policy, save_policy
from corpuskit.training.instruct.reward import Reward, RewardModel
from corpuskit.training.instruct.surrogate import (
    advantages,
    clipped_objective,
    clipped_value_loss,
    masked_mean,
    token_rewards,
    whitened,
)
from corpuskit.training.instruct.tasks import prompt_files
from corpuskit.training.instruct.unknown import check_known
from corpuskit.training.machine import stop_signals, this_machine
from corpuskit.training.metrics import read_metrics

SAMPLES = "samples.jsonl"


@dataclass(frozen=True, kw_only=True)
class PpoResult(TuningResult):
    prompts: int
    rewards: dict[str, tuple[float, float]]
    """By name: mean over the first and over the last tenth of the steps."""
    kl: float
    """Mean divergence of an answer from the model at the start, in nats, over the last tenth of the steps."""
    length: float
    """Tokens of an answer, likewise."""

    def sentence(self) -> str:
        """The run in a line for people."""
        changes = ", ".join(f"{name} {before:.2f} to {after:.2f}" for name, (before, after) in self.rewards.items())
        text = f"{self.steps:,} steps: {changes}; divergence {self.kl:.1f} nats an answer"
        return text + (f"; stopped: {self.stopped_by}" if self.stopped_by else "")


@dataclass(frozen=True)
class Experience:
    """What a step learns from: answers with tensors[n, A] about their tokens."""

    answered: Answered
    mask: Any
    old: Any
    """Log probabilities under the policy that wrote them."""
    values: Any
    advantages: Any
    returns: Any


def reinforce(
    model: str | Path,
    rewards: Mapping[str, tuple[Reward, float]],
    folder: str | Path,
    config: PpoConfig | None = None,
    *,
    prompts: Sequence[Sequence[Message]] | None = None,
    value_from: RewardModel | None = None,
    watch: Watch = silent,
    resume: bool = True,
) -> PpoResult:
    """Train the decoder in a folder to earn rewards, and write it (or its adapter) to `folder`.

    `rewards`: name -> (function of prompts and answers, weight); `prompts` replaces the files that the
    configuration names; `value_from` gives the value model's first weights, else the policy does. Stops and goes on
    like `finetune_on_demonstrations`. Raises UsageError for prompts that leave no room for an answer, and for a reward
    that does not give one finite number an answer.
    """
    config, model, folder = config or PpoConfig(), Path(model), Path(folder)
    asking = [
        tuple(prompt) for prompt in require_nonempty(_read(config) if prompts is None else prompts, "prompt to answer")
    ]
    asked = {
        "config": config.model_dump(mode="json"),
        "model": weights_digest(model),
        "data": data_digest(asking),
        "rewards": {name: weight for name, (_, weight) in rewards.items()},
    }
    run = TuningRun(folder, "ppo", asked, resume)
    if run.result is not None:
        known = run.result
        return PpoResult(**known | {"rewards": {name: tuple(pair) for name, pair in known["rewards"].items()}})
    with this_machine(config.precision) as machine, stop_signals() as stop:
        torch = require("torch", "train")
        start, tokenizer = load_policy(model)
        check_known(tokenizer, (turn for prompt in asking for turn in prompt))
        heads = Chat(tokenizer).prompts(asking)
        check_room(asking, heads, context(start), config.answer_tokens)
        shown = [asking[row] for row in rows_of_step(len(asking), min(config.samples, len(asking)), 1, config.seed)]
        before = answer_texts(start, shown, tokenizer, tokens=config.answer_tokens)
        value = None if value_from is None else value_from.model
        actors = Actors(start, config.lora, config.temperature, config.seed, machine, value)
        if run.checkpoint is not None:
            actors.restore(run.checkpoint)
        slow = [{"params": actors.value_parameters, "lr": config.value_learning_rate or config.learning_rate}]
        groups = [{"params": actors.policy_parameters, "lr": config.learning_rate}, *slow]
        optimizers = [torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.0, fused=True)]

        lengths = [] if run.checkpoint is None else [read_metrics(folder)[0]["length"]]

        def step(number: int) -> dict[str, Any]:
            rows = rows_of_step(len(asking), config.batch, number, config.seed)
            answered = answer(
                actors.answering(),
                [heads[row] for row in rows],
                tokenizer,
                config.answer_tokens,
                config.temperature,
                config.seed + 1_000_003 * number,
            )
            texts = answered.texts(tokenizer)
            these = [asking[row] for row in rows]
            scored = {name: _scores(name, reward, these, texts) for name, (reward, _) in rewards.items()}
            ended = answered.ended.cpu().numpy()
            total = sum(weight * scored[name] for name, (_, weight) in rewards.items()) - config.missing_end * ~ended
            experience, line = experienced(actors, answered, np.asarray(total, np.float32), config)
            line |= {f"reward_{name}": float(values.mean()) for name, values in scored.items()}
            line |= {"score": float(np.mean(total)), "ended": float(ended.mean())}
            lengths.append(line["length"])
            if (reason := _limit(line, lengths[0], config)) is not None:
                return {"loss": 0.0, STOP: reason}
            order = torch.Generator().manual_seed(config.seed + 1_000_003 * number + 1)
            return line | learn(actors, experience, optimizers, order, config)

        def write(into: Path) -> None:
            save_policy(actors.answering(), tokenizer, into, model)
            if into.name.startswith(".step-"):
                actors.save_value(into)

        ended = run_steps(run, config, config.steps, step, optimizers=optimizers, write=write, stop=stop, watch=watch)
        result = _result(ended, folder, len(asking), list(rewards))
        if ended.finished:
            after = answer_texts(actors.answering(), shown, tokenizer, tokens=config.answer_tokens)
            _write_samples(folder, shown, before, after)
            run.finish(result, write)
        return result


def experienced(
    actors: Actors, answered: Answered, scores: Any, config: PpoConfig
) -> tuple[Experience, dict[str, float]]:
    """(what is to be learned from answers with scores float32[n], what there is to say of them)."""
    torch = require("torch", "train")
    shape = answered.answers.shape
    old, entropy, reference, values = (torch.zeros(shape, device=answered.ids.device) for _ in range(4))
    with torch.no_grad():
        for rows in torch.arange(shape[0]).split(config.minibatch):
            part = answered.rows(rows)
            width = part.answers.shape[1]
            old[rows, :width], entropy[rows, :width] = actors.policy_outputs(part)
            reference[rows, :width] = actors.reference_log_probabilities(part)
            values[rows, :width] = actors.values(part)
    mask = answered.answer_mask.float()
    divergence = (old - reference) * mask
    lengths = answered.lengths
    rewards = token_rewards(scores, divergence.cpu().numpy(), lengths, config.kl)
    gains, returns = advantages(rewards, (values * mask).cpu().numpy(), lengths, config.gamma, config.lam)
    gains, returns = (torch.from_numpy(array).to(mask.device) for array in (gains, returns))
    line = {
        "kl": float(divergence.sum(1).mean()),
        "entropy": float(masked_mean(entropy, mask)),
        "length": float(lengths.mean()),
    }
    return Experience(answered, mask, old, values, whitened(gains, mask), returns), line


def learn(
    actors: Actors, experience: Experience, optimizers: Sequence[Any], order: Any, config: PpoConfig
) -> dict[str, float]:
    """Take the updates of a step; their means."""
    torch = require("torch", "train")
    parameters = [*actors.policy_parameters, *actors.value_parameters]
    figures: list[list[float]] = []
    for _ in range(config.epochs):
        for rows in torch.randperm(len(experience.mask), generator=order).split(config.minibatch):
            part = experience.answered.rows(rows)
            width = part.answers.shape[1]
            old, values, gains, returns, mask = (
                tensor[rows, :width]
                for tensor in (
                    experience.old,
                    experience.values,
                    experience.advantages,
                    experience.returns,
                    experience.mask,
                )
            )
            new, entropy = actors.policy_outputs(part)
            loss, clipped = clipped_objective(new, old, gains, mask, config.clip)
            bonus = masked_mean(entropy, mask)
            (loss - config.entropy_weight * bonus).backward()
            value_loss = clipped_value_loss(actors.values(part), values, returns, mask, config.value_clip)
            (config.value_weight * value_loss).backward()
            norm = update(optimizers, parameters, config.gradient_clip)
            figures.append([float(loss.detach()), float(value_loss.detach()), float(clipped), norm])
    loss, value_loss, clipped, norm = np.mean(figures, axis=0).tolist()
    total = loss + config.value_weight * value_loss
    return {
        "loss": total,
        "policy_loss": loss,
        "value_loss": value_loss,
        "clip_fraction": clipped,
        "gradient_norm": norm,
    }


def _scores(name: str, reward: Reward, prompts: Sequence[Sequence[Message]], answers: Sequence[str]) -> Any:
    values = np.asarray(reward(prompts, answers), np.float64)
    if values.shape != (len(answers),) or not np.isfinite(values).all():
        raise UsageError(
            f"the reward '{name}' must give one finite number an answer; for {len(answers)} answers it gave "
            f"{values.shape} with {int((~np.isfinite(values)).sum())} that are not finite"
        )
    return values


def _limit(line: Mapping[str, float], first: float, config: PpoConfig) -> str | None:
    """Which limit the answers of a step pass."""
    if line["kl"] > config.kl_limit:
        return (
            f"kl: answers diverge by {line['kl']:.1f} nats from the model at the start, and kl_limit is "
            f"{config.kl_limit:g}"
        )
    if line["length"] > config.length_limit * first:
        return (
            f"length: answers have {line['length']:.0f} tokens, {line['length'] / first:.1f} times as many as at the "
            f"start, and length_limit is {config.length_limit:g}"
        )
    return None


def _read(config: PpoConfig) -> list[tuple[Message, ...]]:
    files = prompt_files(config.prompts)
    return list(dict.fromkeys(prompt for file in files for prompt in config.reader().prompts(file)))


def _result(ended: TuningResult, folder: Path, prompts: int, names: Sequence[str]) -> PpoResult:
    lines = read_metrics(folder)
    tenth = max(1, len(lines) // 10)

    def means(name: str) -> tuple[float, float]:
        values = [line[name] for line in lines]
        return float(np.mean(values[:tenth])), float(np.mean(values[-tenth:]))

    return PpoResult(
        **vars(ended),
        prompts=prompts,
        rewards={name: means(f"reward_{name}") for name in names} if lines else {},
        kl=means("kl")[1] if lines else 0.0,
        length=means("length")[1] if lines else 0.0,
    )


def _write_samples(
    folder: Path, prompts: Sequence[Sequence[Message]], before: Sequence[str], after: Sequence[str]
) -> None:
    with replacing(folder / SAMPLES) as partial, partial.open("w", encoding="utf-8") as file:
        for prompt, old, new in zip(prompts, before, after, strict=True):
            record = {"prompt": prompt[-1].content, "before": old, "after": new}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
