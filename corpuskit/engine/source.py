"""What a source is: where documents come from, cut into splits that workers read independently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from corpuskit.engine.names import FolderName
from corpuskit.engine.progress import Watch, silent
from corpuskit.engine.stage import Configured

BATCH_ROWS = 1024
BATCH_BYTES = 32 << 20
"""A source yields batches of at most this many rows, and closes one early once it holds this many bytes."""

SPLIT_BYTES = 64 << 20
"""About how many bytes of a file a split takes."""


@dataclass(frozen=True)
class Split:
    """A piece of one file: bytes `start` to `end`, or row groups, as its source defines. The same on every machine."""

    path: str
    start: int
    end: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class BadRecord:
    """A record that could not be read. The run goes on; the record goes to the quarantine with its reason."""

    reason: str
    path: str
    offset: int | None = None
    url: str | None = None
    content: bytes | None = None
    """The start of what was there, for whoever looks into it (cut to 64 KiB by the engine)."""


Quarantine = Callable[[BadRecord], None]


class Intake:
    """What a task does with records that are no documents: damaged ones go to the quarantine, others are counted."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self.skipped: Counter[str] = Counter()
        """Reason -> records that are no documents and are not meant to be (the requests in an archive)."""

    def __call__(self, record: BadRecord) -> None:
        self._quarantine(record)


def skip(quarantine: Quarantine, reason: str) -> None:
    """Count a record that is no document. A plain function in the place of an Intake does not count."""
    if isinstance(quarantine, Intake):
        quarantine.skipped[reason] += 1


class Source(Configured):
    key: ClassVar[str]
    """The source's key in a recipe: 'crawl', 'warc', ..."""
    version: ClassVar[int]
    """Raised whenever the source reads other documents from the same files and settings. A source of your own may leave
    it out: it is then known by its code."""

    name: FolderName | None = None
    """What the documents of this source are called in their `source` column. Default: the key."""
    kind: Literal["news", "blog", "community", "reference", "other"] = "other"
    """What sort of pages these are. Extraction keeps the comments of a `community` page."""
    license: str | None = None
    """The licence of these documents, where it is known for the whole source."""

    def label(self) -> str:
        return self.name or self.key

    def libraries(self) -> tuple[str, ...]:
        """Distributions (names as on PyPI) whose version the documents that it reads depend on."""
        return ()

    def unfinished(self, folder: Path) -> int:
        """Records that `collect` could not fetch this time and that the next run asks for again (a site that was down).

        While there are any, the next run collects again, and the corpus made meanwhile is not finished: it is replaced.
        """
        return 0

    def renews(self) -> bool:
        """Whether the recipe asks this source to replace what it fetched by newer versions. A corpus that was made of
        older ones is then replaced without being asked."""
        return False

    def collect(self, folder: Path, watch: Watch = silent) -> None:
        """Fetch into `folder` what the source does not have yet (a crawl). Resumes what an earlier call began.

        Most sources have nothing to fetch.
        """

    def fingerprint(self, folder: Path) -> str:
        """A digest of what will be read: paths, sizes and times of change."""
        raise NotImplementedError

    def splits(self, folder: Path) -> list[Split]:
        """The pieces of this source in reading order. Raises UsageError where nothing matches its paths."""
        raise NotImplementedError

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        """The documents of one split: the columns of `corpuskit.document.SCHEMA`, and after them those that the records
        have besides. The other columns, and their types, may differ between batches."""
        raise NotImplementedError
