"""A document: one row with an id, a text, where it came from, and what has been measured about it.

Every part of corpuskit passes documents as Arrow record batches with the columns below. The other columns of a record
follow them under their own names, and a stage adds one struct column that bears its name (`quality`,
`near_duplicates`, ...); columns never change their meaning on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

KINDS = ("news", "blog", "community", "reference", "other")
"""What sort of page a document is; a source states it, and extraction keeps the comments of `community` pages."""

PROVENANCE = pa.struct(
    [
        ("path", pa.string()),  # the file that holds the record, as the recipe's source resolved it
        ("offset", pa.int64()),  # byte offset of the record (row within the row group for Parquet)
        ("length", pa.int64()),  # bytes of the record as stored, where the format tells
        ("truncated", pa.string()),  # why the record does not hold the whole page; null where it does
    ]
)

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # 128-bit content address, 32 hex digits
        ("source_id", pa.string()),  # the id that the record itself has, where it has one
        ("text", pa.large_string()),  # NFC; null until extraction has run
        ("title", pa.string()),
        ("author", pa.string()),
        ("published", pa.string()),  # ISO 8601 date or date-time, as found
        ("url", pa.string()),
        ("source", pa.string()),  # the source's name in the recipe
        ("kind", pa.string()),  # one of KINDS
        ("language", pa.string()),  # ISO 639-1, or 'und'
        ("license", pa.string()),
        ("rights", pa.string()),  # robots and text-and-data-mining signals as found: 'noai; noindex'
        ("fetched", pa.string()),  # ISO 8601 date-time
        ("provenance", PROVENANCE),
        ("content", pa.large_binary()),  # the bytes as fetched (HTML), until extraction has read them
        ("media_type", pa.string()),  # Content-Type of `content` as the server gave it
    ]
)


CHANGE = pa.struct(
    [
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("type", pa.string()),  # what was there: 'email', 'line.no_terminal_punctuation'
        ("replacement", pa.string()),  # what is there now; '' where it was removed
    ]
)
"""A `Change` as the ledger keeps it."""


class Change(NamedTuple):
    """Characters `start` to `end` of a text, what was there, and what replaced it ('' where it was removed)."""

    start: int
    end: int
    type: str
    replacement: str = ""


def apply_changes(text: str, changes: Sequence[Change]) -> str:
    """The text after changes that are in order and do not overlap."""
    pieces, at = [], 0
    for change in changes:
        pieces += [text[at : change.start], change.replacement]
        at = change.end
    return "".join([*pieces, text[at:]])


def change_lists(rows: Iterable[Sequence[Change]]) -> pa.ListArray:
    """The changes of each text as a list array of CHANGE structs: what a stage puts into the column `CHANGES`."""
    return pa.array([[change._asdict() for change in row] for row in rows], pa.list_(CHANGE))


def document_id(identity: str | None, content: bytes | memoryview) -> str:
    """128-bit content address in hex of a source record.

    `identity` is what the source calls the record (its URL, its own id), or None where it has no name; `content` its
    bytes. The same record has the same id on every machine; two records with equal names and bytes are one.
    """
    digest = hashlib.blake2b(digest_size=16)
    name = (identity or "").encode("utf-8", "surrogatepass")
    digest.update(len(name).to_bytes(8, "little"))
    digest.update(name)
    digest.update(content)
    return digest.hexdigest()


def documents(rows: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """A record batch with the document columns from dictionaries; absent keys become null.

    Raises ValueError for a key that is no document column.
    """
    rows = list(rows)
    for row in rows:
        unknown = row.keys() - set(SCHEMA.names)
        if unknown:
            raise ValueError(f"not a document column: {', '.join(sorted(unknown))}")
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def set_column(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    """`batch` with the column `name` replaced, or added at the end where it was absent."""
    position = batch.schema.get_field_index(name)
    if position < 0:
        return batch.append_column(name, values)
    return batch.set_column(position, pa.field(name, values.type), values)


def column(batch: pa.RecordBatch | pa.Table, path: str) -> Any:
    """The values under a dotted path (`quality.gopher.top_2_gram`): a column, or a field inside struct columns.

    Raises KeyError with the path's first missing part.
    """
    head, *rest = path.split(".")
    if batch.schema.get_field_index(head) < 0:
        raise KeyError(head)
    import pyarrow.compute as pc

    values = batch.column(head)
    for part in rest:
        if not pa.types.is_struct(values.type) or values.type.get_field_index(part) < 0:
            raise KeyError(part)
        values = pc.struct_field(values, part)
    return values
