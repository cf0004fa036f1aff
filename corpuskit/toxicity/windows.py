"""The windows in which a text is scored: some forty words each, whole sentences where they fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.kernels.arrow import text_buffers
from corpuskit.toxicity.features import LABELS, score_windows


def window_spans(texts: Sequence[str | None] | pa.Array, most: int) -> npt.NDArray[np.int64]:
    """int64[windows, 3]: document, start and end (characters) of every window of at most about `most` words."""
    data, offsets = text_buffers(texts)
    everything = np.ones(len(offsets) - 1, np.bool_)
    nothing = np.zeros((2, LABELS), np.int8)  # scores 0 everywhere, which is over a limit of -1
    spans: npt.NDArray[np.int64] = score_windows(data, offsets, everything, nothing, most, -1.0)[2]
    return spans
