"""datatrove's tokenized file: ids in `.ds`, the documents' ends in `.ds.index`, a note in `.ds.metadata`.

Ids are uint16, or uint32 for a vocabulary above 65,536; ends are uint64, counted in tokens, little-endian
(https://github.com/huggingface/datatrove, pipeline/tokens/tokenizer.py, class `TokenizedFile`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.exchange.foreign import Bounds, Foreign, Format, mapped, write_numbers


class _Writer:
    def __init__(self, path: Path, vocabulary: int) -> None:
        self.path, self.file = path, path.open("wb")
        self.size = 2 if vocabulary <= 1 << 16 else 4
        self.lengths: list[Bounds] = []

    def add(self, tokens: npt.NDArray[Any], lengths: Bounds) -> None:
        write_numbers(self.file, tokens, f"<u{self.size}")
        self.lengths.append(lengths)

    def finish(self) -> list[Path]:
        self.file.close()
        ends = np.cumsum(np.concatenate([np.zeros(0, np.int64), *self.lengths]))
        index, note = (self.path.with_name(self.path.name + end) for end in (".index", ".metadata"))
        with index.open("wb") as file:
            write_numbers(file, ends, "<u8")
        tokens = int(ends[-1]) if len(ends) else 0
        note.write_text(f"tokenizer.json|{self.size}\n{tokens}\n{_short(tokens)}", encoding="utf-8")
        return [self.path, index, note]


def _short(count: int) -> str:
    """'12.3 kT': three digits and the power of a thousand."""
    power = min(int(math.log10(count)) // 3, 8) if count else 0
    value = count / 1000**power
    digits = max(2 - (int(math.log10(value)) if value >= 1 else 0), 0)
    return f"{value:.{digits}f} {' kMGTPEZY'[power].strip()}T"


def _read(path: Path, end: int) -> Foreign:
    index = path.with_name(path.name + ".index")
    if not index.is_file():
        raise UsageError(f"no index at {index}: without it nobody knows where documents end")
    if path.with_name(path.name + ".loss").exists():
        raise UsageError(f"{path}.loss masks some tokens' loss, which shards cannot say: remove it to learn from all")
    ends = mapped(index, "<u8")
    total = int(ends[-1])
    size = path.stat().st_size if path.is_file() else 0
    kinds = {2 * total: "<u2", 4 * total: "<u4"}
    if path.is_file() and size not in kinds:
        raise CorpuskitError(
            f"{path} has {size:,} bytes, and its index promises {total:,} ids of 2 or 4 bytes: cut short?"
        )
    tokens = mapped(path, kinds.get(size, "<u2"))
    if (ends > total).any():
        raise CorpuskitError(f"{index}: a document ends past the last token")
    return Foreign(path, tokens, np.concatenate([np.zeros(1, np.int64), ends.astype(np.int64)])).checked()


DATATROVE = Format("datatrove", ".ds", "held_out", True, _Writer, _read)
