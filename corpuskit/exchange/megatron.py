"""Megatron-LM's indexed dataset, version 1: ids in `.bin`, where they lie in `.idx`.

The index, little-endian (`megatron/core/datasets/indexed_dataset.py`, class `_IndexWriter`):

    9 bytes   "MMIDIDX" and two zeros
    uint64    version, 1
    uint8     type of an id: 8 is uint16, 4 is int32, ...
    uint64    S, sequences
    uint64    D, document edges: one more than documents
    int32[S]  tokens of each sequence
    int64[S]  byte at which each begins
    int64[D]  sequence at which each document begins, and S

An export has one sequence a document. uint16 is Megatron's choice below 65,500 ids.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.exchange.foreign import Bounds, Foreign, Format, mapped, write_numbers

MAGIC = b"MMIDIDX\x00\x00"
HEAD = struct.Struct("<9sQBQQ")
KINDS = {1: "<u1", 2: "<i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
"""Codes of the types that can hold ids (6 and 7 are floating-point)."""
SMALL = 65_500


class _Writer:
    def __init__(self, path: Path, vocabulary: int) -> None:
        self.path, self.file = path, path.open("wb")
        self.code = 8 if vocabulary < SMALL else 4
        self.lengths: list[Bounds] = []

    def add(self, tokens: npt.NDArray[Any], lengths: Bounds) -> None:
        write_numbers(self.file, tokens, KINDS[self.code])
        self.lengths.append(lengths)

    def finish(self) -> list[Path]:
        self.file.close()
        lengths = np.concatenate([np.zeros(0, np.int64), *self.lengths])
        index = self.path.with_suffix(".idx")
        with index.open("wb") as file:
            file.write(HEAD.pack(MAGIC, 1, self.code, len(lengths), len(lengths) + 1))
            write_numbers(file, lengths, "<i4")
            write_numbers(file, (np.cumsum(lengths) - lengths) * np.dtype(KINDS[self.code]).itemsize, "<i8")
            write_numbers(file, np.arange(len(lengths) + 1), "<i8")
        return [self.path, index]


def _read(path: Path, end: int) -> Foreign:
    index = path.with_suffix(".idx")
    if not index.is_file():
        raise UsageError(f"no index at {index}: a Megatron dataset is a .bin and an .idx of one name")
    size = index.stat().st_size
    with index.open("rb") as file:
        head = file.read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(MAGIC):
        raise CorpuskitError(f"{index} is no index of Megatron: it does not begin with MMIDIDX")
    _, version, code, sequences, edges = HEAD.unpack(head)
    if version != 1:
        raise CorpuskitError(f"{index} has version {version}; version 1 is known")
    if code not in KINDS:
        raise CorpuskitError(f"{index}: type {code} holds no token ids; {', '.join(map(str, KINDS))} do")
    plain = HEAD.size + 12 * sequences + 8 * edges
    if size not in (plain, plain + sequences):  # with a mode for each sequence where it is multimodal
        raise CorpuskitError(
            f"{index} has {size:,} bytes, and its head promises {plain:,} ({sequences:,} sequences): cut short?"
        )
    if size != plain and sequences:
        raise CorpuskitError(f"{index} is of a multimodal dataset: only text can be taken over")
    lengths = np.fromfile(index, "<i4", sequences, offset=HEAD.size).astype(np.int64)
    pointers = np.fromfile(index, "<i8", sequences, offset=HEAD.size + 4 * sequences)
    documents = np.fromfile(index, "<i8", edges, offset=HEAD.size + 12 * sequences)
    tokens = mapped(path, KINDS[code])
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    if (lengths < 0).any() or not np.array_equal(pointers, begins[:-1] * tokens.itemsize):
        raise CorpuskitError(f"{index}: the sequences do not lie one after another in {path.name}")
    if begins[-1] != len(tokens):
        raise CorpuskitError(f"{path} has {len(tokens):,} tokens, and the index names {begins[-1]:,}: cut short?")
    inside = edges > 0 and documents[0] == 0 and documents[-1] == sequences and (np.diff(documents) >= 0).all()
    if not inside:
        raise CorpuskitError(f"{index}: the document edges do not run from 0 to {sequences:,}, the last sequence")
    return Foreign(path, tokens, begins[documents]).checked()


MEGATRON = Format("megatron", ".bin", "held_out", True, _Writer, _read)
