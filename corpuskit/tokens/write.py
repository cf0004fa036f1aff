"""Documents in Parquet to token shards on disk, streaming: encode, frame, hold out, write.

Two passes over the corpus. The first reads names and lengths and settles which documents are held out; the second
encodes. Memory holds one unfinished shard for each source, whatever the size of the corpus.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.document import documents as as_documents
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError
from corpuskit.tokens.sample import CLUSTERS, Draw, corpus_batches, drawn, first_known, groups, lots, text_bytes
from corpuskit.tokens.shard_writer import FolderWriter, shard_columns
from corpuskit.tokens.shards import Manifest
from corpuskit.tokens.stretches import Cuts, FewDocuments, cut
from corpuskit.tokens.tokenizer import Tokenizer

COLUMNS = {
    "id": ("id",),
    "url": ("url",),
    "source": ("source",),
    "language": ("language",),
    "cluster": tuple(f"{stage}.cluster" for stage in CLUSTERS),
    "cluster_size": tuple(f"{stage}.cluster_size" for stage in CLUSTERS),
    "decision": ("remedies.action",),
}
"""Column of a shard -> where the corpus has it, the first of them that does."""
CHECKED = 32
"""Documents of the corpus on which the fast encoder is held against the defining one, 2,000 characters of each."""
SHARD_TOKENS = 16 << 20
"""Tokens of a shard: 32 MB in uint16."""


def write_shards(
    corpus_files: Sequence[Path],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    sequence_length: int = 1024,
    shard_tokens: int = SHARD_TOKENS,
    hold_out: float = 0.02,
    extra_documents: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
    watch: Watch = silent,
) -> Manifest:
    """Encode a corpus into the shard folder `folder` (layout: `corpuskit.tokens.shards`) and return its manifest.

    `corpus_files`: Parquet files with the columns of `corpuskit.document.SCHEMA`. `hold_out`: share of the text's bytes
    that goes to the held-out split, by cluster of duplicates (near, else exact) where the corpus knows it, else by
    document; a share above 0 holds out at least one. Of a source with few documents, none or all of which would be
    held out, stretches of text are (`corpuskit.tokens.stretches`). `extra_documents`: document rows (dictionaries) that
    are planted among the training documents at places drawn by the seed, never held out; a row given twice is planted
    twice.

    The folder appears whole or not at all; an older one of this name is replaced. Raises UsageError for settings that
    cannot be met and for a corpus that leaves nothing to train on.
    """
    if not 0 <= hold_out < 1:
        raise UsageError(f"hold_out is {hold_out}: give a share from 0 up to, not including, 1")
    files = [Path(file) for file in corpus_files]
    limit, rows, cuts = _plan(files, hold_out, seed)
    plants = _Plants(extra_documents, rows, seed)
    done = empty = 0
    checked = False
    with FolderWriter(folder, tokenizer, sequence_length, shard_tokens) as target:
        wanted = ["text", *dict.fromkeys(path.split(".")[0] for paths in COLUMNS.values() for path in paths)]
        for batch in corpus_batches(files, wanted):
            if not checked:
                checked = True
                if tokenizer.fast and not tokenizer.agrees(
                    pc.utf8_slice_codeunits(batch.column("text")[:CHECKED], 0, 2000)
                ):
                    warnings.warn(
                        "gigatoken gives other ids than tokenizers on this corpus; encoding slower", stacklevel=2
                    )
                    tokenizer = tokenizer.slow()
            held = drawn(lots(groups(batch), seed, "hold_out"), limit)
            size = batch.num_rows
            batch, places, held = cut(batch, done, held, cuts)
            full = text_bytes(batch) > 0
            empty += int((~full).sum())
            kept_back, kept = np.flatnonzero(held & full), np.flatnonzero(~held & full)
            if len(kept_back):
                encoded = encode_documents(_rows(batch, kept_back), tokenizer, target.dtype)
                target.held_out.add(encoded, encoded.column("source").to_pylist())
            if len(kept):
                encoded = encode_documents(_rows(batch, kept), tokenizer, target.dtype)
                for rows_here, place in plants.among(encoded, places[kept], tokenizer, target.dtype):
                    target.train.add(rows_here, place)
            done += size
            watch("encoding", done, rows)
        for rows_here, place in plants.rest(tokenizer, target.dtype):
            target.train.add(rows_here, place)
        return target.finish(seed=seed, hold_out=hold_out, empty_documents=empty)


def _rows(batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """These rows of a batch, without a copy where they are one stretch."""
    first, last = int(rows[0]), int(rows[-1])
    return batch.slice(first, len(rows)) if last - first + 1 == len(rows) else batch.take(pa.array(rows))


def encode_documents(batch: pa.RecordBatch, tokenizer: Tokenizer, dtype: str) -> pa.Table:
    """Documents as rows of a shard, each framed by the tokenizer's begin and end tokens."""
    tokens, offsets = tokenizer.encode(batch.column("text"))
    begin = -1 if tokenizer.begin is None else tokenizer.begin
    framed, bounds = frame_documents(tokens, offsets[:-1], offsets[1:], begin, tokenizer.end, np.dtype(dtype).type(0))

    columns: dict[str, pa.Array] = {"text_bytes": pa.array(text_bytes(batch))}
    for name, paths in COLUMNS.items():
        values = first_known(batch, paths)
        if values is not None:
            columns[name] = values
    return shard_columns(framed, bounds, columns)


@nb.njit(cache=True, nogil=True)
def frame_documents(
    tokens: npt.NDArray[Any],
    starts: npt.NDArray[np.int64],
    stops: npt.NDArray[np.int64],
    begin: int,
    end: int,
    zero: Any,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """(tokens, offsets) of the documents `tokens[starts[i]:stops[i]]` with `begin` (none where negative) before and
    `end` after each, in the type of `zero`."""
    extra = 1 if begin < 0 else 2
    offsets = np.empty(len(starts) + 1, np.int64)
    out = np.full((stops - starts).sum() + len(starts) * extra, zero)
    at = 0
    for i in range(len(starts)):
        offsets[i] = at
        if begin >= 0:
            out[at] = begin
            at += 1
        for j in range(starts[i], stops[i]):
            out[at] = tokens[j]
            at += 1
        out[at] = end
        at += 1
    offsets[len(starts)] = at
    return out, offsets


def _plan(files: Sequence[Path], hold_out: float, seed: int) -> tuple[int, int, Cuts]:
    """(limit of the lots that are held out, number of documents, cuts of documents that are held out in part)."""
    draw, few = Draw(), FewDocuments()
    for batch in corpus_batches(files, ("id", "source", "text", *CLUSTERS)):
        numbers = lots(groups(batch), seed, "hold_out")
        draw.add(numbers, text_bytes(batch))
        few.add(batch, numbers)
    limit = draw.limit(hold_out * int(draw.weights.sum()))
    return limit, few.rows, few.cuts(files, limit, hold_out, seed)


class _Plants:
    """Extra documents, each with the row of the corpus before which it is planted."""

    def __init__(self, extra: Sequence[Mapping[str, Any]], rows: int, seed: int) -> None:
        places = lots([str(number) for number in range(len(extra))], seed, "plant") % np.uint64(max(rows, 1))
        order = np.argsort(places, kind="stable")
        self.places = places[order].astype(np.int64)
        self.rows = [extra[number] for number in order]
        self.next = 0
        self.source: str | None = None

    def among(
        self, encoded: pa.Table, rows: npt.NDArray[np.int64], tokenizer: Tokenizer, dtype: str
    ) -> Iterator[tuple[pa.Table, list[str]]]:
        """`encoded`, whose documents are these rows of the corpus, with the plants that fall among them.

        Each piece comes with the source in whose shard its rows lie: a plant lies with the document after it.
        """
        sources = encoded.column("source").to_pylist()
        start = 0
        while self.next < len(self.rows) and self.places[self.next] <= rows[-1]:
            at = int(np.searchsorted(rows, self.places[self.next]))
            yield encoded.slice(start, at - start), sources[start:at]
            last = self.next
            while self.next < len(self.rows) and self.places[self.next] <= rows[at]:
                self.next += 1
            plants = encode_documents(as_documents(self.rows[last : self.next]), tokenizer, dtype)
            yield plants, [sources[at]] * plants.num_rows
            start = at
        yield encoded.slice(start), sources[start:]
        self.source = sources[-1]

    def rest(self, tokenizer: Tokenizer, dtype: str) -> Iterator[tuple[pa.Table, list[str]]]:
        """The plants that fall after the last training document."""
        if self.next < len(self.rows) and self.source is not None:
            plants = encode_documents(as_documents(self.rows[self.next :]), tokenizer, dtype)
            yield plants, [self.source] * plants.num_rows
