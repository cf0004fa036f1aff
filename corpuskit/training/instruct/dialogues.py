"""Demonstrations, preferences, prompts and texts, read from files of any known layout.

    {"prompt": "What is 3 plus 4?", "answer": "7"}
    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": "How do I pick a lock?", "chosen": "I cannot help with that.", "rejected": "First …", "kind": "safe"}

`corpuskit.training.instruct.layouts` lists the layouts, `corpuskit.training.instruct.records` the kinds of files. Other
fields of a record are kept: `kind` names the quality that a preference is about, `task` and `language` group results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from corpuskit.errors import UsageError
from corpuskit.training.instruct import layouts
from corpuskit.training.instruct.messages import ROLES, Demonstration, Message, Preference, Role
from corpuskit.training.instruct.records import Record, read_records

__all__ = [
    "ROLES",
    "BadRecord",
    "Demonstration",
    "Message",
    "Preference",
    "Reader",
    "Role",
    "demonstrations",
    "read_demonstrations",
    "read_preferences",
    "read_prompts",
    "read_texts",
]

LEDGER = "bad_records.jsonl"
TOLERATED = 0.1
"""Share of a file's records that may be bad: with more, the layout is not what it was taken for."""
SHOWN = 200
"""Characters of a bad record in the ledger."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class BadRecord:
    """A record that was left out."""

    where: str
    reason: str
    record: str
    """Its beginning, as JSON."""


@dataclass
class Reader:
    """Reads files with the settings of one use, and keeps what it had to leave out."""

    fields: Mapping[str, str] = field(default_factory=dict)
    """Our name of a field -> the name in the file."""
    bad_records: Literal["skip", "fail"] = "skip"
    """skip: leave out what cannot be read, as long as it is at most a tenth of a file. fail: stop at the first."""
    skipped: list[BadRecord] = field(default_factory=list)

    def demonstrations(self, path: str | Path) -> Iterator[Demonstration]:
        return self._read(path, layouts.demonstration)

    def preferences(self, path: str | Path) -> Iterator[Preference]:
        return self._read(path, layouts.preference)

    def prompts(self, path: str | Path) -> Iterator[tuple[Message, ...]]:
        """Each prompt once."""
        seen = set()
        for prompt in self._read(path, layouts.prompt):
            if prompt not in seen:
                seen.add(prompt)
                yield prompt

    def texts(self, path: str | Path) -> Iterator[str]:
        return self._read(path, layouts.text)

    def write_ledger(self, folder: Path) -> None:
        """Write `bad_records.jsonl` with what was left out and why; none where nothing was."""
        if self.skipped:
            lines = [json.dumps(vars(bad), ensure_ascii=False) + "\n" for bad in self.skipped]
            (folder / LEDGER).write_text("".join(lines), encoding="utf-8")

    def _read(self, path: str | Path, parse: Callable[[dict[str, object], str], Item]) -> Iterator[Item]:
        """Raises UsageError for an empty file, and for too many bad records, naming the first."""
        total, bad = 0, 0
        first = ""
        for record in read_records(path):
            total += 1
            try:
                if record.problem:
                    raise UsageError(record.problem)
                item = parse(layouts.renamed(record.value, self.fields, record.where), record.where)
            except UsageError as error:
                if self.bad_records == "fail":
                    raise
                bad += 1
                first = first or str(error)
                self.skipped.append(_bad(record, str(error)))
                continue
            yield item
        if not total:
            raise UsageError(f"{path} is empty: it needs records, such as one JSON object a line")
        if bad > TOLERATED * total:
            more = f" ({bad:,} of {total:,} records cannot be read)" if bad > 1 else ""
            raise UsageError(first + more)


def read_demonstrations(path: str | Path, reader: Reader | None = None) -> list[Demonstration]:
    """The conversations of a file. Raises UsageError, naming file, line and field, as `Reader` does."""
    return list((reader or Reader()).demonstrations(path))


def read_preferences(path: str | Path, reader: Reader | None = None) -> list[Preference]:
    """The preferences of a file. Raises UsageError as `read_demonstrations` does, and for equal or empty sides."""
    return list((reader or Reader()).preferences(path))


def read_prompts(path: str | Path, reader: Reader | None = None) -> list[tuple[Message, ...]]:
    """The prompts of demonstrations, preferences or plain prompts, in order, without repetitions."""
    return list((reader or Reader()).prompts(path))


def read_texts(path: str | Path, reader: Reader | None = None) -> list[str]:
    """The texts of a file, in NFC: the field `text`, or a conversation's turns joined by line breaks."""
    return list((reader or Reader()).texts(path))


def known_answers(path: str | Path, reader: Reader | None = None) -> list[Demonstration]:
    """The records of a file of prompts that name their answers."""
    fields = (reader or Reader()).fields
    answered = []
    for record in read_records(path):
        value = {} if record.problem else layouts.renamed(record.value, fields, record.where)
        if any(name in value for name in (*layouts.TURNS, *layouts.ANSWER)):
            answered.append(layouts.demonstration(value, record.where))
    return answered


def demonstrations(pairs: Iterable[tuple[str, str]]) -> list[Demonstration]:
    """Demonstrations from (prompt, answer) pairs. Raises UsageError for an empty side, naming its number."""
    return [
        layouts.demonstration({"prompt": prompt, "answer": answer}, f"pair {number}")
        for number, (prompt, answer) in enumerate(pairs)
    ]


def _bad(record: Record, reason: str) -> BadRecord:
    return BadRecord(record.where, reason, json.dumps(record.value, ensure_ascii=False, default=str)[:SHOWN])
