"""Conversations and preferences as arrays of tokens.

Conversations are packed into windows: several in one, where each fits best, none seeing another.

A window is what pretraining's is (`corpuskit.tokens.windows`): positions begin again at 0 with each conversation, and
the mask that keeps documents apart keeps conversations apart. Targets are the answers' tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpuskit.errors import UsageError
from corpuskit.tokens.windows import IGNORED, Batch, Numbers, best_fit
from corpuskit.training.instruct.chat import Chat, Rendered, fit
from corpuskit.training.instruct.dialogues import Preference
from corpuskit.training.instruct.unknown import check_known, sides


@dataclass(frozen=True)
class Packed:
    """Windows with what lies in each."""

    windows: Batch
    conversations: list[Numbers]
    """Numbers of the conversations in each window."""

    def __len__(self) -> int:
        return len(self.windows.inputs)

    def rows(self, chosen: Numbers) -> dict[str, Numbers]:
        """The arrays of some windows, as an objective takes them."""
        all_ = self.windows
        return {
            "inputs": all_.inputs[chosen],
            "positions": all_.positions[chosen],
            "targets": all_.targets[chosen],
        }


def pack(conversations: Sequence[Rendered], length: int, pad: int) -> Packed:
    """Windows of `length` tokens that hold each conversation once, whole; none may be longer than a window."""
    lengths = np.array([len(conversation.tokens) for conversation in conversations], np.int64)
    order = np.argsort(-lengths, kind="stable")
    window = best_fit(lengths[order], length)
    count = int(window.max()) + 1 if len(window) else 0
    inputs = np.full((count, length), pad, np.int64)
    targets = np.full((count, length), IGNORED, np.int64)
    positions = np.zeros((count, length), np.int64)
    filled = np.zeros(count, np.int64)
    held: list[list[int]] = [[] for _ in range(count)]
    for number, row in zip(order, window, strict=True):
        conversation = conversations[number]
        start, size = filled[row], len(conversation.tokens)
        inputs[row, start : start + size] = conversation.tokens
        positions[row, start : start + size] = np.arange(size)
        following = conversation.learned[1:]
        targets[row, start : start + size - 1][following] = conversation.tokens[1:][following]
        filled[row] += size
        held[row].append(int(number))
    return Packed(Batch(inputs, targets, positions), [np.array(numbers) for numbers in held])


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
