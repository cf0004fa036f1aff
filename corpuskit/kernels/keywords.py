"""Find many keywords at once in UTF-8 bytes: a filter on six bytes, and a trie behind it.

The filter is that of Wu and Manber, "A fast algorithm for multi-pattern searching" (1994), without its shifts, since
keywords are short: tables say whether a keyword may begin with the three bytes at a place and go on with the next
three. Places do not wait for each other, as the states of an Aho-Corasick automaton do (CACM 18, 1975), so a core looks
at several at once; the automaton took four times as long on Korean text. ASCII letters match in either case. Bytes that
occur in no keyword share one column of the trie, which keeps it small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets
from corpuskit.kernels.eight_bytes import load

PREFIX = 3
"""Bytes of the shortest keyword that can be compiled: those of a hash of the filter."""
_FILTER_BITS = 16
_SHORT, _LONG = 1, 2


class Keywords(NamedTuple):
    """Compiled keywords. Pass it to `occurrences`."""

    begins: npt.NDArray[np.uint8]
    """uint8[2 ** 16], by the hash of three bytes: bit 0 where a keyword shorter than six bytes may begin with them, bit
    1 where a longer one may."""
    follows: npt.NDArray[np.uint8]
    """uint8[2 ** 16], by the hash of the next three bytes: bit 0 always, bit 1 where a longer keyword may go on so."""
    columns: npt.NDArray[np.int32]
    """int32[256]: the trie's column for each byte."""
    trie: npt.NDArray[np.int32]
    """int32[nodes, columns]: the next node, 0 for none."""
    words: npt.NDArray[np.int32]
    """int32[nodes]: the number of the keyword that ends in a node, or -1."""
    kinds: npt.NDArray[np.int64]
    """int64[keywords]: what the caller calls each keyword."""
    characters: npt.NDArray[np.int64]
    """int64[keywords]: code points of each keyword."""


def compile_keywords(kinds: Mapping[str, int]) -> Keywords:
    """Keywords to look for, each with the number that `occurrences` reports for it.

    Raises ValueError for a keyword of fewer than three bytes of UTF-8.
    """
    words = sorted(kinds)
    encoded = [word.lower().encode() for word in words]
    for word, form in zip(words, encoded, strict=True):
        if len(form) < PREFIX:
            raise ValueError(f"the keyword {word!r} is shorter than {PREFIX} bytes")
    used = sorted({byte for form in encoded for byte in form})
    columns = np.zeros(256, np.int32)
    for number, byte in enumerate(used, 1):
        columns[byte] = number
        if 97 <= byte <= 122:
            columns[byte - 32] = number
    begins = np.zeros(1 << _FILTER_BITS, np.uint8)
    follows = np.full(1 << _FILTER_BITS, _SHORT, np.uint8)
    children: list[dict[int, int]] = [{}]
    ends = [-1]
    for number, form in enumerate(encoded):
        long = len(form) >= 2 * PREFIX
        begins[_hashes(form[:PREFIX])] |= _LONG if long else _SHORT
        if long:
            follows[_hashes(form[PREFIX : 2 * PREFIX])] |= _LONG
        node = 0
        for byte in form:
            column = int(columns[byte])
            if column not in children[node]:
                children[node][column] = len(children)
                children.append({})
                ends.append(-1)
            node = children[node][column]
        ends[node] = number
    trie = np.zeros((len(children), len(used) + 1), np.int32)
    for node, following in enumerate(children):
        for column, child in following.items():
            trie[node, column] = child
    return Keywords(
        begins,
        follows,
        columns,
        trie,
        np.array(ends, np.int32),
        np.array([kinds[word] for word in words], np.int64),
        np.array([len(word) for word in words], np.int64),
    )


def _hashes(three: bytes) -> list[int]:
    """Where the filter keeps three bytes, in every mixture of cases."""
    cases = product(*({byte, byte - 32 if 97 <= byte <= 122 else byte} for byte in three))
    return [int(_hash(np.uint64(first | second << 8 | third << 16))) for first, second, third in cases]


@nb.njit(cache=True, nogil=True)
def _hash(three: Any) -> Any:
    """The top bits of a product (Knuth, The Art of Computer Programming 3, section 6.4) of the low 24 bits of a
    uint64."""
    low = (three & np.uint64(0xFFFFFF)) * np.uint64(0x9E3779B1)
    return (low & np.uint64(0xFFFFFFFF)) >> np.uint64(32 - _FILTER_BITS)


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


def occurrences(data: Bytes, offsets: Offsets, keywords: Keywords) -> npt.NDArray[np.int64]:
    """Every occurrence of every keyword: int64[n, 4] of text number, kind, first code point, code point after the last.

    Text i is `data[offsets[i]:offsets[i + 1]]`, valid UTF-8. Rows are in the order of the occurrences' beginnings,
    the shorter of two that begin together first.
    """
    return filled(lambda rows: _occurrences(data, offsets, *keywords, rows), 4096 + len(data) // 512)


@nb.njit(cache=True, nogil=True)
def _occurrences(
    data: Bytes,
    offsets: Offsets,
    begins: npt.NDArray[np.uint8],
    follows: npt.NDArray[np.uint8],
    columns: npt.NDArray[np.int32],
    trie: npt.NDArray[np.int32],
    words: npt.NDArray[np.int32],
    kinds: npt.NDArray[np.int64],
    characters: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
) -> int:
    count = 0
    room = np.uint64(max(len(data) - 7, 0))
    for text in range(len(offsets) - 1):
        last = np.uint64(offsets[text + 1])
        counted = np.uint64(offsets[text])  # code points are counted up to here, and only where there is a keyword
        position = 0
        i = counted  # unsigned: numba then spares the test for negative places
        while i + np.uint64(PREFIX) <= last:
            maybe = _SHORT
            if i < room:  # the bytes after the text's last may be looked at: they can only raise a false alarm
                eight = load(data, i)
                maybe = begins[_hash(eight)] & follows[_hash(eight >> np.uint64(24))]
            if maybe:
                node = trie[0, columns[data[i]]]
                j = i + np.uint64(1)
                while node != 0:
                    word = words[node]
                    if word >= 0:
                        for k in range(counted, i):
                            position += (data[k] & 0xC0) != 0x80
                        counted = i
                        if count < len(rows):
                            rows[count, 0] = text
                            rows[count, 1] = kinds[word]
                            rows[count, 2] = position
                            rows[count, 3] = position + characters[word]
                        count += 1
                    if j >= last:
                        break
                    node = trie[node, columns[data[j]]]
                    j += np.uint64(1)
            i += np.uint64(1)
    return count
