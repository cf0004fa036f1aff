"""Byte windows that several texts share: by the suffix array of a buffer; and anchors, which cut a corpus into buffers.

Suffixes that begin with the same `length` bytes are neighbours in a suffix array, so that one pass over it finds every
window of that length that occurs twice (Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better",
section 4.1). A corpus that does not fit is cut by content: *winnowing* (Schleimer, Wilkerson, Aiken 2003, section 3)
picks from every window at least one anchor, which depends on the bytes of the window alone; windows that are equal have
the same anchor, and all text around the occurrences of one anchor comes into one buffer.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from corpuskit.kernels.words import mix

_ROLL = np.uint64(0xD1342543DE82EF95)


@nb.njit(cache=True, nogil=True)
def anchors(data: Any, offsets: Any, length: Any, out_keys: Any, out_texts: Any, out_places: Any) -> Any:
    """Write an anchor of every `length` bytes of each text: its hash, its text, its first byte in it. Returns how many.

    An anchor is `length // 2` bytes long. The arrays have room for one anchor a byte.
    """
    size = length // 2
    span = length - size + 1
    power = np.uint64(1)
    for _ in range(size):
        power *= _ROLL
    recent = np.zeros(span, np.uint64)
    found = 0
    for text in range(len(offsets) - 1):
        start = offsets[text]
        bytes_ = offsets[text + 1] - start
        if bytes_ < length:
            continue
        rolling = np.uint64(0)
        least = -1
        written = -1
        for at in range(bytes_):
            rolling = rolling * _ROLL + np.uint64(data[start + at])
            if at >= size:
                rolling -= power * np.uint64(data[start + at - size])
            place = at - size + 1
            if place < 0:
                continue
            key = mix(rolling)
            recent[place % span] = key
            if least >= 0 and least <= place - span:
                least = place - span + 1
                for other in range(least + 1, place + 1):
                    if recent[other % span] <= recent[least % span]:
                        least = other
            elif least < 0 or key <= recent[least % span]:
                least = place
            if place >= span - 1 and least != written:
                out_keys[found] = recent[least % span]
                out_texts[found] = text
                out_places[found] = least
                found += 1
                written = least
    return found


@nb.njit(cache=True, nogil=True)
def _same(data: Any, left: Any, right: Any, length: Any) -> Any:
    k = 0
    while k < length and data[left + k] == data[right + k]:
        k += 1
    return k == length


@nb.njit(cache=True, nogil=True)
def mark_repeated(
    data: Any,
    suffixes: Any,
    starts: Any,
    owners: Any,
    length: Any,
    least_texts: Any,
    keep_first: Any,
    seen: Any,
    out: Any,
) -> None:
    """Mark in `out` (uint8[bytes]) the first byte of every window that `least_texts` texts or more share.

    `suffixes` is the suffix array of `data`, which is cut into segments that begin at `starts` (int64[segments + 1])
    and belong to the texts `owners` (int64[segments]). With `keep_first` windows of the first text stay unmarked.
    `seen` is int64[texts], -1 everywhere.
    """
    total = len(data)
    first = 0
    while first < total:
        last = first + 1
        if suffixes[first] + length <= total:
            while (
                last < total
                and suffixes[last] + length <= total
                and _same(data, suffixes[last - 1], suffixes[last], length)
            ):
                last += 1
        if last - first > 1:
            texts = 0
            earliest = np.int64(0x7FFFFFFFFFFFFFFF)
            for rank in range(first, last):
                at = np.int64(suffixes[rank])
                segment = np.searchsorted(starts, at, side="right") - 1
                if at + length <= starts[segment + 1] - 1:
                    owner = owners[segment]
                    if seen[owner] != first:
                        seen[owner] = first
                        texts += 1
                        earliest = min(earliest, owner)
            if texts >= least_texts:
                for rank in range(first, last):
                    at = np.int64(suffixes[rank])
                    segment = np.searchsorted(starts, at, side="right") - 1
                    if at + length <= starts[segment + 1] - 1 and not (keep_first and owners[segment] == earliest):
                        out[at] = 1
        first = last


@nb.njit(cache=True, nogil=True)
def marked_runs(marks: Any, starts: Any, length: Any, out: Any) -> Any:
    """Write the stretches that marked windows cover, as (segment, first byte in it, end), into `out`; return how many.

    `out` is int64[marked windows, 3]. A stretch lies within one segment.
    """
    found = 0
    for segment in range(len(starts) - 1):
        begin = -1
        end = -1
        for at in range(starts[segment], starts[segment + 1]):
            if marks[at]:
                if begin >= 0 and at > end:
                    out[found, 0], out[found, 1], out[found, 2] = (
                        segment,
                        begin - starts[segment],
                        end - starts[segment],
                    )
                    found += 1
                    begin = -1
                if begin < 0:
                    begin = at
                end = at + length
        if begin >= 0:
            out[found, 0], out[found, 1], out[found, 2] = segment, begin - starts[segment], end - starts[segment]
            found += 1
    return found


@nb.njit(cache=True, nogil=True)
def copy_segments(data: Any, starts: Any, lengths: Any, last: Any, out: Any) -> None:
    """Copy the segments `data[starts[i]:starts[i] + lengths[i]]` into `out`, each with the byte `last` after it."""
    total = 0
    for segment in range(len(starts)):
        for k in range(lengths[segment]):
            out[total] = data[starts[segment] + k]
            total += 1
        out[total] = last
        total += 1
