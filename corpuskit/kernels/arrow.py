"""Arrow string arrays as the pair of plain arrays that compiled loops read: UTF-8 bytes and int64 offsets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_SURROGATE = re.compile("[\ud800-\udfff]")

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def large_strings(texts: Any) -> pa.LargeStringArray:
    """Texts (a sequence of str or None, a string array, a chunked array) as one `large_string` array.

    A str with lone surrogates, which UTF-8 cannot hold, gets U+FFFD in their place.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
        if isinstance(texts, pa.ChunkedArray):  # no chunks at all
            texts = pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.array([], pa.large_string())
    if isinstance(texts, pa.Array):
        return texts if texts.type == pa.large_string() else texts.cast(pa.large_string())
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([encodable(text) for text in texts], pa.large_string())


def encodable(text: str | None) -> str | None:
    """The text with U+FFFD in place of each lone surrogate, which UTF-8 cannot hold."""
    return None if text is None else _SURROGATE.sub("\ufffd", text)


def text_buffers(texts: pa.Array | Sequence[str | None]) -> tuple[Bytes, Offsets]:
    """(data uint8[bytes], offsets int64[n + 1]) of texts, without copying where they are a `large_string` array.

    Text i is `data[offsets[i]:offsets[i + 1]]`. Nulls read as empty texts.
    """
    array = large_strings(texts)
    if array.null_count:
        import pyarrow.compute as pc

        array = pc.fill_null(array, "")
    _, offsets, data = array.buffers()
    bounds = np.zeros(1, np.int64) if offsets is None else np.frombuffer(offsets, np.int64)
    bounds = bounds[array.offset : array.offset + len(array) + 1]
    if len(bounds) == 0:
        bounds = np.zeros(1, np.int64)
    return (np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)), bounds
