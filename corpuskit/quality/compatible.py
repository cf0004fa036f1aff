"""Quality measurements and cut lines by the definitions of other tools (`corpuskit.compatible`), in our own form."""

from __future__ import annotations

from functools import cache

import pyarrow as pa

from corpuskit.compatible import LinePeer, Peer, lines_of, measurements_of
from corpuskit.document import Change, apply_changes
from corpuskit.inputs import Languages, Texts, as_languages, as_texts
from corpuskit.quality.measure import measure


def measure_as(peer: Peer, texts: Texts, language: Languages = None) -> pa.StructArray:
    """The measurements of `corpuskit.quality.measure` by the definitions of another tool.

    What the tool does not measure is null, and so is all of a text that it has no tokenizer for (datatrove: any
    language but English). Raises InputError as `measure` does, and MissingExtra where the tokenizer that the tool uses
    is not installed.
    """
    strings = as_texts(texts)
    codes = as_languages(language, len(strings)).to_pylist()
    function = measurements_of(peer)
    rows: list[dict[str, dict[str, float | int | bool | None]] | None] = []
    for text, code in zip(strings.to_pylist(), codes, strict=True):
        if text is None:
            rows.append(None)
            continue
        row: dict[str, dict[str, float | int | bool | None]] = {}
        for name, value in (function(text, code) if text else {}).items():
            group, _, field = name.partition(".")
            row.setdefault(group, {})[field] = value
        rows.append(row)
    return pa.array(rows, _type())


def clean_lines_as(peer: LinePeer, texts: Texts) -> tuple[pa.LargeStringArray, list[list[Change]]]:
    """`corpuskit.quality.clean_lines` by the definitions of another tool: the texts without what its rules for C4 cut,
    and that, as spans of the texts that were given."""
    strings = as_texts(texts)
    changes = lines_of(peer)
    spans = [changes(text) if text else [] for text in strings.to_pylist()]
    cleaned = [
        apply_changes(text, found) if text else text for text, found in zip(strings.to_pylist(), spans, strict=True)
    ]
    return pa.array(cleaned, pa.large_string()), spans


@cache
def _type() -> pa.DataType:
    return measure([]).type
