"""Rules decide. A rule is a named limit on one measurement; a document whose value breaks it is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.document import column

Limit = float | bool | tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A document is kept when its value stands in the relation `keep` to the limit; a null value breaks no rule.

    `keep` is '<=' or '>=' for numbers, 'in' for words (the limit is a tuple of them), 'is' for booleans.
    """

    name: str
    """How people name it: 'gopher.top_2_gram', 'near_duplicates.duplicate'."""
    measurement: str
    """Dotted path of the value: 'quality.gopher.top_2_gram'."""
    keep: Literal["<=", ">=", "in", "is"]
    limit: Limit
    by_language: Mapping[str, float] = field(default_factory=dict)
    """Limits that replace `limit` for documents in a language."""
    other_languages: float | None = None
    """The limit for documents in a language that `by_language` does not name; None: `limit`. A document of no known
    language has `limit`."""
    evidence: tuple[str, ...] = ()
    """Dotted paths of measurements that the ledger records beside the value (the kept twin, the matched span)."""

    def breaks(self, batch: pa.RecordBatch | pa.Table) -> pa.BooleanArray:
        """True for each document of the batch that breaks the rule.

        Raises KeyError where the batch lacks the measurement.
        """
        values = column(batch, self.measurement)
        if self.keep == "in":
            kept = pc.is_in(values, pa.array(list(self.limit), values.type))  # type: ignore[arg-type]
        elif self.keep == "is":
            kept = pc.equal(values, self.limit)
        else:
            limits = self.limits(batch)
            kept = (pc.less_equal if self.keep == "<=" else pc.greater_equal)(values, limits)
        broken = pc.and_(pc.invert(kept), pc.is_valid(values))
        broken = pc.fill_null(broken, False)
        return broken.combine_chunks() if isinstance(broken, pa.ChunkedArray) else broken

    def limits(self, batch: pa.RecordBatch | pa.Table) -> Any:
        """The limit for each document: a scalar, or an array where languages differ."""
        limit: Any = pa.scalar(float(self.limit))  # type: ignore[arg-type]
        if self.other_languages is not None:
            unknown = pc.is_in(batch.column("language"), pa.array([None, "und", ""], pa.string()))
            limit = pc.if_else(unknown, limit, self.other_languages)
        if self.by_language:
            language = batch.column("language")
            for code, value in sorted(self.by_language.items()):
                limit = pc.if_else(pc.fill_null(pc.equal(language, code), False), float(value), limit)
        return limit

    def limit_for(self, language: str | None) -> Limit:
        other = self.limit if self.other_languages is None or language in (None, "", "und") else self.other_languages
        return self.by_language.get(language or "", other)

    def with_limit(self, limit: Limit) -> Rule:
        """The same rule with another limit, for every language."""
        return replace(self, limit=limit, by_language={}, other_languages=None)
