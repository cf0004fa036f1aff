"""Prompts: a task description, then examples with their outputs, then the input, in that order.

Text comes from templates with named places, `{question}`; `{{` and `}}` are literal braces. A model that was tuned on
conversations gets the same three parts as turns: the description as the system's, examples and input as a user's, and
outputs as an assistant's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np

from corpuskit.errors import UsageError, nearest


@dataclass(frozen=True)
class Template:
    """Text with named places."""

    text: str
    where: str
    """Prefix of error messages: the file, the line, and the name of the field."""

    @property
    def parts(self) -> list[tuple[str, str | None]]:
        """(literal text, name of the place after it or None). Raises UsageError for what is no plain place."""
        try:
            parts = list(Formatter().parse(self.text))
        except ValueError as error:
            raise UsageError(f"{self.where}: {error}; write {{{{ and }}}} for braces that are text") from error
        for _, name, form, conversion in parts:
            if name is not None and (not name.isidentifier() or form or conversion):
                raise UsageError(f"{self.where}: '{{{name}}}' is no plain place; write {{name}}, or {{{{ for a brace")
        return [(literal, name) for literal, name, _, _ in parts]

    @property
    def only(self) -> str | None:
        """The name of the place that is all of the template, if it is."""
        parts = self.parts
        return parts[0][1] if len(parts) == 1 and not parts[0][0] else None

    def value(self, values: Mapping[str, Any], item: str) -> Any:
        """The value itself where the template is one place, else its text. `item` names the item in errors."""
        only = self.only
        return self.fill(values, item) if only is None else self._look_up(only, values, item)

    def fill(self, values: Mapping[str, Any], item: str) -> str:
        """The text with every place filled. Raises UsageError that names the place and the item that lacks it."""
        return "".join(
            literal if name is None else f"{literal}{self._look_up(name, values, item)}" for literal, name in self.parts
        )

    def _look_up(self, name: str, values: Mapping[str, Any], item: str) -> Any:
        if values.get(name) is None:
            raise UsageError(f"{self.where} asks for {{{name}}}, which {item} does not have{nearest(name, values)}")
        return values[name]


@dataclass(frozen=True)
class Prompt:
    """What a model is shown before it answers."""

    description: str
    examples: tuple[tuple[str, str], ...]
    """(input, output) of each."""
    input: str
    separator: str

    @property
    def text(self) -> str:
        """As one text: an output follows its input at once, and `separator` goes between the parts."""
        parts = [self.description] if self.description else []
        return self.separator.join([*parts, *(given + output for given, output in self.examples), self.input])

    @property
    def messages(self) -> list[dict[str, str]]:
        """As the turns of a conversation."""
        turns = [("system", self.description)] if self.description else []
        for given, output in self.examples:
            turns += [("user", given), ("assistant", output)]
        return [{"role": role, "content": text.strip()} for role, text in [*turns, ("user", self.input)]]


def choose_examples(
    pool: Sequence[tuple[str, str]], given: str, place: int | None, shots: int, seed: int, name: str
) -> tuple[tuple[str, str], ...]:
    """`shots` examples (input, output) from a pool, none of them the item itself.

    `given` is the item's input, `place` its index in the pool, None if it is not in it. The draw depends on the
    seed, the task's name and the item alone; fewer shots are the last of more, so that a curve over shots adds examples
    before those that were there. Raises UsageError where the pool is too small.
    """
    key = hashlib.blake2b(f"{seed}\0{name}\0{place}\0{given}".encode(), digest_size=8).digest()
    random = np.random.default_rng(int.from_bytes(key, "little"))
    tried: set[int] = set()
    chosen: list[tuple[str, str]] = []
    while len(chosen) < shots:
        if len(tried) == len(pool):
            raise UsageError(
                f"task {name}: {shots} examples are asked for, and there are {len(chosen)} apart from the item itself"
            )
        number = int(random.integers(len(pool)))
        if number in tried:
            continue
        tried.add(number)
        if number != place and pool[number][0] != given:
            chosen.append(pool[number])
    return tuple(reversed(chosen))
