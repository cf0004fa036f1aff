"""Passages: lines, paragraphs and substrings that several documents share, and texts without them.

Boilerplate, cookie notices and quotations make documents that are no duplicates share text all the same. What is found
is cut to whole words, never inside a character, and reported as spans; the texts themselves are left to the caller.
"""

from __future__ import annotations

import math
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from corpuskit.duplicates.corpus import Rows
from corpuskit.duplicates.protected import Protection, code_blocks, protected, whole_sentences, without
from corpuskit.duplicates.repeated_text import Wanted, repeated_text
from corpuskit.duplicates.repeated_units import repeated_units, units
from corpuskit.duplicates.workspace import Partitions, Records, Workspace
from corpuskit.errors import InputError
from corpuskit.inputs import Texts, as_texts
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.unicode import UNSPACED, code_points

Unit = Literal["line", "paragraph", "substring"]
Bounds = Literal["sentence", "word"]
PROTECTED: tuple[Protection, ...] = ("code", "quotations")
MEMORY = 2 << 30


class Spans(NamedTuple):
    """Stretches of texts in bytes, by row and place, none touching another: int64[spans] each."""

    rows: Rows
    starts: Rows
    ends: Rows


def passages(
    texts: Texts,
    unit: Unit = "substring",
    *,
    min_length: int = 100,
    min_documents: int = 2,
    min_share: float = 0.0,
    keep: Literal["first", "none"] = "first",
    protect: Sequence[Protection] = PROTECTED,
    cut_to: Bounds = "sentence",
) -> list[list[tuple[int, int]]]:
    """The repeated passages of each text: (start, end) in characters, in order.

    A passage is a line, a paragraph (up to an empty line), both equal when their words are; or a substring, equal
    character by character and cut to whole sentences or lines (`cut_to` 'word': to whole words). It is at least
    `min_length` characters long and occurs in at least `min_documents` texts, and in the share `min_share` of them all.
    With `keep` 'first' it is not reported for the first of them. What repeats within one text alone is no passage.
    Code and quotations are left where `protect` names them: see `corpuskit.duplicates.protected`.

    Raises InputError for what are not texts, and for an unknown unit.
    """
    if unit not in get_args(Unit):
        raise InputError(f"unit is '{unit}'; it must be 'line', 'paragraph' or 'substring'")
    given = as_texts(texts)
    least = least_documents(min_documents, min_share, len(given) - given.null_count)
    found: Iterable[Records]
    with tempfile.TemporaryDirectory(prefix="corpuskit-") as folder:
        workspace = Workspace(Path(folder), MEMORY)
        if unit == "substring":
            total = int(np.diff(text_buffers(given)[1]).sum())
            wanted = Wanted(min_length, least, keep == "first")
            found = repeated_text(lambda: iter([(0, given)]), total, wanted, workspace)
        else:
            records, counts = units(given, unit == "paragraph", min_length)
            described = [(0, records, counts)]
            found = repeated_units(described, len(records), least, keep == "first", workspace)
        spans = in_order(found, len(given), workspace)
        bounds = np.searchsorted(spans.rows, np.arange(len(given) + 1))
        result: list[list[tuple[int, int]]] = [[] for _ in range(len(given))]
        for row in np.unique(spans.rows).tolist():
            own = slice(bounds[row], bounds[row + 1])
            places = spans.starts[own], spans.ends[own]
            result[row] = character_spans(given[row].as_py(), *places, unit, min_length, tuple(protect), cut_to)
    return result


def in_order(found: Iterable[Records], rows: int, workspace: Workspace) -> Spans:
    """Stretches (row, first byte, end) as they are found, sorted, those that touch as one."""
    columns = [workspace.column(name, np.int64) for name in ("span-rows", "span-starts", "span-ends")]
    partitions = Partitions(workspace, "spans", 3, rows)
    width = max(1, -(-rows // partitions.count))
    for records in found:
        partitions.add(records[:, 0].astype(np.int64) // width, records)
    for number in range(partitions.count):
        records = np.concatenate([np.empty((0, 3), np.uint64), *partitions.chunks(number)])
        partitions.drop(number)
        for column, values in zip(columns, _united(records.astype(np.int64)).T, strict=True):
            column.append(values)
    return Spans(*(column.finish() for column in columns))


def _united(records: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if not len(records):
        return records
    records = records[np.lexsort((records[:, 1], records[:, 0]))]
    reach = 1 + int(records[:, 2].max())
    placed = records[:, 0] * reach  # rows apart, so that one running maximum serves all
    furthest = np.maximum.accumulate(placed + records[:, 2])
    apart = (records[1:, 0] != records[:-1, 0]) | (placed[1:] + records[1:, 1] > furthest[:-1])
    firsts = np.flatnonzero(np.concatenate([[True], apart]))
    lasts = np.append(firsts[1:], len(records)) - 1
    return np.column_stack([records[firsts, :2], furthest[lasts] - placed[lasts]])


def least_documents(least: int, share: float, documents: int) -> int:
    """In how many documents a passage occurs at least."""
    return max(least, math.ceil(share * documents))


def character_spans(
    text: str,
    starts: Rows,
    ends: Rows,
    unit: Unit,
    min_length: int,
    protect: tuple[Protection, ...] = PROTECTED,
    cut_to: Bounds = "sentence",
) -> list[tuple[int, int]]:
    """Spans in bytes as spans in characters, without what is protected; those of substrings are cut to whole sentences
    or words, and dropped where too short."""
    data = text.encode()
    code = code_blocks(text) if "code" in protect else []
    spans = []
    at = characters = 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        while start < end and data[start] & 0xC0 == 0x80:
            start += 1
        while end > start and end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        characters += len(data[at:start].decode())
        first = characters
        characters += len(data[start:end].decode())
        at = end
        last = characters
        if unit != "substring":
            if not protected(text, first, last, protect, code, unit == "paragraph"):
                spans.append((first, last))
            continue
        for piece in without(first, last, code):
            cut = whole_sentences(text, *piece) if cut_to == "sentence" else piece
            cut = _whole_words(text, *cut)
            if cut[1] - cut[0] >= min_length:
                spans.append(cut)
    return spans


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the parts of words at its ends, and without the space that keeps its neighbours apart."""
    while start < end and start > 0 and _within_word(text[start - 1], text[start]):
        start += 1
    while end > start and end < len(text) and _within_word(text[end - 1], text[end]):
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    if start > 0 and not text[start - 1].isspace():  # what stays on both sides must not grow together
        while end > start and text[end - 1].isspace():
            end -= 1
    return start, end


def _within_word(before: str, after: str) -> bool:
    """Whether two neighbouring characters belong to one word. Han and kana characters are words of their own."""
    if unicodedata.category(after)[0] == "M":
        return True
    return _in_word(before) and _in_word(after)


def _in_word(character: str) -> bool:
    if unicodedata.category(character)[0] not in "LNM":
        return False
    points = code_points()
    code = ord(character)
    return not points.classes[int(points.pages[code >> 8]) << 8 | code & 255] & UNSPACED
