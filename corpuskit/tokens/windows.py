"""How documents are laid into windows of equal length, and the loop that fills a batch with them.

Two layouts. `Concatenated` cuts each shard into windows of T tokens as it lies: no padding but at a shard's end, and a
document may run over a window's edge. `BestFit` puts whole documents into windows, the longest first, each where it
leaves the least room (best-fit decreasing; Ding et al. 2024, "Fewer Truncations Improve Language Modeling",
arXiv:2404.10830): a document is cut only where it is longer than a window, nothing is cropped away, and the room that
is left over is padded. Either way every token of every document lies in exactly one window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.tokens.shards import Shards

IGNORED = -100
"""Target that no loss is taken at: there is nothing to predict, or only across a document's edge."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pieces:
    """Stretches of tokens that fill windows, in order: int64[p] each."""

    row: Numbers
    """Which of the wanted windows the piece lies in."""
    column: Numbers
    """Where in the window it begins."""
    shard: Numbers
    start: Numbers
    """First token in the shard."""
    length: Numbers


class Layout(Protocol):
    """Windows of one pool of shards. Shards are numbered as in `Shards.shards`."""

    @property
    def windows(self) -> int:
        """How many windows the pool has."""
        ...

    def pieces(self, windows: Numbers) -> Pieces:
        """What fills these windows."""
        ...

    def windows_of(self, shard: int, start: int, end: int) -> Numbers:
        """The windows that hold any of the tokens from `start` to before `end` of a shard."""
        ...


class Concatenated:
    """Windows cut from each shard as it lies; the last one of a shard may be short."""

    def __init__(self, shards: Shards, pool: Numbers, sequence_length: int) -> None:
        self.pool, self.length = pool, sequence_length
        self.tokens = np.array([len(shards.shards[number].tokens) for number in pool], np.int64)
        self.first = np.concatenate([[0], np.cumsum(-(-self.tokens // sequence_length))]).astype(np.int64)

    @property
    def windows(self) -> int:
        return int(self.first[-1])

    def pieces(self, windows: Numbers) -> Pieces:
        at = np.searchsorted(self.first, windows, side="right") - 1
        start = (windows - self.first[at]) * self.length
        length = np.minimum(self.tokens[at] - start, self.length)
        return Pieces(np.arange(len(windows)), np.zeros_like(start), self.pool[at], start, length)

    def windows_of(self, shard: int, start: int, end: int) -> Numbers:
        at = int(np.flatnonzero(self.pool == shard)[0])
        return np.arange(start // self.length, (end - 1) // self.length + 1) + int(self.first[at])


class BestFit:
    """Whole documents in windows, longest first. Keeps 32 bytes in memory for each document."""

    def __init__(self, shards: Shards, pool: Numbers, sequence_length: int) -> None:
        shard, start, length = [], [], []
        for number in pool:
            bounds = shards.shards[number].offsets
            chunks = -(-np.diff(bounds) // sequence_length)
            within = np.arange(chunks.sum()) - np.repeat(np.cumsum(chunks) - chunks, chunks)
            begins = np.repeat(bounds[:-1], chunks) + within * sequence_length
            start.append(begins)
            length.append(np.minimum(np.repeat(bounds[1:], chunks) - begins, sequence_length))
            shard.append(np.full(len(begins), number, np.int64))
        starts, lengths, numbers = np.concatenate(start), np.concatenate(length), np.concatenate(shard)
        order = np.argsort(-lengths, kind="stable")
        window = best_fit(lengths[order], sequence_length)
        by_window = np.argsort(window, kind="stable")
        order = order[by_window]
        self.shard, self.start, self.length = numbers[order], starts[order], lengths[order]
        self.window = window[by_window]
        self.first = np.searchsorted(self.window, np.arange(self.window[-1] + 2) if len(order) else np.zeros(1))

    @property
    def windows(self) -> int:
        return len(self.first) - 1

    def pieces(self, windows: Numbers) -> Pieces:
        counts = self.first[windows + 1] - self.first[windows]
        row = np.repeat(np.arange(len(windows)), counts)
        before = np.cumsum(counts) - counts
        piece = np.repeat(self.first[windows], counts) + np.arange(counts.sum()) - np.repeat(before, counts)
        length = self.length[piece]
        filled = np.cumsum(length) - length
        return Pieces(row, filled - filled[before][row], self.shard[piece], self.start[piece], length)

    @cached_property
    def _by_place(self) -> Numbers:
        return np.lexsort((self.start, self.shard))

    def windows_of(self, shard: int, start: int, end: int) -> Numbers:
        order = self._by_place
        low, high = np.searchsorted(self.shard[order], [shard, shard + 1])
        here = order[low:high]
        begins = self.start[here]
        held = here[(begins < end) & (begins + self.length[here] > start)]
        return np.unique(self.window[held])


@dataclass(frozen=True)
class Batch:
    """Windows ready for a model: int64[windows, T] each."""

    inputs: Numbers
    targets: Numbers
    """The next token of the same document, else IGNORED."""
    positions: Numbers
    """Place of the token in its document's part of this window: 0 begins a part, so 0 marks the documents' edges."""


def fill(shards: Shards, pieces: Pieces, windows: int, sequence_length: int, pad: int) -> Batch:
    """The batch that pieces make; room that no piece fills holds `pad`, each a document of its own."""
    inputs = np.full((windows, sequence_length), pad, np.int64)
    targets = np.full((windows, sequence_length), IGNORED, np.int64)
    positions = np.zeros((windows, sequence_length), np.int64)
    for number in np.unique(pieces.shard):
        chosen = np.flatnonzero(pieces.shard == number)
        shard = shards.shards[number]
        _fill(
            shard.tokens,
            shard.offsets,
            pieces.row[chosen],
            pieces.column[chosen],
            pieces.start[chosen],
            pieces.length[chosen],
            inputs,
            targets,
            positions,
        )
    return Batch(inputs, targets, positions)


@nb.njit(cache=True, nogil=True)
def _fill(
    tokens: npt.NDArray[Any],
    offsets: Numbers,
    rows: Numbers,
    columns: Numbers,
    starts: Numbers,
    lengths: Numbers,
    inputs: Numbers,
    targets: Numbers,
    positions: Numbers,
) -> None:
    for p in range(len(rows)):
        row, at, start = rows[p], columns[p], starts[p]
        end = start + lengths[p]
        document = np.searchsorted(offsets, start, side="right") - 1
        while start < end:
            stop = min(end, offsets[document + 1])
            last = offsets[document + 1] - 1  # no next token inside the document
            for i in range(stop - start):
                inputs[row, at + i] = tokens[start + i]
                positions[row, at + i] = i
            for i in range(min(stop, last) - start):
                targets[row, at + i] = tokens[start + i + 1]
            at += stop - start
            start = stop
            document += 1


@nb.njit(cache=True, nogil=True)
def best_fit(lengths: Numbers, capacity: int) -> Numbers:
    """int64[n]: the window of each length (sorted, longest first). A tree over room left finds the tightest window."""
    leaves = 1
    while leaves < capacity + 1:
        leaves *= 2
    some = np.zeros(2 * leaves, np.int64)  # how many windows have each room, summed up the tree
    head = np.full(capacity + 1, -1, np.int64)  # windows with a room, as linked stacks
    below = np.full(len(lengths), -1, np.int64)
    out = np.empty(len(lengths), np.int64)
    windows = 0
    for i in range(len(lengths)):
        length = lengths[i]
        node = leaves + length
        room = -1
        if some[node]:
            room = length
        else:
            while node > 1:
                if node % 2 == 0 and some[node + 1]:
                    node = node + 1
                    while node < leaves:
                        node = 2 * node if some[2 * node] else 2 * node + 1
                    room = node - leaves
                    break
                node //= 2
        if room < 0:
            window, room = windows, capacity
            windows += 1
        else:
            window = head[room]
            head[room] = below[window]
            node = leaves + room
            while node >= 1:
                some[node] -= 1
                node //= 2
        out[i] = window
        left = room - length
        below[window] = head[left]
        head[left] = window
        node = leaves + left
        while node >= 1:
            some[node] += 1
            node //= 2
    return out
