"""Evaluate a model on tasks: every item's prompt, what the model makes of it, and accuracies with standard errors."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.files import write_json
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError
from corpuskit.statistics import Estimate, mean, ratio
from corpuskit.training.evaluation.continuations import Continuation, encode, score, split
from corpuskit.training.evaluation.generation import write_answers
from corpuskit.training.evaluation.language_model import LanguageModel, open_model
from corpuskit.training.evaluation.task import EvaluationTask, exact_match, load_tasks

Tasks = EvaluationTask | str | Path | Iterable["EvaluationTask | str | Path"]

ITEMS = pa.schema(
    [
        ("task", pa.string()),
        ("shots", pa.int64()),
        ("seed", pa.int64()),
        ("item", pa.int64()),  # number in the task, from 0
        ("cluster", pa.string()),
        ("part", pa.string()),
        ("correct", pa.bool_()),  # by the task's own way of choosing
        ("right", pa.int64()),  # number of the right choice
        ("nats", pa.list_(pa.float64())),  # what each choice costs
        ("tokens", pa.list_(pa.int64())),  # scored tokens of each choice
        ("bytes", pa.list_(pa.int64())),  # UTF-8 bytes of each choice
        ("written", pa.string()),  # generation: what the model wrote
        ("answers", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class TaskResult:
    task: str
    kind: str
    language: str
    shots: int
    seed: int
    accuracy: Estimate
    """Share of items answered right, by the task's own way of choosing."""
    chance: float
    """Accuracy of a blind choice."""
    by_part: dict[str, Estimate]
    """Accuracy of each part, for a task that has parts."""
    by_score: dict[str, Estimate]
    """Multiple choice: accuracy when choices are compared by raw log-likelihood, a token, a byte."""
    answer_bits_per_byte: Estimate | None
    """Multiple choice: what the right answer costs, in bits a byte of it."""
    cut: int
    """Items whose prompt lost its beginning because the model reads no more."""

    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Result:
    model: str
    tasks: tuple[TaskResult, ...]
    items: pa.Table
    """Row by item, with the columns of `ITEMS`."""

    def json(self) -> dict[str, Any]:
        return {"model": self.model, "tasks": [task.json() for task in self.tasks]}

    def table(self) -> pa.Table:
        """Row by task: model, task, language, shots, seed, accuracy, error, chance, items."""
        return pa.Table.from_pylist(
            [
                {
                    "model": self.model,
                    "task": task.task,
                    "language": task.language,
                    "shots": task.shots,
                    "seed": task.seed,
                    "accuracy": task.accuracy.value,
                    "error": task.accuracy.error,
                    "chance": task.chance,
                    "items": task.accuracy.count,
                }
                for task in self.tasks
            ]
        )

    def write(self, folder: str | Path) -> None:
        """results.json and items.parquet in a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.items, folder / "items.parquet")
        write_json(folder / "results.json", self.json())


def evaluate(
    model: str | Path | LanguageModel,
    tasks: Tasks,
    *,
    shots: int = 0,
    seed: int = 0,
    limit: int | None = None,
    adapter: str | Path | None = None,
    chat: bool = False,
    watch: Watch = silent,
) -> Result:
    """What a model answers to tasks (or to those of YAML files), with `shots` examples before each item.

    `limit`: so many items of each task, the same ones for every model and seed. `chat`: prompts as conversations by the
    model's chat template. `model` is a folder (ours or any causal one in the Hugging Face layout, with `adapter` laid
    over) or an opened one. Raises UsageError for a task that the model cannot do.
    """
    subject = model if isinstance(model, LanguageModel) else open_model(model, adapter)
    if chat and subject.chat is None:
        raise UsageError(f"{subject.name} has no chat template: evaluate it without chat, or name one that has")
    if shots < 0:
        raise UsageError(f"{shots} examples: give 0 or more")
    results, parts = [], []
    for task in as_tasks(tasks):
        result, rows = _evaluate(subject, task, shots, seed, limit, chat, watch)
        results.append(result)
        parts.append(pa.Table.from_pylist(rows, ITEMS))
    return Result(subject.name, tuple(results), pa.concat_tables(parts) if parts else ITEMS.empty_table())


def as_tasks(given: Tasks) -> list[EvaluationTask]:
    """Tasks from tasks, files of them, or both."""
    if isinstance(given, EvaluationTask):
        return [given]
    if isinstance(given, str | Path):
        return load_tasks(given)
    return [task for entry in given for task in as_tasks(entry)]


def _evaluate(
    model: LanguageModel, task: EvaluationTask, shots: int, seed: int, limit: int | None, chat: bool, watch: Watch
) -> tuple[TaskResult, list[dict[str, Any]]]:
    chosen = _sample(task, limit)
    rows: list[dict[str, Any]] = [
        {
            "task": task.name,
            "shots": shots,
            "seed": seed,
            "item": number,
            "cluster": task.items[number].cluster,
            "part": task.items[number].part,
        }
        for number in chosen
    ]
    prompts = [task.prompt(number, shots, seed) for number in chosen]
    if chat:
        assert model.chat is not None
        framed = [np.asarray(model.chat(prompt.messages), np.int64) for prompt in prompts]
    if task.config.kind == "generation":
        asked = framed if chat else encode(model, [prompt.text for prompt in prompts])
        answers = write_answers(
            model, asked, max_tokens=task.config.max_tokens, stop=task.config.stop, framed=not chat, watch=watch
        )
        for row, written in zip(rows, answers, strict=True):
            accepted = task.items[row["item"]].answers
            right = exact_match(written.text, accepted)
            row |= {"correct": right, "written": written.text, "answers": list(accepted)}
        return _result(task, rows, shots, seed, sum(answer.cut for answer in answers)), rows
    outputs = [task.items[number].outputs for number in chosen]
    if chat:
        ids = iter(encode(model, [output.strip() for mine in outputs for output in mine]))
        pairs = [(prefix, next(ids)) for prefix, mine in zip(framed, outputs, strict=True) for _ in mine]
        continuations = [Continuation(prefix, tokens, framed=False) for prefix, tokens in pairs]
    else:
        shown = [prompt.text for prompt in prompts]
        wholes = [text + output for text, mine in zip(shown, outputs, strict=True) for output in mine]
        ids = iter(encode(model, wholes))
        prefixes = encode(model, shown)
        continuations = [
            continuation
            for prefix, mine in zip(prefixes, outputs, strict=True)
            for continuation in split(prefix, [next(ids) for _ in mine])
        ]
    scored = iter(score(model, continuations, what=task.name, watch=watch))
    cut = 0
    for row in rows:
        item = task.items[row["item"]]
        mine = [next(scored) for _ in item.outputs]
        cut += any(choice.cut for choice in mine)
        row |= {
            "right": item.right,
            "nats": [float(choice.nats.sum()) for choice in mine],
            "tokens": [len(choice.nats) for choice in mine],
            "bytes": [len(output.strip().encode()) for output in item.outputs],
        }
        row["correct"] = _chooses(row, task.config.score)
    return _result(task, rows, shots, seed, cut), rows


def _sample(task: EvaluationTask, limit: int | None) -> list[int]:
    """Numbers of the items that are asked: all, or `limit` of them by a hash of their place, in order."""
    numbers = range(len(task.items))
    if limit is None or limit >= len(numbers):
        return list(numbers)
    if limit < 1:
        raise UsageError(f"limit {limit}: ask at least one item of each task")
    return sorted(sorted(numbers, key=lambda n: hashlib.blake2b(f"{task.name}\0{n}".encode()).digest())[:limit])


def _chooses(row: dict[str, Any], by: str) -> bool:
    """Whether the right choice costs least, as it is or by its length. A tie is a miss."""
    nats = np.asarray(row["nats"])
    if by != "raw":
        nats = nats / np.maximum(row["tokens" if by == "token" else "bytes"], 1)
    right = row["right"]
    return bool((nats[right] < np.delete(nats, right)).all())


def _result(task: EvaluationTask, rows: Sequence[dict[str, Any]], shots: int, seed: int, cut: int) -> TaskResult:
    clusters = [row["cluster"] for row in rows]
    parts = sorted({row["part"] for row in rows} - {""})
    by_score, cost = {}, None
    if task.config.kind == "multiple_choice":
        by_score = {by: mean([_chooses(row, by) for row in rows], clusters) for by in ("raw", "token", "byte")}
        cost = ratio(
            [row["nats"][row["right"]] / math.log(2) for row in rows],
            [max(row["bytes"][row["right"]], 1) for row in rows],
            clusters,
        )
    return TaskResult(
        task.name,
        task.config.kind,
        task.config.language,
        shots,
        seed,
        mean([row["correct"] for row in rows], clusters),
        task.chance,
        {
            part: mean(
                [row["correct"] for row in rows if row["part"] == part],
                [row["cluster"] for row in rows if row["part"] == part],
            )
            for part in parts
        },
        by_score,
        cost,
        cut,
    )
