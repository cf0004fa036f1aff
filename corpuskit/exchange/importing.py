"""The files of another trainer to token shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.document import document_id
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.exchange.foreign import Bounds, Foreign
from corpuskit.exchange.formats import format_named, format_of
from corpuskit.exchange.records import Records, read_records
from corpuskit.tokens.sample import lots
from corpuskit.tokens.shard_writer import NAMED, FolderWriter, shard_columns
from corpuskit.tokens.shards import Manifest
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.write import SHARD_TOKENS, frame_documents

CHUNK = 1 << 20
"""Tokens that are taken over at once, or one document where it is longer."""
UNCUT = 1 << 62


def import_shards(
    files: Sequence[str | Path],
    tokenizer: Tokenizer,
    folder: str | Path,
    *,
    held_out: Sequence[str | Path] = (),
    format: str | None = None,
    source: str | None = None,
    language: str = "und",
    sequence_length: int | None = None,
    shard_tokens: int = SHARD_TOKENS,
    hold_out: float = 0.0,
    seed: int = 0,
    watch: Watch = silent,
) -> Manifest:
    """Make a shard folder of another trainer's token files; its manifest.

    `files`: to train on; `held_out`: not to train on. `format`: one of `FORMATS`, else what the files' names say.
    `tokenizer`: the one that made the ids.

    With the table that `export_shards` wrote beside each file, the shards come back as they were, and only
    `sequence_length` may be another. Without it a document is named by its file, number and tokens; `source` is the
    file's name unless given; `hold_out` is the chance of a document to be held out; a document without an end token
    gets one; the shards have a begin token where every document has. Memory holds one unfinished shard for each source.

    Raises UsageError for files that are missing or empty and for settings that contradict each other; CorpuskitError
    for a damaged file, and for ids that the tokenizer does not have.
    """
    if not files:
        raise UsageError("no token file to import")
    if not 0 <= hold_out < 1 or (hold_out and held_out):
        raise UsageError(f"hold_out is {hold_out}: give a share from 0 up to, not including, 1, or held_out files")
    opened = [_open(Path(path), format, tokenizer, held=False) for path in files]
    opened += [_open(Path(path), format, tokenizer, held=True) for path in held_out]
    known = [file.records.about for file in opened if file.records is not None]
    if known and (len(known) < len(opened) or any(about.tokenizer != known[0].tokenizer for about in known)):
        raise UsageError("the tables of documents beside these files are of several exports, or of some files only")
    if known:
        frame = known[0].tokenizer
        tokenizer = replace(tokenizer, begin=frame.begin, end=frame.end, pad=frame.pad)
        sequence_length, shard_tokens = sequence_length or known[0].sequence_length, UNCUT
        seed, hold_out, empty = known[0].seed, known[0].hold_out, known[0].empty_documents
    else:
        empty = 0
        if not all(_begun(file.foreign, tokenizer.begin) for file in opened):
            tokenizer = replace(tokenizer, begin=None)
    total, done = sum(len(file.foreign.tokens) for file in opened), 0
    with FolderWriter(Path(folder), tokenizer, sequence_length or 1024, shard_tokens) as target:
        for file in opened:
            if file.records is not None:
                for tokens in _take_known(file, file.records, tokenizer, target):
                    done += tokens
                    watch("importing", done, total)
                continue
            for tokens, left_out in _take_nameless(file, tokenizer, target, source, language, hold_out, seed):
                done, empty = done + tokens, empty + left_out
                watch("importing", done, total)
        return target.finish(seed=seed, hold_out=hold_out, empty_documents=empty)


@dataclass(frozen=True)
class _File:
    foreign: Foreign
    records: Records | None
    held: bool


def _open(path: Path, format: str | None, tokenizer: Tokenizer, held: bool) -> _File:
    form = format_of(path) if format is None else format_named(format)
    foreign, records = form.read(path, tokenizer.end), read_records(path)
    if records is None:
        return _File(foreign, None, held)
    if records.about.tokenizer.sha256 != tokenizer.digest:
        raise CorpuskitError(f"{path} was exported with another tokenizer than the one that is given")
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(records.lengths())])
    if bounds[-1] != len(foreign.tokens) or (form.indexed and not np.array_equal(bounds, foreign.bounds)):
        raise CorpuskitError(f"{records.path} is not of {path.name}: the documents have other lengths")
    return _File(replace(foreign, bounds=bounds).checked(), records, held)


def _begun(foreign: Foreign, begin: int | None) -> bool:
    """Whether every document begins with this token."""
    full = np.diff(foreign.bounds) > 0
    return begin is not None and bool((foreign.tokens[foreign.bounds[:-1][full]] == begin).all())


def _take_known(file: _File, records: Records, tokenizer: Tokenizer, target: FolderWriter) -> Iterator[int]:
    """Documents with the rows of their table, shard by shard; yields how many tokens were taken over."""
    writer = target.held_out if file.held else target.train
    row = 0
    for batch, source, last in records.batches():
        bounds = file.foreign.bounds[row : row + batch.num_rows + 1]
        tokens = _ids(file.foreign, bounds, tokenizer.vocabulary, target.dtype)
        offsets = bounds - bounds[0]
        if not np.array_equal(tokens[offsets[1:] - 1], np.full(batch.num_rows, tokenizer.end)):
            raise CorpuskitError(
                f"{file.foreign.path}: a document after number {row:,} does not close with the end token"
            )
        columns = {name: batch.column(name) for name in NAMED}
        writer.add(shard_columns(tokens, offsets, columns), [source] * batch.num_rows)
        if last:
            writer.cut()
        row += batch.num_rows
        yield len(tokens)


def _take_nameless(
    file: _File,
    tokenizer: Tokenizer,
    target: FolderWriter,
    source: str | None,
    language: str,
    hold_out: float,
    seed: int,
) -> Iterator[tuple[int, int]]:
    """Documents of which nothing is known; yields (tokens taken over, documents without any)."""
    path, bounds = file.foreign.path, file.foreign.bounds
    name = source or path.stem
    for first, last in _chunks(bounds):
        ids = _ids(file.foreign, bounds[first : last + 1], tokenizer.vocabulary, target.dtype)
        starts, stops = bounds[first:last] - bounds[first], bounds[first + 1 : last + 1] - bounds[first]
        closed = stops > starts
        closed[closed] = ids[stops[closed] - 1] == tokenizer.end
        stops = stops - closed
        starts = starts if tokenizer.begin is None else starts + 1
        full = np.flatnonzero(stops > starts)
        begin = -1 if tokenizer.begin is None else tokenizer.begin
        tokens, offsets = frame_documents(ids, starts[full], stops[full], begin, tokenizer.end, ids.dtype.type(0))
        # one digest a document, by hashlib
        names = [
            document_id(f"{path.name}#{first + number}", tokens[start:end].astype("<u4").tobytes())
            for number, (start, end) in zip(full.tolist(), pairwise(offsets.tolist()), strict=True)
        ]
        columns = {
            "id": pa.array(names, pa.string()),
            "source": pa.repeat(name, len(names)),
            "language": pa.repeat(language, len(names)),
            "text_bytes": pa.array(tokenizer.text_bytes(tokens, offsets)),
        }
        table = shard_columns(tokens, offsets, columns)
        drawn = np.full(len(names), file.held)
        if hold_out:
            drawn = lots(names, seed, "hold_out") < np.uint64(hold_out * 2.0**64)
        for writer, chosen in ((target.held_out, drawn), (target.train, ~drawn)):
            rows = table.filter(pa.array(chosen))
            writer.add(rows, [name] * rows.num_rows)
        yield len(ids), last - first - len(full)


def _chunks(bounds: Bounds) -> Iterator[tuple[int, int]]:
    """(first document, one after the last) of stretches of about `CHUNK` tokens."""
    first = 0
    while first < len(bounds) - 1:
        last = int(np.searchsorted(bounds, bounds[first] + CHUNK, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _ids(foreign: Foreign, bounds: Bounds, vocabulary: int, dtype: str) -> npt.NDArray[Any]:
    """The tokens of documents. Raises CorpuskitError for an id that the tokenizer does not have."""
    part = foreign.tokens[bounds[0] : bounds[-1]]
    if len(part) and (int(part.max()) >= vocabulary or int(part.min()) < 0):
        place = int(bounds[0]) + int(np.argmax((part < 0) | (part >= vocabulary)))
        raise CorpuskitError(
            f"{foreign.path}: token {place:,} is {foreign.tokens[place]}, and the tokenizer has ids below "
            f"{vocabulary:,}: is it the one that made this file?"
        )
    return np.asarray(part).astype(dtype)
