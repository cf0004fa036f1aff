"""How much of a text is written in which script, counted over its UTF-8 bytes."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets

SCRIPTS = (
    "latin", "hangul", "jamo", "han", "kana", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "bengali", "thai",
    "other",
)  # fmt: skip
"""Columns of `script_bytes` that count letters; jamo are single Hangul letters (ㅋㅋ, ㅇㅈ)."""

DIGITS, SYMBOLS, PUNCTUATION = len(SCRIPTS), len(SCRIPTS) + 1, len(SCRIPTS) + 2
"""Further columns: digits; signs that code and tables are full of ({}[]()<>=;|_/\\#*+&$%^~@`); all other signs."""
COLUMNS = len(SCRIPTS) + 3

_CODE_SIGNS = np.zeros(128, np.bool_)
_CODE_SIGNS[np.frombuffer(b"{}[]()<>=;|_/\\#*+&$%^~@`", np.uint8)] = True

_BLOCKS = np.array(
    [
        (0x00AA, 0x024F, 0),
        (0x0250, 0x036F, 0),
        (0x0370, 0x03FF, 6),
        (0x0400, 0x052F, 5),
        (0x0590, 0x05FF, 8),
        (0x0600, 0x077F, 7),
        (0x0900, 0x097F, 9),
        (0x0980, 0x09FF, 10),
        (0x0A00, 0x0DFF, 12),
        (0x0E00, 0x0E7F, 11),
        (0x0E80, 0x10FF, 12),
        (0x1100, 0x11FF, 1),
        (0x1200, 0x1DFF, 12),
        (0x1E00, 0x1EFF, 0),
        (0x1F00, 0x1FFF, 6),
        (0x3041, 0x30FF, 4),
        (0x3131, 0x318E, 2),
        (0x3400, 0x4DBF, 3),
        (0x4E00, 0x9FFF, 3),
        (0xA960, 0xA97F, 1),
        (0xAC00, 0xD7FF, 1),
        (0xF900, 0xFAFF, 3),
        (0x20000, 0x3FFFF, 3),
    ],
    np.int64,
)
"""Blocks of letters: first and last code point, and the column they count in. What lies between is punctuation."""


@nb.njit(cache=True, nogil=True)
def _count(
    data: Bytes,
    offsets: Offsets,
    code_signs: npt.NDArray[np.bool_],
    blocks: npt.NDArray[np.int64],
    out: npt.NDArray[np.int64],
) -> None:  # pragma: no cover
    symbols = out.shape[1] - 2
    for text in range(offsets.shape[0] - 1):
        place, end = offsets[text], offsets[text + 1]
        while place < end:
            byte = data[place]
            if byte < 0x80:
                if 97 <= (byte | 0x20) <= 122:
                    out[text, 0] += 1
                elif 48 <= byte <= 57:
                    out[text, symbols - 1] += 1
                elif byte > 32 and byte != 127:
                    out[text, symbols if code_signs[byte] else symbols + 1] += 1
                place += 1
                continue
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            point = np.int64(byte) & (0x1F if length == 2 else 0x0F if length == 3 else 0x07)
            for step in range(1, length):
                point = (point << 6) | (np.int64(data[place + step]) & 0x3F if place + step < end else 0)
            block = np.searchsorted(blocks[:, 0], point, side="right") - 1
            if block >= 0 and point <= blocks[block, 1]:
                out[text, blocks[block, 2]] += length
            else:
                out[text, symbols + 1] += length
            place += length


def script_bytes(data: Bytes, offsets: Offsets) -> npt.NDArray[np.int64]:
    """int64[texts, COLUMNS]: bytes of each text by script, then digits, code signs and other signs. White space counts
    nowhere."""
    out = np.zeros((len(offsets) - 1, COLUMNS), np.int64)
    _count(data, offsets, _CODE_SIGNS, _BLOCKS, out)
    return out
