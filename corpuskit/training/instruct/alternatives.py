"""Two alternatives to reward model and PPO, through TRL: DPO, which learns from preferences without a reward model, and
GRPO, which compares answers to the same prompt with each other instead of learning values.

DPO minimizes (Rafailov et al. 2023, arXiv:2305.18290, equation 7)

    - log sigmoid(beta (log p(chosen) / p0(chosen) - log p(rejected) / p0(rejected)))

with p0 the model at the start. GRPO is PPO with the advantage (r_i - mean(r)) / deviation(r) over the answers i to a
prompt (Shao et al. 2024, arXiv:2402.03300, section 4.1). Both write the whole model; neither resumes.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.errors import require
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.instruct.config import AlternativeConfig, DpoConfig, GrpoConfig
from corpuskit.training.instruct.dialogues import Message, Preference, read_preferences, read_prompts
from corpuskit.training.instruct.loop import Undertaking, data_digest
from corpuskit.training.instruct.policy import load_policy, save_policy
from corpuskit.training.instruct.reward import Reward
from corpuskit.training.instruct.shipped import prompt_files, shipped_file
from corpuskit.training.machine import this_machine
from corpuskit.training.metrics import Metrics


@dataclass(frozen=True)
class AlternativeResult:
    folder: str
    finished: bool
    steps: int
    loss: float
    """Mean over the steps."""
    seconds: float
    stopped_by: str | None = None

    def sentence(self) -> str:
        """The run in a line for people."""
        return f"{self.steps:,} steps, mean loss {self.loss:.3f}"


def optimize_preferences(
    model: str | Path,
    folder: str | Path,
    config: DpoConfig | None = None,
    *,
    preferences: Sequence[Preference] | None = None,
) -> AlternativeResult:
    """Direct preference optimization of the decoder in a folder, written to `folder`.

    `preferences` stands in for the file that the configuration names. A finished run is not run again. Raises
    MissingExtra where TRL is absent.
    """
    config = config or DpoConfig()
    pairs = list(preferences or read_preferences(config.preferences or shipped_file("preferences")))
    rows = [
        {
            "prompt": _turns(one.prompt),
            "chosen": [{"role": "assistant", "content": one.chosen}],
            "rejected": [{"role": "assistant", "content": one.rejected}],
        }
        for one in pairs
    ]
    return _optimize(Path(model), Path(folder), "dpo", config, rows, data_digest(pairs), {"beta": config.beta}, {})


def optimize_groups(
    model: str | Path,
    rewards: Mapping[str, tuple[Reward, float]],
    folder: str | Path,
    config: GrpoConfig | None = None,
    *,
    prompts: Sequence[Sequence[Message]] | None = None,
) -> AlternativeResult:
    """Group relative policy optimization of the decoder in a folder, written to `folder`.

    `rewards` are those of `reinforce`; `prompts` stands in for the files that the configuration names. A finished run
    is not run again. Raises MissingExtra where TRL is absent.
    """
    config = config or GrpoConfig()
    files = prompt_files(config.prompts)
    asked = list(prompts or dict.fromkeys(one for file in files for one in read_prompts(file)))
    settings = {
        "beta": config.beta,
        "num_generations": config.group,
        "max_completion_length": config.answer_tokens,
        "reward_weights": [weight for _, weight in rewards.values()],
    }
    functions = {"reward_funcs": [_for_trl(name, reward) for name, (reward, _) in rewards.items()]}
    rows = [{"prompt": _turns(one)} for one in asked]
    return _optimize(Path(model), Path(folder), "grpo", config, rows, data_digest(asked), settings, functions)


def _optimize(
    model: Path,
    folder: Path,
    method: str,
    config: AlternativeConfig,
    rows: Sequence[dict[str, Any]],
    data: str,
    settings: Mapping[str, Any],
    functions: Mapping[str, Any],
) -> AlternativeResult:
    trl = require("trl", "instruct")
    asked = {"config": config.model_dump(mode="json"), "model": weights_digest(model), "data": data}
    undertaking = Undertaking(folder, method, asked, resume=True)
    if undertaking.result is not None:
        return AlternativeResult(**undertaking.result)
    began = time.perf_counter()
    policy, tokenizer = load_policy(model)
    with this_machine(config.precision) as machine, tempfile.TemporaryDirectory() as scratch, _offline():
        start = Path(scratch) / "start"  # TRL makes its reference from a folder
        save_policy(policy, tokenizer, start, model)
        kind, trainer = {"dpo": (trl.DPOConfig, trl.DPOTrainer), "grpo": (trl.GRPOConfig, trl.GRPOTrainer)}[method]
        arguments = kind(
            output_dir=str(Path(scratch) / "out"),
            max_steps=config.steps,
            per_device_train_batch_size=config.batch,
            learning_rate=config.learning_rate,
            max_grad_norm=config.gradient_clip,
            seed=config.seed,
            bf16=machine.bfloat16,
            use_cpu=machine.device == "cpu",
            gradient_checkpointing=False,
            save_strategy="no",
            report_to=[],
            logging_steps=1,
            disable_tqdm=True,
            **settings,
        )
        running = trainer(
            model=str(start),
            args=arguments,
            train_dataset=require("datasets", "train").Dataset.from_list(list(rows)),
            processing_class=require("transformers", "train").AutoTokenizer.from_pretrained(start),
            **functions,
        )
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a line for every step
            outcome = running.train()
        _diary(folder, running.state.log_history)
        result = AlternativeResult(
            str(folder), True, int(outcome.global_step), float(outcome.training_loss), time.perf_counter() - began
        )
        tuned = running.accelerator.unwrap_model(running.model)
        undertaking.finish(result, lambda into: save_policy(tuned, tokenizer, into, model))
    return result


def _diary(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    metrics = Metrics(folder, 0)
    for line in history:
        if "loss" in line:
            numbers = {name: value for name, value in line.items() if isinstance(value, (int, float))}
            metrics.add({**numbers, "step": int(line["step"])})
    metrics.close()


def _for_trl(name: str, reward: Reward) -> Any:
    """A reward in TRL's form: conversations in, a list of numbers out."""

    def scored(prompts: Sequence[Any], completions: Sequence[Any], **rest: Any) -> list[float]:
        asked = [tuple(Message(turn["role"], turn["content"]) for turn in prompt) for prompt in prompts]
        return [float(one) for one in reward(asked, [turns[-1]["content"] for turns in completions])]

    scored.__name__ = name
    return scored


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": one.role, "content": one.content} for one in messages]


@contextlib.contextmanager
def _offline() -> Any:
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
