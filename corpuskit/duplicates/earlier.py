"""What must be known of earlier corpora to find duplicates of their documents (`index` keeps it)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Keys = npt.NDArray[np.uint64]
Entries = npt.NDArray[np.int64]


class Earlier(Protocol):
    """Documents kept in earlier runs, the oldest first. An *entry* is the number of one of them.

    `number` and `count` below choose a piece: the keys whose highest bits spell `number`, of `count` pieces.
    """

    @property
    def entries(self) -> int:
        """How many there are."""

    def band(self, band: int, number: int, count: int) -> Iterator[tuple[Keys, Entries]]:
        """Keys of a band and the entries that have them."""

    def digests(self, number: int, count: int) -> Iterator[tuple[tuple[Keys, Keys], Entries]]:
        """Digests (low, high), the piece chosen by `low`, and the entries that have them."""

    def sets(self, entries: Entries) -> Iterator[Keys]:
        """The set of shingles of each entry."""

    def named(self, entries: Entries) -> tuple[pa.Array, pa.Array, Entries]:
        """(id, URL, size of its cluster) of each entry."""
