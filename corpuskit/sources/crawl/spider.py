"""The Scrapy spider: takes addresses from the frontier, archives what comes back, and tells the frontier what it names.

Scrapy gives the connections (pooling, TLS, HTTP/1.1, name resolution, timeouts). Everything that decides what is asked
for, and when, is the frontier's, so that redirects, retries and robots.txt all pass the same checks and survive a kill;
Scrapy's own middlewares for these are switched off (`child.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import scrapy
from scrapy import signals
from scrapy.exceptions import StopDownload
from twisted.python.failure import Failure

from corpuskit.sources.crawl import resolver, urls
from corpuskit.sources.crawl.archive import Archive, Exchange, Headers
from corpuskit.sources.crawl.frontier import MAX_ROBOTS_STEPS, MAX_STEPS, Frontier
from corpuskit.sources.crawl.learned import text_digest
from corpuskit.sources.crawl.policies import MAX_BYTES as POLICY_BYTES
from corpuskit.sources.crawl.politeness import retry_after
from corpuskit.sources.crawl.robots import MAX_BYTES as ROBOTS_BYTES
from corpuskit.sources.crawl.robots import is_html
from corpuskit.sources.crawl.state import Fetch, Outcome, Record, State, now_text
from corpuskit.sources.crawl.targets import Content, limit_for, redirected

_REDIRECTS = (301, 302, 303, 307, 308)
_TRY_AGAIN = (408, 425, 429)
_DENIED = (401, 402, 403, 407, 451)
_WAIT_FOR_HOST = (429, 503)
_NEVER_TEXT = ("image/", "video/", "audio/", "font/", "application/pdf", "application/zip")

logger = logging.getLogger(__name__)


@dataclass
class Budget:
    """Seconds that the crawl may take, over all calls that went on with it."""

    seconds: float
    used: float
    """By earlier calls."""
    began: float

    def spent(self, now: float) -> bool:
        return self.used + now - self.began >= self.seconds


class CorpusSpider(scrapy.Spider):
    """One crawl. `report(pages)` is called after every response."""

    name = "corpuskit"

    def __init__(
        self,
        *,
        state: State,
        frontier: Frontier,
        archive: Archive,
        budget: Budget,
        depth: int,
        follow_start: bool,
        max_bytes: int,
        timeout: float,
        agent: str,
        report: Callable[[int], None],
    ):
        super().__init__()
        self.state = state
        self.frontier = frontier
        self.archive = archive
        self.budget = budget
        self.depth = depth
        self.follow_start = follow_start
        self.max_bytes = max_bytes
        self.timeout = timeout
        self.report = report
        self.headers: Headers = [
            ("User-Agent", agent),
            ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"),
            ("Accept-Encoding", "gzip, deflate"),
        ]
        self.news = asyncio.Event()

    @classmethod
    def from_crawler(cls, crawler: Any, **parts: Any) -> CorpusSpider:
        spider: CorpusSpider = super().from_crawler(crawler, **parts)
        crawler.signals.connect(spider.headers_arrived, signals.headers_received)
        crawler.signals.connect(spider.bytes_arrived, signals.bytes_received)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """The requests of the whole crawl, each when its host's turn has come."""
        self.link_again()
        while True:
            now = time.time()
            over = self.budget.spent(now)
            if self.frontier.exhausted or (over and not self.frontier.active):
                return
            fetch = None if over else self.frontier.take(now)
            if fetch is not None:
                yield self.request(fetch)
                continue
            wait = self.frontier.wait(now)
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), 1.0 if wait is None or over else min(wait, 1.0))
            except TimeoutError:
                continue

    def request(self, fetch: Fetch) -> scrapy.Request:
        return scrapy.Request(
            fetch.url,
            headers=dict([*self.headers, *conditions(fetch)]),
            callback=self.answered,
            errback=self.unanswered,
            cb_kwargs={"fetch": fetch},
            meta={
                "download_timeout": self.timeout,
                "bytes": 0,
                "limit": self.limit(fetch),
                "when": now_text(),
            },
            dont_filter=True,
        )

    def limit(self, fetch: Fetch) -> int:
        """Bytes of a response that are read."""
        own = {"robots": ROBOTS_BYTES, "policy": POLICY_BYTES}
        return own.get(fetch.role) or limit_for(fetch, self.max_bytes)

    def headers_arrived(self, headers: Any, request: Any, **_: Any) -> None:
        """Do not read the body of what is no text."""
        kind = (headers.get("Content-Type") or b"").decode("latin-1").strip().lower()
        if request.cb_kwargs["fetch"].role == "page" and kind.startswith(_NEVER_TEXT):
            request.meta["stopped"] = "not_text"
            raise StopDownload(fail=False)

    def bytes_arrived(self, data: bytes, request: Any, **_: Any) -> None:
        """Do not read more than the limit."""
        request.meta["bytes"] += len(data)
        if request.meta["bytes"] > request.meta["limit"]:
            request.meta["stopped"] = "too_large"
            raise StopDownload(fail=False)

    def answered(self, response: Any, fetch: Fetch) -> None:
        """A response came. A failure to write is the end of this process; the crawl can be resumed."""
        try:
            exchange = self.exchange(response, fetch)
            exchange = self.compared(fetch, exchange)
            record = self.archive.write(exchange)
            latency = response.meta.get("download_latency", 0.0)
            stopped = response.meta.get("stopped")
            with self.state.transaction():
                self.state.set_segment(record.segment, record.end, closed=False)
                document = self.judge(fetch, exchange, record, stopped)
                self.state.set_fact("seconds", str(self.budget.used + time.time() - self.budget.began))
                self.frontier.release(fetch, time.time(), latency, exchange.status, document=document)
            self.link_again()
        except Exception:
            die()
        self.report(self.frontier.pages)
        self.news.set()

    def exchange(self, response: Any, fetch: Fetch) -> Exchange:
        meta = response.meta
        truncated = None
        if meta.get("stopped"):
            truncated = "length" if meta["stopped"] == "too_large" else "unspecified"
        elif "dataloss" in response.flags:
            truncated = "disconnect"
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        return Exchange(
            url=fetch.url,
            request_headers=[*self.headers, *conditions(fetch)],
            status=response.status,
            protocol=response.protocol or "HTTP/1.1",
            headers=headers,
            body=response.body[: meta["limit"]],
            address=str(response.ip_address) if response.ip_address else None,
            when=meta["when"],
            truncated=truncated,
        )

    def compared(self, fetch: Fetch, exchange: Exchange) -> Exchange:
        """The same exchange, known as a revisit where it brings nothing new."""
        earlier = fetch.earlier
        if earlier is None or exchange.truncated:
            return exchange
        same = exchange.status == 304
        if exchange.status == 200 and not same:
            try:
                content = Content.of(exchange.body, exchange.headers, limit_for(fetch, self.max_bytes))
            except ValueError:
                return exchange
            text = text_digest(content.body) if earlier.document else None
            same = body_digest(exchange.body) == earlier.body or (text is not None and text == earlier.text)
        return replace(exchange, revisits=earlier) if same else exchange

    def judge(self, fetch: Fetch, exchange: Exchange, record: Record, stopped: Outcome | None) -> bool:
        """Settle an answered address, or put it back; whether it became a document."""
        if fetch.role == "robots":
            self.judge_robots(fetch, exchange)
            return False
        if fetch.role == "policy":
            self.judge_policy(fetch, exchange)
            return False
        status = exchange.status
        media_type = exchange.header("content-type") or None
        if exchange.revisits is not None:
            self.frontier.checked(fetch, time.time(), changed=False)
            self.state.unchanged(fetch.url, time.time())
            return exchange.revisits.document

        def settle(outcome: Outcome, reason: str | None, document: bool = False) -> None:
            self.state.settle(
                fetch.url,
                outcome,
                status=status,
                reason=reason,
                record=record,
                media_type=media_type,
                document=document,
            )

        location = exchange.header("location")
        if status in _REDIRECTS and location:
            target = redirected(fetch, location)
            if fetch.earlier is not None:
                self.state.end_version(fetch.url, "moved")
            settle("redirected", f"to {target.url if target else location}")
            if target and fetch.given and self.follow_start:
                self.frontier.admit(urls.host(target.url), fetch.url)
            if target and target.steps <= MAX_STEPS:
                self.frontier.add([target])
            return False
        if status in _TRY_AGAIN or status >= 500 or exchange.truncated == "disconnect":
            asked = retry_after(exchange.header("retry-after"), time.time())
            again = self.frontier.try_again(fetch, time.time(), asked, whole_host=status in _WAIT_FOR_HOST)
            if again is None and fetch.earlier is not None:
                self.state.keep_earlier(fetch.url, f"not checked again: HTTP status {status}")
            elif again is None:
                failure = (
                    "the connection broke in the middle of the body" if exchange.truncated else f"HTTP status {status}"
                )
                settle("transient", f"{failure}, after {fetch.tries + 1} attempts")
            return False
        if fetch.earlier is not None:
            self.state.end_version(fetch.url, "changed" if 200 <= status < 300 else "gone")
        if not 200 <= status < 300:
            settle("denied" if status in _DENIED else "gone", f"HTTP status {status}")
            return False
        if stopped:
            self.frontier.learned.answered(fetch.url, page=False)
            settle(stopped, f"over {self.max_bytes} bytes" if stopped == "too_large" else f"media type {media_type}")
            return False
        return self.judge_content(fetch, exchange, settle)

    def judge_content(self, fetch: Fetch, exchange: Exchange, settle: Callable[..., None]) -> bool:
        try:
            content = Content.of(exchange.body, exchange.headers, limit_for(fetch, self.max_bytes))
        except ValueError as error:
            settle("damaged", str(error))
            return False
        if not content.whole and fetch.role == "page":
            settle("too_large", f"over {self.max_bytes} bytes after decompression, or damaged compression")
            return False
        links = content.leads_to(fetch, self.depth) if fetch.steps <= MAX_STEPS else []
        if fetch.role == "page":
            self.frontier.learned.answered(fetch.url, page=content.is_page)
        if fetch.role == "page" and not content.is_page and not links:
            settle("not_text", f"media type {content.media_type or 'unknown'}")
            return False
        document = fetch.role == "page" and content.is_page and exchange.status == 200
        empty = fetch.role != "page" and not links
        settle("fetched", f"names no pages: is this a {fetch.role}?" if empty else None, document)
        validators = (exchange.header("etag") or None, exchange.header("last-modified") or None)
        if fetch.earlier is not None:
            self.frontier.checked(fetch, time.time(), changed=True)
        self.state.answered(fetch.url, time.time(), *validators, body_digest(exchange.body))
        self.add_links(fetch, links)
        if document:
            self.frontier.ask_policies(fetch.url, time.time())
            self.frontier.learn(fetch.url, content.body, links, content.canonical(fetch.url))
        return document

    def add_links(self, fetch: Fetch, found: list[Fetch]) -> None:
        self.frontier.add(found)
        if fetch.role != "page" or fetch.depth < self.depth:
            self.state.linked(fetch)

    def judge_policy(self, fetch: Fetch, exchange: Exchange) -> None:
        """A file in which a site says how it may be used: kept where there is one."""
        body = None
        if exchange.status == 200 and not exchange.truncated:
            with suppress(ValueError):
                body = Content.of(exchange.body, exchange.headers, POLICY_BYTES).body
        self.frontier.policy_answered(fetch, None if body is None or is_html(body) else body, time.time())

    def judge_robots(self, fetch: Fetch, exchange: Exchange) -> None:
        """RFC 9309 section 2.3.1: what a robots.txt's status means."""
        now, status = time.time(), exchange.status
        if status in _REDIRECTS:
            target = urls.canonical(exchange.header("location"), fetch.url)
            if target and fetch.steps < MAX_ROBOTS_STEPS:
                self.frontier.robots_moved(fetch, target)
            else:
                self.frontier.robots_answered(fetch.origin, b"", now)
        elif status == 429 or status >= 500:
            asked = retry_after(exchange.header("retry-after"), now)
            if self.frontier.try_again(fetch, now, asked, whole_host=True) is None:
                self.frontier.robots_silent(fetch.origin, f"HTTP status {status}", now)
        elif 200 <= status < 300:
            try:
                body = Content.of(exchange.body, exchange.headers, ROBOTS_BYTES).body
            except ValueError as error:
                self.frontier.robots_silent(fetch.origin, str(error), now)
            else:
                if is_html(body):
                    logger.warning("%s has a web page in place of a robots.txt: nothing is forbidden", fetch.origin)
                self.frontier.robots_answered(fetch.origin, body, now)
        else:
            self.frontier.robots_answered(fetch.origin, b"", now)

    def unanswered(self, failure: Failure) -> None:
        """No response came: the name did not resolve, the connection failed, the time ran out."""
        fetch: Fetch = failure.request.cb_kwargs["fetch"]
        try:
            with self.state.transaction():
                self.judge_failure(fetch, failure)
                self.frontier.release(fetch, time.time(), document=False)
        except Exception:
            die()
        self.report(self.frontier.pages)
        self.news.set()

    def judge_failure(self, fetch: Fetch, failure: Failure) -> None:
        now = time.time()
        private = resolver.refused.get(urls.host(fetch.url))
        reason = private or _said(failure)
        again = (
            None if private or fetch.role == "policy" else self.frontier.try_again(fetch, now, None, whole_host=False)
        )
        if again is not None:
            return
        if fetch.role == "policy":
            self.frontier.policy_answered(fetch, None, now)
        elif fetch.earlier is not None and not private:
            self.state.keep_earlier(fetch.url, f"not checked again: {reason}")
        elif fetch.role == "robots":
            self.frontier.robots_silent(fetch.origin, reason, now)
            if private:
                self.state.settle_host(urls.host(fetch.origin), "private", private)
        else:
            self.state.settle(fetch.url, "private" if private else "transient", reason=reason)

    def link_again(self) -> None:
        """Add the links of pages that turned out to lie nearer the start than when they were fetched."""
        while rows := self.state.unlinked(self.depth):
            with self.state.transaction():
                for fetch, record in rows:
                    body, headers = self.archive.read(record)
                    content = Content.of(body, headers, limit_for(fetch, self.max_bytes))
                    self.add_links(fetch, content.leads_to(fetch, self.depth))


def conditions(fetch: Fetch) -> Headers:
    """The headers that let a server answer that nothing has changed (RFC 9110, section 13.1)."""
    if fetch.earlier is None:
        return []
    known = (("If-None-Match", fetch.earlier.etag), ("If-Modified-Since", fetch.earlier.modified))
    return [(name, value) for name, value in known if value]


def body_digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _said(failure: Failure) -> str:
    """A failure in a few words: 'DownloadTimeoutError: Getting http://… took longer than 30 seconds.'"""
    text = " ".join(str(failure.value).split())
    return f"{failure.type.__name__}: {text}"[:500]


def die() -> None:
    """Leave at once: an error inside the crawler, or a full disk. State and archive are as after the last response."""
    logger.exception("The crawler cannot go on")
    logging.shutdown()
    os._exit(3)
