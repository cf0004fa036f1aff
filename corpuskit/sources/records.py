"""From a record as stored (a JSON object, a table row) to a document: names mapped, text checked and in NFC, and every
other column of the record kept under its own name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any

import pyarrow as pa
from pydantic import AfterValidator

from corpuskit.document import KINDS, SCHEMA, document_id, documents
from corpuskit.engine.columns import column_of, own_name
from corpuskit.errors import nearest

FIELDS = (
    "id",
    "text",
    "title",
    "author",
    "published",
    "url",
    "kind",
    "language",
    "license",
    "rights",
    "fetched",
    "content",
    "media_type",
)
"""Document columns that a record may fill."""


_SURROGATE = re.compile("[\ud800-\udfff]")

KEEP, DROP = "keep", "drop"
"""Keys of `columns` that hold names of the record's other columns."""

OTHERS = "_others"
"""Key of a document row that holds the record's other columns."""


class Unreadable(ValueError):
    """The record holds no document; the message says why."""


def _known(columns: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
    for name, value in columns.items():
        if name not in (*FIELDS, KEEP, DROP):
            raise ValueError(f"'{name}' is no document column{nearest(name, FIELDS)}")
        if isinstance(value, str) == (name in (KEEP, DROP)):
            wanted = "a list of columns: [score, 'meta_*']" if name in (KEEP, DROP) else "the name of one field"
            raise ValueError(f"'{name}' takes {wanted}")
    return columns


Columns = Annotated[dict[str, str | list[str]], AfterValidator(_known)]
"""Document column → the record's name for it, and which other columns stay: `{text: body, drop: ['raw_*']}`."""


def named(columns: Mapping[str, str | list[str]]) -> dict[str, str]:
    """Document column -> the record's name for it, for every column that a record may fill."""
    given = {name: value for name, value in columns.items() if isinstance(value, str)}
    return {name: given.get(name, name) for name in FIELDS}


def keeps(columns: Mapping[str, str | list[str]], name: str) -> bool:
    """Whether a record's other column stays: all do, or those of `keep`, but for those of `drop` (names, patterns)."""
    wanted, unwanted = columns.get(KEEP), columns.get(DROP, ())
    kept = wanted is None or any(fnmatchcase(name, pattern) for pattern in wanted)
    return kept and not any(fnmatchcase(name, pattern) for pattern in unwanted)


def decode(data: bytes) -> str:
    """UTF-8 to text; a byte order mark is dropped, and surrogate pairs encoded one by one (CESU-8) are joined.

    Raises Unreadable with the offset of the first byte that cannot be read.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            return data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise Unreadable(f"not UTF-8: byte 0x{data[error.start]:02x} at {error.start}") from None


def normal(text: str) -> str:
    """Text in NFC; NUL characters and lone surrogates, which no store keeps, are replaced by U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            text = _SURROGATE.sub("\ufffd", text)
    return unicodedata.normalize("NFC", text)


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value under a field's name or path: `data.body` is a field of an object, `messages[].content` the list of
    that field of each item. A field with exactly that name comes first. None where there is none."""
    if path in record or ("." not in path and "[]" not in path):
        return record.get(path)
    head, _, rest = path.partition(".")
    value = record.get(head.removesuffix("[]"))
    if head.endswith("[]"):
        if not isinstance(value, list):
            return None
        items = [value_at(item, rest) if isinstance(item, Mapping) else None for item in value] if rest else value
        return [each for item in items for each in (item if isinstance(item, list) else [item])]
    return value_at(value, rest) if isinstance(value, Mapping) and rest else None


def column_at(names: Iterable[str], path: str) -> str | None:
    """The column of a table in which a path lies; None where the table has no such column."""
    names = set(names)
    root = path.partition(".")[0].removesuffix("[]")
    return path if path in names else root if root in names else None


def document_row(
    record: Mapping[str, Any],
    columns: Mapping[str, str | list[str]],
    *,
    source: str,
    kind: str,
    license: str | None,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """A document row from a record. Columns that `columns` does not map keep their own names; those that fill no column
    of a document are under `OTHERS`.

    Raises Unreadable where there is neither text nor content, or where the text is no text.
    """
    row: dict[str, Any] = {}
    fields = named(columns)
    others = {name: value for name, value in record.items() if name not in fields.values()}
    for name, theirs in fields.items():
        value = value_at(record, theirs)
        if value is not None and name not in ("text", "content"):
            row[name] = word(value)
            less = isinstance(value, (list, tuple, Mapping)) or (name == "kind" and row[name] not in (*KINDS, None))
            if less and theirs in record:
                others[theirs] = value  # the document's column holds less than the record's
    content = value_at(record, fields["content"])
    text_name = fields["text"]
    text = value_at(record, text_name)
    if "[]" in text_name and isinstance(text, list):
        text = "\n\n".join(str(part) for part in text if part is not None)
    if isinstance(text, bytes):
        text = decode(text)
    if text is None and isinstance(content, (str, bytes)) and content:
        row["content"] = content.encode("utf-8", "replace") if isinstance(content, str) else content
        row.setdefault("media_type", "text/html; charset=utf-8" if isinstance(content, str) else "text/html")
    elif text is None:
        raise Unreadable(f"no field '{text_name}'")
    elif not isinstance(text, str):
        raise Unreadable(f"field '{text_name}' is {type(text).__name__}, not text")
    else:
        row["text"] = normal(text)
        if content is not None and fields["content"] in record:
            others[fields["content"]] = content
    row["source_id"] = row.pop("id", None)
    identity = row["source_id"] or row.get("url")
    row["id"] = document_id(identity, row["content"] if "content" in row else row["text"].encode())
    row["source"] = source
    if row.get("kind") not in KINDS:
        row["kind"] = kind
    row.setdefault("license", license)
    row["provenance"] = dict(provenance)
    row[OTHERS] = {name: value for name, value in others.items() if keeps(columns, name)}
    return row


def record_batch(rows: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """Document rows as a batch: the document columns, and after them the records' other columns, typed by what they
    hold."""
    rows = list(rows)
    batch = documents({name: value for name, value in row.items() if name != OTHERS} for row in rows)
    names = dict.fromkeys(name for row in rows for name in row.get(OTHERS, ()))
    return with_others(batch, {name: column_of([row.get(OTHERS, {}).get(name) for row in rows]) for name in names})


def with_others(batch: pa.RecordBatch, others: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """A batch of documents with the records' other columns, whose names are prefixed where a document has them."""
    for name, values in others.items():
        used = {*batch.schema.names, *others} - {name}
        batch = batch.append_column(own_name(name, SCHEMA.names, used), values)
    return batch


def word(value: Any) -> str | None:
    """A short field as text: dates in ISO 8601, lists joined, characters that no store keeps replaced."""
    if isinstance(value, (datetime, date)):
        value = value.isoformat()
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    elif isinstance(value, (list, tuple)):
        value = ", ".join(str(item) for item in value)
    elif isinstance(value, Mapping):
        return None
    text = str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    return unicodedata.normalize("NFC", text) or None
