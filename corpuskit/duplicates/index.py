"""The index: a folder that remembers what earlier runs kept, so that new corpora are deduplicated against them.

An index is a list of *batches*, one a run, in the order in which runs ended; `index.json` names them and is replaced in
one step, so that a run either added all it kept or nothing. An entry is a kept document: id, URL, the number of
documents in its cluster, its digest, its band keys and its set of shingles, so that the texts themselves are not
needed again. About 100 bytes an entry, 16 a band and 8 a shingle.

A batch bears the name of the step that made it. The same step, run again after a crash, is compared with the batches
before its own, and so gives the same answer; another run over the same documents finds them all here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.duplicates.corpus import Entries, Keys, SketchedCorpus
from corpuskit.duplicates.index_files import GROWN, NAMES, Batch, BatchWriter
from corpuskit.duplicates.near import Decided
from corpuskit.duplicates.resolution import Resolution
from corpuskit.duplicates.signatures import Likeness, sets
from corpuskit.duplicates.workspace import Workspace
from corpuskit.errors import UsageError
from corpuskit.inputs import known_languages

FORMAT = 2


@dataclass(frozen=True)
class KeptDocuments:
    """The entries of some batches of an index, numbered through; deleted ones are passed over."""

    batches: Sequence[Batch]
    deleted: Entries
    starts: Entries = field(init=False)
    """int64[batches + 1]."""

    def __post_init__(self) -> None:
        counts = [batch.entries for batch in self.batches]
        object.__setattr__(self, "starts", np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))

    @property
    def entries(self) -> int:
        return int(self.starts[-1])

    def band(self, band: int, number: int, count: int) -> Iterator[tuple[Keys, Entries]]:
        for keys, _, entries in self._keys(f"band_{band:03}", number, count):
            yield keys, entries

    def digests(self, number: int, count: int) -> Iterator[tuple[tuple[Keys, Keys], Entries]]:
        for low, high, entries in self._keys("digests", number, count):
            yield (low, high), entries

    def _keys(self, name: str, number: int, count: int) -> Iterator[tuple[Keys, Keys, Entries]]:
        for start, batch in zip(self.starts.tolist(), self.batches, strict=False):
            keys, owners = batch.array(f"{name}.keys", np.uint64), batch.array(f"{name}.entries", np.int64)
            high = batch.array("digests.high", np.uint64) if name == "digests" else keys
            for piece in batch.sorted_keys(name, number, count):
                entries = owners[piece] + start
                live = ~np.isin(entries, self.deleted)
                yield keys[piece][live], high[piece][live], entries[live]

    def sets(self, entries: Entries) -> Iterator[Keys]:
        for number, entry in self._placed(entries):
            bounds = self.batches[number].array("sets.bounds", np.int64)
            yield self.batches[number].array("sets.values", np.uint64)[bounds[entry] : bounds[entry + 1]]

    def _placed(self, entries: Entries) -> Iterator[tuple[int, int]]:
        numbers = np.searchsorted(self.starts, entries, side="right") - 1
        yield from zip(numbers.tolist(), (entries - self.starts[numbers]).tolist(), strict=True)

    def named(self, entries: Entries) -> tuple[pa.Array, pa.Array, Entries]:
        names = pa.concat_tables([batch.names for batch in self.batches] or [NAMES.empty_table()])
        taken = names.take(pa.array(entries)).combine_chunks()
        sizes = np.asarray(taken.column("size"))
        for batch in self.batches:
            grown, more = np.asarray(batch.grown.column(0)), np.asarray(batch.grown.column(1))
            if len(grown):
                found = np.minimum(np.searchsorted(grown, entries), len(grown) - 1)
                sizes = sizes + np.where(grown[found] == entries, more[found], 0)
        ids, urls = (
            pa.concat_arrays([*taken.column(name).chunks, pa.array([], pa.string())]) for name in ("id", "url")
        )
        return ids, urls, sizes


@dataclass(frozen=True)
class Addition:
    """One run's dealings with an index: what it is compared with, and where its kept documents go."""

    index: Index
    name: str
    earlier: KeptDocuments
    committed: bool
    """This very step has added its documents before; they are not added again."""

    def add(
        self,
        corpus: SketchedCorpus,
        decided: Decided,
        resolution: Resolution,
        likeness: Likeness,
        workspace: Workspace,
    ) -> None:
        """Add the documents that were kept."""
        if self.committed:
            return
        with self.index.new_batch(self.name) as folder:
            writer = BatchWriter(folder, likeness.bands.bands)
            for part in range(len(corpus.starts) - 1):
                self._add_part(writer, part, corpus, decided, resolution, likeness)
                workspace.release()
            grown = np.flatnonzero(resolution.added)
            writer.finish(
                pa.Table.from_arrays([pa.array(grown), pa.array(np.asarray(resolution.added)[grown])], schema=GROWN)
            )

    def _add_part(
        self,
        writer: BatchWriter,
        part: int,
        corpus: SketchedCorpus,
        decided: Decided,
        resolution: Resolution,
        likeness: Likeness,
    ) -> None:
        start, end = int(corpus.starts[part]), int(corpus.starts[part + 1])
        ranks = decided.ranking.ranks(start, end)
        kept = (decided.representatives(start, end)[0] == ranks) & corpus.column(part, "given")
        low, high = corpus.column(part, "low"), corpus.column(part, "high")
        bands = [corpus.column(part, f"band_{band:03}") for band in range(likeness.bands.bands)]
        first = 0
        for batch in corpus.documents(part, ["id", "url", "text", "language"]):
            rows = np.flatnonzero(kept[first : first + batch.num_rows])
            taken = batch.take(pa.array(rows))
            rows = rows + first
            first += batch.num_rows
            if not len(rows):
                continue
            sizes = pa.array(resolution.sizes[ranks[rows]])
            values, counts = sets(taken.column("text"), known_languages(taken.column("language")), likeness.shingling)
            writer.append(
                pa.RecordBatch.from_arrays([taken.column("id"), taken.column("url"), sizes], schema=NAMES),
                np.column_stack([low[rows], high[rows]]),
                np.array([keys[rows] for keys in bands], np.uint64),
                values,
                counts,
            )


class Index:
    """A folder of kept documents."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings

    @classmethod
    def open(cls, folder: Path | str, likeness: Likeness | None = None) -> Index:
        """The index in a folder, made there where none is and `likeness` says for what.

        Raises UsageError for an index whose shingles or bands are others, and where there is none to open.
        """
        folder = Path(folder)
        settings = None if likeness is None else _settings(likeness)
        path = folder / "index.json"
        if not path.exists():
            if settings is None:
                raise UsageError(f"{folder} is no index: it holds no index.json")
            folder.mkdir(parents=True, exist_ok=True)
            index = cls(folder, settings)
            index._write({"format": FORMAT, "settings": settings, "batches": [], "deleted": []})
            return index
        found = cls(folder, {})
        stored = found._read()
        found.settings = stored["settings"]
        if settings is not None and settings != found.settings:
            other = ", ".join(
                f"{name} {found.settings.get(name)} (here {value})"
                for name, value in settings.items()
                if found.settings.get(name) != value
            )
            raise UsageError(f"the index {folder} was made with {other}: use these, or another folder")
        return found

    @contextmanager
    def batch(self, step: str) -> Iterator[Addition]:
        """The dealings of one step with the index. Other processes wait until they are over."""
        name = hashlib.blake2b(step.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        with self._locked():
            state = self._read()
            names = [batch.split("-", 1)[1] for batch in state["batches"]]
            committed = name in names
            before = state["batches"][: names.index(name)] if committed else state["batches"]
            yield Addition(self, name, self._kept(before, state["deleted"]), committed)

    @contextmanager
    def new_batch(self, name: str) -> Iterator[Path]:
        """A folder to write a batch to; it belongs to the index once the block has ended."""
        state = self._read()
        number = 1 + max((int(batch.split("-", 1)[0]) for batch in state["batches"]), default=0)
        target = f"{number:06}-{name}"
        folder = self.folder / target
        shutil.rmtree(folder, ignore_errors=True)
        yield folder
        state["batches"].append(target)
        self._write(state)

    def kept(self) -> KeptDocuments:
        """All entries."""
        state = self._read()
        return self._kept(state["batches"], state["deleted"])

    def count(self) -> int:
        """Entries that are not deleted."""
        kept = self.kept()
        return kept.entries - len(kept.deleted)

    def delete(self, ids: Sequence[str]) -> int:
        """Forget documents by their ids; returns how many there were. Later documents that resemble them are kept."""
        with self._locked():
            state = self._read()
            kept = self._kept(state["batches"], state["deleted"])
            wanted = pa.array(list(ids), pa.string())
            found = [
                np.flatnonzero(np.asarray(pc.is_in(batch.names.column("id"), wanted))) + start
                for start, batch in zip(kept.starts.tolist(), kept.batches, strict=False)
            ]
            entries = np.setdiff1d(np.concatenate([np.empty(0, np.int64), *found]), kept.deleted)
            state["deleted"] = np.union1d(kept.deleted, entries).astype(np.int64).tolist()
            self._write(state)
            return len(entries)

    def compact(self) -> None:
        """Make one batch of all, without what was deleted. A step that ran before is from then on like any other."""
        with self._locked():
            state = self._read()
            old = list(state["batches"])
            kept = self._kept(old, state["deleted"])
            state["batches"], state["deleted"] = [], []
            number = 1 + max((int(batch.split("-", 1)[0]) for batch in old), default=0)
            target = f"{number:06}-compacted"
            shutil.rmtree(self.folder / target, ignore_errors=True)
            writer = BatchWriter(self.folder / target, self.settings["bands"])
            for position, batch in enumerate(kept.batches):
                self._copy(writer, kept, position, batch)
            writer.finish(GROWN.empty_table())
            state["batches"] = [target]
            self._write(state)
            for name in old:
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _copy(self, writer: BatchWriter, kept: KeptDocuments, position: int, batch: Batch) -> None:
        start = int(kept.starts[position])
        bands = range(self.settings["bands"])
        columns = [_by_entry(batch, f"band_{band:03}", f"band_{band:03}.keys") for band in bands]
        low, high = _by_entry(batch, "digests", "digests.keys"), _by_entry(batch, "digests", "digests.high")
        bounds, values = batch.array("sets.bounds", np.int64), batch.array("sets.values", np.uint64)
        for first in range(0, batch.entries, 1024):
            entries = np.arange(first, min(first + 1024, batch.entries))
            entries = entries[~np.isin(entries + start, kept.deleted)]
            if not len(entries):
                continue
            ids, urls, sizes = kept.named(entries + start)
            writer.append(
                pa.RecordBatch.from_arrays([ids, urls, pa.array(sizes)], schema=NAMES),
                np.column_stack([low[entries], high[entries]]),
                np.array([column[entries] for column in columns], np.uint64).reshape(len(columns), -1),
                np.concatenate([values[bounds[entry] : bounds[entry + 1]] for entry in entries]),
                bounds[entries + 1] - bounds[entries],
            )

    def _kept(self, batches: Sequence[str], deleted: Sequence[int]) -> KeptDocuments:
        return KeptDocuments([Batch(self.folder / name) for name in batches], np.array(deleted, np.int64))

    def _read(self) -> dict[str, Any]:
        path = self.folder / "index.json"
        try:
            state: dict[str, Any] = json.loads(path.read_text())
            if state["format"] != FORMAT:
                raise UsageError(f"{path} has the format {state['format']}, and this version reads {FORMAT}")
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is no index of documents: {error}") from error
        return state

    def _write(self, state: dict[str, Any]) -> None:
        temporary = self.folder / "index.json.new"
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(self.folder / "index.json")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _by_entry(batch: Batch, name: str, column: str) -> Keys:
    """The keys of a batch in the order of its entries."""
    keys = np.empty(batch.entries, np.uint64)
    keys[batch.array(f"{name}.entries", np.int64)] = batch.array(column, np.uint64)
    return keys


def _settings(likeness: Likeness) -> dict[str, Any]:
    return {
        "bands": likeness.bands.bands,
        "rows": likeness.bands.rows,
        "words": likeness.shingling.words,
        "characters": likeness.shingling.characters,
    }
