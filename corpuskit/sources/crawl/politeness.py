"""When a host may be asked again: its crawl-delay, the configured delay, and no faster than it answers.

The adaptive delay is Scrapy's AutoThrottle algorithm (docs/topics/autothrottle): the next delay is the mean of the last
one and latency / concurrency, never under that target, and an error never makes the crawler faster. It stands here and
not in Scrapy's downloader so that it and crawl-delay, which Scrapy does not know, are one clock for each host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

MAX_ADAPTIVE_DELAY = 60.0
"""Seconds. A crawl-delay or Retry-After may be longer."""

MAX_FAILURES = 10
"""Connections in a row that a host may leave unanswered before it counts as gone."""


@dataclass
class Host:
    """One host's clock. Times are seconds of one running clock."""

    name: str
    delay: float
    """Seconds between the beginnings of two requests, at least."""
    concurrency: int = 1
    active: int = 0
    next_at: float = 0.0
    failures: int = 0
    pages: int = 0
    """Pages fetched and under way."""
    queued_at: float | None = None
    """When its turn in the frontier's queue comes; None while it is not in there."""
    crawl_delay: float = 0.0
    adaptive: float = field(default=0.0, init=False)

    def begin(self, now: float) -> None:
        self.active += 1
        self.next_at = max(self.next_at, now + max(self.delay, self.crawl_delay, self.adaptive))

    def end(self, latency: float | None, status: int | None) -> None:
        """A request came back: `latency` in seconds until the answer began, both None where none came."""
        self.active -= 1
        if latency is None or status is None:
            self.failures += 1
            return
        self.failures = 0
        target = latency / self.concurrency
        adapted = min(max(target, (self.adaptive + target) / 2), MAX_ADAPTIVE_DELAY)
        if status == 200 or adapted > self.adaptive:
            self.adaptive = adapted

    def pause(self, until: float) -> None:
        """No request before `until`."""
        self.next_at = max(self.next_at, until)

    @property
    def gone(self) -> bool:
        return self.failures >= MAX_FAILURES


def backoff(tries: int, delay: float) -> float:
    """Seconds before attempt `tries` + 1 of the same URL: doubling from one second, or from the host's delay."""
    return float(max(1.0, delay) * 2 ** (tries - 1))


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or an HTTP date against wall time `now`), or None."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
