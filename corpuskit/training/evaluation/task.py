"""A task: templates, and the items that fill them. Read from YAML, or made of plain values.

    name: capitals
    kind: multiple_choice            # or generation
    language: en
    description: Name the capital.
    input: "Country: {country}\\nCapital:"
    output: " {answer}"              # what follows an input: {answer} is a choice, or the accepted answer
    items: capitals.jsonl            # a file in the same folder, or the items themselves
    examples: solved.jsonl           # where examples are drawn from; without it, from the other items

An item has the fields that the templates name, `answer` (a choice, or its number from 0; for generation the text, or a
list of accepted ones) and, for multiple choice, `choices`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from corpuskit.engine.located import Located, parse
from corpuskit.engine.stage import Configured
from corpuskit.engine.wording import worded
from corpuskit.errors import UsageError, nearest
from corpuskit.training.evaluation.prompts import Prompt, Template, choose_examples

Score = Literal["raw", "token", "byte"]


class TaskConfig(Configured):
    """The keys of a task file."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """What the task is called in results."""
    kind: Literal["multiple_choice", "generation"] = "multiple_choice"
    """multiple_choice: the likeliest choice is the answer. generation: what the model writes must be an answer."""
    language: str = "und"
    """Language of the items: en, ko, or another ISO 639-1 code."""
    description: str = ""
    """Text at the start of every prompt."""
    input: str
    """Template of an item's input."""
    output: str = " {answer}"
    """Template of what follows an input; {answer} is the answer or the choice."""
    choices: str | list[str] = "{choices}"
    """Multiple choice: the field that holds the choices, or a template for each."""
    answer: str = "{answer}"
    """Template of the answer: a choice or its number from 0; for generation the accepted text, or a list of them."""
    separator: str = "\n\n"
    """Text between the description, the examples and the input."""
    score: Score = "raw"
    """Multiple choice: choose by log-likelihood as it is (raw), a token, or a byte of the choice."""
    max_tokens: int = Field(default=32, ge=1)
    """Generation: tokens that a model may write."""
    stop: tuple[str, ...] = ("\n",)
    """Generation: where what a model writes is cut off."""
    cluster: str | None = None
    """Field that names the group of an item: items of one group (a passage, a template) are not independent, and
    standard errors are taken over groups."""
    part: str | None = None
    """Field that names the part of the task whose accuracy is given on its own."""
    items: list[dict[str, Any]] | str
    """The items, or the name of a JSON lines file in the task's folder."""
    examples: list[dict[str, Any]] | str | None = None
    """Where examples are drawn from, in the same form. Default: the other items."""


@dataclass(frozen=True)
class Item:
    """One item with its templates filled."""

    input: str
    outputs: tuple[str, ...]
    """What follows the input: one for each choice; for generation the first accepted answer's."""
    right: int
    """Number of the right one of them."""
    answers: tuple[str, ...]
    """Accepted answers, for generation."""
    cluster: str
    part: str


@dataclass(frozen=True)
class EvaluationTask:
    config: TaskConfig
    values: tuple[Mapping[str, Any], ...]
    example_values: tuple[Mapping[str, Any], ...] | None
    places: Mapping[str, str]
    """The place of each template, for errors: 'tasks.yaml line 5: input'."""
    item_places: tuple[str, ...]
    example_places: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.config.name

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Raises UsageError that names the template, its line, and the item that does not fit it."""
        filled = zip(self.values, self.item_places, strict=True)
        return tuple(self._item(values, place, number) for number, (values, place) in enumerate(filled))

    @cached_property
    def pool(self) -> tuple[tuple[str, str], ...]:
        """(input, output) of everything that examples are drawn from."""
        if self.example_values is None:
            solved = self.items
        else:
            filled = zip(self.example_values, self.example_places, strict=True)
            solved = tuple(self._item(values, place, number) for number, (values, place) in enumerate(filled))
        return tuple((item.input, item.outputs[item.right]) for item in solved)

    @property
    def chance(self) -> float:
        """Accuracy of a blind choice; 0 for generation."""
        if self.config.kind == "generation":
            return 0.0
        return sum(1 / len(item.outputs) for item in self.items) / len(self.items)

    def prompt(self, number: int, shots: int, seed: int) -> Prompt:
        """The prompt of an item with `shots` examples before it."""
        item = self.items[number]
        place = number if self.example_values is None else None
        examples = choose_examples(self.pool, item.input, place, shots, seed, self.name) if shots else ()
        return Prompt(self.config.description, examples, item.input, self.config.separator)

    def _item(self, values: Mapping[str, Any], where: str, number: int) -> Item:
        config = self.config

        def text(key: str) -> Template:
            return Template(getattr(config, key), self.places[key])

        def output(answer: Any) -> str:
            return text("output").fill({**values, "answer": answer}, where)

        given = text("input").fill(values, where)
        answer = text("answer").value(values, where)
        cluster, part = (
            default if name is None else str(Template(f"{{{name}}}", self.places[key]).value(values, where))
            for key, name, default in (("cluster", config.cluster, str(number)), ("part", config.part, ""))
        )
        if config.kind == "generation":
            answers = tuple(map(str, answer)) if isinstance(answer, list) else (str(answer),)
            if not answers or not all(accepted.strip() for accepted in answers):
                raise UsageError(f"{where}: the answer is empty")
            return Item(given, (output(answers[0]),), 0, answers, cluster, part)
        if isinstance(config.choices, str):
            choices = text("choices").value(values, where)
        else:
            choices = [Template(template, self.places["choices"]).fill(values, where) for template in config.choices]
        if not isinstance(choices, list) or len(choices) < 2:
            raise UsageError(f"{where}: a multiple choice needs a list of two choices or more, and this has {choices}")
        choices = [str(choice) for choice in choices]
        outputs = tuple(output(choice) for choice in choices)
        if len(set(outputs)) < len(outputs):
            raise UsageError(f"{where}: two choices are the same: {', '.join(choices)}")
        if isinstance(answer, int) and not isinstance(answer, bool):
            if not 0 <= answer < len(choices):
                raise UsageError(f"{where}: answer {answer} is no number of {len(choices)} choices (from 0)")
            return Item(given, outputs, answer, (), cluster, part)
        if str(answer) not in choices:
            raise UsageError(f"{where}: the answer '{answer}' is none of the choices{nearest(str(answer), choices)}")
        return Item(given, outputs, choices.index(str(answer)), (), cluster, part)


def make_task(
    items: Sequence[Mapping[str, Any]], *, examples: Sequence[Mapping[str, Any]] | None = None, **settings: Any
) -> EvaluationTask:
    """A task of plain values: `make_task([{"q": "1+1", "answer": "2"}], name="sums", kind="generation", input="{q}=")`.

    Raises UsageError for settings or items that do not fit.
    """
    try:
        config = TaskConfig(items=[], **settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"task {settings.get('name', '')}: {place}: {worded(TaskConfig, first, first['loc'])}"
        ) from error
    label = f"task {config.name}"
    places = {key: f"{label}: {key}" for key in TaskConfig.model_fields}
    numbered = tuple(f"{label} item {number}" for number in range(len(items)))
    shown = tuple(f"{label} example {number}" for number in range(len(examples or ())))
    return _checked(
        EvaluationTask(config, tuple(items), None if examples is None else tuple(examples), places, numbered, shown),
        label,
    )


def load_tasks(path: str | Path) -> list[EvaluationTask]:
    """The tasks of a YAML file: one, or several in a list.

    Raises UsageError with the file, the line and the field of what is wrong.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as a task: {error}") from error
    located = parse(text, str(file))
    if isinstance(located.value, list):
        return [_load(located, value, (number,), file) for number, value in enumerate(located.value)]
    return [_load(located, located.value, (), file)]


def _load(located: Located, value: Any, at: tuple[str | int, ...], file: Path) -> EvaluationTask:
    if not isinstance(value, dict):
        raise UsageError(f"{located.where(at)}: a task is a mapping of keys: name, kind, input, output, items, ...")
    try:
        config = TaskConfig.model_validate(value)
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            place = problem["loc"]
            reason = worded(TaskConfig, problem, place)
            problems.append(f"{located.where((*at, *place))}: {'.'.join(map(str, place))}: {reason}")
        raise UsageError("\n".join(problems)) from error
    places = {key: f"{located.where((*at, key))}: {key}" for key in TaskConfig.model_fields}
    items, item_places = _records(config.items, located, (*at, "items"), file)
    examples, example_places = (
        (None, ()) if config.examples is None else _records(config.examples, located, (*at, "examples"), file)
    )
    return _checked(EvaluationTask(config, items, examples, places, item_places, example_places), located.where(at))


def _records(
    given: list[dict[str, Any]] | str, located: Located, at: tuple[str | int, ...], file: Path
) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    """(the items, the place of each)."""
    if isinstance(given, list):
        return tuple(given), tuple(f"{located.where((*at, number))}: item {number}" for number in range(len(given)))
    path = file.parent / given
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{located.where(at)}: {path} cannot be read: {error}") from error
    records, places = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{path} line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{place}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise UsageError(f"{place}: an item is an object with fields, and this is {type(record).__name__}")
        records.append(record)
        places.append(place)
    return tuple(records), tuple(places)


def _checked(task: EvaluationTask, where: str) -> EvaluationTask:
    """The task, all of its items filled once, so that a mistake shows before a model is loaded."""
    if not task.items:
        raise UsageError(f"{where}: task {task.name} has no items")
    _ = task.pool
    return task


_AROUND = " \"'`.,!?;:。、「」『』“”‘’()[]"
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def normalise(text: str) -> str:
    """The form in which answers are compared."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _GROUPED.sub("", " ".join(folded.split())).strip(_AROUND)


def exact_match(written: str, accepted: str | Iterable[str]) -> bool:
    """Whether what a model wrote is one of the accepted answers, both normalised."""
    answers = [accepted] if isinstance(accepted, str) else list(accepted)
    return normalise(written) in {normalise(answer) for answer in answers}
