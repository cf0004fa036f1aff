"""Texts in NFC, the one form in which a syllable or an accented letter is always the same bytes.

A compiled pass finds the few texts that may be in another form (UAX 15, "Detecting Normalization Forms"); only those
are rebuilt. ASCII and ordinary Hangul pass untouched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.kernels.arrow import large_strings, text_buffers
from corpuskit.kernels.unicode import decode

_SUSPECTS = 0x30000
"""Code points from here on have no composition and no decomposition."""


@lru_cache(maxsize=1)
def _suspects() -> npt.NDArray[np.bool_]:
    """True for each code point that NFC may change, alone or after another character."""
    suspect = np.zeros(_SUSPECTS, np.bool_)
    for code in range(_SUSPECTS):
        character = chr(code)
        decomposition = unicodedata.decomposition(character)
        if unicodedata.combining(character) or unicodedata.normalize("NFC", character) != character:
            suspect[code] = True
        if decomposition and not decomposition.startswith("<"):
            for part in decomposition.split()[1:]:
                suspect[int(part, 16)] = True
    suspect[0x1161:0x1176] = True  # Hangul vowels and final consonants, which compose by arithmetic
    suspect[0x11A8:0x11C3] = True
    return suspect


@nb.njit(cache=True, nogil=True)
def _may_differ(data: Any, offsets: Any, suspects: Any, out: Any) -> None:
    for text in range(len(offsets) - 1):
        at = offsets[text]
        end = offsets[text + 1]
        while at < end:
            if data[at] < 0xCC:
                at += 1
                continue
            code, width = decode(data, at, end)
            if code < _SUSPECTS and suspects[code]:
                out[text] = True
                break
            at += width


def compose(texts: pa.Array | Sequence[str | None]) -> pa.LargeStringArray:
    """The texts in NFC: the array itself where all are already; nulls stay null.

    Bytes that are not UTF-8 are U+FFFD in a text that is rebuilt, and stay as they are in one that is not.
    """
    array = large_strings(texts)
    data, offsets = text_buffers(array)
    differs = np.zeros(len(array), np.bool_)
    _may_differ(data, offsets, _suspects(), differs)
    if not differs.any():
        return array
    changed = array.filter(pa.array(differs)).cast(pa.large_binary()).to_pylist()
    composed = [unicodedata.normalize("NFC", value.decode("utf-8", "replace")) for value in changed]
    import pyarrow.compute as pc

    return pc.replace_with_mask(array, pa.array(differs), pa.array(composed, pa.large_string()))
