"""Conversations laid into windows: several in one, where each fits best, none seeing another.

A window is what pretraining's is (`corpuskit.tokens.windows`): positions begin again at 0 with each conversation, and
the mask that keeps documents apart keeps conversations apart. Targets are the answers' tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpuskit.tokens.windows import IGNORED, Batch, Numbers, best_fit
from corpuskit.training.instruct.chat import Rendered


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
    lengths = np.array([len(one.tokens) for one in conversations], np.int64)
    order = np.argsort(-lengths, kind="stable")
    window = best_fit(lengths[order], length)
    count = int(window.max()) + 1 if len(window) else 0
    inputs = np.full((count, length), pad, np.int64)
    targets = np.full((count, length), IGNORED, np.int64)
    positions = np.zeros((count, length), np.int64)
    filled = np.zeros(count, np.int64)
    held: list[list[int]] = [[] for _ in range(count)]
    for number, row in zip(order, window, strict=True):
        one = conversations[number]
        start, size = filled[row], len(one.tokens)
        inputs[row, start : start + size] = one.tokens
        positions[row, start : start + size] = np.arange(size)
        following = one.learned[1:]
        targets[row, start : start + size - 1][following] = one.tokens[1:][following]
        filled[row] += size
        held[row].append(int(number))
    return Packed(Batch(inputs, targets, positions), [np.array(numbers) for numbers in held])
