"""The index: a folder that remembers what earlier runs kept, so that new corpora are deduplicated against them.

An index is a list of *deliveries*, each what one run added, in the order in which they were first added; `index.json`
names them and is replaced in one step. A run that is repeated with other settings replaces its delivery as a whole, and
is compared with the deliveries before it alone: never with an earlier version of itself. An entry is a kept document:
id, URL, the number of documents in its cluster, its digest, its band keys and its set of shingles, so that the texts
themselves are not needed again. About 100 bytes an entry, 16 a band and 8 a shingle.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
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
from corpuskit.errors import UsageError, nearest
from corpuskit.inputs import known_languages

FORMAT = 3
HASH = 1
"""Version of the hashes of shingles and of their minima."""

SIZES = pa.schema([*NAMES, ("delivery", pa.string())])

_held: set[Path] = set()
"""Indexes whose lock this process holds."""


@dataclass(frozen=True)
class Delivery:
    """What one run added to an index."""

    name: str
    batch: str
    """The folder of its entries."""
    digest: str
    """Of its entries, in order."""
    documents: int
    deleted: list[int] = field(default_factory=list)
    """Entries that are forgotten."""


@dataclass(frozen=True)
class KeptDocuments:
    """The entries of some deliveries of an index, numbered through; deleted ones are passed over."""

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
        ids, urls = (
            pa.concat_arrays([*taken.column(name).chunks, pa.array([], pa.string())]) for name in ("id", "url")
        )
        sizes = np.asarray(taken.column("size"))
        for batch in self.batches:
            places = pc.index_in(ids, batch.grown.column("id").combine_chunks())
            more = batch.grown.column("documents").take(places)
            sizes = sizes + np.asarray(pc.fill_null(more, 0))
        return ids, urls, sizes


class Index:
    """A folder of deliveries."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings

    @staticmethod
    def exists(folder: Path | str) -> bool:
        return (Path(folder) / "index.json").exists()

    @classmethod
    def open(cls, folder: Path | str, likeness: Likeness | None = None, delivery: str | None = None) -> Index:
        """The index in a folder, made there where none is and `likeness` says for what.

        Raises UsageError for an index whose hashes, shingles, bands or Unicode tables are others, unless it holds the
        `delivery` alone, which is about to be replaced; and where there is none to open.
        """
        folder = Path(folder)
        settings = None if likeness is None else _settings(likeness)
        if not cls.exists(folder):
            if settings is None:
                raise UsageError(f"{folder} is not an index: it holds no index.json")
            folder.mkdir(parents=True, exist_ok=True)
            index = cls(folder, settings)
            with index.locked():
                if not cls.exists(folder):
                    index._write([])
            return index
        index = cls(folder, {})
        stored, deliveries = index._read()
        index.settings = stored
        if settings is not None and settings != stored:
            if any(each.name != delivery for each in deliveries):
                differences = ", ".join(
                    f"{name} {stored.get(name)} (here {value})"
                    for name, value in settings.items()
                    if stored.get(name) != value
                )
                raise UsageError(f"the index {folder} was made with {differences}: use these, or another folder")
            index.settings = settings
        return index

    def deliveries(self) -> list[Delivery]:
        """What the index holds, in order."""
        return self._read()[1]

    def before(self, name: str) -> KeptDocuments:
        """The entries that a delivery is compared with: those of the deliveries before it."""
        return self._kept(_before(self.deliveries(), name))

    def state(self, name: str) -> dict[str, str]:
        """The deliveries before one, with their digests."""
        return {f"delivery {each.name} of the index": _state(each) for each in _before(self.deliveries(), name)}

    def check_is_the_same(self, name: str, corpus: SketchedCorpus) -> None:
        """Raises UsageError where the index has another corpus under this name: one without a document of this one."""
        own = [each for each in self.deliveries() if each.name == name]
        if not own or not own[0].documents or not corpus.starts[-1]:
            return
        known = self._kept(own).batches[0].names.column("id").combine_chunks()
        for part in range(len(corpus.starts) - 1):
            for batch in corpus.documents(part, ["id"]):
                if pc.any(pc.is_in(batch.column(0).cast(pa.string()), known)).as_py():
                    return
        raise UsageError(
            f"the index {self.folder} holds other documents as the delivery '{name}', and none of them is in this run: "
            f"name this one (near_duplicates: delivery), or 'corpuskit index withdraw {self.folder} {name}'"
        )

    def replace(self, staged: Path) -> None:
        """Put a delivery that `stage_delivery` wrote in the place of the one of its name, or at the end, in one step.

        Where the index holds it already, nothing is done.
        """
        new = Delivery(**json.loads((staged / "delivery.json").read_text()))
        with self.locked():
            deliveries = self.deliveries() if self.exists(self.folder) else []
            places = [number for number, each in enumerate(deliveries) if each.name == new.name]
            if places and deliveries[places[0]].digest == new.digest:
                return
            added = Delivery(new.name, self._adopt(staged / "batch", new.name), new.digest, new.documents)
            if places:
                deliveries[places[0]] = added
            else:
                deliveries.append(added)
            self._write(deliveries)

    def withdraw(self, name: str) -> Delivery:
        """Forget a delivery as a whole. Raises UsageError for a name that the index does not hold."""
        with self.locked():
            deliveries = self.deliveries()
            gone = [each for each in deliveries if each.name == name]
            if not gone:
                known = nearest(name, [each.name for each in deliveries])
                raise UsageError(f"the index {self.folder} holds no delivery '{name}'{known}")
            self._write([each for each in deliveries if each.name != name])
            return gone[0]

    def kept(self) -> KeptDocuments:
        """All entries."""
        return self._kept(self.deliveries())

    def count(self) -> int:
        """Entries that are not deleted."""
        kept = self.kept()
        return kept.entries - len(kept.deleted)

    def sizes(self) -> pa.Table:
        """The documents of all deliveries: id, url, size of the cluster across deliveries, and delivery."""
        deliveries = self.deliveries()
        kept = self._kept(deliveries)
        entries = np.setdiff1d(np.arange(kept.entries), kept.deleted)
        ids, urls, sizes = kept.named(entries)
        names = pa.array([each.name for each in deliveries], pa.string())
        owners = np.searchsorted(kept.starts, entries, side="right") - 1
        return pa.Table.from_arrays([ids, urls, pa.array(sizes), names.take(pa.array(owners))], schema=SIZES)

    def delete(self, ids: Sequence[str]) -> int:
        """Forget documents by their ids; returns how many there were. Later documents that resemble them are kept."""
        with self.locked():
            wanted, count = pa.array(list(ids), pa.string()), 0
            deliveries = []
            for each, batch in self._batches(self.deliveries()):
                hits = np.flatnonzero(np.asarray(pc.is_in(batch.names.column("id"), wanted)))
                deleted = np.union1d(np.array(each.deleted, np.int64), hits).tolist()
                count += len(deleted) - len(each.deleted)
                deliveries.append(Delivery(each.name, each.batch, each.digest, each.documents, deleted))
            self._write(deliveries)
            return count

    def compact(self) -> None:
        """Take out what was deleted, and files that no delivery uses."""
        with self.locked():
            deliveries = []
            for each, batch in self._batches(self.deliveries()):
                if each.deleted:
                    folder = self.folder / self._name(each.name)
                    writer = BatchWriter(folder, self.settings["bands"])
                    self._copy(writer, batch, np.array(each.deleted, np.int64))
                    writer.finish(batch.grown)
                    each = Delivery(each.name, folder.name, each.digest, each.documents - len(each.deleted))
                deliveries.append(each)
            self._write(deliveries)

    def _copy(self, writer: BatchWriter, batch: Batch, deleted: Entries) -> None:
        bands = range(self.settings["bands"])
        columns = [_by_entry(batch, f"band_{band:03}", f"band_{band:03}.keys") for band in bands]
        low, high = _by_entry(batch, "digests", "digests.keys"), _by_entry(batch, "digests", "digests.high")
        bounds, values = batch.array("sets.bounds", np.int64), batch.array("sets.values", np.uint64)
        for first in range(0, batch.entries, 1024):
            entries = np.setdiff1d(np.arange(first, min(first + 1024, batch.entries)), deleted)
            if not len(entries):
                continue
            writer.append(
                batch.names.take(pa.array(entries)).combine_chunks().to_batches()[0],
                np.column_stack([low[entries], high[entries]]),
                np.array([column[entries] for column in columns], np.uint64).reshape(len(columns), -1),
                np.concatenate([values[bounds[entry] : bounds[entry + 1]] for entry in entries]),
                bounds[entries + 1] - bounds[entries],
            )

    def _batches(self, deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, Batch]]:
        for each in deliveries:
            yield each, Batch(self.folder / each.batch)

    def _kept(self, deliveries: Sequence[Delivery]) -> KeptDocuments:
        batches = [batch for _, batch in self._batches(deliveries)]
        starts = np.concatenate([[0], np.cumsum([batch.entries for batch in batches])]).astype(np.int64)
        deleted = [np.array(each.deleted, np.int64) + start for each, start in zip(deliveries, starts, strict=False)]
        return KeptDocuments(batches, np.concatenate([np.empty(0, np.int64), *deleted]))

    def _name(self, delivery: str) -> str:
        """A folder's name that no other has had."""
        numbers = [int(path.name.split("-", 1)[0]) for path in self.folder.glob("[0-9]*-*") if path.is_dir()]
        return f"{1 + max(numbers, default=0):06}-{delivery}"

    def _adopt(self, batch: Path, delivery: str) -> str:
        """Bring the files of a batch into the index, linked where the disk is the same."""
        name = self._name(delivery)
        (self.folder / name).mkdir()
        for path in sorted(batch.iterdir()):
            try:
                os.link(path, self.folder / name / path.name)
            except OSError:
                shutil.copyfile(path, self.folder / name / path.name)
        return name

    def _read(self) -> tuple[dict[str, Any], list[Delivery]]:
        path = self.folder / "index.json"
        try:
            state = json.loads(path.read_text())
            if state["format"] != FORMAT:
                raise UsageError(
                    f"{path} has the format {state['format']}, and this version reads {FORMAT}: run the deliveries "
                    "again, in order, with another folder"
                )
            return dict(state["settings"]), [Delivery(**each) for each in state["deliveries"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is not an index of documents: {error}") from error

    def _write(self, deliveries: Sequence[Delivery]) -> None:
        """Commit the deliveries, then remove the folders that none of them uses."""
        temporary = self.folder / "index.json.new"
        state = {"format": FORMAT, "settings": self.settings, "deliveries": [asdict(each) for each in deliveries]}
        with temporary.open("w") as file:
            file.write(json.dumps(state, indent=1))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / "index.json")
        used = {each.batch for each in deliveries}
        for path in self.folder.glob("[0-9]*-*"):
            if path.is_dir() and path.name not in used:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the index for this process; others wait."""
        folder = self.folder.resolve()
        if folder in _held:
            yield
            return
        with (folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _held.add(folder)
            try:
                yield
            finally:
                _held.discard(folder)


def stage_delivery(
    folder: Path,
    name: str,
    corpus: SketchedCorpus,
    decided: Decided,
    resolution: Resolution,
    likeness: Likeness,
    workspace: Workspace,
) -> None:
    """Write the documents that were kept as a delivery that is not in the index yet: see `Index.replace`."""
    writer = BatchWriter(folder / "batch", likeness.bands.bands)
    digest, documents = hashlib.blake2b(digest_size=16), 0
    for part in range(len(corpus.starts) - 1):
        start, end = int(corpus.starts[part]), int(corpus.starts[part + 1])
        ranks = decided.ranking.ranks(start, end)
        kept = (decided.representatives(start, end)[0] == ranks) & corpus.column(part, "given")
        low, high = corpus.column(part, "low"), corpus.column(part, "high")
        bands = [corpus.column(part, f"band_{band:03}") for band in range(likeness.bands.bands)]
        first = 0
        for batch in corpus.documents(part, ["id", "url", corpus.sketches.text, "language"]):
            rows = np.flatnonzero(kept[first : first + batch.num_rows])
            taken = batch.take(pa.array(rows))
            rows = rows + first
            first += batch.num_rows
            if not len(rows):
                continue
            sizes = pa.array(resolution.sizes[ranks[rows]])
            values, counts = sets(taken.column(2), known_languages(taken.column("language")), likeness.shingling)
            names = pa.RecordBatch.from_arrays(
                [taken.column("id").cast(pa.string()), taken.column("url").cast(pa.string()), sizes], schema=NAMES
            )
            digests = np.column_stack([low[rows], high[rows]])
            writer.append(names, digests, np.array([keys[rows] for keys in bands], np.uint64), values, counts)
            digest.update("\n".join(names.column("id").to_pylist()).encode())
            digest.update(digests.tobytes() + np.asarray(sizes).tobytes())
            documents += len(rows)
        workspace.release()
    grown = np.flatnonzero(resolution.added)
    ids, more = resolution.earlier_ids(grown), np.asarray(resolution.added)[grown]
    writer.finish(pa.Table.from_arrays([ids, pa.array(more)], schema=GROWN))
    digest.update(json.dumps([ids.to_pylist(), more.tolist(), _settings(likeness)]).encode())
    delivery = Delivery(name, "batch", digest.hexdigest(), documents)
    (folder / "delivery.json").write_text(json.dumps(asdict(delivery)))


def _before(deliveries: Sequence[Delivery], name: str) -> list[Delivery]:
    names = [each.name for each in deliveries]
    return list(deliveries[: names.index(name)] if name in names else deliveries)


def _state(delivery: Delivery) -> str:
    deleted = hashlib.blake2b(json.dumps(delivery.deleted).encode(), digest_size=4).hexdigest()
    return f"{delivery.digest}-{deleted}" if delivery.deleted else delivery.digest


def _by_entry(batch: Batch, name: str, column: str) -> Keys:
    """The keys of a batch in the order of its entries."""
    keys = np.empty(batch.entries, np.uint64)
    keys[batch.array(f"{name}.entries", np.int64)] = batch.array(column, np.uint64)
    return keys


def _settings(likeness: Likeness) -> dict[str, Any]:
    return {
        "hash": HASH,
        "unicode": unicodedata.unidata_version,
        "bands": likeness.bands.bands,
        "rows": likeness.bands.rows,
        "words": likeness.shingling.words,
        "characters": likeness.shingling.characters,
    }
