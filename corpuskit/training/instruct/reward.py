"""Reward models: which of two answers people prefer, as a number for any answer.

A head for each kind of preference on one decoder (`…ForSequenceClassification` of the Hugging Face layout), read at an
answer's last token. With r(x, y) the reward of answer y to prompt x, the probability that y1 is preferred is
sigmoid(r(x, y1) - r(x, y2)) (Bradley and Terry 1952), and training minimizes (Ouyang et al. 2022, arXiv:2203.02155,
equation 1)

    - log sigmoid(r(x, chosen) - r(x, rejected)) + centre * (r(x, chosen) + r(x, rejected))^2
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.engine.files import read_json, write_json
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError, nearest, require
from corpuskit.statistics import Interval, calibration_error, proportion
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer
from corpuskit.tokens.windows import Numbers
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.checkpoint import save_model
from corpuskit.training.evaluation.task import exact_match
from corpuskit.training.instruct.chat import Chat, fit
from corpuskit.training.instruct.config import RewardConfig
from corpuskit.training.instruct.dialogues import Demonstration, Message, Preference, known_answers
from corpuskit.training.instruct.loop import (
    TuningResult,
    TuningRun,
    data_digest,
    require_nonempty,
    rows_of_step,
    run_steps,
    update,
)
from corpuskit.training.instruct.packing import paired
from corpuskit.training.instruct.policy import context, load_policy
from corpuskit.training.instruct.tasks import judged_file, shipped_file
from corpuskit.training.machine import Machine, stop_signals, this_machine
from corpuskit.training.models import load_model
from corpuskit.training.optimization import learning_rate, set_learning_rate

FILE = "reward.json"
"""Beside the weights: the kinds, in the order of the heads, and the centre and scale of each reward."""

Prompt = Sequence[Message]
Reward = Callable[[Sequence[Prompt], Sequence[str]], npt.NDArray[np.float64]]
"""(prompts, answers) -> float64[n]: how good each answer is. Anything that gives numbers serves as a reward."""


@dataclass(frozen=True, kw_only=True)
class RewardResult(TuningResult):
    pairs: int
    cut: int
    """Pairs whose prompt lost its start."""
    accuracy: dict[str, Interval]
    """By kind: share of held-out pairs whose chosen side gets the higher reward, with Wilson's interval."""
    calibration: dict[str, float]
    """By kind: expected calibration error on the held-out pairs."""

    def sentence(self) -> str:
        """The training in a line for people."""
        kinds = [
            f"{kind} {accuracy} (calibration error {self.calibration[kind]:.3f}, {accuracy.count} pairs)"
            for kind, accuracy in self.accuracy.items()
        ]
        return f"{self.pairs:,} pairs, {self.steps:,} steps" + (f"; held out: {', '.join(kinds)}" if kinds else "")


class RewardModel:
    """Heads that score answers."""

    def __init__(self, model: Any, tokenizer: Tokenizer, kinds: Sequence[str]) -> None:
        self.model, self.tokenizer, self.kinds = model, tokenizer, list(kinds)
        self.chat, self.length = Chat(tokenizer), context(model)
        self.centre, self.scale = np.zeros(len(self.kinds)), np.ones(len(self.kinds))

    def score(self, prompts: Sequence[Prompt], answers: Sequence[str], batch: int = 64) -> dict[str, Any]:
        """kind -> float64[n], each with mean 0 and deviation 1 over the answers that the model was trained on."""
        raw = self.raw([self.tokens(pair) for pair in zip(prompts, answers, strict=True)], batch)
        return {kind: (raw[:, k] - self.centre[k]) / self.scale[k] for k, kind in enumerate(self.kinds)}

    def reward(self, kind: str) -> Reward:
        """The head of a kind, as a reward. Raises UsageError for a kind that the model has no head for."""
        if kind not in self.kinds:
            raise UsageError(f"the reward model has no head '{kind}'{nearest(kind, self.kinds)}")
        return lambda prompts, answers: np.asarray(self.score(prompts, answers)[kind])

    def tokens(self, pair: tuple[Prompt, str]) -> Numbers:
        """A prompt with an answer; of a prompt that is too long, the end."""
        prompt, answer = self.chat.prompts([pair[0]])[0], self.chat.answers([pair[1]])[0]
        if len(answer) >= self.length:
            return np.asarray(answer[-self.length :])
        return np.concatenate([fit(prompt, answer, self.length)[0], answer])

    def raw(self, texts: Sequence[Numbers], batch: int) -> npt.NDArray[np.float64]:
        """float64[n, kinds], as the heads give it."""
        torch = require("torch", "train")
        device = next(self.model.parameters()).device.type
        order = np.argsort([len(text) for text in texts], kind="stable")
        scores = np.zeros((len(texts), len(self.kinds)))
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            for start in range(0, len(order), batch):
                chosen = order[start : start + batch]
                states = last_states(self.model, *padded([texts[i] for i in chosen], self.tokenizer.pad, device))
                scores[chosen] = self.model.score(states).double().cpu().numpy()
        self.model.train(training)
        return scores

    def save(self, folder: Path) -> None:
        save_model(self.model, self.tokenizer, folder)
        known = {"kinds": self.kinds, "centre": self.centre.tolist(), "scale": self.scale.tolist()}
        write_json(folder / FILE, known)


def load_reward_model(folder: str | Path) -> RewardModel:
    """The reward model that `train_reward_model` wrote. Raises UsageError where none is there."""
    folder = Path(folder)
    known = read_json(folder / FILE)
    if known is None:
        raise UsageError(f"no reward model at {folder}: it has no {FILE}")
    rewards = RewardModel(load_model(folder), load_tokenizer(folder), known["kinds"])
    rewards.centre, rewards.scale = np.array(known["centre"]), np.array(known["scale"])
    return rewards


def train_reward_model(
    model: str | Path,
    folder: str | Path,
    config: RewardConfig | None = None,
    *,
    preferences: Sequence[Preference] | None = None,
    held_out: Sequence[Preference] | None = None,
    watch: Watch = silent,
    resume: bool = True,
) -> RewardResult:
    """Train a reward model from the decoder in a folder (the fine-tuned one, as a rule) and write it to `folder`.

    `preferences` and `held_out` replace the files that the configuration names. Stops and goes on like
    `finetune_on_demonstrations`. Raises UsageError for preferences that cannot be read or are longer than the model
    reads.
    """
    config, model, folder = config or RewardConfig(), Path(model), Path(folder)
    if held_out is None:
        file = judged_file("held_out_preferences", config.preferences, config.held_out, preferences is not None)
        held_out = [] if file is None else list(config.reader().preferences(file))
    reader = config.reader()
    if preferences is None:
        preferences = list(reader.preferences(config.preferences or shipped_file("preferences")))
    learned = require_nonempty(preferences, "preference to learn from")
    asked = {
        "config": config.model_dump(mode="json"),
        "model": weights_digest(model),
        "data": data_digest(learned, held_out),
    }
    run = TuningRun(folder, "reward", asked, resume)
    if run.result is not None:
        known = run.result
        return RewardResult(
            **known | {"accuracy": {kind: Interval(**interval) for kind, interval in known["accuracy"].items()}}
        )
    reader.write_ledger(folder)
    with this_machine(config.precision) as machine, stop_signals() as stop:
        kinds = sorted({preference.kind for preference in learned})
        rewards = _fresh(model, kinds, config.seed)
        if run.checkpoint is not None:
            rewards.model.load_state_dict(load_model(run.checkpoint).state_dict())
        module = rewards.model.to(machine.device).train()
        sides, cut = paired(rewards.chat, learned, rewards.length, config.too_long)
        heads = np.array([kinds.index(preference.kind) for preference in learned])
        steps = max(1, round(config.epochs * len(learned) / config.batch))
        parameters = list(module.parameters())
        optimizers = [require("torch", "train").optim.AdamW(parameters, lr=0.0, weight_decay=0.0, fused=True)]

        def step(number: int) -> dict[str, Any]:
            rows = rows_of_step(len(learned), config.batch, number, config.seed)
            rate = learning_rate(number, steps, config.learning_rate, config.warmup, "cosine")
            set_learning_rate(optimizers, rate)
            texts = [sides[row][side] for side in (0, 1) for row in rows]
            line = _preference_loss(rewards, texts, heads[rows], config.centre, machine)
            norm = update(optimizers, parameters, config.gradient_clip)
            return {**line, "learning_rate": rate, "gradient_norm": norm}

        ended = run_steps(run, config, steps, step, optimizers=optimizers, write=rewards.save, stop=stop, watch=watch)
        accuracy, calibration = judge(rewards, held_out)
        result = RewardResult(
            **vars(ended),
            pairs=len(learned),
            cut=cut,
            accuracy=accuracy,
            calibration=calibration,
        )
        if ended.finished:
            raw = rewards.raw([side for pair in sides for side in pair], 64)
            rewards.centre, rewards.scale = raw.mean(0), np.maximum(raw.std(0), 1e-6)
            run.finish(result, rewards.save)
        return result


def judge(rewards: RewardModel, pairs: Sequence[Preference]) -> tuple[dict[str, Interval], dict[str, float]]:
    """(accuracy, expected calibration error) by kind, on pairs of kinds that the model has a head for."""
    raw = rewards.raw(
        [rewards.tokens((pair.prompt, side)) for pair in pairs for side in (pair.chosen, pair.rejected)], 64
    )
    accuracy, calibration = {}, {}
    for head, kind in enumerate(rewards.kinds):
        rows = np.array([number for number, pair in enumerate(pairs) if pair.kind == kind], np.int64)
        if len(rows):
            margins = raw[2 * rows, head] - raw[2 * rows + 1, head]
            accuracy[kind] = proportion(int((margins > 0).sum()), len(rows))
            confidence = 1 / (1 + np.exp(-np.abs(margins)))
            calibration[kind] = calibration_error(confidence, margins > 0)
    return accuracy, calibration


def padded(texts: Sequence[Numbers], pad: int, device: str) -> tuple[Any, Any]:
    """(ids[n, T], mask[n, T]) with the room after shorter texts filled by `pad`."""
    torch = require("torch", "train")
    lengths = np.array([len(text) for text in texts])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad, np.int64)
    ids[mask] = np.concatenate(texts)
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask.astype(np.int64)).to(device)


def last_states(model: Any, ids: Any, mask: Any) -> Any:
    """[n, W]: the hidden state at each text's last token."""
    torch = require("torch", "train")
    states = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    return states[torch.arange(len(ids), device=ids.device), mask.sum(1) - 1]


def _preference_loss(
    rewards: RewardModel, texts: Sequence[Numbers], heads: Numbers, centre: float, machine: Machine
) -> dict[str, float]:
    """Loss and accuracy of a step, with the gradients left behind. `texts`: all chosen sides, then all rejected."""
    torch = require("torch", "train")
    ids, mask = padded(texts, rewards.tokenizer.pad, machine.device)
    with machine.autocast():
        states = last_states(rewards.model, ids, mask)
    scores = torch.nn.functional.linear(states.float(), rewards.model.score.weight)
    column = torch.from_numpy(heads).to(machine.device)
    pairs = len(heads)
    chosen, rejected = (part.gather(1, column[:, None])[:, 0] for part in (scores[:pairs], scores[pairs:]))
    margin = chosen - rejected
    loss = bradley_terry(chosen, rejected) + centre * ((chosen + rejected) ** 2).mean()
    loss.backward()
    return {
        "loss": float(loss.detach()),
        "accuracy": float((margin > 0).float().mean()),
        "margin": float(margin.detach().mean()),
    }


def bradley_terry(chosen: Any, rejected: Any) -> Any:
    """Mean of -log sigmoid(chosen - rejected), [n] each."""
    return -require("torch.nn.functional", "train").logsigmoid(chosen - rejected).mean()


def _fresh(folder: Path, kinds: Sequence[str], seed: int) -> RewardModel:
    """The decoder with new heads, all of them 0 at the start."""
    transformers, torch = require("transformers", "train"), require("torch", "train")
    decoder, tokenizer = load_policy(folder)
    settings = type(decoder.config).from_dict(decoder.config.to_dict())
    settings.id2label = dict(enumerate(kinds))
    settings.label2id = {kind: number for number, kind in enumerate(kinds)}
    settings.pad_token_id = tokenizer.pad
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.AutoModelForSequenceClassification.from_config(settings).float()
    model.base_model.load_state_dict(decoder.base_model.state_dict())
    torch.nn.init.zeros_(model.score.weight)
    return RewardModel(model, tokenizer, kinds)


def right(written: str, wanted: Demonstration) -> bool:
    """Whether an answer is the one that is wanted; where the record names a mark (`contains`), whether it bears it."""
    mark = wanted.about.get("contains")
    return str(mark) in written if mark is not None else exact_match(written, wanted.answer)


def right_answers(files: Sequence[str | Path]) -> Reward:
    """1 for a right answer and 0 for another, to prompts whose records in JSON lines files name an answer; 0 to others.

    Raises UsageError where no record names one.
    """
    known = {record.prompt: record for file in files for record in known_answers(file)}
    if not known:
        raise UsageError(
            f"the reward 'right' needs records with the field 'answer', and {', '.join(map(str, files))} has none"
        )

    def reward(prompts: Sequence[Sequence[Message]], answers: Sequence[str]) -> Any:
        wanted = (known.get(tuple(prompt)) for prompt in prompts)
        hits = [record is not None and right(text, record) for record, text in zip(wanted, answers, strict=True)]
        return np.array(hits, np.float64)

    return reward
