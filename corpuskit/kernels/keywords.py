"""Find many keywords at once in UTF-8 bytes: an Aho-Corasick automaton run as a table.

Aho and Corasick, "Efficient string matching: an aid to bibliographic search", CACM 18 (1975). The failure links are
resolved into a full transition table, so a byte costs one look-up whatever the number of keywords. ASCII letters match
in either case. Bytes that occur in no keyword share one column, which keeps the table inside the second-level cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets


class Automaton(NamedTuple):
    """Compiled keywords. Pass it to `occurrences`."""

    columns: npt.NDArray[np.int32]
    """int32[256]: the table's column for each byte."""
    table: npt.NDArray[np.int32]
    """int32[states, columns]: the next state."""
    output: npt.NDArray[np.int32]
    """int32[states]: the number of the longest keyword that ends in a state, or -1."""
    shorter: npt.NDArray[np.int32]
    """int32[states]: the state that holds the next shorter keyword ending here, or -1."""
    kinds: npt.NDArray[np.int64]
    """int64[keywords]: what the caller calls each keyword."""
    characters: npt.NDArray[np.int64]
    """int64[keywords]: code points of each keyword."""


def compile_keywords(kinds: Mapping[str, int]) -> Automaton:
    """An automaton for keywords, each with the number that `occurrences` reports for it.

    Raises ValueError for an empty keyword.
    """
    words = sorted(kinds)
    encoded = [word.lower().encode() for word in words]
    if not all(encoded):
        raise ValueError("a keyword is empty")
    used = sorted({byte for word in encoded for byte in word})
    columns = np.zeros(256, np.int32)
    for number, byte in enumerate(used, 1):
        columns[byte] = number
        if 97 <= byte <= 122:
            columns[byte - 32] = number
    children: list[dict[int, int]] = [{}]
    output = [-1]
    for number, word in enumerate(encoded):
        state = 0
        for byte in word:
            column = int(columns[byte])
            if column not in children[state]:
                children[state][column] = len(children)
                children.append({})
                output.append(-1)
            state = children[state][column]
        output[state] = number
    table = np.zeros((len(children), len(used) + 1), np.int32)
    fail = [0] * len(children)
    shorter = [-1] * len(children)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        for column in range(1, len(used) + 1):
            fallback = int(table[fail[state], column]) if state else 0
            child = children[state].get(column)
            if child is None:
                table[state, column] = fallback
                continue
            table[state, column] = child
            fail[child] = fallback
            shorter[child] = fallback if output[fallback] >= 0 else shorter[fallback]
            queue.append(child)
    return Automaton(
        columns,
        table,
        np.array(output, np.int32),
        np.array(shorter, np.int32),
        np.array([kinds[word] for word in words], np.int64),
        np.array([len(word) for word in words], np.int64),
    )


def filled(fill: Callable[[npt.NDArray[np.int64]], int], expected: int = 4096) -> npt.NDArray[np.int64]:
    """The rows, int64[n, 4], that `fill` writes into the array it is given.

    `fill` returns how many rows there are; where they were more than the array holds, it is called again with room for
    all. (An array that grows inside a compiled loop costs the loop its registers: a factor of four here.)
    """
    rows = np.empty((expected, 4), np.int64)
    count = fill(rows)
    if count > len(rows):
        rows = np.empty((count, 4), np.int64)
        fill(rows)
    return rows[:count]


def occurrences(data: Bytes, offsets: Offsets, automaton: Automaton) -> npt.NDArray[np.int64]:
    """Every occurrence of every keyword: int64[n, 4] of text number, kind, first code point, code point after the last.

    Text i is `data[offsets[i]:offsets[i + 1]]`, valid UTF-8. Rows stand in the order of the occurrences' ends.
    """
    return filled(lambda rows: _occurrences(data, offsets, *automaton, rows), 4096 + len(data) // 512)


@nb.njit(cache=True, nogil=True)
def _occurrences(
    data: Bytes,
    offsets: Offsets,
    columns: npt.NDArray[np.int32],
    table: npt.NDArray[np.int32],
    output: npt.NDArray[np.int32],
    shorter: npt.NDArray[np.int32],
    kinds: npt.NDArray[np.int64],
    characters: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
) -> int:
    count = 0
    for text in range(len(offsets) - 1):
        state = 0
        position = 0
        for i in range(offsets[text], offsets[text + 1]):
            byte = data[i]
            position += (byte & 0xC0) != 0x80
            state = table[state, columns[byte]]
            if state == 0:
                continue
            ends = state if output[state] >= 0 else shorter[state]
            while ends >= 0:
                word = output[ends]
                if count < len(rows):
                    rows[count, 0] = text
                    rows[count, 1] = kinds[word]
                    rows[count, 2] = position - characters[word]
                    rows[count, 3] = position
                count += 1
                ends = shorter[ends]
    return count
