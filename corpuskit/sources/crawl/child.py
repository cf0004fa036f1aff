"""The crawling process: `python -m corpuskit.sources.crawl.child`, with a `Job` on standard input.

A process of its own because Twisted's reactor cannot be started twice in one. It reports pages on standard output, one
JSON object a line, and leaves at once when its standard input closes, which is how it learns that its parent is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import IO

from corpuskit.sources.crawl.archive import Archive
from corpuskit.sources.crawl.frontier import MAX_ACTIVE, Frontier
from corpuskit.sources.crawl.index import write_index
from corpuskit.sources.crawl.job import Job
from corpuskit.sources.crawl.state import Fetch, State

_LOCK_SECONDS = 20.0
"""How long a resumed crawl waits for the process of a killed run to leave."""

_REPORT_SECONDS = 0.2


def main() -> None:
    job = Job.model_validate_json(_first_line())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    folder = Path(job.folder)
    with (folder / "lock").open("w") as lock:
        _acquire(lock)
        state = State(folder)
        crawl(job, folder, state)
        state.close()


def crawl(job: Job, folder: Path, state: State) -> None:
    """Go on with the crawl in a folder until nothing is left or a budget is spent, then write its index."""
    state.set_fact("finished", "")
    with state.transaction():
        state.reopen()
        if job.refresh is not None:
            state.ask_again(job.refresh, time.time())
    information = {"software": job.agent, "format": "WARC File Format 1.1", "robots": "obey"}
    archive = Archive(folder, state, information)
    frontier = Frontier(
        state,
        job.scope.with_hosts(state.admitted_hosts()) if job.follow_start else job.scope,
        depth=job.depth,
        delay=job.delay,
        retry_delay=job.retry_delay,
        concurrency=job.concurrency_per_host,
        max_pages=job.max_pages,
        max_pages_per_host=job.max_pages_per_host,
        refresh=job.refresh,
    )
    if state.fact("job") != job.digest():
        frontier.reconsider()
    with state.transaction():
        frontier.add(Fetch(url, role, given=True, admitted=True) for role, url in job.given)
        state.set_fact("job", job.digest())
    _run_spider(job, state, frontier, archive)
    spent = "max_pages or max_pages_per_host" if frontier.spent else "max_minutes"
    with state.transaction():
        state.settle_rest(f"{spent} was reached")
        state.end_run(time.time())
        frontier.settle_spellings()
        state.settle_same()
    archive.close()
    write_index(folder, state, frontier.scope)
    state.set_fact("finished", job.digest())


def _run_spider(job: Job, state: State, frontier: Frontier, archive: Archive) -> None:
    from scrapy.crawler import AsyncCrawlerProcess

    from corpuskit.sources.crawl.spider import Budget, CorpusSpider

    last = 0.0

    def report(pages: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _REPORT_SECONDS:
            last = time.monotonic()
            print(json.dumps({"pages": pages}), flush=True)

    process = AsyncCrawlerProcess(settings(job))
    process.crawl(
        CorpusSpider,
        state=state,
        frontier=frontier,
        archive=archive,
        follow_start=job.follow_start,
        budget=Budget(job.max_minutes * 60, float(state.fact("seconds", "0")), time.time()),
        depth=job.depth,
        max_bytes=job.max_bytes,
        timeout=job.timeout,
        agent=job.agent,
        report=report,
    )
    process.start(install_signal_handlers=False)
    print(json.dumps({"pages": frontier.pages}), flush=True)


def settings(job: Job) -> dict[str, object]:
    """Scrapy with its connections alone: no middleware, no cookies, no delay of its own, http and https only."""
    http = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"
    guarded = "corpuskit.sources.crawl.resolver.GuardedResolver"
    return {
        "CONCURRENT_REQUESTS": MAX_ACTIVE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": MAX_ACTIVE,
        "DOWNLOAD_DELAY": 0,
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "DOWNLOAD_FAIL_ON_DATALOSS": False,
        "DOWNLOAD_HANDLERS_BASE": {"http": http, "https": http},
        "DOWNLOAD_MAXSIZE": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_WARNSIZE": 0,
        "EXTENSIONS_BASE": {},
        "LOG_LEVEL": "WARNING",
        "SPIDER_MIDDLEWARES_BASE": {},
        "TELNETCONSOLE_ENABLED": False,
        "TWISTED_DNS_RESOLVER": "scrapy.resolver.CachingHostnameResolver" if job.allow_private else guarded,
    }


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece:
            break
        line += piece
    return line


def _leave_with_parent() -> None:
    while os.read(0, 1 << 16):
        pass
    os._exit(4)


def _acquire(lock: IO[str]) -> None:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise SystemExit(f"another crawl is at work in {Path(lock.name).parent}") from None
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
