"""The tables in which a crawl keeps what it learns of each site (`learned.py`), in the file of its state."""

from __future__ import annotations

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS endings (host TEXT, ending TEXT, asked INTEGER, pages INTEGER, PRIMARY KEY (host, ending));
CREATE TABLE IF NOT EXISTS forms (host TEXT, form TEXT, pages INTEGER, repeats INTEGER, PRIMARY KEY (host, form));
CREATE TABLE IF NOT EXISTS parts (
  site TEXT, part TEXT, same INTEGER, different INTEGER, ignored INTEGER NOT NULL DEFAULT 0, preferred TEXT,
  PRIMARY KEY (site, part)
);
CREATE TABLE IF NOT EXISTS variants (
  site TEXT, part TEXT, base TEXT, value TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (site, part, base)
);
CREATE INDEX IF NOT EXISTS bases ON variants (site, base);
"""


class SiteTables:
    """Counts of addresses by ending, form and part. Changes belong to the transaction of the crawl's state."""

    def __init__(self, db: sqlite3.Connection):
        self._db = db
        db.executescript(_SCHEMA)

    def ending(self, host: str, ending: str) -> tuple[int, int]:
        """(asked for, of these pages) of the addresses of a host that end so."""
        query = "SELECT asked, pages FROM endings WHERE host = ? AND ending = ?"
        row = self._db.execute(query, (host, ending)).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def count_ending(self, host: str, ending: str, page: bool) -> None:
        self._db.execute(
            "INSERT INTO endings VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET asked = asked + 1, "
            "pages = pages + excluded.pages",
            (host, ending, int(page)),
        )

    def form(self, host: str, form: str) -> tuple[int, int]:
        """(pages, of these repeats) that a host has shown in one form of address."""
        query = "SELECT pages, repeats FROM forms WHERE host = ? AND form = ?"
        row = self._db.execute(query, (host, form)).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def count_form(self, host: str, form: str, repeats: bool) -> None:
        self._db.execute(
            "INSERT INTO forms VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET pages = pages + 1, "
            "repeats = repeats + excluded.repeats",
            (host, form, int(repeats)),
        )

    def variant(self, site: str, part: str, base: str) -> tuple[str, str] | None:
        """(value of the part, text) of the first page whose address without a part was `base`."""
        query = "SELECT value, text FROM variants WHERE site = ? AND part = ? AND base = ?"
        row = self._db.execute(query, (site, part, base)).fetchone()
        return (str(row[0]), str(row[1])) if row else None

    def set_variant(self, site: str, part: str, base: str, value: str, text: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO variants VALUES (?, ?, ?, ?, ?)", (site, part, base, value, text))

    def variants_of(self, site: str, base: str) -> list[tuple[str, str]]:
        """(part, text) of the pages whose address is `base` with one part more."""
        rows = self._db.execute("SELECT part, text FROM variants WHERE site = ? AND base = ?", (site, base))
        return [(str(part), str(text)) for part, text in rows]

    def bases(self, site: str, part: str) -> list[str]:
        """The addresses, without a part, of the pages of a site that were read."""
        rows = self._db.execute("SELECT base FROM variants WHERE site = ? AND part = ?", (site, part))
        return [str(base) for (base,) in rows]

    def count_part(self, site: str, part: str, same: bool) -> tuple[int, int]:
        """Count a pair of addresses that differ in a part alone; (pairs with one text, pairs with two texts) so far."""
        self._db.execute(
            "INSERT INTO parts (site, part, same, different) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "same = same + excluded.same, different = different + excluded.different",
            (site, part, int(same), int(not same)),
        )
        query = "SELECT same, different FROM parts WHERE site = ? AND part = ?"
        found = self._db.execute(query, (site, part)).fetchone()
        return int(found[0]), int(found[1])

    def ignore_part(self, site: str, part: str, preferred: str) -> None:
        query = "UPDATE parts SET ignored = 1, preferred = ? WHERE site = ? AND part = ?"
        self._db.execute(query, (preferred, site, part))

    def heed_part(self, site: str, part: str) -> None:
        self._db.execute("UPDATE parts SET ignored = 0 WHERE site = ? AND part = ?", (site, part))

    def ignored_parts(self) -> list[tuple[str, str, str]]:
        """(site, part, preferred origin) of what is left out of addresses."""
        rows = self._db.execute("SELECT site, part, coalesce(preferred, '') FROM parts WHERE ignored = 1")
        return [(str(site), str(part), str(preferred)) for site, part, preferred in rows]
