"""The list of a finished crawl's documents, sorted by URL, and the log of every address.

Fetching happens in whatever order servers answer; reading happens in this order, so that the same site gives the same
documents in the same order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpuskit.engine.source import SPLIT_BYTES, BadRecord, Quarantine, Split
from corpuskit.sources import warc
from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.archive import FOLDER, segment_name
from corpuskit.sources.crawl.policies import site_signals
from corpuskit.sources.crawl.scope import Scope
from corpuskit.sources.crawl.state import State, log_line

PAGES = "pages.jsonl"
LOG = "crawl-log.jsonl"


@dataclass(frozen=True)
class IndexedPage:
    """Where a document lies in the archive, and what was said of it elsewhere."""

    url: str
    file: str
    """The archive's file, relative to the crawl's folder."""
    offset: int
    length: int
    published: str | None
    """What a feed or sitemap said."""
    title: str | None
    signals: list[str]
    """What the files of the site say about its use (`policies.py`)."""


def write_index(folder: Path, state: State, scope: Scope) -> None:
    """Write both files, each whole or not at all."""
    robots = dict(state.robots_files())
    files = state.policies()

    def pages() -> Iterator[str]:
        for row in state.documents():
            if scope.refuses(row["url"], admitted=bool(row["admitted"])):
                continue  # fetched under an earlier recipe
            origin = urls.origin(row["url"])
            page = IndexedPage(
                url=row["url"],
                file=f"{FOLDER}/{segment_name(row['segment'])}",
                offset=row["offset"],
                length=row["length"],
                published=row["published"],
                title=row["title"],
                signals=site_signals(row["url"], robots.get(origin, b""), files.get(origin, {})),
            )
            yield json.dumps(vars(page), ensure_ascii=False) + "\n"

    _write(folder / PAGES, pages())
    _write(folder / LOG, (log_line(story) for story in state.settled()))


def _write(path: Path, lines: Iterator[str]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def index_splits(path: Path) -> list[Split]:
    """Byte ranges of the index, cut where the records that they name reach SPLIT_BYTES."""
    found = []
    start = position = size = 0
    with path.open("rb") as stream:
        for line in stream:
            position += len(line)
            size += json.loads(line)["length"]
            if size >= SPLIT_BYTES:
                found.append(Split(str(path), start, position))
                start, size = position, 0
    if position > start:
        found.append(Split(str(path), start, position))
    return found


def indexed_pages(split: Split) -> Iterator[tuple[IndexedPage, str]]:
    """The entries of a split, each with the full path of its archive file."""
    folder = Path(split.path).parent
    with open(split.path, "rb") as stream:
        stream.seek(split.start)
        while stream.tell() < split.end:
            entry = IndexedPage(**json.loads(stream.readline()))
            yield entry, str(folder / entry.file)


def archived_page(entry: IndexedPage, path: str, quarantine: Quarantine) -> warc.Page | None:
    """The page that an entry names, or None (and a word to the quarantine) where the archive no longer holds it."""
    for page in warc.pages(path, entry.offset, entry.offset + entry.length, quarantine):
        return page
    quarantine(BadRecord("the archive holds no page here", path, entry.offset, entry.url))
    return None
