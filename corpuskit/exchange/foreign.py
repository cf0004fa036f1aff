"""What the formats have in common: documents as one long row of tokens, and where each begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError, UsageError

Bounds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Foreign:
    """A file of another trainer, memory-mapped."""

    path: Path
    tokens: npt.NDArray[Any]
    """Token ids, in the file's own type."""
    bounds: Bounds
    """int64[documents + 1]: document i is `tokens[bounds[i]:bounds[i + 1]]`."""

    def checked(self) -> Foreign:
        """Raises CorpuskitError for bounds that run backwards or past the tokens."""
        bounds = self.bounds
        if bounds[0] != 0 or bounds[-1] != len(self.tokens) or (np.diff(bounds) < 0).any():
            raise CorpuskitError(f"{self.path}: the index does not cut the {len(self.tokens):,} tokens into documents")
        return self


class Writer(Protocol):
    """Writes documents into a file (and those that belong to it) of one format."""

    def add(self, tokens: npt.NDArray[Any], lengths: Bounds) -> None:
        """Documents one after another: their tokens, and how many each has."""
        ...

    def finish(self) -> list[Path]:
        """Write what belongs at the end; the files."""
        ...


@dataclass(frozen=True)
class Format:
    """A format of token files."""

    name: str
    suffix: str
    held_out: str
    """Name of the file of the held-out split, without its suffix."""
    indexed: bool
    """Whether it knows where documents end."""
    writer: Callable[[Path, int], Writer]
    """(path, size of the vocabulary) -> a writer. Raises UsageError for a vocabulary that the format cannot hold."""
    read: Callable[[Path, int], Foreign]
    """(path, token that ends a document) -> its documents. Raises CorpuskitError for a file that is none or is damaged,
    with the place; sizes are checked against the file's own before anything is read."""


def mapped(path: Path, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """All of a file as numbers. Raises UsageError where it is missing or empty, CorpuskitError where it does not come
    out even."""
    if not path.is_file():
        raise UsageError(f"no token file at {path}")
    size, each = path.stat().st_size, np.dtype(kind).itemsize
    if not size:
        raise UsageError(f"{path} is empty")
    if size % each:
        raise CorpuskitError(f"{path} has {size:,} bytes, which are no whole number of {each}-byte numbers: cut short?")
    return np.memmap(path, kind, "r")


def write_numbers(file: BinaryIO, numbers: npt.NDArray[Any], kind: str) -> None:
    """Numbers in a little-endian type ('<u2'), whatever the machine."""
    file.write(np.ascontiguousarray(numbers).astype(kind, copy=False).data)
