"""The `crawl` source: pages of the live web, fetched once into WARC files and read from there."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, field_validator

from corpuskit import __version__
from corpuskit.document import document_id
from corpuskit.engine.progress import Watch, silent
from corpuskit.engine.sizes import Duration
from corpuskit.engine.source import Quarantine, Source, Split
from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.index import PAGES, archived_page, index_splits, indexed_pages
from corpuskit.sources.crawl.job import Job
from corpuskit.sources.crawl.robots import PRODUCT
from corpuskit.sources.crawl.scope import Scope
from corpuskit.sources.crawl.state import FILE, State, left_open
from corpuskit.sources.files import row_batches

Role = Literal["page", "feed", "sitemap"]

_CONTACT = re.compile(r"[^\s@()<>]+@[^\s@()<>]+\.[^\s@()<>]+|https?://[^\s()<>]+")
_LOG = "crawler.log"


class CrawlSource(Source):
    """Pages of live sites, fetched once, politely, into WARC files, and read from there."""

    key: ClassVar[str] = "crawl"
    version: ClassVar[int] = 2

    contact: str
    """An e-mail address or a web page where the owner of a site can reach you. It stands in the user agent."""
    start: tuple[str, ...] | str = ()
    """Pages to begin with: URLs, or the path of a text file with one a line (`#` begins a comment)."""
    feeds: tuple[str, ...] | str = ()
    """RSS, Atom, RDF and JSON feeds whose entries are fetched: URLs, or the path of a file."""
    sitemaps: tuple[str, ...] | str = ()
    """Sitemaps and sitemap indexes whose pages are fetched: URLs, or the path of a file."""
    depth: Annotated[int, Field(ge=0)] = 2
    """Links to follow from the pages that are given: 0 fetches those and what feeds and sitemaps name, alone."""
    scope: Scope = Scope()
    """Where the crawl may go. Default: the hosts of the URLs that are given, and hosts under them."""
    max_pages: Annotated[int, Field(ge=1)] = 10_000
    """Pages to fetch in all."""
    max_pages_per_host: Annotated[int, Field(ge=1)] | None = None
    """Pages to fetch from one host name. Default: max_pages."""
    max_minutes: Annotated[float, Field(gt=0)] = 60.0
    """Minutes that the crawl may take, over all runs that go on with it."""
    max_bytes: Annotated[int, Field(ge=1)] = 10_000_000
    """Bytes of one response, before and after decompression. A larger page is no document."""
    delay: Annotated[float, Field(ge=0)] = 1.0
    """Seconds between two requests to one host, at least. A crawl-delay in robots.txt, a Retry-After, and a host that
    answers slowly make it longer."""
    retry_delay: Annotated[float, Field(gt=0)] = 1.0
    """Seconds before a failed request is tried again; each further attempt waits twice as long. What fails five times
    is left to the next run."""
    timeout: Annotated[float, Field(gt=0)] = 30.0
    """Seconds that a response may take."""
    concurrency_per_host: Annotated[int, Field(ge=1, le=8)] = 1
    """Requests under way at one host at once."""
    refresh: Annotated[Duration, Field(ge=60)] | None = None
    """Ask for pages again in later runs when they are older than this: '7d', '12h'. A page that changes rarely is asked
    for less often, up to eight times this. Default: a page is fetched once."""
    allow_private: bool = False
    """Whether addresses inside private networks and on this machine may be connected to."""

    @field_validator("contact")
    @classmethod
    def _reachable(cls, contact: str) -> str:
        if not _CONTACT.fullmatch(contact):
            raise ValueError(f"'{contact}' is neither an e-mail address nor an http(s) URL")
        return contact

    def collect(self, folder: Path, watch: Watch = silent) -> None:
        """Crawl into `folder`, or continue the crawl that an earlier call began there.

        A crawl that has ended is not repeated. One whose recipe has changed, or that has open pages, continues from
        what it has.

        Raises:
            UsageError: An address is not an http(s) URL.
            CorpuskitError: The crawler failed, or not one page was fetched.
        """
        job = self.job(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / FILE).exists() or self.unfinished(folder) or _finished(folder) != job.digest():
            for module in ("scrapy", "feedparser", "protego", "warcio"):
                require(module, "crawl")
            _crawl(job, folder, watch)
        self._check(folder, watch)

    def unfinished(self, folder: Path) -> int:
        """Pages that could not be fetched for a reason that may pass (no answer, a broken connection, status 429 or
        5xx, a robots.txt that could not be read), and pages that are due for `refresh`."""
        return left_open(folder, self.refresh, time.time())

    def ask_again(self, folder: Path) -> int:
        """Have the next `collect` ask for every page again; how many there are. Raises UsageError without a crawl."""
        if not (folder / FILE).is_file():
            raise UsageError(f"source '{self.label()}': no crawl in {folder}")
        state = State(folder)
        try:
            return state.ask_again(0.0, time.time())
        finally:
            state.close()

    def renews(self) -> bool:
        return self.refresh is not None

    def job(self, folder: Path) -> Job:
        """What the crawling process is told."""
        given: list[tuple[Role, str]] = [
            *(("sitemap", url) for url in _addresses(self.sitemaps, "sitemaps")),
            *(("feed", url) for url in _addresses(self.feeds, "feeds")),
            *(("page", url) for url in _addresses(self.start, "start")),
        ]
        if not given:
            raise UsageError("source 'crawl': nothing to begin with; name pages (start), feeds or sitemaps")
        return Job(
            folder=str(folder),
            given=given,
            scope=self.scope.with_hosts_of([url for _, url in given]),
            follow_start=not self.scope.hosts,
            depth=self.depth,
            max_pages=self.max_pages,
            max_pages_per_host=self.max_pages_per_host or self.max_pages,
            max_minutes=self.max_minutes,
            max_bytes=self.max_bytes,
            delay=self.delay,
            retry_delay=self.retry_delay,
            timeout=self.timeout,
            concurrency_per_host=self.concurrency_per_host,
            refresh=self.refresh,
            allow_private=self.allow_private,
            agent=f"{PRODUCT}/{__version__} (+{self.contact})",
        )

    def libraries(self) -> tuple[str, ...]:
        return ("warcio",)

    def fingerprint(self, folder: Path) -> str:
        """A digest of the index, which names every record of every archive file that is read."""
        try:
            return hashlib.blake2b((folder / PAGES).read_bytes(), digest_size=16).hexdigest()
        except FileNotFoundError:
            return ""

    def splits(self, folder: Path) -> list[Split]:
        path = folder / PAGES
        if not path.is_file():
            raise UsageError(f"source 'crawl': no finished crawl in {folder}")
        return index_splits(path)

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return row_batches(self._rows(split, quarantine))

    def _rows(self, split: Split, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
        for entry, path in indexed_pages(split):
            page = archived_page(entry, path, quarantine)
            if page is None:
                continue
            rights = [page.rights, *entry.signals]
            yield {
                "id": document_id(entry.url, page.content),
                "title": entry.title,
                "published": entry.published,
                "url": entry.url,
                "source": self.label(),
                "kind": self.kind,
                "license": self.license,
                "rights": "; ".join(found for found in rights if found) or None,
                "fetched": page.fetched,
                "provenance": {
                    "path": path,
                    "offset": entry.offset,
                    "length": entry.length,
                    "truncated": page.truncated,
                },
                "content": page.content,
                "media_type": page.media_type,
            }

    def _check(self, folder: Path, watch: Watch) -> None:
        """Report the given addresses that led to nothing. Fails where no page was fetched."""
        state = State(folder)
        try:
            pages = sum(state.pages_by_host().values())
            failed = [story for story in state.given() if story["outcome"] != "redirected" and not _went_well(story)]
            outcomes = ", ".join(f"{name} {count}" for name, count in state.outcomes().items())
            left = state.open()
        finally:
            state.close()
        said = [f"{story['url']}: {story['reason'] or story['outcome']}" for story in failed]
        if not pages:
            causes = "\n".join(f"  {line}" for line in said[:10])
            again = "; the next run asks for the transient ones again" if left else ""
            raise CorpuskitError(f"source 'crawl': not one page was fetched ({outcomes}){again}\n{causes}".rstrip())
        for line in said[:20]:
            watch(line, pages, self.max_pages)
        if len(said) > 20:
            watch(f"{len(said) - 20} more of the given addresses led to nothing", pages, self.max_pages)


def _went_well(story: dict[str, Any]) -> bool:
    return story["outcome"] == "fetched" and not story["reason"]


def _finished(folder: Path) -> str:
    """The digest of the job that this crawl has carried out; '' where it has not ended."""
    state = State(folder)
    try:
        return state.fact("finished") if (folder / PAGES).is_file() else ""
    finally:
        state.close()


def _addresses(told: tuple[str, ...] | str, name: str) -> list[str]:
    """Canonical URLs from a list, or from the lines of a file. Raises UsageError with the file and line."""
    if isinstance(told, str) and not told.lower().startswith(("http://", "https://")):
        try:
            lines = Path(told).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"source 'crawl': cannot read the file of {name}: {error}") from error
        places = [(f"{told} line {number}", line.partition(" #")[0].strip()) for number, line in enumerate(lines, 1)]
        places = [(place, line) for place, line in places if line and not line.startswith("#")]
    else:
        places = [(f"source 'crawl', {name}", url) for url in ([told] if isinstance(told, str) else told)]
    found = []
    for place, line in places:
        url = urls.canonical(line)
        if url is None:
            raise UsageError(f"{place}: '{line}' is not an http(s) URL")
        found.append(url)
    return found


def _crawl(job: Job, folder: Path, watch: Watch) -> None:
    """Run the crawling process to its end. It leaves when this process does, however that ends."""
    log = folder / _LOG
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "corpuskit.sources.crawl.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then closes the pipe
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(job.model_dump_json().encode() + b"\n")
            process.stdin.flush()
            for line in process.stdout:
                watch("pages fetched", int(json.loads(line)["pages"]), job.max_pages)
        except BrokenPipeError:
            pass  # it failed at once; its log says why
        finally:
            process.stdin.close()
            process.stdout.close()
            code = process.wait()
    if code != 0:
        last = "\n".join(log.read_text("utf-8", "replace").strip().splitlines()[-5:])
        raise CorpuskitError(f"source 'crawl': the crawler stopped with code {code}; {log} ends with:\n{last}")
