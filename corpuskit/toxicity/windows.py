"""The windows in which a text is scored: some forty words each, whole sentences where they fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.kernels.arrow import text_buffers
from corpuskit.toxicity.features import COLUMNS, score_windows


def window_spans(texts: Sequence[str | None] | pa.Array, most: int) -> npt.NDArray[np.int64]:
    """int64[windows, 3]: document, start and end (characters) of every window of at most about `most` words."""
    data, offsets = text_buffers(texts)
    everything = np.ones(len(offsets) - 1, np.bool_)
    windows = score_windows(data, offsets, everything, np.zeros((2, COLUMNS), np.int8), most)
    return np.column_stack([windows.document, windows.characters])
