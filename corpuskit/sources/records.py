"""From a record as stored (a JSON object, a table row) to a document row: names mapped, text checked and in NFC."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator

from corpuskit.document import KINDS, document_id
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


class Unreadable(ValueError):
    """The record holds no document; the message says why."""


def _known(columns: dict[str, str]) -> dict[str, str]:
    for name in columns:
        if name not in FIELDS:
            raise ValueError(f"'{name}' is no document column{nearest(name, FIELDS)}")
    return columns


Columns = Annotated[dict[str, str], AfterValidator(_known)]
"""Document column → the record's name for it: `{text: body, url: link}`."""


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
    columns: Mapping[str, str],
    *,
    source: str,
    kind: str,
    license: str | None,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """A document row from a record. Columns that `columns` does not map keep their own names.

    Raises Unreadable where there is neither text nor content, or where the text is no text.
    """
    row: dict[str, Any] = {}
    for name in FIELDS:
        value = value_at(record, columns.get(name, name))
        if value is not None and name not in ("text", "content"):
            row[name] = word(value)
    content = value_at(record, columns.get("content", "content"))
    text_name = columns.get("text", "text")
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
    identity = row.pop("id", None) or row.get("url")
    row["id"] = document_id(identity, row["content"] if "content" in row else row["text"].encode())
    row["source"] = source
    if row.get("kind") not in KINDS:
        row["kind"] = kind
    row.setdefault("license", license)
    row["provenance"] = dict(provenance)
    return row


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
