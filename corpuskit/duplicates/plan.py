"""What deduplicating a corpus will take, from its number of documents."""

from __future__ import annotations

from dataclasses import dataclass

from corpuskit.duplicates.workspace import MOST_PARTITIONS, PARTITION_SHARE


@dataclass(frozen=True)
class Plan:
    documents: int
    memory: int
    sketches: int
    """Bytes of all sketches on disk."""
    temporary: int
    """Bytes of the largest temporary files, where they do not fit the memory."""
    arrays: int
    """Bytes of the arrays over all documents."""
    partitions: int
    """Pieces that the keys of one band are dealt into."""
    passes: int
    """Readings of the sketches: the digests once, each band once, and the preference."""

    def __str__(self) -> str:
        where = "in memory" if self.arrays + self.temporary <= self.memory // 3 else "partly in files"
        return (
            f"near-duplicates of {self.documents:,} documents within {_bytes(self.memory)}: "
            f"sketches {_bytes(self.sketches)}, "
            f"{self.passes} passes over them in {self.partitions} partition{'s' if self.partitions > 1 else ''}, "
            f"arrays {_bytes(self.arrays)} and keys of a band {_bytes(self.temporary)} {where}"
        )


def plan(documents: int, bands: int, memory: int) -> Plan:
    """The plan for a corpus. Bytes a document: 8 a band and 29 in the sketches, 16 for the keys of the band at work,
    up to 41 in arrays; documents that share a bucket take another 24 a bucket and 8 a shingle."""
    share = max(memory // PARTITION_SHARE, 1)
    partitions = min(MOST_PARTITIONS, 1 << max(0, -(-16 * documents // share) - 1).bit_length())
    return Plan(documents, memory, documents * (8 * bands + 29), 16 * documents, 41 * documents, partitions, bands + 2)


def _bytes(size: int) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size //= 1000
    return f"{size} {unit}"
