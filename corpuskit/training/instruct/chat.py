"""The chat template: how a conversation becomes tokens, and which of them are learned.

Every turn is framed as a document is in pretraining, with the tokenizer's own tokens for beginning and end:

    <|begin_of_text|>user
    What is 3 plus 4?<|end_of_text|><|begin_of_text|>assistant
    7<|end_of_text|>

So a byte-level BPE that was trained without chat tokens needs no new rows in its embeddings (an adapter could not train
them), the answer ends with the token that every generation stops at, and no text can forge a turn: special tokens are
never parsed out of text (`corpuskit.tokens.tokenizer`). Text is NFC; roles are the same words in every language.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from corpuskit.errors import UsageError
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.windows import Numbers
from corpuskit.training.instruct.dialogues import Message

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Rendered:
    """A conversation as tokens."""

    tokens: Numbers
    """int64[n]"""
    learned: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """bool[n]: the tokens that an assistant's turn is made of, its end among them, its heading not."""


class Chat:
    """Renders conversations for one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        begin = tokenizer.end if tokenizer.begin is None else tokenizer.begin
        ids, bounds = tokenizer.encode([f"{role}\n" for role in ROLES])
        self.headings = {
            role: np.concatenate([[begin], ids[start:stop]]).astype(np.int64)
            for role, (start, stop) in zip(ROLES, pairwise(bounds), strict=True)
        }

    def render(self, conversations: Sequence[Sequence[Message]]) -> list[Rendered]:
        """Whole conversations, each turn closed."""
        turns = [message for messages in conversations for message in messages]
        bodies = iter(self._encode([message.content for message in turns]))
        end = np.array([self.tokenizer.end])
        rendered = []
        for messages in conversations:
            parts, learned = [], []
            for message in messages:
                heading, body = self.headings[message.role], np.concatenate([next(bodies), end])
                parts += [heading, body]
                learned += [np.zeros(len(heading), np.bool_), np.full(len(body), message.role == "assistant")]
            rendered.append(Rendered(np.concatenate(parts), np.concatenate(learned)))
        return rendered

    def prompts(self, conversations: Sequence[Sequence[Message]]) -> list[Numbers]:
        """Conversations with the heading of the assistant's turn after them: what a model answers to."""
        return [
            np.concatenate([conversation.tokens, self.headings["assistant"]])
            for conversation in self.render(conversations)
        ]

    def answers(self, texts: Sequence[str]) -> list[Numbers]:
        """What follows a prompt: the answer's tokens and the end of the turn."""
        end = np.array([self.tokenizer.end])
        return [np.concatenate([body, end]) for body in self._encode(texts)]

    def _encode(self, texts: Sequence[str]) -> list[Numbers]:
        ids, bounds = self.tokenizer.encode([unicodedata.normalize("NFC", text) for text in texts])
        return [ids[start:stop].astype(np.int64) for start, stop in pairwise(bounds)]


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
    """The template in the form that `AutoTokenizer.apply_chat_template` reads."""
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
    """Write the template into the `tokenizer_config.json` of a model's folder."""
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | {"chat_template": jinja(tokenizer)}
    file.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
