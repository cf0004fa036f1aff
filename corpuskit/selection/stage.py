"""The stage `filter`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import BatchStage
from corpuskit.errors import UsageError
from corpuskit.selection.expression import Expression
from corpuskit.urls import host, identity


class Filter(BatchStage):
    """Keeps the documents that conditions on their columns, addresses and texts choose, or a sample of them."""

    name: ClassVar[str] = "filter"
    version: ClassVar[int] = 1
    rewrites: ClassVar[bool] = False

    where: tuple[str, ...] = ()
    """Conditions that all must hold, on columns and measurements: "quality.gopher.words >= 100 and language in ['en']".
    A condition on a value that is null does not hold; 'title is not None' asks for one."""
    keep_domains: tuple[str, ...] = ()
    """Domains to keep, their subdomains among them: [example.org], or files with one a line."""
    drop_domains: tuple[str, ...] = ()
    """Domains to drop, in the same form."""
    keep_urls: tuple[str, ...] = ()
    """Addresses to keep, or files with one a line. Spellings of one page are equal."""
    drop_urls: tuple[str, ...] = ()
    """Addresses to drop, in the same form."""
    keep_matching: Mapping[str, str] = {}
    """Column -> pattern (RE2) that its value must hold: {text: 'ferry|harbour'}."""
    drop_matching: Mapping[str, str] = {}
    """Column -> pattern (RE2) that its value must not hold."""
    sample: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the documents to keep, chosen by a hash of their ids: the same in any order, and a smaller share is part
    of a larger one."""
    seed: int = 0
    """Another seed, another sample."""

    @field_validator("where", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("where")
    @classmethod
    def _are_expressions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            Expression(text)
        return value

    @field_validator("keep_matching", "drop_matching")
    @classmethod
    def _are_patterns(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for pattern in value.values():
            try:
                pc.match_substring_regex(pa.array([""]), pattern)
            except pa.ArrowInvalid as error:
                raise ValueError(f"'{pattern}' is not a pattern: {error}") from error
        return value

    def rules(self) -> list[Rule]:
        used = {
            "where": bool(self.where),
            "domain": bool(self.keep_domains or self.drop_domains),
            "url": bool(self.keep_urls or self.drop_urls),
            "matching": bool(self.keep_matching or self.drop_matching),
            "sample": self.sample < 1,
        }
        return [
            Rule(
                f"filter.{name}", f"filter.{name}", "is", True, evidence=("filter.failed",) if name != "sample" else ()
            )
            for name, is_used in used.items()
            if is_used
        ]

    def inputs(self) -> list[Path]:
        lists = (*self.keep_domains, *self.drop_domains, *self.keep_urls, *self.drop_urls)
        return [Path(entry) for entry in lists if Path(entry).is_file()]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.num_rows
        failed: list[str | None] = [None] * rows
        columns: dict[str, pa.Array] = {}

        def require(name: str, chosen: pa.BooleanArray, what: str | Callable[[int], str]) -> None:
            columns[name] = pc.and_(columns[name], chosen) if name in columns else chosen
            for row in np.flatnonzero(~np.asarray(chosen)).tolist():
                failed[row] = failed[row] or (what if isinstance(what, str) else what(row))

        for text in self.where:
            require("where", Expression(text).chosen(batch), text)
        urls = batch.column("url").to_pylist() if any(rule.name in _ADDRESSED for rule in self.rules()) else []
        if self.keep_domains or self.drop_domains:
            kept, dropped = _entries(self.keep_domains), _entries(self.drop_domains)
            hosts = [host(url) if url else "" for url in urls]
            chosen = [(not kept or _within(name, kept)) and not _within(name, dropped) for name in hosts]
            require("domain", pa.array(chosen, pa.bool_()), lambda row: hosts[row])
        if self.keep_urls or self.drop_urls:
            kept, dropped = (frozenset(map(identity, _entries(each))) for each in (self.keep_urls, self.drop_urls))
            pages = [identity(url) if url else "" for url in urls]
            require(
                "url",
                pa.array([(not kept or page in kept) and page not in dropped for page in pages], pa.bool_()),
                lambda row: pages[row],
            )
        for patterns, wanted in ((self.keep_matching, True), (self.drop_matching, False)):
            for path, pattern in patterns.items():
                condition = Expression(f"matches({path}, {pattern!r})").chosen(batch)
                chosen_ = condition if wanted else pc.invert(condition)
                require("matching", chosen_, f"{path} {'without' if wanted else 'with'} {pattern}")
        if self.sample < 1:
            columns["sample"] = pa.array(_sampled(batch.column("id").to_pylist(), self.sample, self.seed))
        values = pa.StructArray.from_arrays([*columns.values(), pa.array(failed, pa.string())], [*columns, "failed"])
        return set_column(batch, self.name, values)


_ADDRESSED = ("filter.domain", "filter.url")


def _within(name: str, domains: frozenset[str]) -> bool:
    """Whether a host is one of the domains or below one."""
    labels = name.lower().removeprefix("www.").split(".")
    return any(".".join(labels[place:]) in domains for place in range(len(labels)))


def _entries(given: Sequence[str]) -> frozenset[str]:
    return _read(tuple(given))


@lru_cache(maxsize=16)
def _read(given: tuple[str, ...]) -> frozenset[str]:
    """The entries that are given, and those of the files among them."""
    entries: set[str] = set()
    for entry in given:
        path = Path(entry)
        if path.is_file():
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            entries |= {line.strip() for line in lines if line.strip() and not line.startswith("#")}
        elif path.suffix in (".txt", ".csv", ".list"):
            raise UsageError(f"filter: the list '{entry}' does not exist")
        else:
            entries.add(entry)
    return frozenset(entry if "/" in entry else entry.lower().removeprefix("www.") for entry in entries)


def _sampled(ids: Sequence[str], share: float, seed: int) -> list[bool]:
    limit = int(share * 2**64)
    key = seed.to_bytes(8, "little", signed=True)
    return [
        int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, key=key).digest(), "big") < limit for name in ids
    ]
