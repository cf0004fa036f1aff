"""Sources whose records have fields by name: JSON objects and table rows; the recipe says which field fills what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from corpuskit.engine.columns import cast, column_of, stored
from corpuskit.engine.source import BadRecord, Quarantine, Source
from corpuskit.sources.columnar import plain_documents
from corpuskit.sources.records import (
    OTHERS,
    Columns,
    Unreadable,
    column_at,
    document_row,
    keeps,
    named,
    record_batch,
    with_others,
)


class RecordSource(Source):
    columns: Columns = Field(default_factory=dict)
    """Which field of a record fills which document column: `{text: body}`. `data.body` is a field of
    an object, `messages[].content` that field of each item of a list. Others keep their own names. A page that
    still has to be extracted goes into `content`. `keep` and `drop` list names or patterns of the other columns that
    stay or go: `{keep: [score, 'meta_*']}`; without them all stay."""

    def document(self, record: Mapping[str, Any], path: str, offset: int, length: int | None = None) -> dict[str, Any]:
        """The document row of the record that lies there. Raises Unreadable."""
        return document_row(
            record,
            self.columns,
            source=self.label(),
            kind=self.kind,
            license=self.license,
            provenance={"path": path, "offset": offset, "length": length},
        )

    def read_columns(self, names: Iterable[str]) -> list[str]:
        """The columns of a table that have to be read."""
        names = list(names)
        filling = {column_at(names, theirs) for theirs in named(self.columns).values()}
        return [name for name in names if name in filling or keeps(self.columns, name)]

    def table_documents(
        self, batch: pa.RecordBatch, path: str, first: int, quarantine: Quarantine, where: str = ""
    ) -> pa.RecordBatch:
        """The documents of some rows of a table, each with its other columns.

        Rows that hold no document go to the quarantine. `first` is the place of the first row, and `where` what goes
        before it in the reasons: 'row group 3, '.
        """
        fields = named(self.columns)
        places = {name: place for place, name in reversed(list(enumerate(batch.schema.names)))}
        roots = {theirs: column_at(places, theirs) for theirs in fields.values()}
        filling = batch.select([place for name, place in places.items() if name in roots.values()])
        plain = all(root in (theirs, None) for theirs, root in roots.items())
        others = {
            name: batch.column(place)
            for name, place in sorted(places.items(), key=lambda item: item[1])
            if name not in fields.values() and keeps(self.columns, name)
        }
        found = (
            None
            if not plain
            else plain_documents(
                filling,
                fields,
                source=self.label(),
                kind=self.kind,
                license=self.license,
                path=path,
                first=first,
                keep=lambda name: keeps(self.columns, name),
            )
        )
        if found is None:
            rows, kept = [], []
            for number, record in enumerate(_records(filling)):
                try:
                    rows.append(self.document(record, path, first + number))
                    kept.append(number)
                except Unreadable as error:
                    quarantine(BadRecord(f"{where}row {first + number}: {error}", path, first + number))
            taken = pa.array(kept, pa.int64())
            others = {name: values.take(taken) for name, values in others.items()}
            carried = [row.pop(OTHERS) for row in rows]
            partial = {}  # columns that a document's column holds in part
            for name in dict.fromkeys(name for row in carried for name in row):
                values = filling.column(name).take(taken)
                mask = pa.array([name in row for row in carried])
                partial[name] = values if all(mask.to_pylist()) else pc.if_else(mask, values, None)
            found, others = record_batch(rows), {**partial, **others}
        return with_others(found, {name: _sound(values) for name, values in others.items()})


def _sound(values: pa.Array) -> pa.Array:
    """A column as files hold it, with every string in UTF-8."""
    try:
        values = cast(values, stored(values.type))
        values.validate(full=True)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return column_of([_decoded(value) for value in cast(values, _bytes_for_strings(values.type)).to_pylist()])
    return values


def _bytes_for_strings(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _bytes_for_strings(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_bytes_for_strings(kind.value_type))
    return pa.binary() if pa.types.is_string(kind) else pa.large_binary() if pa.types.is_large_string(kind) else kind


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {name: _decoded(inner) for name, inner in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _records(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries. Strings travel as bytes, so that one that is not UTF-8 spoils its own row alone."""
    columns = []
    for values in batch.columns:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = values.cast(pa.large_binary())
        elif pa.types.is_string_view(values.type):
            values = values.cast(pa.binary_view()).cast(pa.large_binary())
        columns.append(values.to_pylist())
    names = batch.schema.names
    for index in range(batch.num_rows):
        yield {name: values[index] for name, values in zip(names, columns, strict=True)}
