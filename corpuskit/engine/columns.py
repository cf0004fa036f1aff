"""The columns that a record brings along: their names among ours, their types, and one type where types differ.

Types are widened by one rule, within a file, between files and between sources:

- null gives way to any type; a column that is null throughout is a string column;
- integers become the wider integer, an integer and a float a float64;
- dates and times of one kind take the finer unit;
- lists are widened by their elements, objects field by field: a field that one of them lacks is null there;
- everything else becomes a string: a string stays as it is, other values are written as JSON.

Objects without fields and objects with more than `MOST_FIELDS` fields (a dictionary with words as its keys) are strings
that hold JSON.
"""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa

from corpuskit.document import SCHEMA
from corpuskit.engine.features import features

MOST_FIELDS = 200

PREFIX = "record_"
"""Put before the name of a record's column that is also the name of one of ours."""

LEDGER = frozenset({"stage", "rule", "value", "limit", "decisions", "excerpt", "bytes"})
"""Columns that the ledger of dropped documents adds."""


# --- names ---


def own_name(name: str, ours: Collection[str], others: Collection[str] = ()) -> str:
    """The name under which a record's column is kept: its own, with `PREFIX` before it where we have that name.

    `ours` are in small letters, because some readers take `Text` and `text` for one column; `others` are the other
    columns of the record. A name that begins with an underscore is one of the engine's.
    """
    free = name
    while not free or free.startswith("_") or free.lower() in ours or free in others:
        free = PREFIX + free
    return free


def taken_names(stages: Iterable[str]) -> frozenset[str]:
    """The names of all columns that the engine and stages write, in small letters."""
    return frozenset({*SCHEMA.names, *LEDGER, *features().stages(), *stages})


def carried(schema: pa.Schema, stages: Iterable[str]) -> list[pa.Field]:
    """The columns of documents that came with their records."""
    ours = {*SCHEMA.names, *stages}
    return [field for field in schema if field.name not in ours and not field.name.startswith("_")]


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type can hold bytes, which nobody can read and scrub."""
    if pa.types.is_nested(kind):
        return any(holds_bytes(kind.field(number).type) for number in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def holds_strings(kind: pa.DataType) -> bool:
    """Whether values of a type can hold a string."""
    if pa.types.is_nested(kind):
        return any(holds_strings(kind.field(number).type) for number in range(kind.num_fields))
    if pa.types.is_dictionary(kind):
        return holds_strings(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


# --- types ---


def widened(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The one type for values of two (see the module)."""
    first, second = _plain(first), _plain(second)
    if first == second or pa.types.is_null(second) or (_is_string(first) and _is_string(second)):
        return first
    if pa.types.is_null(first):
        return second
    if pa.types.is_struct(first) and pa.types.is_struct(second):
        fields = {field.name: field.type for field in first}
        for field in second:
            fields[field.name] = widened(fields[field.name], field.type) if field.name in fields else field.type
        return pa.struct(list(fields.items()))
    if _is_list(first) and _is_list(second):
        large = pa.types.is_large_list(first) or pa.types.is_large_list(second)
        return (pa.large_list if large else pa.list_)(widened(first.value_type, second.value_type))
    if pa.uint64() in (first, second) and not (_is_number(first) and _is_number(second)):
        return pa.string()
    try:
        both = [pa.schema([("value", kind)]) for kind in (first, second)]
        return pa.unify_schemas(both, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return pa.string()


def stored(kind: pa.DataType) -> pa.DataType:
    """The type as files hold it: objects without fields, or with very many, are strings of JSON."""
    kind = _plain(kind)
    if pa.types.is_struct(kind):
        if not 0 < kind.num_fields <= MOST_FIELDS:
            return pa.string()
        return pa.struct([(field.name, stored(field.type)) for field in kind])
    if _is_list(kind):
        return (pa.large_list if pa.types.is_large_list(kind) else pa.list_)(stored(kind.value_type))
    return kind


def published(kind: pa.DataType) -> pa.DataType:
    """The type in the corpus: what is null throughout is a string."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, published(field.type)) for field in kind])
    if _is_list(kind):
        return (pa.large_list if pa.types.is_large_list(kind) else pa.list_)(published(kind.value_type))
    return kind


def unified(first: pa.Schema, second: pa.Schema) -> pa.Schema:
    """One schema for batches of two: types widened; a column that `first` lacks follows the one it follows in
    `second`."""
    if first.equals(second):
        return first
    fields = {field.name: field for field in first}
    order = first.names
    place = 0
    for field in second:
        known = fields.get(field.name)
        if known is None:
            fields[field.name] = field
            order.insert(place, field.name)
            place += 1
        else:
            place = order.index(field.name) + 1
            if known.type != field.type:
                fields[field.name] = known.with_type(widened(known.type, field.type))
    return pa.schema([fields[name] for name in order])


def unified_all(schemas: Iterable[pa.Schema]) -> pa.Schema:
    return reduce(unified, schemas)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type as values are kept: dictionaries decoded, views and fixed sizes as ordinary lists and strings."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list_view(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_type)
    if pa.types.is_large_list_view(kind):
        return pa.large_list(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    return kind


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_unsigned_integer(kind))


# --- values ---


def column_of(values: Sequence[Any]) -> pa.Array:
    """An Arrow array of what JSON or Python holds, in the narrowest type for all of it. It fails on no value."""
    try:
        found = pa.array(values)
        if found.type == stored(found.type):
            return found
    except (pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError, ValueError):
        pass
    kind = stored(reduce(widened, map(_type_of, values), pa.null()))
    return pa.array([_as(value, kind) for value in values], kind)


def cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """An array as a wider type (see `widened`)."""
    if values.type == kind:
        return values
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not pa.types.is_struct(values.type):
        try:
            return values.cast(kind)
        except pa.ArrowException:
            pass
    return pa.array([_as(value, kind) for value in values.to_pylist()], kind)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly the columns of `schema`: absent ones null, others left out."""
    columns = []
    for wanted in schema:
        position = batch.schema.get_field_index(wanted.name)
        if position < 0:
            columns.append(pa.nulls(batch.num_rows, wanted.type))
        else:
            columns.append(cast(batch.column(position), wanted.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _type_of(value: Any) -> pa.DataType:
    if isinstance(value, Mapping):
        return pa.struct([(_text(str(name)), _type_of(inner)) for name, inner in value.items()])
    if isinstance(value, (list, tuple)):
        return pa.list_(reduce(widened, map(_type_of, value), pa.null()))
    if isinstance(value, str):
        return pa.string()
    try:
        return pa.scalar(value).type
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.string()


def _as(value: Any, kind: pa.DataType) -> Any:
    """A value as one of a type that is at least as wide."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        given = {_text(str(name)): inner for name, inner in value.items()}
        return {field.name: _as(given.get(field.name), field.type) for field in kind}
    if _is_list(kind):
        return [_as(item, kind.value_type) for item in value]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text(value if isinstance(value, str) else _json(value))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return value if isinstance(value, bytes) else _text(str(value)).encode()
    if pa.types.is_floating(kind):
        return float(value)
    return value


def _text(text: str) -> str:
    """A string that UTF-8 can hold: a lone surrogate becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _json(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, default=_json)
