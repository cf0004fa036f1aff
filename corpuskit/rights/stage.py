"""The stage `rights`: what the owner of a page reserves, as measurements and rules."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import BatchStage
from corpuskit.rights.signals import Reading, read_signals

Reservation = Literal["training", "noindex", "noarchive", "paywall"]

_MEASURED = pa.struct(
    [
        ("reserved", pa.bool_()),  # use for training is reserved
        ("granted", pa.bool_()),  # use for training is allowed in so many words
        ("noindex", pa.bool_()),
        ("noarchive", pa.bool_()),
        ("paywall", pa.bool_()),
        ("license", pa.string()),
        ("evidence", pa.string()),  # the signals that say so
    ]
)


class Rights(BatchStage):
    """Drop documents whose owners reserve their use, by robots groups, headers, page metadata and site files."""

    name: ClassVar[str] = "rights_signals"
    version: ClassVar[int] = 1

    obey: tuple[Reservation, ...] = ("training",)
    """What drops a document: `training` (noai, TDM reservation, ai-train=no, robots groups of AI crawlers, ai.txt,
    RSL), `noindex`, `noarchive`, `paywall`. An empty list measures only."""
    licenses: tuple[str, ...] = ()
    """Keep only documents with one of these licences, as the `license` column names them: [CC-BY-4.0, CC0-1.0]."""

    def rules(self) -> list[Rule]:
        measured = {"training": "reserved"}
        evidence = f"{self.name}.evidence"
        rules = [
            Rule(f"rights.{kind}", f"{self.name}.{measured.get(kind, kind)}", "is", False, evidence=(evidence,))
            for kind in self.obey
        ]
        if self.licenses:
            rules.append(Rule("rights.license", f"{self.name}.license", "in", self.licenses))
        return rules

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        signals = batch.column("rights").dictionary_encode()  # a site repeats its signals on every page
        readings = [read_signals(value) for value in signals.dictionary.to_pylist()]
        silent = len(readings)
        row = pc.fill_null(signals.indices, silent)
        readings.append(Reading())
        columns = {
            name: pa.array([getattr(reading, name) is not None for reading in readings])
            for name in ("reserved", "granted", "noindex", "noarchive", "paywall")
        }
        columns["evidence"] = pa.array([_evidence(reading) for reading in readings], pa.string())
        taken = {name: column.take(row) for name, column in columns.items()}
        taken["license"] = pc.fill_null(batch.column("license").cast(pa.string()), "unknown")
        fields = [taken[field.name] for field in _MEASURED]
        return set_column(batch, self.name, pa.StructArray.from_arrays(fields, fields=list(_MEASURED)))


def _evidence(reading: Reading) -> str | None:
    signals = (reading.reserved, reading.granted, reading.noindex, reading.noarchive, reading.paywall)
    return "; ".join(dict.fromkeys(signal for signal in signals if signal)) or None
