"""Drawing a stated share of a corpus by hash: the same documents on every machine, in one pass, in constant memory.

A document's lot is a keyed 64-bit hash of its name (its id, or the cluster of duplicates that it belongs to), so it
depends on nothing but the seed and that name: not on file order, not on what else the corpus holds. The share is taken
in bytes of text: a first pass adds up the bytes of every lot by its upper 16 bits, and the limit is the lot at which
the wanted share is reached. The share is met up to one 65,536th of the corpus or one group, whichever is more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit.document import column
from corpuskit.errors import CorpuskitError, UsageError

CLUSTERS = ("near_duplicates", "exact_duplicates")
"""The columns that hold a document's cluster, the wider one first: a near-duplicate cluster counts the exact
duplicates of its documents too."""
BATCH_ROWS = 256
BUCKETS = 1 << 16

Lots = npt.NDArray[np.uint64]


def lots(names: Sequence[str], seed: int, purpose: str) -> Lots:
    """uint64[n]: the lot of each name. Another purpose or seed draws independently."""
    key = hashlib.blake2b(f"{purpose}:{seed}".encode(), digest_size=32).digest()
    digests = b"".join(
        hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8, key=key).digest() for name in names
    )
    return np.frombuffer(digests, np.uint64)


class Draw:
    """Adds up lots and weights, then tells the lot below which a wanted weight lies."""

    def __init__(self) -> None:
        self.weights = np.zeros(BUCKETS, np.int64)

    def add(self, numbers: Lots, weights: npt.NDArray[np.int64]) -> None:
        np.add.at(self.weights, (numbers >> np.uint64(48)).astype(np.int64), weights)

    def limit(self, weight: float) -> int:
        """Upper 16 bits of the lots below which at least `weight` lies: 0 draws nothing, 65,536 everything."""
        if weight <= 0:
            return 0
        reached = np.cumsum(self.weights)
        return min(int(np.searchsorted(reached, weight)) + 1, BUCKETS)


def drawn(numbers: Lots, limit: int) -> npt.NDArray[np.bool_]:
    """bool[n]: which lots lie below the limit."""
    below: npt.NDArray[np.bool_] = (numbers >> np.uint64(48)).astype(np.int64) < limit
    return below


def corpus_batches(files: Sequence[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The documents of Parquet files in order, with the named columns as far as a file has them.

    Raises UsageError for a file that is missing or no Parquet, CorpuskitError for one without ids or texts.
    """
    for path in files:
        if not Path(path).is_file():
            raise UsageError(f"no corpus file at {path}")
        try:
            file = pq.ParquetFile(path, memory_map=True)
        except pa.ArrowInvalid as error:
            raise UsageError(f"{path} is not a Parquet file: {error}") from error
        with file:
            present = set(file.schema_arrow.names)
            missing = {"id", "text"} - present
            if missing:
                raise CorpuskitError(f"{path} has no column '{min(missing)}': it is not a corpus of documents")
            yield from file.iter_batches(BATCH_ROWS, columns=[name for name in columns if name in present])


def groups(batch: pa.RecordBatch) -> list[str]:
    """What must stay together in a hold-out split: each document's cluster of duplicates, else its own id."""
    ids = batch.column("id").cast(pa.string())
    clusters = first_known(batch, [f"{stage}.cluster" for stage in CLUSTERS])
    if clusters is None:
        return ids.to_pylist()  # type: ignore[no-any-return]
    named = pc.binary_join_element_wise("cluster", clusters.cast(pa.string()), " ")
    return pc.coalesce(named, ids).to_pylist()  # type: ignore[no-any-return]


def first_known(batch: pa.RecordBatch, paths: Sequence[str]) -> pa.Array | None:
    """The first of these columns that has a value, for each document; None where the corpus has none of them."""
    chosen = []
    for path in paths:
        try:
            chosen.append(column(batch, path))
        except KeyError:  # a corpus that has not been asked for this
            continue
    return pc.coalesce(*chosen) if chosen else None


def text_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """int64[n]: UTF-8 bytes of each text; a null text has none."""
    lengths: npt.NDArray[np.int64] = pc.binary_length(batch.column("text")).fill_null(0).to_numpy().astype(np.int64)
    return lengths


def sample_texts(files: Sequence[Path], sample_bytes: int, seed: int = 0) -> Iterator[str]:
    """Texts of about `sample_bytes` bytes drawn from the whole corpus by document id, in the corpus's order.

    A corpus smaller than that gives all its texts.
    """
    draw = Draw()
    for batch in corpus_batches(files, ("id", "text")):
        draw.add(lots(batch.column("id").to_pylist(), seed, "tokenizer"), text_bytes(batch))
    limit = draw.limit(sample_bytes)
    for batch in corpus_batches(files, ("id", "text")):
        chosen = drawn(lots(batch.column("id").to_pylist(), seed, "tokenizer"), limit)
        for text in batch.column("text").filter(pa.array(chosen)).to_pylist():
            if text:
                yield text
