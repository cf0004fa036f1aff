"""nanoGPT's `train.bin`: 16-bit ids one after another (https://github.com/karpathy/nanoGPT, data/*/prepare.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.exchange.foreign import Bounds, Foreign, Format, mapped, write_numbers

LLM_C = 20240520
"""Magic number of the `.bin` files of llm.c, which begin with a header of 1,024 bytes."""


class _Writer:
    def __init__(self, path: Path, vocabulary: int) -> None:
        if vocabulary > 1 << 16:
            raise UsageError(
                f"nanoGPT's files hold 16-bit ids, this vocabulary has {vocabulary:,}: megatron and datatrove hold more"
            )
        self.path, self.file = path, path.open("wb")

    def add(self, tokens: npt.NDArray[Any], lengths: Bounds) -> None:
        write_numbers(self.file, tokens, "<u2")

    def finish(self) -> list[Path]:
        self.file.close()
        return [self.path]


def _read(path: Path, end: int) -> Foreign:
    tokens = mapped(path, "<u2")
    if len(tokens) >= 512 and int.from_bytes(tokens[:2].tobytes(), "little") == LLM_C:
        raise CorpuskitError(f"{path} is a file of llm.c, with a header; nanoGPT's files have none")
    step = 1 << 24  # a mask over the whole file would not fit where the file does not
    ends = [np.flatnonzero(tokens[at : at + step] == end) + at + 1 for at in range(0, len(tokens), step)]
    bounds = np.concatenate([np.zeros(1, np.int64), *ends]).astype(np.int64)
    if bounds[-1] != len(tokens):
        bounds = np.append(bounds, len(tokens))
    return Foreign(path, tokens, bounds)


NANOGPT = Format("nanogpt", ".bin", "val", False, _Writer, _read)
