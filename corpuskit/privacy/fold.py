"""See through the characters that hide a value: full-width and styled digits, zero-width characters, split Hangul.

Folding maps full-width ASCII (U+FF01 to U+FF5E) and mathematical digits to ASCII, takes out characters without width
(zero-width spaces and joiners, direction marks, soft hyphens, keycaps) and composes conjoining jamo (Unicode 3.12,
Hangul syllable composition). Every folded character knows where it came from, so findings point into the original.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

_WITHOUT_WIDTH = (
    *(0x00AD, 0x180E, 0x2060, 0xFEFF, 0x20E3),
    *range(0x200B, 0x2010),  # zero-width space, non-joiner, joiner, direction marks
    *range(0x202A, 0x202F),  # direction embeddings
    *range(0x2066, 0x206A),  # direction isolates
)
_VARIATION_SELECTOR = 0xFE0F
_LEAD, _VOWEL, _TRAIL = 0x1100, 0x1161, 0x11A7
_FULL_WIDTH_DIGITS_LETTERS = (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))

HIDING = np.array(
    sorted({*_WITHOUT_WIDTH, *_FULL_WIDTH_DIGITS_LETTERS, 0xFF20, 0xFF0E, *range(_LEAD, _LEAD + 19)}), np.int64
)
"""Code points whose presence means that a text must be folded. Full-width punctuation alone is ordinary typography and
hides nothing; it is folded along with the rest."""

_GONE = -1


def _targets() -> npt.NDArray[np.int32]:
    targets = np.arange(1 << 16, dtype=np.int32)
    targets[0xFF01:0xFF5F] -= 0xFF01 - 0x21
    targets[[*_WITHOUT_WIDTH, _VARIATION_SELECTOR]] = _GONE
    return targets


_TARGETS = _targets()


class Folded(NamedTuple):
    """A folded text. Character i stands for `original[starts[i]:ends[i]]`."""

    text: str
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def fold(text: str) -> Folded:
    """A text without what hides values in it. Lone surrogates stay as they are."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    folded, starts, ends = _fold(points, _TARGETS)
    return Folded(folded.tobytes().decode("utf-32-le", "surrogatepass"), starts, ends)


@nb.njit(cache=True, nogil=True)
def _fold(
    points: npt.NDArray[np.uint32], targets: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    folded = np.empty(len(points), np.uint32)
    starts = np.empty(len(points), np.int64)
    ends = np.empty(len(points), np.int64)
    count = 0
    for i in range(len(points)):
        point = int(points[i])
        if point < 65536:
            target = int(targets[point])
        elif 0x1D7CE <= point <= 0x1D7FF:
            target = 48 + (point - 0x1D7CE) % 10
        else:
            target = point
        if target == _GONE:
            continue
        if count:
            last = int(folded[count - 1])
            composed = _GONE
            if 0 <= last - _LEAD < 19 and 0 <= target - _VOWEL < 21:
                composed = 0xAC00 + ((last - _LEAD) * 21 + (target - _VOWEL)) * 28
            elif 0 < target - _TRAIL < 28 and 0xAC00 <= last <= 0xD7A3 and (last - 0xAC00) % 28 == 0:
                composed = last + target - _TRAIL
            if composed != _GONE:
                folded[count - 1] = composed
                ends[count - 1] = i + 1
                continue
        folded[count] = target
        starts[count] = i
        ends[count] = i + 1
        count += 1
    return folded[:count], starts[:count], ends[:count]
