"""How much of a benchmark's items a text holds (n-gram overlap: Brown et al. 2020, "Language Models are Few-Shot
Learners", appendix C; here the share of an item that is found, so that one common phrase condemns no text).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from corpuskit.contamination.benchmarks import Fields, FileTable, Part, read
from corpuskit.contamination.index import Index, build, find
from corpuskit.errors import UsageError
from corpuskit.inputs import Texts, as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.unicode import code_points

NGRAM = 13
"""Words in a row that count as a match (twice as many characters of Hangul, Han and Kana)."""
LONGEST_EVIDENCE = 200
"""Characters of the matched passage that are kept."""

RESULT = pa.struct(
    [
        ("overlap", pa.float64()),  # the larger of the two below
        ("question_overlap", pa.float64()),  # largest share of a question's units that is in the text
        ("answer_overlap", pa.float64()),  # the same of an answer's
        ("items", pa.int64()),  # benchmark items of which anything was found
        ("benchmark", pa.string()),  # of the part with the largest overlap: its file, item and field
        ("item", pa.string()),
        ("part", pa.string()),
        ("start", pa.int64()),  # its longest passage in the text, in characters
        ("end", pa.int64()),
        ("passage", pa.string()),  # that passage as the text has it, cut to 200 characters
    ]
)


ITEMS = pa.schema(
    [
        ("benchmark", pa.string()),
        ("items", pa.int64()),
        ("searched_items", pa.int64()),
        ("searched_parts", pa.int64()),
        ("too_short", pa.int64()),
        ("shared", pa.int64()),
        ("sequences", pa.int64()),
        ("metadata", pa.string()),
    ]
)

log = logging.getLogger("corpuskit.contamination")


class Benchmarks(NamedTuple):
    """Benchmark parts, ready to be looked for."""

    parts: list[Part]
    table: Index
    files: list[FileTable]

    @property
    def too_short(self) -> int:
        """Parts that are not looked for, because so few words say nothing."""
        return int((self.table.required == 0).sum())

    def require_items(self) -> None:
        """Raises UsageError for a file of which nothing is looked for: to find nothing would then say nothing."""
        for row in self.items().to_pylist():
            if not row["searched_parts"]:
                raise UsageError(
                    f"contamination: nothing of {row['benchmark']} can be looked for: of its {row['items']} items, "
                    f"{row['too_short']} texts are too short, {row['shared']} are shared by many items, and "
                    f"{row['sequences']} only count"
                )

    def items(self) -> pa.Table:
        """What is looked for of each file: items read and searched, parts searched, too short, shared by many items and
        only counting, and the fields that were left out."""
        short = self.table.required == 0
        rows = []
        for file in self.files:
            own = [number for number, part in enumerate(self.parts) if part.benchmark == file.benchmark]
            searched = [number for number in own if not short[number]]
            rows.append(
                {
                    "benchmark": file.benchmark,
                    "items": file.items,
                    "searched_items": len({self.parts[number].item for number in searched}),
                    "searched_parts": len(searched),
                    "too_short": len(own) - len(searched),
                    "shared": file.shared,
                    "sequences": file.sequences,
                    "metadata": ", ".join(file.metadata),
                }
            )
        return pa.Table.from_pylist(rows, schema=ITEMS)


def prepare(paths: Sequence[str | Path], ngram: int = NGRAM, fields: Fields | None = None) -> Benchmarks:
    """Benchmark files (JSON, JSON Lines, CSV, TSV, Parquet, text, compressed or not) read and indexed.

    The log and `Benchmarks.items` say what is looked for of each file. Raises as `corpuskit.contamination.load`.
    """
    parts, files = read(paths, fields)
    prepared = Benchmarks(parts, build(parts, ngram), files)
    for row in prepared.items().to_pylist():
        log.log(
            logging.INFO if row["searched_parts"] else logging.WARNING,
            "%s: %s of %s items are looked for (%s texts too short, %s shared by many items)",
            row["benchmark"],
            f"{row['searched_items']:,}",
            f"{row['items']:,}",
            f"{row['too_short']:,}",
            f"{row['shared']:,}",
        )
    return prepared


def check(texts: Texts, benchmarks: Benchmarks | Sequence[str | Path], ngram: int = NGRAM) -> pa.StructArray:
    """What each text holds of the benchmarks (files, or what `prepare` made of them), as structs RESULT.

    A null text gives null; a text without a match has overlaps of 0 and no evidence.
    """
    prepared = benchmarks if isinstance(benchmarks, Benchmarks) else prepare(benchmarks, ngram)
    strings = as_texts(texts)
    data, offsets = text_buffers(strings)
    matches = find(data, offsets, code_points(), prepared.table)
    rows: list[dict[str, Any] | None] = [
        {"overlap": 0.0, "question_overlap": 0.0, "answer_overlap": 0.0, "items": 0} if valid else None
        for valid in strings.is_valid().to_pylist()
    ]
    edges = np.flatnonzero(np.diff(matches[:, 0], prepend=-1, append=-1))
    for first, last in itertools.pairwise(edges):
        text = int(matches[first, 0])
        content = data[offsets[text] : offsets[text + 1]].tobytes()
        rows[text] = _summary(matches[first:last], prepared, content)
    return pa.array(rows, RESULT)


def matched(texts: Texts, benchmarks: Benchmarks, most: float) -> list[list[tuple[int, int]]]:
    """The passages of each text, (start, end) in characters, that match parts of which it holds more than `most`."""
    strings = as_texts(texts)
    data, offsets = text_buffers(strings)
    matches = find(data, offsets, code_points(), benchmarks.table)
    spans: list[list[tuple[int, int]]] = [[] for _ in range(len(strings))]
    edges = np.flatnonzero(np.diff(matches[:, 0], prepend=-1, append=-1))
    for first, last in itertools.pairwise(edges):
        text = int(matches[first, 0])
        content = data[offsets[text] : offsets[text + 1]].tobytes()
        overlaps = _overlaps(matches[first:last], benchmarks)
        reach = 0
        own = {(int(m[4]), -int(m[5])) for m in matches[first:last] if overlaps[int(m[1])] > most}
        for start, negative in sorted(own):  # of those that begin together the longest first
            end = -negative
            start = max(start, reach)
            if start < end:
                characters = len(content[:start].decode("utf-8", "replace"))
                spans[text].append((characters, characters + len(content[start:end].decode("utf-8", "replace"))))
                reach = end
    return spans


def _overlaps(matches: Any, benchmarks: Benchmarks) -> dict[int, float]:
    """Part -> the share of its units that lie in the matches of one text."""
    overlaps: dict[int, float] = {}
    for part in np.unique(matches[:, 1]):
        first, last = benchmarks.table.bounds[part : part + 2]
        covered = np.zeros(last - first, bool)
        for _, _, place, length, _, _ in matches[matches[:, 1] == part]:
            covered[place : place + length] = True
        overlaps[int(part)] = float(covered.mean())
    return overlaps


def _summary(matches: Any, benchmarks: Benchmarks, content: bytes) -> dict[str, Any]:
    """The struct of one text from its matches."""
    overlaps = _overlaps(matches, benchmarks)
    best = max(overlaps, key=lambda part: (overlaps[part], -part))
    own = matches[matches[:, 1] == best]
    start, end = own[np.argmax(own[:, 3]), 4:6]
    passage = content[start:end].decode("utf-8", "replace")
    characters = len(content[:start].decode("utf-8", "replace"))
    part = benchmarks.parts[best]
    roles = {
        role: max((share for n, share in overlaps.items() if benchmarks.parts[n].role == role), default=0.0)
        for role in ("question", "answer")
    }
    return {
        "overlap": overlaps[best],
        "question_overlap": roles["question"],
        "answer_overlap": roles["answer"],
        "items": len({benchmarks.parts[n][:2] for n in overlaps}),
        "benchmark": part.benchmark,
        "item": part.item,
        "part": part.field,
        "start": characters,
        "end": characters + len(passage),
        "passage": passage[:LONGEST_EVIDENCE],
    }
