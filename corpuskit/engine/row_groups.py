"""Parquet files joined into one as they are: their row groups are copied, and one footer says where each lies now.

Decoding and encoding a corpus again only to put its parts one behind the other is a fifth of the work of a small
recipe. The footer is a Thrift structure in the compact protocol (parquet-format, `parquet.thrift`, and Thrift's
"Compact protocol encoding"); it is read as plain fields, the offsets in it are moved, and it is written back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

MAGIC = b"PAR1"
MOST_GROUPS = 32767
"""A row group's ordinal has 16 bits."""

FEW_ROWS = 1024
FEW_BYTES = 8 << 20
"""Row groups smaller than both, on average, are better written anew as larger ones."""

_TRUE, _FALSE, _BYTE, _I16, _I64, _DOUBLE, _BINARY = 1, 2, 3, 4, 6, 7, 8  # Thrift's types
_LIST, _SET, _MAP, _STRUCT, _UUID = 9, 10, 11, 12, 13
_NUM_ROWS, _ROW_GROUPS = 3, 4  # of FileMetaData
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7  # of RowGroup
_CHUNK_OFFSET, _CHUNK_METADATA, _OFFSET_INDEX, _COLUMN_INDEX = 2, 3, 4, 6  # of ColumnChunk
_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER = 9, 10, 11, 14  # of ColumnMetaData

Struct = dict[int, tuple[int, Any]]
"""Field number -> (type, value)."""


@dataclass(frozen=True)
class _File:
    path: Path
    body: int
    """Bytes between the magic number and the footer."""
    footer: Struct


def joinable(paths: Sequence[Path]) -> bool:
    """Whether the files have one schema, and row groups that are worth keeping as they are."""
    if len(paths) == 1:
        return True
    found = [pq.read_metadata(path) for path in paths]
    groups = sum(each.num_row_groups for each in found)
    rows = sum(each.num_rows for each in found)
    size = sum(each.row_group(group).total_byte_size for each in found for group in range(each.num_row_groups))
    large = rows >= groups * FEW_ROWS or size >= groups * FEW_BYTES
    schema = found[0].schema.to_arrow_schema()
    alike = all(each.schema.to_arrow_schema().equals(schema, check_metadata=True) for each in found)
    return large and alike and groups <= MOST_GROUPS


def join(paths: Sequence[Path], output: Path) -> None:
    """Write the row groups of `paths`, in order, as the Parquet file `output`. The files have one schema."""
    whole: Struct = {}
    groups: list[Struct] = []
    rows = 0
    with output.open("wb") as target:
        target.write(MAGIC)
        for path in paths:
            part = _open(path)
            moved = target.tell() - len(MAGIC)
            with path.open("rb") as source:
                source.seek(len(MAGIC))
                _copy(source, target, part.body)
            for group in part.footer[_ROW_GROUPS][1][1]:
                _move_group(group, moved, len(groups))
                groups.append(group)
            rows += part.footer[_NUM_ROWS][1]
            whole = whole or part.footer
        whole = {**whole, _NUM_ROWS: (_I64, rows), _ROW_GROUPS: (_LIST, (_STRUCT, groups))}
        footer = bytearray()
        _write_struct(footer, whole)
        target.write(footer + len(footer).to_bytes(4, "little") + MAGIC)


def _open(path: Path) -> _File:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(size - 8)
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length > size - 12:
            raise ValueError(f"{path}: no Parquet footer")
        file.seek(size - 8 - length)
        return _File(path, size - 8 - length - len(MAGIC), _Reader(file.read(length)).struct())


def _copy(source: Any, target: Any, size: int) -> None:
    while size:
        block = source.read(min(size, 1 << 20))
        if not block:
            raise ValueError(f"{source.name}: ends early")
        target.write(block)
        size -= len(block)


def _move(fields: Struct, names: tuple[int, ...], by: int) -> None:
    for name in names:
        if name in fields and fields[name][1]:  # 0 is 'not said'
            fields[name] = (fields[name][0], fields[name][1] + by)


def _move_group(group: Struct, by: int, ordinal: int) -> None:
    _move(group, (_GROUP_OFFSET,), by)
    if _ORDINAL in group:
        group[_ORDINAL] = (_I16, ordinal)
    for chunk in group[_COLUMNS][1][1]:
        _move(chunk, (_CHUNK_OFFSET, _OFFSET_INDEX, _COLUMN_INDEX), by)
        if _CHUNK_METADATA in chunk:
            _move(chunk[_CHUNK_METADATA][1], (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER), by)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._data):
            raise ValueError("a Parquet footer ends early")
        return self._data[self._at - length : self._at]

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def _signed(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)

    def struct(self) -> Struct:
        fields: Struct = {}
        name = 0
        while head := self._byte():
            kind = head & 0x0F
            name = name + (head >> 4) if head >> 4 else self._signed()
            fields[name] = (kind, kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind in (_DOUBLE, _UUID):
            return self._bytes(8 if kind == _DOUBLE else 16)
        if kind == _BINARY:
            return self._bytes(self._number())
        if kind in (_LIST, _SET):
            head = self._byte()
            length = head >> 4 if head >> 4 < 15 else self._number()
            return head & 0x0F, [self._value(head & 0x0F) for _ in range(length)]
        if kind == _MAP:
            raise ValueError("a Parquet footer has no maps")
        return self.struct() if kind == _STRUCT else self._signed()


def _write_number(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _write_signed(out: bytearray, number: int) -> None:
    _write_number(out, number << 1 if number >= 0 else ~number << 1 | 1)


def _write_struct(out: bytearray, fields: Struct) -> None:
    before = 0
    for name, (kind, value) in sorted(fields.items()):
        if kind in (_TRUE, _FALSE):
            kind = _TRUE if value else _FALSE
        if name - before <= 15:
            out.append((name - before) << 4 | kind)
        else:
            out.append(kind)
            _write_signed(out, name)
        before = name
        if kind not in (_TRUE, _FALSE):
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in (_TRUE, _FALSE, _BYTE):
        out.append(value)
    elif kind in (_DOUBLE, _UUID):
        out += value
    elif kind == _BINARY:
        _write_number(out, len(value))
        out += value
    elif kind in (_LIST, _SET):
        item, values = value
        out.append(min(len(values), 15) << 4 | item)
        if len(values) >= 15:
            _write_number(out, len(values))
        for each in values:
            _write_value(out, item, each)
    elif kind == _STRUCT:
        _write_struct(out, value)
    else:
        _write_signed(out, value)
