"""Chat templates: how a conversation becomes tokens, and which of them are learned.

A model that comes with a chat template is read and tuned with that template. Any other gets ours, in which every turn
is framed as a document is in pretraining, with the tokenizer's own tokens for beginning and end:

    <|begin_of_text|>user
    What is 3 plus 4?<|end_of_text|><|begin_of_text|>assistant
    7<|end_of_text|>

So a byte-level BPE that was trained without chat tokens needs no new rows in its embeddings (an adapter could not train
them), and the answer ends with the token that every generation stops at. With either template no text can forge a turn:
special tokens are read from the template alone, never from a message. Text is NFC.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corpuskit.errors import UsageError, require
from corpuskit.tokens.tokenizer import CONFIG, Tokenizer
from corpuskit.tokens.windows import Numbers
from corpuskit.training.instruct.dialogues import ROLES, Message

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Rendered:
    """A conversation as tokens."""

    tokens: Numbers
    """int64[n]"""
    learned: Flags
    """bool[n]: the tokens of the assistant's turns, the closing token included, the heading not."""


class _Turns(Protocol):
    """A way to render conversations."""

    closing: Sequence[int]
    """Tokens after the text of an assistant's turn, up to the one that ends it."""

    def render(self, conversations: Sequence[Sequence[Message]], prompt: bool) -> list[Rendered]:
        """`prompt`: with the heading of the assistant's next turn at the end."""


class Chat:
    """Renders conversations for one tokenizer, by its chat template where it has one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        own = tokenizer.template is None or tokenizer.template == jinja(tokenizer)
        self._turns: _Turns = _OwnTurns(tokenizer) if own else _TemplateTurns(tokenizer, str(tokenizer.template))

    @property
    def stops(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        return tuple(dict.fromkeys((*self._turns.closing[-1:], self.tokenizer.end)))

    def render(self, conversations: Sequence[Sequence[Message]]) -> list[Rendered]:
        """Whole conversations, each turn closed. Raises UsageError for one that the template does not take."""
        return self._turns.render(conversations, prompt=False)

    def prompts(self, conversations: Sequence[Sequence[Message]]) -> list[Numbers]:
        """Conversations with the heading of the assistant's turn after them: what a model answers to."""
        return [conversation.tokens for conversation in self._turns.render(conversations, prompt=True)]

    def answers(self, texts: Sequence[str]) -> list[Numbers]:
        """What follows a prompt: the answer's tokens and the end of the turn."""
        closing = np.array(self._turns.closing, np.int64)
        return [np.concatenate([body, closing]) for body in _encoded(self.tokenizer, texts)]


class _OwnTurns:
    """Turns framed as documents are in pretraining."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.closing: Sequence[int] = (tokenizer.end,)
        begin = tokenizer.end if tokenizer.begin is None else tokenizer.begin
        headings = _encoded(tokenizer, [f"{role}\n" for role in ROLES])
        self.headings = {role: np.append(begin, ids) for role, ids in zip(ROLES, headings, strict=True)}

    def render(self, conversations: Sequence[Sequence[Message]], prompt: bool) -> list[Rendered]:
        bodies = iter(_encoded(self.tokenizer, [turn.text for turns in conversations for turn in turns]))
        rendered = []
        for messages in conversations:
            parts, learned = [], []
            for message in messages:
                heading, body = self.headings[message.role], np.append(next(bodies), self.tokenizer.end)
                parts += [heading, body]
                learned += [np.zeros(len(heading), np.bool_), np.full(len(body), message.role == "assistant")]
            if prompt:
                parts.append(self.headings["assistant"])
                learned.append(np.zeros(len(parts[-1]), np.bool_))
            rendered.append(Rendered(np.concatenate(parts), np.concatenate(learned)))
        return rendered


class _TemplateTurns:
    """Turns by a chat template in Jinja, run in transformers' sandbox.

    The template is run twice: on the messages, and on placeholders in their place. That shows which part of the text is
    a message and which is the template's, also where a message repeats a heading.
    """

    def __init__(self, tokenizer: Tokenizer, template: str) -> None:
        self.tokenizer, self.template = tokenizer, template
        special = {name: value for name, value in tokenizer.settings.items() if name.endswith("_token")}
        named = {name: value["content"] if isinstance(value, dict) else value for name, value in special.items()}
        self.names = {name: value for name, value in named.items() if isinstance(value, str)}
        self.closing: Sequence[int] = self._closing()

    def render(self, conversations: Sequence[Sequence[Message]], prompt: bool) -> list[Rendered]:
        return [self._rendered(messages, prompt) for messages in conversations]

    def _rendered(self, messages: Sequence[Message], prompt: bool) -> Rendered:
        texts = [unicodedata.normalize("NFC", message.content) for message in messages]
        text = self._run(messages, texts, prompt)
        pieces = self._pieces(messages, texts, text, prompt)
        forged = any(token in piece for piece, number in pieces if number is not None for token in self._special)
        tokens: list[int] = []
        learned: list[bool] = []
        if forged:  # special tokens spelled out in a message: encode the messages on their own
            closed = False
            for piece, number in pieces:
                encode = self.tokenizer.parsing if number is None else self.tokenizer.reference
                ids = encode.encode(piece, add_special_tokens=False).ids
                answers = number is not None and messages[number].role == "assistant"
                size = min(len(self.closing), len(ids)) if closed and number is None else 0
                learned += [answers] * len(ids) if answers else [place < size for place in range(len(ids))]
                tokens += ids
                closed = answers
            return Rendered(np.array(tokens, np.int64), np.array(learned, np.bool_))
        encoding = self.tokenizer.parsing.encode(text, add_special_tokens=False)
        spans, at = [], 0
        for piece, number in pieces:
            if number is not None and messages[number].role == "assistant":
                spans.append((at, at + len(piece)))
            at += len(piece)
        marks = np.zeros(len(encoding.ids), np.bool_)
        starts, ends = np.array(encoding.offsets, np.int64).reshape(-1, 2).T
        for low, high in spans:
            inside = np.flatnonzero((ends > low) & (starts < high) & (ends > starts))
            last = int(inside[-1]) + 1 if len(inside) else int(np.searchsorted(starts, high))
            marks[inside] = True
            marks[last : last + len(self.closing)] = True
        return Rendered(np.array(encoding.ids, np.int64), marks)

    def _pieces(
        self, messages: Sequence[Message], texts: Sequence[str], text: str, prompt: bool
    ) -> list[tuple[str, int | None]]:
        """[(part of the text, number of the message that it is, None for the template's own)]"""
        marks = [f"\ue000{number}\ue001" if texts[number] else "" for number in range(len(texts))]
        frame = self._run(messages, marks, prompt)
        for change in (str, str.strip):
            pieces: list[tuple[str, int | None]] = []
            rest = frame
            for number, mark in enumerate(marks):
                if not mark:
                    continue
                before, found, rest = rest.partition(mark)
                pieces += [(before, None), (change(texts[number]), number)] if found else []
            pieces.append((rest, None))
            if "".join(piece for piece, _ in pieces) == text:
                return pieces
        raise UsageError(
            f"{messages[-1].where or 'a conversation'}: the model's chat template changes the text of messages, so "
            "answers cannot be told from the rest: give the model another template (chat_template.jinja)"
        )

    @property
    def _special(self) -> dict[str, int]:
        return self.tokenizer.special_tokens

    def _closing(self) -> tuple[int, ...]:
        """What follows the text of an assistant's turn up to the first special token; the end token where none does."""
        turns = (Message("user", "a"), Message("assistant", "b"))
        frame = self._run(turns, ("\ue000", "\ue001"), prompt=False)
        ids = self.tokenizer.parsing.encode(frame.partition("\ue001")[2], add_special_tokens=False).ids
        special = set(self._special.values())
        for place, number in enumerate(ids):
            if number in special:
                return tuple(ids[: place + 1])
        return (self.tokenizer.end,)

    def _run(self, messages: Sequence[Message], texts: Sequence[str], prompt: bool) -> str:
        render = require("transformers.utils.chat_template_utils", "train").render_jinja_template
        turns = [turn.as_dict(text) for turn, text in zip(messages, texts, strict=True)]
        try:
            rendered, _ = render(
                conversations=[turns], chat_template=self.template, add_generation_prompt=prompt, **self.names
            )
        except Exception as error:  # whatever a template raises, and Jinja itself
            where = messages[-1].where or "a conversation"
            raise UsageError(f"{where}: the model's chat template does not take it: {error}") from error
        return str(rendered[0])


def user(text: str) -> tuple[Message]:
    """The conversation that a single request makes."""
    return (Message("user", text),)


def fit(prompt: Numbers, answer: Numbers, length: int) -> tuple[Numbers, int]:
    """(the prompt without as many of its first tokens as do not fit into a context of `length`, how many those are).

    Raises UsageError where the answer alone does not fit.
    """
    room = length - len(answer)
    if room < 1:
        raise UsageError(f"an answer of {len(answer):,} tokens does not fit into a context of {length:,}")
    over = max(0, len(prompt) - room)
    return prompt[over:], over


def jinja(tokenizer: Tokenizer) -> str:
    """Our template in the form that `AutoTokenizer.apply_chat_template` reads."""
    number = tokenizer.end if tokenizer.begin is None else tokenizer.begin
    begin, end = (str(tokenizer.reference.id_to_token(token)) for token in (number, tokenizer.end))
    return (
        "{% for message in messages %}"
        + begin
        + "{{ message['role'] + '\\n' + message['content'] }}"
        + end
        + "{% endfor %}{% if add_generation_prompt %}"
        + begin
        + "{{ 'assistant\\n' }}{% endif %}"
    )


def save_template(tokenizer: Tokenizer, folder: Path) -> None:
    """Write our template into the `tokenizer_config.json` of a model's folder, unless the model has a template."""
    if tokenizer.template is not None:
        return
    file = folder / CONFIG
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) | {"chat_template": jinja(tokenizer)}
    file.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _encoded(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Numbers]:
    ids, bounds = tokenizer.encode([unicodedata.normalize("NFC", text) for text in texts])
    return [ids[start:stop].astype(np.int64) for start, stop in pairwise(bounds)]
