"""The layouts in which people keep conversations and preferences, told apart record by record.

    messages            {"messages": [{"role", "content"}, ...]}, also conversations, turns, dialogue
    ShareGPT            {"conversations": [{"from": "human", "value": ...}, ...]}
    pairs               {"prompt", "answer"}; prompt is also question, query or input, answer is also completion,
                        response, output or reply; either may be a list of messages
    Alpaca, KoAlpaca    {"instruction", "input", "output"}, with or without an input, a system text, a history
    preferences         {"prompt", "chosen", "rejected"} as texts or lists of messages, which may begin with the prompt
    HH transcripts      {"chosen": "\n\nHuman: ...\n\nAssistant: ...", "rejected": ...}

A content may be a text or a list of text parts. An empty system text counts as none. Turns of tools and calls of tools
are kept.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from corpuskit.errors import UsageError, nearest
from corpuskit.training.instruct.messages import ROLES, Demonstration, Message, Preference, Role

Fields = Mapping[str, Any]

TURNS = ("messages", "conversations", "conversation", "turns", "dialogue", "dialog")
PROMPT = ("prompt", "instruction", "question", "query", "input")
ANSWER = ("answer", "completion", "response", "output", "reply")
SYSTEM = ("system", "system_prompt")
KNOWN = ("text", "messages", "prompt", "answer", "system", "chosen", "rejected")
"""What the fields of a record can be renamed to."""

SPEAKERS: dict[str, Role] = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "developer": "system",
    "function": "tool",
    "observation": "tool",
}
"""What other layouts call the roles."""
_HH = re.compile(r"(?:^|\n\n)(Human|Assistant): ?")


def renamed(record: Fields, fields: Mapping[str, str], where: str) -> dict[str, Any]:
    """A record with its fields renamed by {ours: theirs}. Raises UsageError for a field that is absent."""
    result = dict(record)
    for ours, theirs in fields.items():
        if theirs not in record:
            raise UsageError(f"{where}: field '{theirs}' is missing; found {_names(record)}")
        result.pop(theirs, None)
        result[ours] = record[theirs]
    return result


def demonstration(record: Fields, where: str) -> Demonstration:
    """A conversation to learn from. Raises UsageError that names the field of what is none."""
    if (name := _first(record, TURNS)) is not None:
        messages = _messages(record[name], f"{where}, field '{name}'")
        messages = (*_system(record, where), *messages)
        if messages[-1].role != "assistant" or len(messages) < 2:
            raise UsageError(f"{where}, field '{name}': ends with no assistant turn after a request")
        return Demonstration(messages, _rest(record, name, *SYSTEM))
    name = _first(record, [field for field in ANSWER if field in record]) or "answer"
    answer = _turns(record, name, "assistant", where)
    if answer[-1].role != "assistant":
        raise UsageError(f"{where}, field '{name}': ends with no assistant turn")
    return Demonstration((*prompt(record, where), *answer), _rest(record, name, *PROMPT, *SYSTEM, "history"))


def prompt(record: Fields, where: str) -> tuple[Message, ...]:
    """What is asked, of a record of any layout."""
    if (turns := _first(record, TURNS)) is not None:
        messages = (*_system(record, where), *_messages(record[turns], f"{where}, field '{turns}'"))
        asked = messages[:-1] if messages[-1].role == "assistant" else messages
        if not asked:
            raise UsageError(f"{where}, field '{turns}': nothing is asked")
        return asked
    if not any(name in record for name in PROMPT) and "chosen" in record:
        return preference(record, where).prompt
    head = _system(record, where)
    if "instruction" in record:
        text, added = _text(record, "instruction", where), record.get("input")
        if isinstance(added, str) and added.strip():
            text += f"\n\n{added}"
        return (*head, *_history(record, where), Message("user", text, f"{where}, field 'instruction'"))
    name = _first(record, PROMPT) or "prompt"
    return (*head, *_history(record, where), *_turns(record, name, "user", where))


def preference(record: Fields, where: str) -> Preference:
    """Two answers to a prompt. Raises UsageError that names the field of what is none, and for equal answers."""
    sides = [_side(record, name, where) for name in ("chosen", "rejected")]
    if any(name in record for name in (*PROMPT, *TURNS)):
        asked = prompt(record, where)
        sides = [side[len(asked) :] if side[: len(asked)] == asked and len(side) > 1 else side for side in sides]
    else:
        pairs = takewhile(lambda pair: pair[0] == pair[1], zip(*(side[:-1] for side in sides), strict=False))
        asked = tuple(mine for mine, _ in pairs)
        sides = [side[len(asked) :] for side in sides]
        if not asked:
            raise UsageError(f"{where}: field 'prompt' is missing; found {_names(record)}{_HINT}")
    for name, side in zip(("chosen", "rejected"), sides, strict=True):
        if len(side) != 1 or side[0].role != "assistant":
            raise UsageError(f"{where}, field '{name}': holds more than one answer to the prompt")
    chosen, rejected = (side[0].content for side in sides)
    if unicodedata.normalize("NFC", chosen) == unicodedata.normalize("NFC", rejected):
        raise UsageError(f"{where}: fields 'chosen' and 'rejected' are equal, so nothing is preferred")
    rest = _rest(record, "chosen", "rejected", *PROMPT, *TURNS, *SYSTEM, "history")
    return Preference(asked, chosen, rejected, rest, where)


def text(record: Fields, where: str) -> str:
    """A text to learn from: the field `text`, or the turns of a conversation, joined by line breaks. NFC."""
    if isinstance(record.get("text"), str):
        return unicodedata.normalize("NFC", _text(record, "text", where))
    joined = "\n".join(turn.text for turn in demonstration(record, where).messages)
    return unicodedata.normalize("NFC", joined)


_HINT = "; to say which field is which, give fields: {prompt: NAME, answer: NAME}"


def _side(record: Fields, name: str, where: str) -> tuple[Message, ...]:
    if name in record and isinstance(record[name], str) and record[name].startswith(("\n\nHuman:", "Human:")):
        return _transcript(record[name], f"{where}, field '{name}'")
    return _turns(record, name, "assistant", where)


def _transcript(text: str, where: str) -> tuple[Message, ...]:
    """A transcript of Anthropic's helpful and harmless conversations."""
    pieces = _HH.split(text)[1:]
    roles: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}
    return tuple(
        Message(roles[speaker], _filled(said.strip(), where), where)
        for speaker, said in zip(pieces[::2], pieces[1::2], strict=True)
    )


def _turns(record: Fields, name: str, role: Role, where: str) -> tuple[Message, ...]:
    """A field that holds one text of a role, one message, or a list of messages."""
    value = record.get(name)
    if isinstance(value, list):
        return _messages(value, f"{where}, field '{name}'")
    if isinstance(value, dict) and "content" in value:
        return _messages([value], f"{where}, field '{name}'")
    return (Message(role, _text(record, name, where), f"{where}, field '{name}'"),)


def _messages(value: Any, where: str) -> tuple[Message, ...]:
    if isinstance(value, str) and value.lstrip().startswith("["):  # a column of CSV
        try:
            value = json.loads(value)
        except ValueError as error:
            raise UsageError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where}: expected a list of messages with 'role' and 'content'")
    messages = []
    for number, entry in enumerate(value):
        message = _message(entry, f"{where}[{number}]")
        if message is not None:
            messages.append(message)
    if not messages:
        raise UsageError(f"{where}: is empty")
    return tuple(messages)


def _message(entry: Any, place: str) -> Message | None:
    """One turn; None for an empty system text."""
    if not isinstance(entry, dict):
        raise UsageError(f"{place}: expected 'role' and 'content'")
    said = entry.get("role", entry.get("from"))
    role = SPEAKERS.get(str(said).lower(), said)
    if role not in ROLES:
        raise UsageError(f"{place}.role: no role '{said}'{nearest(str(said), [*ROLES, *SPEAKERS])}")
    name = "content" if "content" in entry or "value" not in entry else "value"
    if name not in entry:
        raise UsageError(f"{place}: field 'content' is missing; found {_names(entry)}")
    calls = json.dumps(entry["tool_calls"], ensure_ascii=False) if entry.get("tool_calls") else ""
    content = _content(entry[name], f"{place}.{name}")
    if role == "system" and not content.strip():
        return None
    if not calls and role != "tool":
        _filled(content, f"{place}.{name}")
    return Message(role, content, f"{place}.{name}", calls)


def _content(value: Any, place: str) -> str:
    """A text, or a list of parts that are texts."""
    if value is None:
        return ""
    if isinstance(value, list):
        parts = []
        for number, part in enumerate(value):
            kind = part.get("type", "text") if isinstance(part, dict) else "text"
            if kind != "text":
                raise UsageError(f"{place}[{number}]: a part of type '{kind}', and only text can be learned from")
            parts.append(str(part.get("text", "")) if isinstance(part, dict) else str(part))
        return "".join(parts)
    if not isinstance(value, str):
        raise UsageError(f"{place}: expected text, found {type(value).__name__}")
    return value


def _system(record: Fields, where: str) -> tuple[Message, ...]:
    for name in SYSTEM:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return (Message("system", value, f"{where}, field '{name}'"),)
    return ()


def _history(record: Fields, where: str) -> tuple[Message, ...]:
    """Earlier turns: pairs of a request and its answer."""
    messages: list[Message] = []
    for number, pair in enumerate(record.get("history") or ()):
        place = f"{where}, field 'history'[{number}]"
        if not isinstance(pair, Sequence) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise UsageError(f"{place}: expected a request and its answer")
        messages += [
            Message("user", _filled(pair[0], place), place),
            Message("assistant", _filled(pair[1], place), place),
        ]
    return tuple(messages)


def _text(record: Fields, name: str, where: str) -> str:
    if name not in record:
        raise UsageError(f"{where}: field '{name}' is missing; found {_names(record)}{_HINT}")
    value = record[name]
    if isinstance(value, list):
        value = _content(value, f"{where}, field '{name}'")
    if not isinstance(value, str):
        raise UsageError(f"{where}, field '{name}': expected text, found {type(value).__name__}")
    return _filled(value, f"{where}, field '{name}'")


def _filled(value: str, place: str) -> str:
    if not value.strip():
        raise UsageError(f"{place}: is empty")
    return value


def _first(record: Fields, names: Sequence[str]) -> str | None:
    return next((name for name in names if record.get(name) is not None), None)


def _rest(record: Fields, *known: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in known}


def _names(record: Fields) -> str:
    return ", ".join(map(repr, record)) or "none"
