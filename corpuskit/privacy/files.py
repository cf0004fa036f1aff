"""Scrub the files that people have: plain text, JSON lines, CSV, TSV and Parquet, in every field or in those named.

The name of a field or a column counts as the label of its values. The output is written under a temporary name, for its
owner alone, and takes its place when it is whole.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import set_column
from corpuskit.errors import UsageError, nearest
from corpuskit.privacy.find import find
from corpuskit.privacy.finding import Finding
from corpuskit.privacy.redact import field_name, map_strings, string_columns
from corpuskit.privacy.scrub import Replacer, rewrite

BATCH = 512
"""Records that are looked at together."""
LINES, TABLE, PARQUET, TEXT = "json lines", "table", "parquet", "text"


@dataclass
class Scrubbed:
    """What was done with a file."""

    records: int = 0
    findings: int = 0
    columns: set[str] = field(default_factory=set)
    """The fields and columns that were scrubbed."""
    left: set[str] = field(default_factory=set)
    """The fields and columns with text that were left as they are."""


Located = tuple[int, str, str, list[Finding]]
"""(line, column, text, findings): a text of a file, the line or record it is in, and its column ('' for plain text)."""


def kind_of(source: str) -> str:
    """The format of a file, by its name: LINES, TABLE, PARQUET or TEXT."""
    name = source.removesuffix(".gz").lower()
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return LINES
    if name.endswith((".csv", ".tsv")):
        return TABLE
    return PARQUET if name.endswith((".parquet", ".pq")) else TEXT


def find_in(
    source: str, language: str | None, columns: Sequence[str] | None, options: dict[str, Any]
) -> Iterator[Located]:
    """Every text of a file with findings."""
    kind = kind_of(source)
    if kind == TEXT:
        text = read_text(source)
        yield 1, "", text, find([text], language, **options)[0]
        return
    for first, records in _batches(_records(source, kind)):
        for path, places, texts in _fields(records, columns, set()):
            found = find(texts, language, label=field_name(path), **options)
            for place, text, row in zip(places, texts, found, strict=True):
                if row:
                    yield first[place], path, text, row


def scrub_file(
    source: str,
    target: Path | None,
    make_replacer: Callable[[], Replacer],
    *,
    language: str | None = None,
    columns: Sequence[str] | None = None,
    **options: Any,
) -> Scrubbed:
    """Write a file again without its personal data; to standard output where `target` is None.

    `columns` names the fields to scrub (`author`, `meta.contact`); None scrubs every string at any depth. `options` are
    those of `find`. Raises UsageError for a file that cannot be read and for a column that no record has; then there is
    no output.
    """
    kind = kind_of(source)
    done = Scrubbed()

    def rewritten(
        path: str, places: Sequence[int], texts: list[str | None], replacers: list[Replacer]
    ) -> list[str | None]:
        found = find(texts, language, label=field_name(path), **options)
        done.findings += sum(len(row) for row in found)
        return [
            rewrite(text, row, replacers[place])[0] if text is not None and row else text
            for place, text, row in zip(places, texts, found, strict=True)
        ]

    if kind == PARQUET:
        if target is None:
            raise UsageError("Parquet cannot be written to a terminal; name the output with -o")
        _scrub_parquet(source, target, rewritten, make_replacer, columns, done)
        return done
    with output(target) as file:
        if kind == TEXT:
            text = read_text(source)
            done.records = 1
            file.write(rewritten("", [0], [text], [make_replacer()])[0] or "")
        elif kind == LINES:
            for _, records in _batches(_records(source, kind)):
                _scrub_records(records, rewritten, make_replacer, columns, done)
                file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        else:
            _scrub_table(source, file, rewritten, make_replacer, columns, done)
        missing = sorted(set(columns or ()) - {name for path in done.columns for name in _with_parents(path)})
        if missing and done.records:
            known = sorted(done.left | done.columns)
            raise UsageError(f"{source}: no record has a text in '{missing[0]}'{nearest(missing[0], known)}")
    return done


Rewriter = Callable[[str, Sequence[int], list[str | None], list[Replacer]], list[str | None]]


def _with_parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[: length + 1]) for length in range(len(parts))]


def _is_chosen(path: str, columns: Sequence[str] | None) -> bool:
    return columns is None or any(name in columns for name in _with_parents(path))


def _scrub_records(
    records: list[dict[str, Any]],
    rewritten: Rewriter,
    make_replacer: Callable[[], Replacer],
    columns: Sequence[str] | None,
    done: Scrubbed,
) -> None:
    replacers = [make_replacer() for _ in records]
    done.records += len(records)
    places: dict[str, list[tuple[int, Any, Any]]] = {}
    for number, record in enumerate(records):
        for path, holder, key in _strings(record, ""):
            if _is_chosen(path, columns):
                places.setdefault(path, []).append((number, holder, key))
                done.columns.add(path)
            else:
                done.left.add(path)
    for path, found in places.items():
        texts = [holder[key] for _, holder, key in found]
        after = rewritten(path, [number for number, _, _ in found], texts, replacers)
        for (_, holder, key), text in zip(found, after, strict=True):
            holder[key] = text


def _strings(value: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """(path, container, key) of every string inside a JSON value, at any depth without recursion."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        items: Iterable[tuple[Any, Any, str]]
        if isinstance(value, dict):
            items = [(key, item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
        else:
            items = [(number, item, path) for number, item in enumerate(value)]
        for key, item, name in items:
            if isinstance(item, str):
                yield name, value, key
            elif isinstance(item, (dict, list)):
                waiting.append((name, item))


def _fields(
    records: list[dict[str, Any]], columns: Sequence[str] | None, left: set[str]
) -> Iterator[tuple[str, list[int], list[str]]]:
    """(path, record numbers, texts) of each field of some records."""
    fields: dict[str, tuple[list[int], list[str]]] = {}
    for number, record in enumerate(records):
        for path, holder, key in _strings(record, ""):
            if _is_chosen(path, columns):
                numbers, texts = fields.setdefault(path, ([], []))
                numbers.append(number)
                texts.append(holder[key])
    for path, (numbers, texts) in fields.items():
        yield path, numbers, texts


def _scrub_table(
    source: str,
    file: IO[str],
    rewritten: Rewriter,
    make_replacer: Callable[[], Replacer],
    columns: Sequence[str] | None,
    done: Scrubbed,
) -> None:
    with _opened(source) as lines:
        reader = csv.reader(lines, delimiter=_delimiter(source))
        writer = csv.writer(file, delimiter=_delimiter(source), lineterminator="\n")
        names: list[str] | None = None
        rows: list[list[str]] = []
        try:
            for row in reader:
                if names is None:
                    names = _heads(row)
                    if names is not None:
                        writer.writerow(row)
                        continue
                    names = [f"column{number}" for number in range(1, len(row) + 1)]
                rows.append(row)
                if len(rows) == BATCH:
                    writer.writerows(_scrub_rows(rows, names, rewritten, make_replacer, columns, done))
                    rows = []
        except (csv.Error, UnicodeDecodeError) as error:
            raise UsageError(f"{source} line {reader.line_num + 1}: not a table of UTF-8 text: {error}") from error
        writer.writerows(_scrub_rows(rows, names or [], rewritten, make_replacer, columns, done))


def _scrub_rows(
    rows: list[list[str]],
    names: list[str],
    rewritten: Rewriter,
    make_replacer: Callable[[], Replacer],
    columns: Sequence[str] | None,
    done: Scrubbed,
) -> list[list[str]]:
    replacers = [make_replacer() for _ in rows]
    done.records += len(rows)
    for number in range(max((len(row) for row in rows), default=0)):
        name = names[number] if number < len(names) else f"column{number + 1}"
        if not _is_chosen(name, columns):
            done.left.add(name)
            continue
        done.columns.add(name)
        places = [place for place, row in enumerate(rows) if number < len(row)]
        after = rewritten(name, places, [rows[place][number] for place in places], replacers)
        for place, text in zip(places, after, strict=True):
            rows[place][number] = text or ""
    return rows


def _heads(row: list[str]) -> list[str] | None:
    """The names of a table's columns where its first row has them: short words, no values."""
    named = all(
        len(cell) <= 60 and sum(character.isdigit() for character in cell) <= 3 and "@" not in cell for cell in row
    )
    return [cell.strip().lstrip("\ufeff") for cell in row] if row and named and any(row) else None


def _delimiter(source: str) -> str:
    return "\t" if source.removesuffix(".gz").lower().endswith(".tsv") else ","


def _scrub_parquet(
    source: str,
    target: Path,
    rewritten: Rewriter,
    make_replacer: Callable[[], Replacer],
    columns: Sequence[str] | None,
    done: Scrubbed,
) -> None:
    try:
        table = pq.ParquetFile(_existing(source))
    except pa.ArrowInvalid as error:
        raise UsageError(f"{source} is not a Parquet file: {error}") from error
    schema = table.schema_arrow
    strings = string_columns(schema, ())
    for name in columns or ():
        if name not in strings:
            raise UsageError(f"{source}: no column with text is called '{name}'{nearest(name, strings)}")
    chosen = [name for name in strings if _is_chosen(name, columns)]
    done.columns, done.left = set(chosen), set(strings) - set(chosen)
    with private(target) as path, pq.ParquetWriter(path, schema) as writer:
        for batch in table.iter_batches(batch_size=4096):
            replacers = [make_replacer() for _ in range(batch.num_rows)]
            done.records += batch.num_rows

            def scrubbed(
                texts: list[str | None], path: str, rows: list[int], replacers: list[Replacer] = replacers
            ) -> list[str | None]:
                return rewritten(path, rows, texts, replacers)

            for name in chosen:
                batch = set_column(batch, name, map_strings(batch.column(name), scrubbed, name))
            writer.write_batch(batch.cast(schema) if batch.schema != schema else batch)


# ---- reading and writing -----------------------------------------------------------------------------------------


def _existing(source: str) -> Path:
    path = Path(source)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; - reads standard input")
    return path


@contextmanager
def _opened(source: str) -> Iterator[IO[str]]:
    path = _existing(source)
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8", newline="") as file
    ):
        yield file


def read_text(source: str) -> str:
    """A whole text file, or standard input for '-'."""
    if source == "-":
        return sys.stdin.read()
    try:
        with _opened(source) as file:
            return file.read()
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UsageError(f"{source} is not UTF-8 text: {error}") from error


def _records(source: str, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line or row number, record) of a file."""
    if kind == PARQUET:
        try:
            table = pq.ParquetFile(_existing(source))
        except pa.ArrowInvalid as error:
            raise UsageError(f"{source} is not a Parquet file: {error}") from error
        names = string_columns(table.schema_arrow, ())
        rows = (row for batch in table.iter_batches(columns=names) for row in batch.to_pylist(maps_as_pydicts="lossy"))
        yield from enumerate(rows, 1)
        return
    number = 0
    try:
        with _opened(source) as file:
            if kind == TABLE:
                reader = csv.reader(file, delimiter=_delimiter(source))
                names_of: list[str] | None = None
                for row in reader:
                    if names_of is None and (names_of := _heads(row)) is not None:
                        continue
                    names_of = names_of or [f"column{place}" for place in range(1, len(row) + 1)]
                    yield reader.line_num, dict(zip(names_of, row, strict=False))
                return
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                record = json.loads(line.lstrip("\ufeff"))
                if not isinstance(record, dict):
                    raise UsageError(f"{source} line {number}: not a JSON object")
                yield number, record
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UsageError(f"{source} is not UTF-8 text: {error}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"{source} line {number}: not JSON: {error}") from error


def _batches(records: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    numbers: list[int] = []
    batch: list[dict[str, Any]] = []
    for number, record in records:
        numbers.append(number)
        batch.append(record)
        if len(batch) == BATCH:
            yield numbers, batch
            numbers, batch = [], []
    if batch:
        yield numbers, batch


@contextmanager
def private(target: Path) -> Iterator[Path]:
    """A temporary path next to `target`, for its owner alone; it replaces `target` when the block ends well."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def output(target: Path | None) -> Iterator[IO[str]]:
    """A file to write text to: standard output, or `target` when all is written (packed where it ends in .gz)."""
    if target is None:
        yield sys.stdout
        return
    with private(target) as path:
        if target.suffix == ".gz":
            with (
                gzip.open(path, "wb") as packed,
                io.TextIOWrapper(packed, encoding="utf-8", errors="backslashreplace", newline="") as file,
            ):
                yield file
        else:
            with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                yield file
