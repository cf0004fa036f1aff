"""Windows as training read them: what stood before each, and the steps that learned from it.

Models recall a passage best from where it lay in the window of training, and from its beginning (positional fragility,
arXiv:2505.13171), so a prompt cut out of the text may find less than there is. The order of training is a calculation,
so every passage can be scored behind exactly the tokens that stood before it: those of its own document in the same
window, counted from position 0, since training lets no token look into another document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpuskit.memorization.corpus.windows import Windows
from corpuskit.memorization.scoring.scores import Passages
from corpuskit.tokens import Shards, TokenOrder

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingFrames:
    """How training read each window of a sample."""

    before: Numbers
    """int64[windows]: tokens of its document that stood before the suffix in the window of training; -1 where the
    suffix was cut over two windows, or nothing stood before it."""
    steps: list[list[int]]
    """Steps that read any token of the suffix; they count from 1."""

    def passages(self, shards: Shards, windows: Windows, prefix: int, places: Numbers) -> Passages:
        """The windows at `places` as training read them, up to the end of their suffix. `before` must not be -1."""
        pieces = []
        for place in places:
            shard = shards.shards[windows.shard[place]]
            suffix = int(shard.offsets[windows.row[place]]) + int(windows.position[place]) + prefix
            end = suffix + windows.tokens.shape[1] - prefix
            pieces.append(shard.tokens[suffix - int(self.before[place]) : end])
        return Passages.of(pieces)


def training_frames(order: TokenOrder, steps: int, windows: Windows, prefix: int) -> TrainingFrames:
    """How the first `steps` steps of a training read windows of its own shards.

    A window that those steps did not reach has no steps, and the frame in which they would have read it.
    """
    before = np.full(len(windows), -1, np.int64)
    read: list[list[int]] = []
    until = steps * order.batch
    for place in range(len(windows)):
        number = int(windows.shard[place])
        start = int(order.shards.shards[number].offsets[windows.row[place]]) + int(windows.position[place]) + prefix
        first, samples = order.stretch(number, start, start + windows.tokens.shape[1] - prefix, until)
        if first is not None and first < start:
            before[place] = start - first
        read.append(sorted({1 + sample // order.batch for sample in samples}))
    return TrainingFrames(before, read)
