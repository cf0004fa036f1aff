"""The results that the versions of jobs stand for: one small run with every key that makes jobs.

Of a training, the order of the data, the schedule and the losses (to two per cent) are pinned, never weights: those
differ from processor to processor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golden_results import SAMPLE, installed

from corpuskit.engine.files import digest, file_digest
from corpuskit.engine.located import parse
from corpuskit.engine.run_jobs import JobReceipt
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import check
from corpuskit.training import training_order
from corpuskit.training.metrics import read_metrics

JOB_CASES = (
    "token shards",
    "pretraining",
    "adapter",
    "comparison",
    "fine-tuning",
    "reward model",
    "reinforcement learning",
    "preference optimization",
    "group policy optimization",
    "instruction gains",
    "evaluation",
    "audit",
)

TASKS = Path(__file__).parents[2] / "pipelines" / "tasks" / "opposites.yaml"

RECIPE = f"""
name: golden
sources: [{{task_texts: {{documents: 150, seed: 1}}}}]
tokens: {{tokenizer: {{train: bpe, vocabulary: 420}}, sequence_length: 128, hold_out: 0.1}}
train: {{model: {{layers: 1, width: 32, heads: 2}}, budget: {{steps: 3}}, batch: 4, precision: float32}}
adapt: {{rank: 2, budget: {{steps: 2}}, batch: 2}}
compare: {{file: {SAMPLE}/demonstrations.jsonl, methods: [lora], replayed: [], budget: {{steps: 1}}, batch: 2,
  probes: 0, hold_out: 0.3, prompt: 8, tokens: 2}}
instruct:
  sft: {{demonstrations: {SAMPLE}/demonstrations.jsonl, epochs: 1, batch: 2, precision: float32}}
  reward: {{preferences: {SAMPLE}/preferences.jsonl, epochs: 1, batch: 2, precision: float32}}
  ppo: {{prompts: [{SAMPLE}/demonstrations.jsonl], steps: 1, batch: 2, minibatch: 2, answer_tokens: 4,
    rewards: {{helpful: 1.0}}, samples: 0, precision: float32}}
  dpo: {{preferences: {SAMPLE}/preferences.jsonl, steps: 1, batch: 2, precision: float32}}
  grpo: {{prompts: [{SAMPLE}/demonstrations.jsonl], steps: 1, batch: 4, answer_tokens: 4, rewards: {{helpful: 1.0}},
    precision: float32}}
  gains: {{held_out: {SAMPLE}/demonstrations.jsonl, draws: 1, answer_tokens: 4}}
evaluate: {{probes: false, tasks: [{TASKS}], limit: 4}}
audit: {{windows: 8, prefix: 8, suffix: 8, documents: 0, identifiers: 0, personal: 0, near_verbatim: 0,
  generations: 0, replayed: 0, canaries: {{count: 1, copies: [0, 2], digits: 2, coins: 0}}}}
"""

SCHEDULE = ("step", "tokens", "learning_rate", "epoch", "examples")
LOSSES = ("loss", "validation_loss")


def job_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Job -> its pin: version, digest of what is the same on every processor, losses, libraries."""
    recipe = check(parse(RECIPE, "golden"))
    summary = run_recipe(recipe, folder=folder / "run", workers=1).summary
    declared = {job.name: job for job in recipe.jobs()}
    pins = {}
    for name, where in summary["outputs"].items():
        stated, losses = _result(folder / "run", name, folder / "run" / where)
        job = declared[name]
        libraries = {library: installed(library) for library in sorted(job.libraries)}
        pins[name] = {
            "version": job.version,
            "digest": digest(stated),
            "losses": losses,
            "defaults": {},
            "libraries": libraries,
        }
    return pins


def _result(run: Path, name: str, where: Path) -> tuple[Any, list[float]]:
    """(what must be equal, numbers that are compared to two per cent) of a job that is done."""
    receipt = JobReceipt.read(where)
    assert receipt is not None
    if name == "token shards":
        return [_plain(receipt.summary), file_digest(where / "tokenizer.json")], []
    if name == "comparison":
        ways = receipt.summary["ways"]
        return [[way["name"], way["trainable"], way["steps"]] for way in ways], [float(way["target"]) for way in ways]
    if name in ("audit", "instruction gains"):
        return [receipt.summary.get("windows"), receipt.summary.get("requests")], _floats(receipt.summary)
    stated: list[Any] = []
    losses: list[float] = []
    for line in read_metrics(where):
        stated.append({key: _six(line[key]) for key in SCHEDULE if key in line})
        losses += [float(line[key]) for key in LOSSES if isinstance(line.get(key), float)]
    if name == "pretraining":
        ordered = training_order(where, run / "tokens")
        assert ordered is not None
        order, steps = ordered
        stated.append([order.samples_at(step).tolist() for step in range(1, steps + 1)])
    if not stated:
        losses += _floats({key: value for key, value in receipt.summary.items() if "second" not in key})
    return stated, losses


def _plain(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in summary.items() if "second" not in key}


def _six(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _floats(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) if "second" not in key for number in _floats(value[key])]
    if isinstance(value, (list, tuple)):
        return [number for each in value for number in _floats(each)]
    return [value] if isinstance(value, float) else []
