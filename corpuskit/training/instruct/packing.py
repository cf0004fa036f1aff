"""Conversations and preferences as arrays of tokens.

Conversations are packed into windows: several in one, where each fits best, none seeing another.

A window is what pretraining's is (`corpuskit.tokens.windows`): positions begin again at 0 with each conversation, and
the mask that keeps documents apart keeps conversations apart. Targets are the answers' tokens alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from corpuskit.errors import UsageError
from corpuskit.tokens.windows import IGNORED, Batch, Numbers, best_fit
from corpuskit.training.instruct.chat import Chat, Rendered, fit
from corpuskit.training.instruct.dialogues import Preference
from corpuskit.training.instruct.unknown import check_known, sides


class Conversations(Sequence[Rendered]):
    """Rendered conversations in a temporary file, so that a million of them need no memory to speak of.

    `limit`, once set, is the number of tokens that each is cut to: it loses its start.
    """

    def __init__(self) -> None:
        self._tokens, self._flags = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115  (open as long as this)
        self._sizes: list[Numbers] = []
        self.limit: int | None = None

    def add(self, rendered: Sequence[Rendered]) -> None:
        for conversation in rendered:
            self._tokens.write(conversation.tokens.astype(np.int32).tobytes())
            self._flags.write(conversation.learned.tobytes())
        self._sizes.append(np.array([len(conversation.tokens) for conversation in rendered], np.int64))
        self.__dict__.pop("_stored", None)

    @cached_property
    def _stored(self) -> tuple[Any, Any, Numbers]:
        """(tokens, whether each is learned, where each conversation begins and ends)"""
        sizes = np.concatenate([np.zeros(1, np.int64), *self._sizes])
        self._tokens.flush()
        self._flags.flush()
        if not sizes.any():
            return np.zeros(0, np.int32), np.zeros(0, np.bool_), np.cumsum(sizes)
        tokens = np.memmap(self._tokens, np.int32, "r")
        return tokens, np.memmap(self._flags, np.bool_, "r"), np.cumsum(sizes)

    @property
    def lengths(self) -> Numbers:
        """int64[n]: tokens of each, cut to the limit."""
        sizes: Numbers = np.diff(self._stored[2])
        return sizes if self.limit is None else np.minimum(sizes, self.limit)

    def __len__(self) -> int:
        return len(self._stored[2]) - 1

    def __getitem__(self, number: Any) -> Any:
        tokens, flags, bounds = self._stored
        start, end = int(bounds[number]), int(bounds[number + 1])
        if self.limit is not None:
            start = max(start, end - self.limit)
        return Rendered(tokens[start:end].astype(np.int64), np.asarray(flags[start:end]))


@dataclass(frozen=True)
class Packed:
    """Windows, made when they are asked for, with what lies in each."""

    rendered: Sequence[Rendered]
    length: int
    pad: int
    conversations: list[Numbers]
    """Numbers of the conversations in each window, in their order."""

    def __len__(self) -> int:
        return len(self.conversations)

    @property
    def windows(self) -> Batch:
        """All of them."""
        arrays = self.rows(np.arange(len(self)))
        return Batch(arrays["inputs"], arrays["targets"], arrays["positions"])

    def rows(self, chosen: Numbers) -> dict[str, Numbers]:
        """The arrays of some windows, as an objective takes them: int64[windows, length] each."""
        inputs = np.full((len(chosen), self.length), self.pad, np.int64)
        targets = np.full_like(inputs, IGNORED)
        positions = np.zeros_like(inputs)
        for row, window in enumerate(chosen.tolist()):
            start = 0
            for number in self.conversations[window].tolist():
                conversation = self.rendered[number]
                size = len(conversation.tokens)
                inputs[row, start : start + size] = conversation.tokens
                positions[row, start : start + size] = np.arange(size)
                following = conversation.learned[1:]
                targets[row, start : start + size - 1][following] = conversation.tokens[1:][following]
                start += size
        return {"inputs": inputs, "positions": positions, "targets": targets}


def pack(conversations: Sequence[Rendered], length: int, pad: int) -> Packed:
    """Windows of `length` tokens that hold each conversation once, whole; none may be longer than a window."""
    if isinstance(conversations, Conversations):
        lengths = conversations.lengths
    else:
        lengths = np.array([len(conversation.tokens) for conversation in conversations], np.int64)
    order = np.argsort(-lengths, kind="stable")
    window = best_fit(lengths[order], length)
    by_window = np.argsort(window, kind="stable")
    count = int(window.max()) + 1 if len(window) else 0
    bounds = np.searchsorted(window[by_window], np.arange(1, count))
    return Packed(conversations, length, pad, np.split(order[by_window], bounds) if count else [])


def paired(
    chat: Chat, preferences: Sequence[Preference], length: int, too_long: str
) -> tuple[list[tuple[Numbers, Numbers]], int]:
    """([(prompt with chosen, prompt with rejected)], how many lost the start of their prompt to fit into `length`).

    Raises UsageError, naming the pair, where one is longer and that is an error, where an answer alone is, where both
    sides are the same tokens, and where a character is not known to the tokenizer.
    """
    check_known(chat.tokenizer, (text for preference in preferences for text in sides(preference)))
    prompts = chat.prompts([preference.prompt for preference in preferences])
    chosen = chat.answers([preference.chosen for preference in preferences])
    rejected = chat.answers([preference.rejected for preference in preferences])
    pairs, cut = [], 0
    for number, (prompt, *answers) in enumerate(zip(prompts, chosen, rejected, strict=True), 1):
        name = preferences[number - 1].where or f"pair {number} of the preferences"
        field = max(("chosen", "rejected"), key=lambda side: len(answers[side == "rejected"]))
        longest = len(prompt) + max(map(len, answers))
        if np.array_equal(answers[0], answers[1]):
            raise UsageError(f"{name}: fields 'chosen' and 'rejected' are the same tokens, so nothing is preferred")
        if longest > length and too_long == "error":
            raise UsageError(
                f"{name}, fields 'prompt' and '{field}': together they take {longest:,} tokens, and the model reads "
                f"{length:,}: shorten them, or say too_long: cut"
            )
        if max(map(len, answers)) >= length:
            raise UsageError(f"{name}, field '{field}': alone it takes more than the {length:,} that the model reads")
        kept, over = fit(prompt, max(answers, key=len), length)
        cut += over > 0
        pairs.append((np.concatenate([kept, answers[0]]), np.concatenate([kept, answers[1]])))
    return pairs, cut
