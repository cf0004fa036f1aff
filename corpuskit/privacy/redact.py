"""Take personal data out of any column: plain strings, nested columns, dictionaries, addresses of pages.

`redact` and `redact_column` write the type in place of each finding (`<EMAIL>`). They are what every text must pass
before it is shown or kept outside the corpus: whole, before any excerpt is cut from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pyarrow as pa

from corpuskit.inputs import Languages, Texts, as_languages, as_texts
from corpuskit.privacy.find import find
from corpuskit.privacy.scrub import Replacer, rewrite

Rewrite = Callable[[list[str | None], str, list[int]], list[str | None]]
"""`rewrite(texts, path, rows)`: strings under a dotted path (`meta.contact`), rewritten. Text i is in row `rows[i]`.
"""

NOT_SCRUBBED = frozenset({"id", "source", "kind", "provenance"})
"""Columns of a document that corpuskit itself writes; a record may fill all others."""


def redact(texts: Texts, language: Languages = None, **options: Any) -> list[str | None]:
    """Texts with each finding replaced by its type; nulls stay null. `options` are those of `find`."""
    replacer = Replacer("replace", {}, None)
    given: list[str | None] = as_texts(texts).to_pylist()
    return [
        rewrite(text, findings, replacer)[0] if text is not None and findings else text
        for text, findings in zip(given, find(given, language, **options), strict=True)
    ]


def redact_column(
    column: pa.Array | pa.ChunkedArray,
    language: Languages = None,
    *,
    name: str = "",
    **options: Any,
) -> pa.Array:
    """A column of any type with each finding in its strings replaced by its type; type, length and nulls stay.

    Strings inside structs, lists, maps and dictionaries are redacted too, each with the name of its field as context
    (`{"phone": "4153827719"}` is a phone number). `name` is the column's own. Columns without strings come back as they
    are. `language` is one code, or one a row.
    """

    languages = as_languages(language, len(column), strict=False).to_pylist()

    def rewritten(texts: list[str | None], path: str, rows: list[int]) -> list[str | None]:
        return redact(texts, [languages[row] for row in rows], label=field_name(path), **options)

    return map_strings(column, rewritten, name)


def string_columns(schema: pa.Schema, skip: Iterable[str] = NOT_SCRUBBED) -> list[str]:
    """The columns of a schema that hold strings at any depth, but for those to skip and for a stage's (`_...`)."""
    left_out = frozenset(skip)
    return [
        field.name
        for field in schema
        if field.name not in left_out and not field.name.startswith("_") and holds_strings(field.type)
    ]


def field_name(path: str) -> str:
    """The last part of a dotted path, which says what its values are."""
    return path.rpartition(".")[2]


def holds_strings(type: pa.DataType) -> bool:
    """Whether values of an Arrow type can hold a string."""
    if pa.types.is_dictionary(type):
        return holds_strings(type.value_type)
    if pa.types.is_map(type):
        return holds_strings(type.key_type) or holds_strings(type.item_type)
    if pa.types.is_struct(type):
        return any(holds_strings(type.field(number).type) for number in range(type.num_fields))
    if _is_list(type):
        return holds_strings(type.value_type)
    return _is_string(type)


def map_strings(column: pa.Array | pa.ChunkedArray, rewrite: Rewrite, path: str = "") -> pa.Array:
    """A column with every string at any depth passed through `rewrite`, all strings under one path in one call.

    The strings of a list come in order, and rows in theirs. A map's keys are under `path.key`, its values under
    `path.value`.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return _mapped(column, rewrite, path, list(range(len(column))))


def _mapped(array: pa.Array, rewrite: Rewrite, path: str, rows: list[int]) -> pa.Array:
    kind = array.type
    if not holds_strings(kind) or not len(array):
        return array
    if pa.types.is_dictionary(kind):
        decoded = _mapped(array.cast(kind.value_type), rewrite, path, rows)
        return decoded.dictionary_encode().cast(kind)
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        paths = [f"{path}.{field.name}" if path else field.name for field in fields]
        parts = [_mapped(part, rewrite, inner, rows) for part, inner in zip(array.flatten(), paths, strict=True)]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=array.is_null())
    if pa.types.is_map(kind) or _is_list(kind):
        return _mapped_list(array, rewrite, path, rows)
    before = array.to_pylist()
    after = rewrite(before, path, rows)
    return array if after == before else pa.array(after, kind)


def _mapped_list(array: pa.Array, rewrite: Rewrite, path: str, rows: list[int]) -> pa.Array:
    kind = array.type
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        plain = _mapped_list(array.cast(pa.large_list(kind.value_type)), rewrite, path, rows)
        return plain.cast(kind)
    offsets = array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    lengths = [end - start if filled else 0 for (start, end), filled in zip(pairwise(offsets), valid, strict=True)]
    inner = [row for row, length in zip(rows, lengths, strict=True) for _ in range(length)]
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    missing = array.is_null()
    if pa.types.is_map(kind):
        entries = array.filter(array.is_valid())
        keys, items = pa.concat_arrays([entries.keys]), pa.concat_arrays([entries.items])
        first = entries.offsets[0].as_py() if len(entries) else 0
        keys, items = keys.slice(first, bounds[-1]), items.slice(first, bounds[-1])
        keys, items = _mapped(keys, rewrite, f"{path}.key", inner), _mapped(items, rewrite, f"{path}.value", inner)
        return pa.MapArray.from_arrays(_offsets(bounds, missing, pa.int32()), keys, items, kind)
    values = _mapped(array.flatten(), rewrite, path, inner)
    if pa.types.is_large_list(kind):
        return pa.LargeListArray.from_arrays(_offsets(bounds, missing, pa.int64()), values, kind)
    return pa.ListArray.from_arrays(_offsets(bounds, missing, pa.int32()), values, kind)


def _offsets(bounds: list[int], missing: pa.Array, type: pa.DataType) -> pa.Array:
    """List offsets in which a null marks a missing list, as `from_arrays` reads them."""
    starts = [None if gone else bound for bound, gone in zip(bounds, missing.to_pylist(), strict=False)]
    return pa.array([*starts, bounds[-1]], type)


def _is_list(type: pa.DataType) -> bool:
    views: bool = pa.types.is_list_view(type) or pa.types.is_large_list_view(type)
    lists: bool = pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type)
    return lists or views


def _is_string(type: pa.DataType) -> bool:
    string: bool = pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)
    return string
