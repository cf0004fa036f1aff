"""Characters that a tokenizer has no token for.

A byte-level tokenizer, such as corpuskit trains for decoders, has a token for everything. Others read such a character
as one "unknown" token, or leave it out; a model would learn to answer with it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Any

from corpuskit.errors import UsageError
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.instruct.dialogues import Message, Preference


def check_known(tokenizer: Tokenizer, messages: Iterable[Message]) -> None:
    """Raises UsageError that names the first message with a character that the tokenizer does not know."""
    described = json.loads(tokenizer.json)
    if _knows_all(described):
        return
    unknown = _unknown(tokenizer, described["model"])
    for number, message in enumerate(messages, 1):
        piece = _not_known(tokenizer, unicodedata.normalize("NFC", message.content), unknown)
        if piece:
            place = message.where or f"message {number} ({message.role})"
            raise UsageError(
                f"{place}: the tokenizer has no token for {piece!r}: leave it out, or start from a model whose "
                "tokenizer is byte-level"
            )


def sides(preference: Preference) -> list[Message]:
    """Everything in a preference that a model reads, with its place."""

    def side(name: str, text: str) -> Message:
        return Message("assistant", text, f"{preference.where}, field '{name}'" if preference.where else "")

    return [*preference.prompt, side("chosen", preference.chosen), side("rejected", preference.rejected)]


def _knows_all(described: dict[str, Any]) -> bool:
    parts = [described.get("pre_tokenizer"), described.get("decoder")]
    return bool(described["model"].get("byte_fallback")) or '"ByteLevel"' in json.dumps(parts)


def _unknown(tokenizer: Tokenizer, model: dict[str, Any]) -> int | None:
    """The id of the unknown token, if there is one."""
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    name = model.get("unk_token")
    number: int | None = None if name is None else tokenizer.reference.token_to_id(name)
    return number


def _not_known(tokenizer: Tokenizer, text: str, unknown: int | None) -> str:
    """The first piece of a text that becomes the unknown token, or no token at all."""
    encoding = tokenizer.reference.encode(text, add_special_tokens=False)
    covered = 0
    for token, (start, stop) in zip(encoding.ids, encoding.offsets, strict=True):
        if token == unknown:
            return text[start:stop]
        if skipped := text[covered:start].strip():
            return skipped
        covered = max(covered, stop)
    return text[covered:].strip()
