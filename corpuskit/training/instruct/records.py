"""Records from files: JSON lines, JSON, CSV, Parquet, or a data set of the Hugging Face hub, one after another.

Files may lie anywhere that fsspec reads, and may be compressed. A record that cannot be read is yielded with the reason
in its place, so that whoever reads decides whether to go on. Memory holds one batch of records, or one JSON array.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.errors import UsageError, require

HUB = "hub:"
"""How the name of a data set begins: `hub:OWNER/NAME`, or `hub:OWNER/NAME:SPLIT`."""
BATCH = 1024
_WRAPPERS = ("data", "train", "rows", "examples")
"""Fields under which a JSON object may hold its records."""


@dataclass(frozen=True)
class Record:
    """One record of a file, or why it could not be read."""

    where: str
    """File and line, row or number."""
    value: dict[str, Any]
    problem: str = ""


def read_records(source: str | Path) -> Iterator[Record]:
    """The records of a file or data set. Raises UsageError where it does not exist or cannot be read at all."""
    name = str(source)
    if name.startswith(HUB):
        yield from _hub(name.removeprefix(HUB))
        return
    if "://" not in name and not Path(name).is_file():
        raise UsageError(f"no file at {name}: name a file of JSON lines, JSON, CSV or Parquet, or {HUB}OWNER/NAME")
    stem = name.lower()
    for ending in (".gz", ".bz2", ".xz", ".zst"):
        stem = stem.removesuffix(ending)
    try:
        if stem.endswith(".parquet"):
            yield from _parquet(name)
        elif stem.endswith((".csv", ".tsv")):
            yield from _csv(name, "\t" if stem.endswith(".tsv") else ",")
        else:
            yield from _json(name)
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        raise UsageError(f"{name} cannot be read: {error}") from error


def _opened(name: str) -> Any:
    import fsspec

    return fsspec.open(name, "rb", compression="infer")


def _json(name: str) -> Iterator[Record]:
    """JSON lines; or one JSON value, an array of records or an object that holds one."""
    with _opened(name) as file:
        first = b""
        while not first.strip():
            if not (line := file.readline()):
                break
            first += line
        start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
        whole = start.startswith(b"[")
        if start.startswith(b"{") and not _is_json(start):
            whole = not _is_json(start.rstrip().rstrip(b",")) and start.strip() in (b"{", start.strip()[:1])
        if whole:
            yield from _array(name, first + file.read())
            return
        yield from _lines(name, _chain(first, file))


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _chain(first: bytes, file: Iterable[bytes]) -> Iterator[bytes]:
    yield from io.BytesIO(first)
    yield from file


def _lines(name: str, lines: Iterable[bytes]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            yield Record(where, {}, f"{where}: not UTF-8 at byte {error.start}")
        except (ValueError, RecursionError) as error:
            yield Record(where, {}, f"{where}: not JSON: {error}")
        else:
            yield _checked(value, where)


def _array(name: str, content: bytes) -> Iterator[Record]:
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not JSON: {error}") from error
    if isinstance(value, dict):
        value = next((value[field] for field in _WRAPPERS if isinstance(value.get(field), list)), [value])
    for number, record in enumerate(value, 1):
        yield _checked(record, f"{name}, record {number}")


def _checked(value: Any, where: str) -> Record:
    if isinstance(value, dict):
        return Record(where, value)
    shown = json.dumps(value, ensure_ascii=False)[:40]
    return Record(where, {}, f"{where}: expected an object with fields, found {shown}")


def _csv(name: str, delimiter: str) -> Iterator[Record]:
    with _opened(name) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        csv.field_size_limit(1 << 30)
        try:
            for number, row in enumerate(csv.DictReader(text, delimiter=delimiter), 1):
                where = f"{name}, row {number}"
                if None in row or None in row.values():
                    yield Record(where, {}, f"{where}: has another number of columns than the header")
                else:
                    yield Record(where, dict(row))
        except UnicodeDecodeError as error:
            raise UsageError(f"{name}: not UTF-8 at byte {error.start}") from error
        except csv.Error as error:
            raise UsageError(f"{name}: not CSV: {error}") from error


def _parquet(name: str) -> Iterator[Record]:
    import fsspec

    number = 0
    with fsspec.open(name, "rb") as file, pq.ParquetFile(file) as table:
        for batch in table.iter_batches(BATCH):
            for row in batch.to_pylist():
                number += 1
                # a column that other rows need is null here: the record does not have the field
                yield Record(f"{name}, row {number}", {key: value for key, value in row.items() if value is not None})


def _hub(name: str) -> Iterator[Record]:
    path, _, split = name.partition(":")
    datasets = require("datasets", "train")
    try:
        rows = datasets.load_dataset(path, split=split or "train", streaming=True)
    except Exception as error:  # the library raises many kinds: no such data set, no such split, no network
        raise UsageError(f"{HUB}{name} cannot be read: {str(error).splitlines()[0]}") from error
    for number, row in enumerate(rows, 1):
        yield Record(f"{HUB}{name}, row {number}", {key: value for key, value in row.items() if value is not None})
