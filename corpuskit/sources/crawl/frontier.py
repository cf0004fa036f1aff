"""What to ask for next: the nearest waiting address of a host whose turn it is, once its robots.txt is known.

Knows nothing of sockets. The spider takes from it, and tells it what came back.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace

from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.learned import Learned
from corpuskit.sources.crawl.policies import FILES
from corpuskit.sources.crawl.politeness import Host, backoff
from corpuskit.sources.crawl.refresh import next_gap
from corpuskit.sources.crawl.robots import Robots
from corpuskit.sources.crawl.scope import Scope
from corpuskit.sources.crawl.state import Fetch, State

MAX_ACTIVE = 32
"""Requests under way at once, over all hosts."""

MAX_TRIES = 5
"""Attempts at one address in a run before it is left to the next run. Their pauses add up to 15 seconds."""

MAX_STEPS = 10
"""Redirects and nested sitemap indexes on the way to one address."""

MAX_ROBOTS_STEPS = 5
"""Redirects followed for a robots.txt (RFC 9309 section 2.3.1.2)."""

ROBOTS_AGE = 24 * 3600.0
"""Seconds for which a robots.txt may be used (RFC 9309 section 2.4)."""

_ROBOTS_KEPT = 4096


class Frontier:
    """Times are wall seconds, given by the caller."""

    def __init__(
        self,
        state: State,
        scope: Scope,
        *,
        depth: int,
        delay: float,
        retry_delay: float,
        concurrency: int,
        max_pages: int,
        max_pages_per_host: int,
        refresh: float | None = None,
    ):
        self._state = state
        self.scope = scope
        self.learned = Learned(state, max_pages)
        self._depth = depth
        self._delay = delay
        self._retry_delay = max(retry_delay, delay)
        self._concurrency = concurrency
        self._max_pages = max_pages
        self._refresh = refresh
        self._max_pages_per_host = max_pages_per_host
        self._hosts: dict[str, Host] = {}
        self._queue: list[tuple[float, str]] = []
        self._starved: set[str] = set()  # hosts with pages waiting that no budget is left for
        self._robots: dict[str, tuple[Robots, float]] = {}
        self._policies: set[str] = set()  # origins whose policy files were asked for
        self._asking: set[str] = set()  # origins whose robots.txt is under way
        self._robots_tries: dict[str, int] = defaultdict(int)
        self._errands: dict[str, deque[Fetch]] = defaultdict(deque)  # robots.txt redirects, by host
        self.active = 0
        counts = state.pages_by_host()
        self.pages = sum(counts.values())
        """Documents fetched and pages under way."""
        for name, count in counts.items():
            self._host(name).pages = count
        for name in state.waiting_hosts():
            self._enqueue(self._host(name))

    @property
    def exhausted(self) -> bool:
        """Nothing is under way and nothing may be asked for any more."""
        return not self._queue and not self.active

    @property
    def spent(self) -> bool:
        """Pages wait that the page budgets leave no room for."""
        return bool(self._starved)

    def wait(self, now: float) -> float | None:
        """Seconds until `take` may have something; None where that hangs on what is under way."""
        if not self._queue or self.active >= MAX_ACTIVE:
            return None
        return max(0.0, self._queue[0][0] - now)

    def add(self, found: Iterable[Fetch]) -> None:
        """Note addresses; those in scope will be asked for. To be called inside a transaction of the state."""
        known = [self._as_learned(fetch) for fetch in found if fetch.depth <= self._depth]
        rows = [(fetch, self._refuses(fetch)) for fetch in known]
        self._state.add(rows)
        for name in {urls.host(fetch.url) for fetch, refused in rows if not refused}:
            self._enqueue(self._host(name))

    def reconsider(self) -> None:
        """Decide anew, after the recipe changed, on all that waits, lies out of scope or was past a budget."""
        with self._state.transaction():
            undecided = self._state.undecided()
            decisions = [(fetch.url, self._refuses(fetch)) for fetch in undecided]
            self._state.decide(decisions)
        for url, refused in decisions:
            if not refused:
                self._enqueue(self._host(urls.host(url)))

    def _as_learned(self, fetch: Fetch) -> Fetch:
        """The same page under the address that its site is known to have it under."""
        address = self.learned.address(fetch.url) if fetch.role == "page" and not fetch.given else fetch.url
        return fetch if address == fetch.url else replace(fetch, url=address)

    def learn(self, url: str, body: bytes, links: list[Fetch], canonical: str | None) -> None:
        """Learn from a document, and look at what waits at its site in the light of it."""
        text, ignored = self.learned.read(url, body, [link.url for link in links], canonical)
        self._state.read_page(url, text, canonical)
        if ignored:
            site = urls.host(url).removeprefix("www.")
            read = [base for part in ignored for base in self._state.sites.bases(site, part)]
            self._state.add((Fetch(base, "page", referrer=url), None) for base in read)
            self._state.settle_waiting(read, "same", "the page was fetched under another spelling of its address")
            for fetch in self._state.waiting_with(site):
                self._respell(fetch)

    def _respell(self, fetch: Fetch) -> bool:
        """Put another spelling of a page in its place; whether there was one."""
        plain = self._as_learned(fetch)
        if plain.url == fetch.url:
            return False
        self._state.settle(fetch.url, "same", reason=f"another spelling of {plain.url}")
        self.add([plain])
        return True

    def checked(self, fetch: Fetch, now: float, *, changed: bool) -> None:
        """An address was asked for again: note whether it had changed, and when to ask the next time."""
        checks, changes, first, last, gap = self._state.history(fetch.url)
        if self._refresh and fetch.role == "page":
            mean = (now - first) / (checks + 1) / self._refresh
            gap = next_gap(checks + 1, changes + int(changed), mean, (now - last) / self._refresh)
        self._state.checked_again(fetch.url, changed, gap)

    def settle_spellings(self) -> None:
        """Keep one document of those that are one page by what was learned: the one that was seen first."""
        first: dict[str, str] = {}
        for site, _, _ in self._state.sites.ignored_parts():
            for url, text in self._state.documents_of(site):
                plain = self.learned.address(url)
                if first.setdefault(f"{plain} {text}", url) != url:
                    self._state.settle_document(url, "same", f"another spelling of {first[f'{plain} {text}']}")

    def admit(self, host: str, referrer: str) -> None:
        """A start address redirects to this host: it belongs to the crawl."""
        if not self.scope.holds(host):
            self._state.admit_host(host, referrer)
            self.scope = self.scope.with_hosts([host])

    def _refuses(self, fetch: Fetch) -> str | None:
        if fetch.depth > self._depth:
            return f"depth {fetch.depth} is more than {self._depth}"
        return self.scope.refuses(fetch.url, page=fetch.role == "page", admitted=fetch.admitted)

    def take(self, now: float) -> Fetch | None:
        """An address to ask for now. It counts as under way until `release`."""
        while self.active < MAX_ACTIVE and self._queue and self._queue[0][0] <= now:
            turn, name = heapq.heappop(self._queue)
            host = self._hosts[name]
            if host.queued_at != turn:
                continue  # its turn was moved forward
            host.queued_at = None
            if host.next_at > now:
                self._enqueue(host)
                continue
            fetch = self._take_from(host, now)
            if fetch:
                host.begin(now)
                self.active += 1
                if _counts(fetch):
                    host.pages += 1
                    self.pages += 1
                self._enqueue(host)
                return fetch
        return None

    def _take_from(self, host: Host, now: float) -> Fetch | None:
        if self._errands[host.name]:
            return self._errands[host.name].popleft()
        while True:
            if host.silent:
                self._state.settle_host(host.name, "transient", "the host stopped answering")
                return None
            pages = self.pages < self._max_pages and host.pages < self._max_pages_per_host
            fetch = self._state.waiting(host.name, now, pages)
            if fetch is None:
                due = self._state.next_due(host.name)
                if due is not None and due > now:
                    self._enqueue(host, due)
                elif due is not None:
                    self._starved.add(host.name)
                return None
            if fetch.role == "page" and not fetch.given and (refused := self.learned.refuses(fetch.url)):
                self._state.settle(fetch.url, refused[0], reason=refused[1])
                continue
            origin = urls.origin(fetch.url)
            robots = self.robots(origin, now)
            if robots is None:
                if origin in self._asking:
                    return None
                self._asking.add(origin)
                return Fetch(f"{origin}/robots.txt", "robots", tries=self._robots_tries[origin], origin=origin)
            host.crawl_delay = robots.delay or 0.0
            forbidden = robots.forbids(fetch.url)
            if forbidden is None:
                self._state.fetching(fetch.url)
                return fetch
            self._state.settle(fetch.url, "transient" if robots.unreachable else "robots", reason=str(forbidden))

    def release(
        self, fetch: Fetch, now: float, latency: float | None = None, status: int | None = None, *, document: bool
    ) -> None:
        """What was taken is no longer under way. `latency` and `status` are None where no answer came."""
        host = self._host(urls.host(fetch.url))
        host.end(latency, status, now)
        self.active -= 1
        if _counts(fetch) and not document:
            host.pages -= 1
            self.pages -= 1
            starved, self._starved = self._starved, set()
            for name in starved:
                self._enqueue(self._hosts[name])
        self._enqueue(host)

    def try_again(self, fetch: Fetch, now: float, asked: float | None, *, whole_host: bool) -> float | None:
        """Put an address back after a failure; wall time of its next turn, or None where its tries are used up.

        `asked` are the seconds that the server wants us to wait; `whole_host` keeps the whole host waiting.
        """
        if fetch.tries + 1 >= MAX_TRIES:
            return None
        host = self._host(urls.host(fetch.url))
        due = now + max(asked or 0.0, backoff(fetch.tries + 1, host.retry_delay))
        if whole_host or fetch.role == "robots":
            host.pause(due)
        if fetch.role == "robots":
            self._robots_tries[fetch.origin] = fetch.tries + 1
            self._asking.discard(fetch.origin)
            self._enqueue(self._host(urls.host(fetch.origin)), due)
        else:
            self._state.retry(fetch.url, due)
        return due

    def robots(self, origin: str, now: float) -> Robots | None:
        """The rules of an origin, or None where its robots.txt has to be asked for (again)."""
        known = self._robots.get(origin)
        if known is None and (stored := self._state.robots(origin)):
            known = (Robots.parse(stored[0]), stored[1])
        if known is None or known[1] + ROBOTS_AGE < now:
            return None
        if len(self._robots) >= _ROBOTS_KEPT:
            self._robots.pop(next(iter(self._robots)))
        self._robots[origin] = known
        return known[0]

    def robots_answered(self, origin: str, body: bytes, now: float) -> None:
        """The robots.txt of an origin; empty bytes where it has none. The sitemaps that it names lie one link deep."""
        self._state.set_robots(origin, body, now)
        robots = Robots.parse(body)
        self._know(origin, robots, now)
        sitemaps = (urls.canonical(address, origin) for address in robots.sitemaps)
        source = f"{origin}/robots.txt"
        self.add(Fetch(url, "sitemap", 1, 1, admitted=True, referrer=source) for url in sitemaps if url)

    def robots_silent(self, origin: str, reason: str, now: float) -> None:
        """The origin could not say what it forbids: nothing is asked of it in this run, and the next one asks again."""
        self._know(origin, Robots.silent(f"robots.txt could not be read ({reason}), so nothing may be fetched"), now)

    def robots_moved(self, fetch: Fetch, target: str) -> None:
        """Ask for a robots.txt where it says it is."""
        host = self._host(urls.host(target))
        self._errands[host.name].append(
            Fetch(target, "robots", steps=fetch.steps + 1, referrer=fetch.url, tries=fetch.tries, origin=fetch.origin)
        )
        self._enqueue(host)

    def ask_policies(self, url: str, now: float) -> None:
        """Ask for the files in which the site of a page that was fetched says how it may be used."""
        origin = urls.origin(url)
        if origin in self._policies:
            return
        self._policies.add(origin)
        robots = self.robots(origin, now)
        licenses = [urls.canonical(license_, origin) for license_ in robots.licenses] if robots else []
        asked = self._state.policies_asked(origin)
        for address in dict.fromkeys([*(f"{origin}{path}" for path in FILES), *licenses]):
            if address and asked.get(address, 0.0) + ROBOTS_AGE < now:
                host = self._host(urls.host(address))
                self._errands[host.name].append(Fetch(address, "policy", origin=origin))
                self._enqueue(host)

    def policy_answered(self, fetch: Fetch, body: bytes | None, now: float) -> None:
        """A policy file, or None where the site has none."""
        self._state.set_policy(fetch.origin, fetch.url, body, now)

    def _know(self, origin: str, robots: Robots, now: float) -> None:
        self._robots[origin] = (robots, now)
        self._asking.discard(origin)
        self._robots_tries.pop(origin, None)
        self._enqueue(self._host(urls.host(origin)))

    def _host(self, name: str) -> Host:
        if name not in self._hosts:
            self._hosts[name] = Host(name, self._delay, self._concurrency, self._retry_delay)
        return self._hosts[name]

    def _enqueue(self, host: Host, at: float = 0.0) -> None:
        """Give a host its turn: as soon as it may be asked, and not before `at`."""
        turn = max(host.next_at, at)
        if host.active < host.concurrency and (host.queued_at is None or turn < host.queued_at):
            host.queued_at = turn
            heapq.heappush(self._queue, (turn, host.name))


def _counts(fetch: Fetch) -> bool:
    """Whether an address uses up the budgets of pages: a document that is fetched again is counted already."""
    return fetch.role == "page" and not (fetch.earlier is not None and fetch.earlier.document)
