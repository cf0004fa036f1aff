"""What the crawling process is told: one JSON line on its standard input."""

from __future__ import annotations

import hashlib
from typing import Literal

from corpuskit.engine.stage import Configured
from corpuskit.sources.crawl.scope import Scope


class Job(Configured):
    """A crawl with all its addresses read and all its defaults filled in."""

    folder: str
    given: list[tuple[Literal["page", "feed", "sitemap"], str]]
    scope: Scope
    follow_start: bool
    """Whether the host that a start address redirects to joins the scope: where the recipe names no hosts itself."""
    depth: int
    max_pages: int
    max_pages_per_host: int
    max_minutes: float
    max_bytes: int
    delay: float
    retry_delay: float
    timeout: float
    concurrency_per_host: int
    refresh: float | None
    allow_private: bool
    agent: str

    def digest(self) -> str:
        """The same for two jobs that would leave the same folder behind."""
        manners = {"delay", "retry_delay", "timeout", "concurrency_per_host", "refresh", "agent"}
        settings = self.model_dump_json(exclude=manners | {"folder"})
        return hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()
