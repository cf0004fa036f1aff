"""Which of several duplicates stays: the longest, the newest, the oldest, the first, or by source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Preference = Literal["first", "longest", "newest", "oldest"] | tuple[str, ...]
"""A policy, or names of sources in the order in which they are preferred (others come after them)."""

_UNDATED = np.iinfo(np.int64).max


def preference(batch: pa.RecordBatch, prefer: Preference) -> npt.NDArray[np.int64]:
    """A number a document: of two duplicates the one with the lower stays, the earlier row where they are equal.

    Length is in characters; dates are `published`, else `fetched`, to the second as they are written; documents
    without any date come last.
    """
    if prefer == "first":
        return np.zeros(batch.num_rows, np.int64)
    if prefer == "longest":
        return -np.asarray(pc.fill_null(pc.utf8_length(batch.column("text")), 0).cast(pa.int64()))
    if prefer in ("newest", "oldest"):
        dates = _dates(pc.coalesce(batch.column("published"), batch.column("fetched")))
        known = dates != _UNDATED
        return np.where(known, -dates, _UNDATED) if prefer == "newest" else dates
    return _source_order(batch.column("source"), prefer)


def _source_order(sources: pa.Array, names: Sequence[str]) -> npt.NDArray[np.int64]:
    positions = pc.index_in(sources, pa.array(list(names), sources.type))
    return np.asarray(pc.fill_null(positions, len(names)).cast(pa.int64()))


def _dates(values: pa.Array) -> npt.NDArray[np.int64]:
    """ISO 8601 dates as numbers that sort as they do: year to second, 14 digits."""
    stated = pc.replace_substring_regex(pc.fill_null(values, ""), r"([.,]\d+)?(Z|[+-]\d\d:?\d\d)?$", "")
    digits = pc.replace_substring_regex(stated, "[^0-9]", "")
    padded = pc.utf8_rpad(pc.utf8_slice_codeunits(digits, 0, 14), 14, "0")
    dated = pc.match_substring_regex(pc.fill_null(values, ""), r"^\d{4}")
    numbers = pc.if_else(dated, padded, str(_UNDATED)).cast(pa.int64())
    return np.asarray(numbers)
