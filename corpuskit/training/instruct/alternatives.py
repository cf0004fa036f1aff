"""Two alternatives to reward model and PPO, through TRL: DPO, which learns from preferences without a reward model, and
GRPO, which compares answers to the same prompt with each other instead of learning values.

DPO minimizes (Rafailov et al. 2023, arXiv:2305.18290, equation 7)

    - log sigmoid(beta (log p(chosen) / p0(chosen) - log p(rejected) / p0(rejected)))

with p0 the model at the start. GRPO is PPO with the advantage (r_i - mean(r)) / deviation(r) over the answers i to a
prompt (Shao et al. 2024, arXiv:2402.03300, section 4.1). Both write the whole model.

What a step learns from is a function of its number (`rows_of_step`), and the rest of the state is in the checkpoints of
TRL's trainer, so that a run that goes on after a stop ends in the same bits.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.engine.files import read_json
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import require
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.instruct.answering import check_room
from corpuskit.training.instruct.chat import Chat
from corpuskit.training.instruct.config import AlternativeConfig, DpoConfig, GrpoConfig
from corpuskit.training.instruct.dialogues import Message, Preference
from corpuskit.training.instruct.loop import TuningResult, TuningRun, data_digest, require_nonempty, rows_of_step
from corpuskit.training.instruct.packing import paired
from corpuskit.training.instruct.policy import context, load_policy, save_policy
from corpuskit.training.instruct.reward import Reward
from corpuskit.training.instruct.tasks import prompt_files, shipped_file
from corpuskit.training.instruct.unknown import check_known
from corpuskit.training.machine import stop_signals, this_machine
from corpuskit.training.metrics import MetricsLog


@dataclass(frozen=True, kw_only=True)
class AlternativeResult(TuningResult):
    loss: float
    """Mean over the steps."""

    def sentence(self) -> str:
        """The run in a line for people."""
        return f"{self.steps:,} steps, mean loss {self.loss:.3f}"


@dataclass(frozen=True)
class _Method:
    """The settings and the data of one method, for TRL."""

    name: str
    config: AlternativeConfig
    rows: Sequence[dict[str, Any]]
    rows_a_step: int
    data: str
    check: Callable[[Any, Tokenizer], None]
    """Raises UsageError where the model cannot read the rows."""
    settings: Mapping[str, Any]
    functions: Mapping[str, Any]

    def ordered(self) -> list[dict[str, Any]]:
        """The rows of all steps, one step after the other."""
        count, seed = self.rows_a_step, self.config.seed
        orders = (rows_of_step(len(self.rows), count, step, seed) for step in range(1, self.config.steps + 1))
        return [self.rows[row] for order in orders for row in order]


def optimize_preferences(
    model: str | Path,
    folder: str | Path,
    config: DpoConfig | None = None,
    *,
    preferences: Sequence[Preference] | None = None,
    watch: Watch = silent,
) -> AlternativeResult:
    """Direct preference optimization of the decoder in a folder, written to `folder`.

    `preferences` replaces the file that the configuration names. Stops and goes on like
    `finetune_on_demonstrations`. Raises MissingExtra where TRL is absent, UsageError for preferences that cannot be
    read or are longer than the model reads.
    """
    config = config or DpoConfig()
    if preferences is None:
        preferences = list(config.reader().preferences(config.preferences or shipped_file("preferences")))
    pairs = require_nonempty(preferences, "preference to learn from")
    rows = [
        {
            "prompt": _turns(pair.prompt),
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in pairs
    ]

    def check(policy: Any, tokenizer: Tokenizer) -> None:
        paired(Chat(tokenizer), pairs, context(policy), "error")

    settings = {"beta": config.beta, "max_length": None, "train_sampling_strategy": "sequential"}
    method = _Method("dpo", config, rows, config.batch, data_digest(pairs), check, settings, {})
    return _optimize(Path(model), Path(folder), method, watch)


def optimize_groups(
    model: str | Path,
    rewards: Mapping[str, tuple[Reward, float]],
    folder: str | Path,
    config: GrpoConfig | None = None,
    *,
    prompts: Sequence[Sequence[Message]] | None = None,
    watch: Watch = silent,
) -> AlternativeResult:
    """Group relative policy optimization of the decoder in a folder, written to `folder`.

    `rewards` are those of `reinforce`; `prompts` replaces the files that the configuration names. Stops and goes
    on like `finetune_on_demonstrations`. Raises MissingExtra where TRL is absent, UsageError for prompts that leave no
    room for an answer.
    """
    config = config or GrpoConfig()
    if prompts is None:
        files = prompt_files(config.prompts)
        prompts = list(dict.fromkeys(prompt for file in files for prompt in config.reader().prompts(file)))
    asked = require_nonempty(prompts, "prompt to answer")

    def check(policy: Any, tokenizer: Tokenizer) -> None:
        check_known(tokenizer, (turn for prompt in asked for turn in prompt))
        check_room(asked, Chat(tokenizer).prompts(asked), context(policy), config.answer_tokens)

    settings = {
        "beta": config.beta,
        "num_generations": config.group,
        "max_completion_length": config.answer_tokens,
        "reward_weights": [weight for _, weight in rewards.values()],
        "shuffle_dataset": False,
    }
    functions = {"reward_funcs": [_for_trl(name, reward) for name, (reward, _) in rewards.items()]}
    rows = [{"prompt": _turns(prompt)} for prompt in asked]
    count = config.batch // config.group
    method = _Method("grpo", config, rows, count, data_digest(asked), check, settings, functions)
    return _optimize(Path(model), Path(folder), method, watch)


def _optimize(model: Path, folder: Path, method: _Method, watch: Watch) -> AlternativeResult:
    trl, config = require("trl", "instruct"), method.config
    asked = {"config": config.model_dump(mode="json"), "model": weights_digest(model), "data": method.data}
    run = TuningRun(folder, method.name, asked, resume=True)
    if run.result is not None:
        return AlternativeResult(**run.result)
    policy, tokenizer = load_policy(model)
    method.check(policy, tokenizer)
    with (
        this_machine(config.precision) as machine,
        stop_signals() as stop,
        tempfile.TemporaryDirectory() as scratch,
        _offline(),
    ):
        start = Path(scratch) / "start"  # TRL makes its reference from a folder
        save_policy(policy, tokenizer, start, model)
        kind, trainer = {"dpo": (trl.DPOConfig, trl.DPOTrainer), "grpo": (trl.GRPOConfig, trl.GRPOTrainer)}[method.name]
        arguments = kind(
            output_dir=str(folder / "checkpoints"),
            max_steps=config.steps,
            per_device_train_batch_size=config.batch,
            learning_rate=config.learning_rate,
            max_grad_norm=config.gradient_clip,
            seed=config.seed,
            bf16=machine.bfloat16,
            use_cpu=machine.device == "cpu",
            gradient_checkpointing=False,
            save_strategy="steps",
            save_steps=config.checkpoint_every or max(1, -(-config.steps // 5)),
            save_total_limit=2,  # one may be cut off
            report_to=[],
            logging_steps=1,
            disable_tqdm=True,
            **method.settings,
        )
        running = trainer(
            model=str(start),
            args=arguments,
            train_dataset=require("datasets", "train").Dataset.from_list(method.ordered()),
            processing_class=require("transformers", "train").AutoTokenizer.from_pretrained(start),
            callbacks=[steps_watched(stop, watch)],
            **method.functions,
        )
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a line for every step
            running.train(resume_from_checkpoint=_newest(folder / "checkpoints"))
        steps = int(running.state.global_step)
        lines = list(_lines(running.state.log_history))
        _write(folder, lines)
        result = AlternativeResult(
            folder=str(folder),
            finished=steps == config.steps,
            steps=steps,
            seconds=sum(line["seconds"] for line in lines),
            stopped_by=stop(),
            loss=float(np.mean([line["loss"] for line in lines])),
        )
        if result.finished:
            tuned = running.accelerator.unwrap_model(running.model)
            run.finish(result, lambda into: save_policy(tuned, tokenizer, into, model))
    return result


def _newest(folder: Path) -> str | None:
    """The newest checkpoint that is whole: the trainer's state is the last of its files to be written."""
    whole = [
        checkpoint
        for checkpoint in folder.glob("checkpoint-*")
        if read_json(checkpoint / "trainer_state.json") is not None
    ]
    return str(max(whole, key=lambda checkpoint: int(checkpoint.name.rpartition("-")[2]))) if whole else None


def _lines(history: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Lines of the metrics log, one a step."""
    for line in history:
        if "loss" in line:
            numbers = {name: value for name, value in line.items() if isinstance(value, (int, float))}
            yield {**numbers, "step": int(line["step"])}


def _write(folder: Path, lines: Sequence[dict[str, Any]]) -> None:
    metrics = MetricsLog(folder, 0)
    for line in lines:
        metrics.add(line)
    metrics.close()


def _for_trl(name: str, reward: Reward) -> Any:
    """A reward in TRL's form: conversations in, a list of numbers out."""

    def scored(prompts: Sequence[Any], completions: Sequence[Any], **rest: Any) -> list[float]:
        asked = [tuple(Message(turn["role"], turn["content"]) for turn in prompt) for prompt in prompts]
        return [float(value) for value in reward(asked, [turns[-1]["content"] for turns in completions])]

    scored.__name__ = name
    return scored


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """TRL asks the hub for what lies in a folder already."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


def steps_watched(stop: Callable[[], str | None], watch: Watch) -> Any:
    """A `TrainerCallback`; the lines of the trainer's `log_history` get `seconds`."""

    class Steps(require("transformers", "train").TrainerCallback):  # type: ignore[misc]
        began = 0.0

        def on_step_begin(self, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
            self.began = time.perf_counter()

        def on_log(self, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
            line = state.log_history[-1]
            if "loss" in line:
                line["seconds"] = round(time.perf_counter() - self.began, 4)
                watch(f"loss {line['loss']:.3f}", state.global_step, state.max_steps)
            if stop() is not None:
                control.should_save = control.should_training_stop = True

    return Steps()
