"""Messages, and what is made of them: demonstrations to learn from, and preferences between two answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Message:
    role: Role
    content: str
    where: str = field(default="", compare=False, repr=False)
    """File, line and field that it was read from."""
    calls: str = ""
    """The tool calls of an assistant's turn, as JSON."""

    @property
    def text(self) -> str:
        """What a model without a template for tools reads: the content, and the calls after it."""
        return "\n".join(part for part in (self.content, self.calls) if part)

    def as_dict(self, content: str | None = None) -> dict[str, Any]:
        """As chat templates take it; `content` instead of its own, where given."""
        turn: dict[str, Any] = {"role": self.role, "content": self.content if content is None else content}
        return turn | ({"tool_calls": json.loads(self.calls)} if self.calls else {})


@dataclass(frozen=True)
class Demonstration:
    """A conversation whose assistant turns are to be learned; the last turn is the assistant's."""

    messages: tuple[Message, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    """The record's other fields."""

    @property
    def prompt(self) -> tuple[Message, ...]:
        return self.messages[:-1]

    @property
    def answer(self) -> str:
        return self.messages[-1].content


@dataclass(frozen=True)
class Preference:
    """Two answers to a prompt, of which the first is the better."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    about: Mapping[str, Any] = field(default_factory=dict)
    where: str = field(default="", compare=False, repr=False)
    """File and line that it was read from."""

    @property
    def kind(self) -> str:
        """Which quality the choice is about."""
        return str(self.about.get("kind", "helpful"))
