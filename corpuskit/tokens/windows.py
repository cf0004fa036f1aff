"""A window is a row of tokens that a model reads at once: the pieces that fill it, the loop that fills a batch of
windows, and the packer that finds room for whole documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

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

    @classmethod
    def joined(cls, parts: Sequence[Pieces]) -> Pieces:
        """Pieces of different windows as one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True)
class Batch:
    """Windows ready for a model: int64[windows, T] each."""

    inputs: Numbers
    targets: Numbers
    """The next token of the same document, else IGNORED."""
    positions: Numbers
    """Place of the token in its document's part of this window: 0 begins a part, so 0 marks the documents' edges."""
    flagged: npt.NDArray[np.bool_] | None = None
    """bool[windows, T]: tokens of documents that were asked to be marked; None where nobody asked."""


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


def flagged(
    shards: Shards, pieces: Pieces, shape: tuple[int, int], flags: Sequence[npt.NDArray[np.bool_]]
) -> npt.NDArray[np.bool_]:
    """bool[shape]: which tokens of the windows belong to flagged documents; `flags` has bool[documents] a shard."""
    out = np.zeros(shape, np.bool_)
    for number in np.unique(pieces.shard):
        if flags[number].any():
            chosen = np.flatnonzero(pieces.shard == number)
            places = (pieces.row[chosen], pieces.column[chosen], pieces.start[chosen], pieces.length[chosen])
            _flag(shards.shards[number].offsets, flags[number], *places, out)
    return out


@nb.njit(cache=True, nogil=True)
def _flag(
    offsets: Numbers,
    flags: npt.NDArray[np.bool_],
    rows: Numbers,
    columns: Numbers,
    starts: Numbers,
    lengths: Numbers,
    out: npt.NDArray[np.bool_],
) -> None:
    for p in range(len(rows)):
        start, end = starts[p], starts[p] + lengths[p]
        document = np.searchsorted(offsets, start, side="right") - 1
        while start < end:
            stop = min(end, offsets[document + 1])
            if flags[document]:
                begin = columns[p] + start - starts[p]
                out[rows[p], begin : begin + stop - start] = True
            start = stop
            document += 1


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
