"""Benchmark files as the parts that can be looked for: questions and answers apart.

An item is a line of JSON Lines or plain text, a row of CSV or Parquet, or an element of the list that a JSON file holds
its items in. Its fields are known by name: those of questions and of answers are parts, those of licences, sources,
topics and other metadata are not, and neither is a text that many items share (an instruction, a template). GSM8K's
calculator notes (`<<16-3=13>>`) make a second part without them. A file in which no field is known is refused.
"""

from __future__ import annotations

import bz2
import csv
import glob
import gzip
import io
import json
import lzma
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

from corpuskit.errors import CorpuskitError, UsageError

__all__ = ["FORMATS", "Fields", "FileTable", "Part", "files", "load", "read"]

Role = Literal["question", "answer"]
Fields = Mapping[str, Role]
"""Field of an item (dotted where it is nested) -> what it holds, for layouts that are not known."""

_QUESTION = """
question questions prompt input inputs problem query text stem goal ctx ctx_a ctx_b premise hypothesis sentence
sentence1 sentence2 option options option1 option2 choice choices endings ending0 ending1 ending2 ending3 sol1 sol2
instruction statement claim title a b c d e f g h i j user human noun_question best_question dialogue story narrative
sentence_good sentence_bad obs1 obs2 hyp1 hyp2 multiple_choice_targets paragraph content incorrect_answers
incorrect answer 1 2 3
"""
_ANSWER = """
answer answers solution solutions output outputs response responses completion target targets explanation rationale
reasoning canonical_solution code correct_answer best_answer correct_answers correct answer assistant gpt model chosen
gold target_scores
"""
ANSWER_FIELDS = frozenset(_ANSWER.split())
QUESTION_FIELDS = frozenset(_QUESTION.split()) - {"answer", "1", "2", "3", "incorrect"}
"""Fields by their names in lower case; a word of a longer name counts ('correct_answer', 'Incorrect Answer 1')."""
_METADATA = """
id guid uuid index idx task_id doc_id question_id qid name canary license licence source url link homepage citation
author created date year version split subset category subject topic domain level difficulty tags keywords metrics type
description language lang entry_point test tests test_list test_setup_code challenge_test_list label labels
answerkey answer_idx answer_index answer_start is_impossible context contexts passage support evidence title_id
metadata meta dataset human_accuracy preferred_score append_choices_to_input filter resps filtered_resps arguments
"""
METADATA_FIELDS = frozenset(_METADATA.split())
"""Fields that are no part: names and numbers, and passages that were public before the benchmark was made of them."""
LISTS = ("examples", "data", "questions", "items", "rows", "instances", "problems", "test", "samples", "prompts")
"""Keys under which a JSON object holds its items, the first that is a list of items."""

FORMATS = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt")
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
SHARED, SHARED_ITEMS = 0.05, 3
"""A text that at least so many items and this share of them have belongs to the benchmark's form, not to an item."""
MMLU = ("question", "A", "B", "C", "D", "answer")
"""The columns of a CSV file of six columns without a header."""

_NOTES = re.compile(r"<<[^<>\n]*>>")
_WORD = re.compile(r"[^\W_]+")
_NUMBERS = """
january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday one two three four five six seven eight nine ten eleven twelve first second third
    fourth fifth sixth seventh eighth ninth tenth 일월 이월 삼월 사월 오월 유월 칠월 팔월 구월 시월 월요일 화요일 수요일
    목요일 금요일 토요일 일요일 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열"""
_COUNTED = frozenset(_NUMBERS.split())


class Part(NamedTuple):
    """One text of a benchmark item."""

    benchmark: str
    """The file's name, with as many folders before it as tell it from the others."""
    item: str
    """The item's own id, or its place in the file, from 0."""
    field: str
    """Dotted path of the text in the item: 'question', 'choices.2'."""
    role: Role
    text: str


@dataclass
class FileTable:
    """What was read of one benchmark file."""

    benchmark: str
    items: int = 0
    parts: int = 0
    """Texts that are looked for, unless they are too short."""
    shared: int = 0
    """Texts left out because many items share them."""
    sequences: int = 0
    """Texts left out because they only count (1 2 3, months, days)."""
    metadata: tuple[str, ...] = ()
    """Fields left out."""


def files(paths: Sequence[str]) -> list[Path]:
    """The files that paths and patterns (`benchmarks/*.jsonl`) name, in order.

    Raises UsageError for a path that names none, and for a format that is not one of FORMATS, compressed or not.
    """
    named: dict[Path, None] = {}
    for path in paths:
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else [path]
        if not matches or not all(Path(match).is_file() for match in matches):
            raise UsageError(f"contamination: benchmark file '{path}' does not exist")
        for match in matches:
            if _format(Path(match)) not in FORMATS:
                raise UsageError(f"contamination: '{match}' is none of {', '.join(FORMATS)}")
            named[Path(match)] = None
    return list(named)


def load(paths: Sequence[str | Path], fields: Fields | None = None) -> list[Part]:
    """The parts of all items of benchmark files: see `read`."""
    return read(paths, fields)[0]


def read(paths: Sequence[str | Path], fields: Fields | None = None) -> tuple[list[Part], list[FileTable]]:
    """(parts of all items of benchmark files, what was read of each file).

    Raises UsageError as `files` does, for an item without a known field (unless `fields` names them) and for a file
    without items, and CorpuskitError for a file that cannot be read.
    """
    parts: list[Part] = []
    tables: list[FileTable] = []
    named = files([str(path) for path in paths])
    for file, name in zip(named, _names(named), strict=True):
        try:
            items = list(_items(file))
        except (ValueError, OSError, EOFError, csv.Error, lzma.LZMAError) as error:
            raise CorpuskitError(f"{file}: cannot be read as {_format(file)[1:]}: {error}") from error
        if not items:
            raise UsageError(f"contamination: {file} holds no item")
        own, table = _file_parts(file, name, items, fields)
        parts += own
        tables.append(table)
    return parts, tables


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell them apart."""
    names = [path.name for path in paths]
    for depth in range(2, 12):
        counts = Counter(names)
        names = [
            "/".join(path.parts[-depth:]) if counts[name] > 1 else name for path, name in zip(paths, names, strict=True)
        ]
    return names


def _file_parts(file: Path, name: str, items: Sequence[Any], fields: Fields | None) -> tuple[list[Part], FileTable]:
    table = FileTable(name, len(items))
    skipped: dict[str, None] = {}
    texts: list[list[tuple[str, Role, str]]] = []
    for item in items:
        found: list[tuple[str, Role, str]] = []
        for path, text in _texts(item, ""):
            role = _role(path, fields, isinstance(item, str))
            if role is None:
                skipped[re.sub(r"\.\d+", "", path)] = None
            else:
                found.append((path or "text", role, text))
        texts.append(found)
    if not any(texts):
        keys = ", ".join(map(str, items[0])) if isinstance(items[0], dict) else type(items[0]).__name__
        raise UsageError(
            f"contamination: no field of {file} is known to hold a question or an answer; it has {keys}. "
            "Name them: fields: {FIELD: question, OTHER: answer}"
        )
    holders = Counter(text for found in texts for text in {text for _, _, text in found})
    parts: list[Part] = []
    for number, (item, found) in enumerate(zip(items, texts, strict=True)):
        label = _label(item, number)
        for path, role, text in found:
            if holders[text] >= max(SHARED_ITEMS, SHARED * len(items)):
                table.shared += 1
            elif _only_counts(text):
                table.sequences += 1
            else:
                parts.append(Part(name, label, path, role, text))
                plain = _NOTES.sub("", text)
                if plain != text:
                    parts.append(Part(name, label, path, role, plain))
    table.parts, table.metadata = len(parts), tuple(skipped)
    return parts, table


def _label(item: Any, number: int) -> str:
    keys = ("guid", "id", "task_id", "question_id", "qid", "doc_id")
    if not isinstance(item, dict):
        return str(number)
    return next((str(item[key]) for key in keys if isinstance(item.get(key), (str, int))), str(number))


def _role(path: str, fields: Fields | None, plain: bool) -> Role | None:
    """What the text at a path is; None for metadata."""
    if plain:
        return "question"
    steps = [step for step in path.split(".") if not step.isdigit()]
    if fields is not None:
        name = ".".join(steps)
        return next((role for field, role in fields.items() if name == field or name.startswith(f"{field}.")), None)
    role: Role | None = None
    for step in steps:
        known = _named(step)
        if known == "metadata":
            return None
        # what an answer holds is an answer, whatever its own name
        role = "answer" if "answer" in (known, role) else ("question" if known or role else None)
    return role


def _named(field: str) -> str | None:
    """'question', 'answer' or 'metadata' by the name of a field, None for one that is not known."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[\s-]+", "_", field).lower()
    if name in METADATA_FIELDS or field.lower() in METADATA_FIELDS:
        return "metadata"
    if name in ANSWER_FIELDS:
        return "answer"
    if name in QUESTION_FIELDS:
        return "question"
    words = [word for word in re.split(r"[_\d]+", name) if word]
    if any(word in METADATA_FIELDS for word in words):
        return "metadata"
    if "incorrect" in words or "wrong" in words or "distractor" in words:
        return "question"
    if any(word in ANSWER_FIELDS for word in words):
        return "answer"
    return "question" if any(word in QUESTION_FIELDS and len(word) > 1 for word in words) else None


def _only_counts(text: str) -> bool:
    """Whether a text is little more than numbers that follow one another, or names of months, days and numbers."""
    words = [word.lower() for word in _WORD.findall(text)]
    counted = sum(word in _COUNTED for word in words)
    numbers = [int(word) if word.isdecimal() and len(word) < 10 else None for word in words]
    for before, after in pairwise(numbers):
        counted += before is not None and after is not None and abs(after - before) == 1
    return len(words) >= 4 and counted >= 0.8 * (len(words) - 1)


def _format(file: Path) -> str:
    suffix = file.suffix.lower()
    return Path(file.stem).suffix.lower() if suffix in COMPRESSED else suffix


def _bytes(file: Path) -> bytes:
    """The content of a file, decompressed by what it begins with."""
    data = file.read_bytes()
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:3] == b"BZh":
        return bz2.decompress(data)
    if data[:6] == b"\xfd7zXZ\x00":
        return lzma.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return data


def _items(file: Path) -> Iterator[Any]:
    kind, data = _format(file), _bytes(file)
    if kind == ".parquet":
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches():
            yield from batch.to_pylist()
        return
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    if kind == ".json":
        yield from map(_unwrapped, _elements(json.loads(text), file))
    elif kind == ".jsonl":
        yield from (_unwrapped(json.loads(line)) for line in text.split("\n") if line.strip())
    elif kind == ".txt":
        yield from (line.strip() for line in text.splitlines() if line.strip())
    else:
        yield from _rows(text, "," if kind == ".csv" else "\t")


def _unwrapped(item: Any) -> Any:
    """The item itself: of a log of lm-eval its document and target, of a conversation its turns by their speakers."""
    if not isinstance(item, dict):
        return item
    if isinstance(item.get("doc"), dict) and ("resps" in item or "arguments" in item or "target" in item):
        return {**item["doc"], **{key: item[key] for key in ("doc_id", "target") if key in item}}
    turns = item.get("messages") or item.get("conversations")
    if isinstance(turns, list) and all(isinstance(turn, dict) for turn in turns):
        spoken: dict[str, list[Any]] = {}
        for turn in turns:
            speaker = str(turn.get("role") or turn.get("from") or "user")
            if speaker != "system":
                spoken.setdefault(speaker, []).append(turn.get("content") or turn.get("value"))
        return {**{key: value for key, value in item.items() if key not in ("messages", "conversations")}, **spoken}
    return item


def _elements(content: Any, file: Path) -> list[Any]:
    """The items of a JSON file."""
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        return [content]
    for key in LISTS:
        if isinstance(content.get(key), list) and content[key]:
            return _squad(content[key])
    lists = {key: value for key, value in content.items() if isinstance(value, list) and value}
    of_items = [value for value in lists.values() if isinstance(value[0], dict)]
    if len(of_items) == 1:
        return _squad(of_items[0])
    if any(_named(str(key)) in ("question", "answer") for key in content):
        return [content]
    if content and all(isinstance(value, dict) for value in content.values()):
        return [{"id": key, **value} for key, value in content.items()]
    raise UsageError(
        f"contamination: the layout of {file} is not known; its keys are {', '.join(map(str, content))}. "
        f"Items are looked for under {', '.join(LISTS)}"
    )


def _squad(elements: list[Any]) -> list[Any]:
    """The questions of SQuAD's articles, the elements themselves for any other list."""
    if not all(isinstance(element, dict) and isinstance(element.get("paragraphs"), list) for element in elements):
        return elements
    paragraphs = [paragraph for element in elements for paragraph in element["paragraphs"]]
    return [question for paragraph in paragraphs for question in paragraph.get("qas", [])]


def _rows(text: str, delimiter: str) -> Iterator[dict[str, str]]:
    """The rows of a table; without a header its columns are MMLU's, or numbered."""
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    if not rows:
        return
    header = rows[0]
    if any(_named(cell.strip()) for cell in header) and all(len(cell) <= 40 and "?" not in cell for cell in header):
        names, rows = header, rows[1:]
    elif len(header) == len(MMLU):
        names = list(MMLU)
    else:
        names = [f"question_{number}" for number in range(len(header))]
    for row in rows:
        yield dict(zip(names, row, strict=False))


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value.strip():
            yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            step = f"{path}.{key}" if path else str(key)
            if path.split(".")[-1] == "target_scores":  # BIG-bench: the choices are keys
                yield path, str(key)
            else:
                yield from _texts(inner, step)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{place}" if path else str(place))
