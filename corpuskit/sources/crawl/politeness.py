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
"""Connections in a row that a host may leave unanswered before the rest of the run leaves it alone. With the pauses
between them that is about four minutes."""

MAX_PAUSE = 60.0
"""Seconds that a host which does not answer is left alone, at most, before it is asked again."""


@dataclass
class Host:
    """One host's clock. Times are seconds of one running clock."""

    name: str
    delay: float
    """Seconds between the beginnings of two requests, at least."""
    concurrency: int = 1
    retry_delay: float = 1.0
    """Seconds before the first repetition of a failed request; each further one waits twice as long."""
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

    def end(self, latency: float | None, status: int | None, now: float) -> None:
        """A request ended: `latency` in seconds until the answer began. Both are None where no answer came; the whole
        host is then left alone for twice as long each time, because an outage concerns all its pages."""
        self.active -= 1
        if latency is None or status is None:
            self.failures += 1
            self.pause(now + min(MAX_PAUSE, backoff(self.failures, self.retry_delay)))
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
    def silent(self) -> bool:
        """Whether it has left so many requests unanswered that this run asks it no more."""
        return self.failures >= MAX_FAILURES


def backoff(failures: int, retry_delay: float) -> float:
    """Seconds to wait after so many failures in a row: doubling from `retry_delay`."""
    return float(retry_delay * 2 ** (failures - 1))


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
