"""What a crawl knows of every address, on disk: waiting, or settled with its outcome. One SQLite file, no pickles.

An address is a row from the moment it is seen, so that the table is the frontier, the seen-set and the log in one, and
memory does not grow with it. A row is settled in the same transaction that notes how long the archive has become: after
a kill both are as they were after some response.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from corpuskit.errors import CorpuskitError
from corpuskit.sources.crawl import urls
from corpuskit.sources.crawl.site_tables import SiteTables

FILE = "crawl.sqlite"

Role = Literal["page", "feed", "sitemap", "robots", "policy"]
Outcome = Literal[
    "fetched",
    "redirected",
    "gone",  # the server says that there is no such page (404, 410, another 4xx), or no answer came for a week of runs
    "robots",
    "scope",
    "budget",
    "denied",  # the server refuses it (401, 403, 451, ...)
    "private",
    "too_large",
    "not_text",
    "damaged",  # the body cannot be decoded
    "same",  # another spelling of a page that is fetched under its own address
    "trap",  # pages of its form repeat what the site has shown
    "transient",  # no answer, a broken connection, 429 or 5xx: asked for again by the next run
]

PERSISTENT_RUNS, PERSISTENT_SECONDS = 5, 7 * 24 * 3600.0
"""An address that failed in so many runs over so many seconds is gone; until then every run asks for it again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS segments (number INTEGER PRIMARY KEY, length INTEGER NOT NULL, closed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, body BLOB, asked REAL NOT NULL);
CREATE TABLE IF NOT EXISTS urls (
  number INTEGER PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,
  host TEXT NOT NULL,
  role TEXT NOT NULL,
  depth INTEGER NOT NULL,
  steps INTEGER NOT NULL,          -- redirects and sitemap indexes passed on the way here
  given INTEGER NOT NULL,          -- named by the recipe, or where such a one redirects to
  referrer TEXT,
  published TEXT,
  title TEXT,
  tries INTEGER NOT NULL DEFAULT 0,
  due REAL NOT NULL DEFAULT 0,
  outcome TEXT,                    -- NULL while waiting, 'fetching' while under way
  status INTEGER,
  reason TEXT,
  settled TEXT,
  segment INTEGER, offset INTEGER, length INTEGER,
  media_type TEXT,
  document INTEGER NOT NULL DEFAULT 0,
  failed_runs INTEGER NOT NULL DEFAULT 0, -- runs that ended without an answer
  first_failed REAL,               -- wall time at which the first of them ended
  admitted INTEGER NOT NULL DEFAULT 0, -- in scope whatever its host: an entry of a feed that the recipe names
  text TEXT,                       -- digest of the document's text
  canonical TEXT,                  -- the address that the document says is its own
  etag TEXT, modified TEXT,        -- the validators of the last answer
  body TEXT,                       -- digest of the last answer's body
  first_fetched REAL,              -- wall time of the first answer
  checked REAL,                    -- wall time of the last answer
  checks INTEGER NOT NULL DEFAULT 0, changes INTEGER NOT NULL DEFAULT 0, -- since the first answer
  gap REAL NOT NULL DEFAULT 1,     -- when to ask again: so many times the recipe's `refresh` after `checked`
  linked INTEGER NOT NULL DEFAULT 0 -- its links have been added
);
CREATE TABLE IF NOT EXISTS policies (
  origin TEXT, url TEXT, body BLOB, asked REAL NOT NULL, PRIMARY KEY (origin, url)
); -- files in which a site says how its pages may be used; the body is NULL where there is none
CREATE TABLE IF NOT EXISTS versions (
  url TEXT NOT NULL, segment INTEGER, offset INTEGER, length INTEGER, fetched REAL, ended TEXT, why TEXT
); -- earlier versions of documents: 'changed', 'moved' or 'gone'
CREATE INDEX IF NOT EXISTS versions_of ON versions (url);
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, referrer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS waiting ON urls (host, depth, number) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS unlinked ON urls (depth) WHERE outcome = 'fetched' AND linked = 0;
"""

_GONE = """
SELECT v.url, max(v.ended) FROM versions AS v JOIN urls AS u ON u.url = v.url
WHERE v.why = 'gone' AND u.document = 0 GROUP BY v.url ORDER BY v.url
"""

_DUE = """
outcome = 'fetched' AND (document = 1 OR role IN ('feed', 'sitemap')) AND coalesce(checked, 0) + gap * ? <= ?
"""

_ADD = """
INSERT INTO urls (url, host, role, depth, steps, given, admitted, referrer, published, title, outcome, reason, settled)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (url) DO UPDATE SET
  linked = CASE WHEN excluded.depth < depth THEN 0 ELSE linked END,
  referrer = CASE WHEN excluded.depth < depth THEN excluded.referrer ELSE referrer END,
  depth = min(depth, excluded.depth),
  given = max(given, excluded.given),
  admitted = max(admitted, excluded.admitted),
  published = CASE WHEN published IS NULL OR excluded.published < published THEN excluded.published ELSE published END,
  title = CASE WHEN title IS NULL OR excluded.title < title THEN excluded.title ELSE title END
WHERE excluded.depth < depth OR excluded.given > given OR excluded.published IS NOT NULL OR excluded.title IS NOT NULL
"""


@dataclass(frozen=True)
class Earlier:
    """The last answer of an address."""

    etag: str | None
    modified: str | None
    body: str | None
    text: str | None
    document: bool
    when: str
    """ISO 8601, UTC."""


@dataclass(frozen=True)
class Fetch:
    """An address to ask for."""

    url: str
    role: Role
    depth: int = 0
    steps: int = 0
    given: bool = False
    admitted: bool = False
    """In scope whatever its host: an entry of a feed that the recipe names, or a sitemap that a robots.txt names."""
    referrer: str | None = None
    published: str | None = None
    title: str | None = None
    tries: int = 0
    earlier: Earlier | None = None
    """What was fetched before, where the address is asked for again."""
    origin: str = ""
    """For a robots.txt, the origin that it speaks for."""


@dataclass(frozen=True)
class Record:
    """Where a response lies in the archive: bytes `offset` to `offset + length` of a segment."""

    segment: int
    offset: int
    length: int
    end: int
    """How long the segment is, with the request's record behind the response's."""


class State:
    """The rows of one crawl. Not for use by two threads or processes at once; `fate` may read beside it."""

    def __init__(self, folder: Path):
        try:
            self._db = sqlite3.connect(folder / FILE, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            self.sites = SiteTables(self._db)
            self._upgrade()
            self._db.execute("UPDATE urls SET outcome = NULL WHERE outcome = 'fetching'")
        except sqlite3.DatabaseError as error:
            raise CorpuskitError(f"{folder / FILE}: {error}; remove {folder} to crawl anew") from error

    def _upgrade(self) -> None:
        """Bring a table of an earlier version up to date: its 'error' did not tell a missing page from a failure."""
        columns = {str(row["name"]) for row in self._db.execute("PRAGMA table_info(urls)")}
        if "failed_runs" in columns:
            return
        for column in (
            *("failed_runs INTEGER NOT NULL DEFAULT 0", "first_failed REAL", "admitted INTEGER NOT NULL DEFAULT 0"),
            *("text TEXT", "canonical TEXT", "etag TEXT", "modified TEXT", "body TEXT", "first_fetched REAL"),
            *("checked REAL", "checks INTEGER NOT NULL DEFAULT 0", "changes INTEGER NOT NULL DEFAULT 0"),
            "gap REAL NOT NULL DEFAULT 1",
        ):
            self._db.execute(f"ALTER TABLE urls ADD COLUMN {column}")
        self._db.execute(
            "UPDATE urls SET outcome = CASE WHEN status BETWEEN 400 AND 499 AND status NOT IN (408, 425, 429) "
            "THEN 'gone' ELSE 'transient' END WHERE outcome = 'error'"
        )
        self._db.execute(
            "UPDATE urls SET outcome = 'transient' WHERE outcome = 'robots' AND reason LIKE '%could not be read%'"
        )

    def close(self) -> None:
        """Close, with everything in the one file where nobody else has it open."""
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is changed inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def fact(self, name: str, default: str = "") -> str:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def add(self, found: Iterable[tuple[Fetch, str | None]]) -> None:
        """Note addresses, each with the reason why it lies outside the scope, or None. Known ones are kept, at the
        smaller depth."""
        when = now_text()
        rows = [
            (
                *(fetch.url, urls.host(fetch.url), fetch.role, fetch.depth, fetch.steps, int(fetch.given)),
                *(int(fetch.admitted), fetch.referrer, fetch.published, fetch.title),
                *(("scope", refused, when) if refused else (None, None, None)),
            )
            for fetch, refused in found
        ]
        self._db.executemany(_ADD, rows)

    def settle(
        self,
        url: str,
        outcome: Outcome,
        *,
        status: int | None = None,
        reason: str | None = None,
        record: Record | None = None,
        media_type: str | None = None,
        document: bool = False,
    ) -> None:
        """The outcome of an address. All but 'transient' are final unless the recipe changes."""
        place = (record.segment, record.offset, record.length) if record else (None, None, None)
        self._db.execute(
            "UPDATE urls SET outcome = ?, status = ?, reason = ?, settled = ?, segment = ?, offset = ?, length = ?, "
            "media_type = ?, document = ?, linked = 0, "
            "failed_runs = CASE WHEN ?1 = 'transient' THEN failed_runs ELSE 0 END, "
            "first_failed = CASE WHEN ?1 = 'transient' THEN first_failed END WHERE url = ?",
            (outcome, status, reason, now_text(), *place, media_type, int(document), url),
        )

    def linked(self, fetch: Fetch) -> None:
        """The links of an address have been added, as of the depth that it was fetched at."""
        self._db.execute("UPDATE urls SET linked = 1 WHERE url = ? AND depth >= ?", (fetch.url, fetch.depth))

    def fetching(self, url: str) -> None:
        self._db.execute("UPDATE urls SET outcome = 'fetching' WHERE url = ?", (url,))

    def retry(self, url: str, due: float) -> None:
        """Put an address that was under way back, to be asked for again at wall time `due`."""
        self._db.execute("UPDATE urls SET outcome = NULL, tries = tries + 1, due = ? WHERE url = ?", (due, url))

    def waiting(self, host: str, now: float, pages: bool) -> Fetch | None:
        """The next address of a host, nearest the start first; without `pages`, a feed or sitemap."""
        only = "" if pages else "AND role <> 'page'"
        row = self._db.execute(
            f"SELECT * FROM urls WHERE host = ? AND outcome IS NULL AND due <= ? {only} ORDER BY depth, number LIMIT 1",
            (host, now),
        ).fetchone()
        return _fetch(row) if row else None

    def next_due(self, host: str) -> float | None:
        """Wall time at which the first waiting address of a host may be asked for; None where none waits."""
        query = "SELECT min(due) FROM urls WHERE host = ? AND outcome IS NULL"
        found = self._db.execute(query, (host,)).fetchone()[0]
        return None if found is None else float(found)

    def waiting_hosts(self) -> list[str]:
        return [str(row[0]) for row in self._db.execute("SELECT DISTINCT host FROM urls WHERE outcome IS NULL")]

    def pages_by_host(self) -> dict[str, int]:
        """How many documents were fetched from each host."""
        rows = self._db.execute("SELECT host, count(*) FROM urls WHERE document = 1 GROUP BY host")
        return {str(host): int(count) for host, count in rows}

    def unlinked(self, depth: int) -> list[tuple[Fetch, Record]]:
        """Fetched addresses above a depth whose links are still to be added, with their records."""
        rows = self._db.execute(
            "SELECT * FROM urls WHERE outcome = 'fetched' AND linked = 0 AND depth < ? ORDER BY depth LIMIT 100",
            (depth,),
        )
        return [(_fetch(row), Record(row["segment"], row["offset"], row["length"], 0)) for row in rows]

    def undecided(self) -> list[Fetch]:
        """Addresses whose outcome hangs on the recipe: waiting, out of scope, or past a budget."""
        rows = self._db.execute("SELECT * FROM urls WHERE outcome IS NULL OR outcome IN ('scope', 'budget')")
        return [_fetch(row) for row in rows]

    def decide(self, decisions: Iterable[tuple[str, str | None]]) -> None:
        """Put addresses back to waiting, or out of scope for a reason."""
        when = now_text()
        self._db.executemany(
            "UPDATE urls SET outcome = ?, reason = ?, settled = ?, tries = 0, due = 0 WHERE url = ?",
            [("scope" if why else None, why, when if why else None, url) for url, why in decisions],
        )

    def settle_host(self, host: str, outcome: Outcome, reason: str) -> None:
        """One outcome for everything that still waits at a host."""
        self._db.execute(
            "UPDATE urls SET outcome = ?, reason = ?, settled = ? WHERE host = ? AND outcome IS NULL",
            (outcome, reason, now_text(), host),
        )

    def settle_rest(self, reason: str) -> None:
        """The run ends: what still waits is past the budget, or was waiting to be tried again and stays open."""
        self._db.execute(
            "UPDATE urls SET outcome = CASE WHEN tries > 0 OR document = 1 THEN 'transient' ELSE 'budget' END, "
            "reason = CASE WHEN tries > 0 THEN 'no usable answer before ' || ? ELSE ? END, settled = ? "
            "WHERE outcome IS NULL OR outcome = 'fetching'",
            (reason, reason, now_text()),
        )

    def reopen(self) -> int:
        """Put the addresses that could not be fetched back to waiting; how many there are."""
        return self._db.execute(
            "UPDATE urls SET outcome = NULL, reason = NULL, tries = 0, due = 0 WHERE outcome = 'transient'"
        ).rowcount

    def end_run(self, now: float) -> int:
        """Note that this run could not fetch what is open. What has failed for long enough is gone.

        Returns:
            How many addresses stay open for the next run.
        """
        self._db.execute(
            "UPDATE urls SET failed_runs = failed_runs + 1, first_failed = coalesce(first_failed, ?) "
            "WHERE outcome = 'transient'",
            (now,),
        )
        persistent = "outcome = 'transient' AND failed_runs >= ? AND first_failed <= ?"
        limits = (PERSISTENT_RUNS, now - PERSISTENT_SECONDS)
        self._db.execute(
            "INSERT INTO versions SELECT url, segment, offset, length, checked, ?, 'gone' FROM urls "
            f"WHERE document = 1 AND {persistent}",
            (now_text(), *limits),
        )
        self._db.execute(
            "UPDATE urls SET outcome = 'gone', document = 0, "
            f"reason = 'no answer in ' || failed_runs || ' runs; the last: ' || reason WHERE {persistent}",
            limits,
        )
        return self.open()

    def open(self) -> int:
        """How many addresses the next run asks for: those that could not be fetched, and those that wait."""
        query = "SELECT count(*) FROM urls WHERE outcome IS NULL OR outcome IN ('transient', 'fetching')"
        return int(self._db.execute(query).fetchone()[0])

    # --- documents and their other spellings ---

    def read_page(self, url: str, text: str | None, canonical: str | None) -> None:
        """Note what a document says of itself."""
        self._db.execute("UPDATE urls SET text = ?, canonical = ? WHERE url = ?", (text, canonical, url))

    def text_of(self, url: str) -> str | None:
        row = self._db.execute("SELECT text FROM urls WHERE url = ?", (url,)).fetchone()
        return None if row is None else row["text"]

    def knows(self, addresses: Iterable[str]) -> int:
        """How many of these addresses the crawl has seen."""
        wanted = list(set(addresses))
        return sum(
            self._db.execute(f"SELECT count(*) FROM urls WHERE url IN ({', '.join('?' * len(some))})", some).fetchone()[
                0
            ]
            for some in (wanted[start : start + 500] for start in range(0, len(wanted), 500))
        )

    def waiting_with(self, site: str) -> list[Fetch]:
        """The pages of a site (and of `www.` in front of it) that wait."""
        rows = self._db.execute(
            "SELECT * FROM urls WHERE host IN (?, 'www.' || ?) AND outcome IS NULL AND role = 'page'", (site, site)
        )
        return [_fetch(row) for row in rows]

    def settle_waiting(self, addresses: Iterable[str], outcome: Outcome, reason: str) -> None:
        """One outcome for those of these addresses that wait."""
        query = "UPDATE urls SET outcome = ?, reason = ?, settled = ? WHERE url = ? AND outcome IS NULL AND given = 0"
        when = now_text()
        self._db.executemany(query, [(outcome, reason, when, url) for url in addresses])

    def settle_document(self, url: str, outcome: Outcome, reason: str) -> None:
        """A fetched page is no document after all. Where it lies in the archive stays known."""
        query = "UPDATE urls SET outcome = ?, reason = ?, document = 0 WHERE url = ?"
        self._db.execute(query, (outcome, reason, url))

    def documents_of(self, site: str) -> list[tuple[str, str]]:
        """(address, digest of the text) of a site's documents, the first seen first."""
        rows = self._db.execute(
            "SELECT url, text FROM urls WHERE host IN (?, 'www.' || ?) AND document = 1 AND text IS NOT NULL "
            "ORDER BY number",
            (site, site),
        )
        return [(str(url), str(text)) for url, text in rows]

    def settle_same(self) -> None:
        """A document whose canonical address is a document too is that one in another spelling."""
        self._db.execute(
            "UPDATE urls SET outcome = 'same', document = 0, reason = 'its canonical address is ' || canonical "
            "WHERE document = 1 AND canonical IS NOT NULL AND canonical <> url AND EXISTS "
            "(SELECT 1 FROM urls AS other WHERE other.url = urls.canonical AND other.document = 1 "
            " AND (other.canonical IS NULL OR other.canonical = other.url))"
        )

    def admit_host(self, host: str, referrer: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO hosts VALUES (?, ?)", (host, referrer))

    def admitted_hosts(self) -> list[str]:
        """Hosts that the crawl's start addresses redirect to."""
        return [str(row[0]) for row in self._db.execute("SELECT host FROM hosts ORDER BY host")]

    # --- pages that are asked for again (`refresh.py`) ---

    def answered(self, url: str, now: float, etag: str | None, modified: str | None, body: str) -> None:
        """Note an answer with content: its validators and the digest of its body."""
        self._db.execute(
            "UPDATE urls SET etag = ?, modified = ?, body = ?, first_fetched = coalesce(first_fetched, ?), checked = ? "
            "WHERE url = ?",
            (etag, modified, body, now, now, url),
        )

    def history(self, url: str) -> tuple[int, int, float, float, float]:
        """(checks, changes, wall time of the first answer, of the last, gap) of an address."""
        query = "SELECT checks, changes, first_fetched, checked, gap FROM urls WHERE url = ?"
        checks, changes, first, last, gap = self._db.execute(query, (url,)).fetchone()
        return int(checks), int(changes), float(first or 0), float(last or 0), float(gap)

    def checked_again(self, url: str, changed: bool, gap: float) -> None:
        """Count a check, and note when the next one is due. To be called before `answered`."""
        query = "UPDATE urls SET checks = checks + 1, changes = changes + ?, gap = ? WHERE url = ?"
        self._db.execute(query, (int(changed), gap, url))

    def unchanged(self, url: str, now: float) -> None:
        """The address still holds what was fetched before: its outcome and place in the archive stay."""
        self._db.execute(
            "UPDATE urls SET outcome = 'fetched', reason = NULL, checked = ?, failed_runs = 0, first_failed = NULL "
            "WHERE url = ?",
            (now, url),
        )

    def keep_earlier(self, url: str, reason: str) -> None:
        """The address could not be checked: it stays open, and what was fetched before stays a document."""
        self._db.execute("UPDATE urls SET outcome = 'transient', reason = ? WHERE url = ?", (reason, url))

    def end_version(self, url: str, why: str) -> None:
        """Note that the document that was fetched before is not the newest any more, or is gone."""
        self._db.execute(
            "INSERT INTO versions SELECT url, segment, offset, length, checked, ?, ? FROM urls "
            "WHERE url = ? AND document = 1",
            (now_text(), why, url),
        )

    def versions(self, url: str) -> list[dict[str, Any]]:
        """The earlier versions of a document, the oldest first: segment, offset, length, fetched, ended, why."""
        return [dict(row) for row in self._db.execute("SELECT * FROM versions WHERE url = ? ORDER BY ended", (url,))]

    def due(self, refresh: float, now: float) -> int:
        """How many addresses are to be checked again."""
        query = f"SELECT count(*) FROM urls WHERE {_DUE}"
        return int(self._db.execute(query, (refresh, now)).fetchone()[0])

    def ask_again(self, refresh: float, now: float) -> int:
        """Put the addresses that are due back to waiting; how many there are. With `refresh` 0 that is every one."""
        query = f"UPDATE urls SET outcome = NULL, tries = 0, due = 0 WHERE {_DUE}"
        return self._db.execute(query, (refresh, now)).rowcount

    # --- robots.txt and the archive ---

    def robots(self, origin: str) -> tuple[bytes, float] | None:
        """The robots.txt that counts for an origin and the wall time at which it was asked for."""
        row = self._db.execute("SELECT body, asked FROM robots WHERE origin = ?", (origin,)).fetchone()
        return (bytes(row[0]), float(row[1])) if row else None

    def set_robots(self, origin: str, body: bytes, asked: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO robots VALUES (?, ?, ?)", (origin, body, asked))

    def set_policy(self, origin: str, url: str, body: bytes | None, asked: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO policies VALUES (?, ?, ?, ?)", (origin, url, body, asked))

    def policies_asked(self, origin: str) -> dict[str, float]:
        """Address of each policy file of an origin -> the wall time at which it was asked for."""
        rows = self._db.execute("SELECT url, asked FROM policies WHERE origin = ?", (origin,))
        return {str(url): float(asked) for url, asked in rows}

    def policies(self) -> dict[str, dict[str, bytes]]:
        """Origin -> address -> bytes of the policy files that were found."""
        found: dict[str, dict[str, bytes]] = {}
        for origin, url, body in self._db.execute("SELECT origin, url, body FROM policies WHERE body IS NOT NULL"):
            found.setdefault(str(origin), {})[str(url)] = bytes(body)
        return found

    def robots_files(self) -> Iterator[tuple[str, bytes]]:
        for row in self._db.execute("SELECT origin, body FROM robots"):
            yield str(row[0]), bytes(row[1])

    def segments(self) -> list[tuple[int, int, bool]]:
        """(number, length in bytes, closed) of the archive's files."""
        rows = self._db.execute("SELECT number, length, closed FROM segments ORDER BY number")
        return [(int(number), int(length), bool(closed)) for number, length, closed in rows]

    def set_segment(self, number: int, length: int, closed: bool) -> None:
        self._db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?)", (number, length, int(closed)))

    def lost(self, segment: int, length: int) -> None:
        """A segment turned out shorter than noted: what lay behind `length` is waiting again."""
        self._db.execute(
            "UPDATE urls SET outcome = NULL, segment = NULL, document = 0, linked = 0, checked = NULL "
            "WHERE segment = ? AND offset + length > ?",
            (segment, length),
        )

    def documents(self) -> Iterator[sqlite3.Row]:
        """The rows of pages that are documents, sorted by URL."""
        return iter(
            self._db.execute(
                "SELECT * FROM urls WHERE document = 1 AND outcome IN ('fetched', 'transient') ORDER BY url"
            )
        )

    def settled(self) -> Iterator[dict[str, Any]]:
        """What became of every address, in the order in which it was first seen."""
        for row in self._db.execute("SELECT * FROM urls WHERE outcome IS NOT NULL ORDER BY number"):
            yield _story(row)

    def given(self) -> list[dict[str, Any]]:
        """What became of the addresses that the recipe names."""
        return [_story(row) for row in self._db.execute("SELECT * FROM urls WHERE given = 1 ORDER BY number")]

    def outcomes(self) -> dict[str, int]:
        """How many addresses had each outcome."""
        rows = self._db.execute("SELECT outcome, count(*) FROM urls GROUP BY outcome ORDER BY 2 DESC")
        return {str(name or "waiting"): int(count) for name, count in rows}


def fate(folder: Path | str, url: str) -> dict[str, Any] | None:
    """What became of an address in a crawl, or None where the crawl never saw it (or `folder` holds none).

    Keys: url, outcome (an `Outcome`, or 'waiting'), status, reason (for 'robots' the line that forbids it), referrer,
    depth, role, when.
    """
    path = Path(folder) / FILE
    address = urls.canonical(url)
    if address is None or not path.is_file():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        try:
            row = db.execute("SELECT * FROM urls WHERE url = ?", (address,)).fetchone()
        except sqlite3.DatabaseError:
            return None
    return _story(row) if row else None


def left_open(folder: Path, refresh: float | None, now: float) -> int:
    """How many addresses of a crawl the next run asks for: open ones, and those that are due again. Changes nothing.

    Raises CorpuskitError for a state that cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return 0
    waiting = "outcome IS NULL OR outcome IN ('transient', 'fetching', 'error')"  # 'error' of earlier versions
    due = f" OR ({_DUE})" if refresh is not None else ""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            values = (refresh, now) if refresh is not None else ()
            return int(db.execute(f"SELECT count(*) FROM urls WHERE {waiting}{due}", values).fetchone()[0])
        except sqlite3.DatabaseError:
            pass  # of an earlier version, or damaged: opening it for the crawl upgrades it, or says what is wrong
    state = State(folder)
    try:
        return state.open() + (state.due(refresh, now) if refresh is not None else 0)
    finally:
        state.close()


def missing_pages(folder: Path) -> list[tuple[str, str]]:
    """(address, when) of the documents of a crawl that their sites no longer have."""
    path = folder / FILE
    if not path.is_file():
        return []
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            return [(str(url), str(when)) for url, when in db.execute(_GONE)]
        except sqlite3.DatabaseError:  # of an earlier version, which did not ask for pages again
            return []


def now_text() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def log_line(story: dict[str, Any]) -> str:
    return json.dumps(story, ensure_ascii=False) + "\n"


def _story(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "url": row["url"],
        "outcome": row["outcome"] or "waiting",
        "status": row["status"],
        "reason": row["reason"],
        "referrer": row["referrer"],
        "depth": row["depth"],
        "role": row["role"],
        "when": row["settled"],
    }


def _fetch(row: sqlite3.Row) -> Fetch:
    names = ("url", "role", "depth", "steps", "referrer", "published", "title", "tries")
    earlier = None
    if row["checked"] is not None:
        when = datetime.fromtimestamp(row["checked"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        earlier = Earlier(row["etag"], row["modified"], row["body"], row["text"], bool(row["document"]), when)
    return Fetch(
        given=bool(row["given"]),
        admitted=bool(row["admitted"]),
        earlier=earlier,
        **{name: row[name] for name in names},
    )
