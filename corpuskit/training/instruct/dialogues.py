"""Demonstrations and preferences as JSON lines, read with errors that name file, line and field.

    {"prompt": "What is 3 plus 4?", "answer": "7"}
    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": "How do I pick a lock?", "chosen": "I cannot help with that.", "rejected": "First …", "kind": "safe"}

A prompt is one request, or a list of messages. Other fields are kept as they are: `kind` names the quality that a
preference is about, `task` and `language` group results.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from corpuskit.errors import UsageError, nearest

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


def read_demonstrations(path: str | Path) -> list[Demonstration]:
    """Raises UsageError, naming file, line and field, for what is no demonstration or has an empty turn."""
    return [_demonstration(record, where) for record, where in _records(Path(path))]


def read_preferences(path: str | Path) -> list[Preference]:
    """Raises UsageError, naming file, line and field, for what is no preference, and for equal or empty sides."""
    return [_preference(record, where) for record, where in _records(Path(path))]


def read_prompts(path: str | Path) -> list[tuple[Message, ...]]:
    """The prompts of demonstrations, preferences or plain prompts, in order, without repetitions."""
    prompts = [_prompt_of(record, where) for record, where in _records(Path(path))]
    return list(dict.fromkeys(prompts))


def known_answers(path: str | Path) -> list[Demonstration]:
    """The records of a file of prompts that name their answers."""
    records = _records(Path(path))
    return [_demonstration(record, where) for record, where in records if "messages" in record or "answer" in record]


def demonstrations(pairs: Iterable[tuple[str, str]]) -> list[Demonstration]:
    """Demonstrations from (prompt, answer) pairs. Raises UsageError for an empty side, naming its number."""
    return [
        _demonstration({"prompt": prompt, "answer": answer}, f"pair {number}")
        for number, (prompt, answer) in enumerate(pairs)
    ]


def _records(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    if not path.is_file():
        raise UsageError(f"no file at {path}: name a JSON lines file")
    seen = False
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            raise UsageError(f"{where}: not UTF-8 at byte {error.start}") from error
        except ValueError as error:
            raise UsageError(f"{where}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise UsageError(f"{where}: expected an object with fields, found {line[:40].decode(errors='replace')}")
        seen = True
        yield record, where
    if not seen:
        raise UsageError(f"{path} is empty: it needs one JSON object a line")


def _demonstration(record: dict[str, Any], where: str) -> Demonstration:
    if "messages" in record:
        messages = _messages(record["messages"], f"{where}, field 'messages'")
        if messages[-1].role != "assistant" or len(messages) < 2:
            raise UsageError(f"{where}, field 'messages': ends with no assistant turn after a request")
        rest = _rest(record, "messages")
    else:
        answer = Message("assistant", _text(record, "answer", where), f"{where}, field 'answer'")
        messages, rest = (*_prompt(record, where), answer), _rest(record, "prompt", "answer")
    return Demonstration(messages, rest)


def _preference(record: dict[str, Any], where: str) -> Preference:
    chosen, rejected = _text(record, "chosen", where), _text(record, "rejected", where)
    if unicodedata.normalize("NFC", chosen) == unicodedata.normalize("NFC", rejected):
        raise UsageError(f"{where}: fields 'chosen' and 'rejected' are equal, so nothing is preferred")
    return Preference(_prompt(record, where), chosen, rejected, _rest(record, "prompt", "chosen", "rejected"), where)


def _prompt_of(record: dict[str, Any], where: str) -> tuple[Message, ...]:
    return _demonstration(record, where).prompt if "messages" in record else _prompt(record, where)


def _prompt(record: dict[str, Any], where: str) -> tuple[Message, ...]:
    if isinstance(record.get("prompt"), list):
        return _messages(record["prompt"], f"{where}, field 'prompt'")
    return (Message("user", _text(record, "prompt", where), f"{where}, field 'prompt'"),)


def _messages(value: Any, where: str) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where}: expected a list of messages with 'role' and 'content'")
    messages = []
    for number, message in enumerate(value):
        place = f"{where}[{number}]"
        if not isinstance(message, dict):
            raise UsageError(f"{place}: expected 'role' and 'content'")
        role = message.get("role")
        if role not in ("system", "user", "assistant"):
            raise UsageError(f"{place}.role: no role '{role}'{nearest(str(role), ['system', 'user', 'assistant'])}")
        messages.append(Message(role, _text(message, "content", place), f"{place}.content"))
    return tuple(messages)


def _text(record: dict[str, Any], name: str, where: str) -> str:
    if name not in record:
        raise UsageError(f"{where}: field '{name}' is missing; found {', '.join(map(repr, record)) or 'none'}")
    value = record[name]
    if not isinstance(value, str):
        raise UsageError(f"{where}, field '{name}': expected text, found {type(value).__name__}")
    if not value.strip():
        raise UsageError(f"{where}, field '{name}': is empty")
    return value


def _rest(record: dict[str, Any], *known: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in known}
