"""Benchmark files as the parts that can be looked for: questions and answers apart.

An item is a line of JSON Lines or plain text, an element of a JSON array, or a row of CSV or Parquet; each of its
texts, however deeply nested, is a part. GSM8K's calculator notes (`<<16-3=13>>`) make a second part without them.
"""

from __future__ import annotations

import csv
import glob
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from corpuskit.errors import CorpuskitError, UsageError

_ANSWER_FIELDS = """answer answers solution solutions output response completion target targets explanation rationale
reasoning"""
ANSWER_FIELDS = frozenset(_ANSWER_FIELDS.split())
"""Fields that hold an answer; all others are part of the question."""
FORMATS = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt")

_NOTES = re.compile(r"<<[^<>\n]*>>")


class Part(NamedTuple):
    """One text of a benchmark item."""

    benchmark: str
    """The file's name."""
    item: str
    """The item's own id, or its place in the file, from 0."""
    field: str
    """Dotted path of the text in the item: 'question', 'choices.2'."""
    role: Literal["question", "answer"]
    text: str


def files(paths: Sequence[str]) -> list[Path]:
    """The files that paths and patterns (`benchmarks/*.jsonl`) name, in order.

    Raises UsageError for a path that names none, and for a format that is not one of FORMATS.
    """
    found: dict[Path, None] = {}
    for path in paths:
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else [path]
        if not matches or not all(Path(match).is_file() for match in matches):
            raise UsageError(f"contamination: benchmark file '{path}' does not exist")
        for match in matches:
            if Path(match).suffix.lower() not in FORMATS:
                raise UsageError(f"contamination: '{match}' is none of {', '.join(FORMATS)}")
            found[Path(match)] = None
    return list(found)


def load(paths: Sequence[str | Path]) -> list[Part]:
    """The parts of all items of benchmark files.

    Raises UsageError as `files` does, and CorpuskitError for a file that cannot be read.
    """
    parts: list[Part] = []
    for file in files([str(path) for path in paths]):
        try:
            parts += [part for number, item in enumerate(_items(file)) for part in _parts(file.name, number, item)]
        except (ValueError, OSError, csv.Error) as error:
            raise CorpuskitError(f"{file}: cannot be read as {file.suffix[1:]}: {error}") from error
    return parts


def _items(file: Path) -> Iterator[Any]:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(file).iter_batches():
            yield from batch.to_pylist()
        return
    with file.open(
        encoding="utf-8-sig", errors="replace", newline="" if suffix in (".csv", ".tsv") else None
    ) as stream:
        if suffix == ".json":
            yield from _elements(json.load(stream))
        elif suffix == ".jsonl":
            yield from (json.loads(line) for line in stream if line.strip())
        elif suffix == ".txt":
            yield from (line.strip() for line in stream if line.strip())
        else:
            yield from csv.DictReader(stream, delimiter="," if suffix == ".csv" else "\t")


def _elements(content: Any) -> Iterable[Any]:
    """The items of a JSON file: its array, or the first array among the values of its object."""
    if isinstance(content, dict):
        return next((value for value in content.values() if isinstance(value, list)), [content])
    return content if isinstance(content, list) else [content]


def _parts(benchmark: str, number: int, item: Any) -> Iterator[Part]:
    name = str(number)
    if isinstance(item, dict):
        name = next((str(item[key]) for key in ("guid", "id", "task_id") if item.get(key) is not None), name)
    for field, text in _texts(item, ""):
        role: Literal["question", "answer"] = "answer" if ANSWER_FIELDS & set(field.lower().split(".")) else "question"
        yield Part(benchmark, name, field or "text", role, text)
        plain = _NOTES.sub("", text)
        if plain != text:
            yield Part(benchmark, name, field, role, plain)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{place}" if path else str(place))
